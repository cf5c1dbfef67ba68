"""Turns rows of an export into typed Arrow columns. Unusual values are converted one by one."""

from __future__ import annotations

import hashlib
import struct
from collections import Counter
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from extract.history import values
from extract.history.arrow_rows import arrow_schema
from extract.history.formats import KEYS_OF, era_of, redacted, unknown_keys
from extract.history.scanner import BadRow
from extract.loading.export_tables import STREAMING_HISTORY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from extract.history.formats import Format
    from extract.history.scanner import Chunk

SCHEMA = arrow_schema(STREAMING_HISTORY)
_TEXTS = [f.name for f in SCHEMA if pa.types.is_string(f.type) and f.name not in ("format", "era", "kind")]
_FLAGS = ["shuffle", "skipped", "offline", "incognito_mode"]
_URIS = ["track_uri", "episode_uri", "audiobook_chapter_uri", "audiobook_uri"]
_NAMES = [
    "track_name", "artist_name", "album_name", "episode_name", "show_name", "audiobook_title",
    "audiobook_chapter_title",
]  # fmt: skip
_SEPARATOR = "\x1f"
MINUTE_LENGTH = len("2021-05-04 13:37")


@dataclass
class Batch:
    """Rows to load (`table` has `SCHEMA`), rejected rows, and unknown keys with their number of rows."""

    table: pa.Table
    bad: list[BadRow] = field(default_factory=list)
    unknown: Counter[str] = field(default_factory=Counter)


def to_batch(chunk: Chunk, *, file_format: Format, file_id: int, is_video: bool) -> Batch:
    """Convert one chunk of a file."""
    bad = [BadRow(row.row_number, row.reason, redacted(row.text)) for row in chunk.bad]
    rows, numbers = chunk.values, chunk.row_numbers
    if not all(type(row) is dict for row in rows):
        bad += [
            BadRow(number, "not an object", redacted(row))
            for row, number in zip(rows, numbers, strict=True)
            if type(row) is not dict
        ]
        kept = [pair for pair in zip(rows, numbers, strict=True) if type(pair[0]) is dict]
        rows, numbers = [row for row, _ in kept], [number for _, number in kept]
    if not rows:
        return Batch(SCHEMA.empty_table(), bad)
    raw, keys = _transpose(rows, KEYS_OF[file_format])
    columns, reasons = _typed(raw, len(rows), has_nul=chunk.has_nul)
    bad += [
        BadRow(numbers[index], reason, redacted(rows[index])) for index, reason in sorted(reasons.items())
    ]
    texts = raw.get("ts") or []
    columns |= {
        "row_number": pa.array(numbers, pa.int64()),
        "file_id": pa.repeat(pa.scalar(file_id, pa.int64()), len(rows)),
        "format": pa.repeat(file_format, len(rows)),
        "era": pa.repeat(era_of(keys, file_format), len(rows)),
        # such a time has no seconds
        "is_minute_precision": pa.array(
            [type(text) is str and len(text) <= MINUTE_LENGTH for text in texts], pa.bool_()
        )
        if file_format == "one_year"
        else pa.repeat(False, len(rows)),
    }
    columns["kind"] = _kinds(columns, is_video=is_video)
    if reasons:
        mask = pa.array([index not in reasons for index in range(len(rows))])
        columns = {name: column.filter(mask) for name, column in columns.items()}
    columns["row_hash"] = _row_hashes(columns, file_format)
    unknown = Counter({key: keys[key] for key in unknown_keys(keys, file_format)})
    return Batch(pa.table([columns[name] for name in SCHEMA.names], schema=SCHEMA), bad, unknown)


def _transpose(
    rows: Sequence[dict[str, Any]], keys: Mapping[str, str]
) -> tuple[dict[str, Sequence[Any]], Counter[str]]:
    """The values of the rows by our column name, and the number of rows that have each key."""
    shape = tuple(rows[0])
    if len(shape) > 1 and set(map(len, rows)) == {len(shape)}:
        try:
            by_key: dict[str, Sequence[Any]] = dict(
                zip(shape, zip(*map(itemgetter(*shape), rows), strict=True), strict=True)
            )
        except KeyError:  # the rows have as many keys, but others
            pass
        else:
            columns = {keys[key]: column for key, column in by_key.items() if key in keys}
            return columns, Counter(dict.fromkeys(shape, len(rows)))
    present: Counter[str] = Counter()
    for row in rows:
        present.update(row.keys())
    return {name: [row.get(key) for row in rows] for key, name in keys.items() if key in present}, present


def _typed(
    raw: Mapping[str, Sequence[Any]], count: int, *, has_nul: bool
) -> tuple[dict[str, pa.Array], dict[int, str]]:
    """Typed columns (null where the file lacks one), and by row index why a row is rejected."""
    nothing: Sequence[Any] = [None] * count
    reasons: dict[int, str] = {}
    columns = {name: values.texts(raw.get(name, nothing), has_nul=has_nul) for name in _TEXTS}
    columns |= {name: values.flags(raw.get(name, nothing)) for name in _FLAGS}
    columns["ts"] = values.times(raw.get("ts", nothing), reasons)
    columns["ms_played"] = values.durations(raw.get("ms_played", nothing), reasons)
    columns["offline_timestamp"] = values.integers(raw.get("offline_timestamp", nothing))
    columns["offline_at"] = values.moments(columns["offline_timestamp"])
    return columns, reasons


def _kinds(columns: Mapping[str, pa.Array], *, is_video: bool) -> pa.Array:
    """The kind of each row. In a video file a podcast is a podcast, and a track is a music video."""
    is_episode = pc.or_(pc.is_valid(columns["episode_uri"]), pc.is_valid(columns["episode_name"]))
    # some exports put an episode into the track's column
    is_episode_uri = pc.starts_with(columns["track_uri"], "spotify:episode:").fill_null(False)
    is_track = pc.and_not(pc.is_valid(columns["track_uri"]), is_episode_uri)
    is_book = pc.or_(
        pc.or_(pc.is_valid(columns["audiobook_uri"]), pc.is_valid(columns["audiobook_title"])),
        pc.or_(
            pc.is_valid(columns["audiobook_chapter_uri"]), pc.is_valid(columns["audiobook_chapter_title"])
        ),
    )
    music = "video" if is_video else "track"
    conditions = [is_track, pc.or_(is_episode, is_episode_uri), is_book, pc.is_valid(columns["track_name"])]
    return pc.case_when(
        pc.make_struct(*conditions, field_names=list("abcd")),
        *(pa.scalar(kind) for kind in (music, "podcast", "audiobook", music)),
        pa.scalar("unknown"),
    )


def _row_hashes(columns: Mapping[str, pa.Array], file_format: Format) -> pa.Array:
    """A 64-bit hash of each row. Two rows with one hash report the same stream.

    It covers the end, the content, the length and both reasons. Columns in which exports differ about one
    stream (platform, `skipped`, names of a track that has a uri) are left out, otherwise overlapping exports
    would double it. Offline streams all end when they are uploaded, so their offline time is included. It is
    rounded to seconds, because some exports have no more.
    """
    uri = pc.coalesce(*(columns[name] for name in _URIS))
    names = pc.binary_join_element_wise(*(columns[name].fill_null("") for name in _NAMES), _SEPARATOR)
    offline_s = pc.if_else(
        columns["offline"].fill_null(False),
        pc.floor(pc.divide(columns["offline_at"].cast(pa.int64()).cast(pa.float64()), 1e6)).cast(pa.int64()),
        None,
    )
    parts = [
        columns["ts"].cast(pa.int64()).cast(pa.string()),
        pc.coalesce(uri, names),
        columns["ms_played"].cast(pa.string()),
        columns["reason_start"],
        columns["reason_end"],
        offline_s.cast(pa.string()),
    ]
    joined = pc.binary_join_element_wise(
        pa.scalar(file_format), *(part.fill_null("") for part in parts), _SEPARATOR
    )
    digest = b"".join([hashlib.blake2b(text.encode(), digest_size=8).digest() for text in joined.to_pylist()])
    return pa.array(struct.unpack(f"<{len(joined)}q", digest), pa.int64())
