"""The user's playlists, and the entries of those that a rule or the exclusions look into."""

from __future__ import annotations

import logging
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from extract.loading import pipeline
from extract.loading.clean import clean, optional_time, text_or_none
from extract.loading.filling import filled
from extract.loading.source_checks import read_check, write_check
from extract.loading.stored_payloads import StoredPayload, stored_payloads
from extract.loading.tables import FILLED, PLAYLIST_ITEMS, PLAYLISTS, Row
from extract.loading.whole_view import PageFacts, why_not_whole
from extract.report import LoadReport
from profiles.clock import as_of
from profiles.database import advisory_lock
from profiles.errors import Forbidden, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from profiles.session import Session

logger = logging.getLogger(__name__)

PAGE_SIZE = 50
EXCLUSIONS_SLUG = "exclusions"
ATTEMPTS = 2  # a list that is edited while it is read is read once more; then the stored one is kept


@dataclass
class _Outcome:
    """What has been done so far, for the report."""

    rows: int = 0
    removed: int = 0
    detail: dict[str, Any] = field(default_factory=dict)
    kept: dict[str, str] = field(default_factory=dict)


def sync_playlists(session: Session, playlist_ids: Iterable[str]) -> LoadReport:
    """Bring `playlists` in line with GET /me/playlists, and `playlist_items` for the given playlist ids.

    The listing is one view or none: it takes the place of the stored one in one transaction, and only when
    whole. Entries are read where `snapshot_id` differs from that of the last complete read; positions are
    kept, with null and local entries in their places. A playlist that is not listed (the user deleted it),
    not readable or edited meanwhile keeps its stored entries; `detail["kept"]` says which and why.
    """
    calls_before = session.spotify.calls_made
    wanted = sorted(set(playlist_ids))
    with advisory_lock(session.database, "extract:playlists", wait=False) as is_mine:
        if not is_mine:
            return LoadReport.skipped(PLAYLISTS.name)
        pipeline.ensure_tables(session, "playlists")
        pipeline.finish_pending(session, "playlists")
        outcome = _Outcome()
        listing = _sync_listing(session, outcome)
        if listing is not None:
            for playlist_id in wanted:
                _sync_items(session, playlist_id, listing.get(playlist_id), outcome)
    if outcome.kept:
        outcome.detail["kept"] = outcome.kept
    calls = session.spotify.calls_made - calls_before
    logger.info(
        "playlists: %d rows, %d gone, %d calls %s", outcome.rows, outcome.removed, calls, outcome.detail
    )
    return LoadReport(PLAYLISTS.name, outcome.rows, outcome.removed, calls, outcome.detail)


def watched_playlists(session: Session) -> list[str]:
    """Return the ids of the exclusions playlist and of the playlists whose entries are stored already."""
    with session.database.transaction() as cursor:
        cursor.execute(
            """
            select playlist_id from ops.playlists where slug = %s and playlist_id is not null
            union
            select substr(resource, length('playlist_items:') + 1) from ops.source_checks
            where resource like 'playlist\\_items:%%'
            """,
            [EXCLUSIONS_SLUG],
        )
        return sorted(playlist_id for (playlist_id,) in cursor.fetchall())


def _sync_listing(session: Session, outcome: _Outcome) -> dict[str, dict[str, Any]] | None:
    """Read all of the user's playlists and store what differs. None where no whole view was got.

    Nothing is taken for gone where something is hidden: by a null entry, which may be any of the stored ones,
    or because the consent does not cover private or collaborative playlists.
    """
    looked_at = as_of(session.settings)
    for _ in range(ATTEMPTS):
        listing = _read_listing(session)
        if listing.why is None:
            break
    else:
        logger.warning("playlists: the stored listing is kept, %s", listing.why)
        outcome.detail["not_whole"] = listing.why
        return None
    listed = listing.playlists
    hidden = [*session.spotify.scopes_hiding_playlists(), *(["null entries"] if listing.nulls else [])]
    stored = stored_payloads(session.database, PLAYLISTS)
    changed = [
        _playlist_row(id_, playlist, stored.get(id_))
        for id_, playlist in listed.items()
        if id_ not in stored or stored[id_].latest != playlist
    ]
    gone: list[Row] = [{"playlist_id": id_, "is_gone": True} for id_ in stored if id_ not in listed]
    if hidden:
        outcome.detail["hidden"] = hidden
        logger.warning(
            "playlists: nothing is taken for deleted, the list is not whole: %s", ", ".join(hidden)
        )
        gone = []
    loaded = pipeline.load(session, "playlists", {PLAYLISTS: [*changed, *gone]})
    outcome.rows += len(changed) - len(loaded.rejected)
    outcome.removed += len(gone)
    outcome.detail["listed"] = len(listed)
    write_check(session.database, PLAYLISTS.name, looked_at, len(listed), {})
    return listed


@dataclass(frozen=True)
class _Listing:
    """One reading of the list. `nulls` counts entries without a playlist, `why` says why it is not whole."""

    playlists: dict[str, dict[str, Any]]
    nulls: int
    why: str | None


def _read_listing(session: Session) -> _Listing:
    pages: list[PageFacts] = []
    listed: dict[str, dict[str, Any]] = {}
    nulls = 0
    for page in session.spotify.pages("me/playlists", limit=PAGE_SIZE):
        pages.append(PageFacts.of(page))
        for came in page.items:
            playlist = clean(came) if isinstance(came, dict) else {}
            if id_ := text_or_none(playlist.get("id")):
                listed.setdefault(id_, playlist)
            else:
                nulls += 1  # they count in the total
    return _Listing(listed, nulls, why_not_whole(pages, len(listed) + nulls))


def _playlist_row(id_: str, playlist: Mapping[str, Any], stored: StoredPayload | None) -> Row:
    return {
        "playlist_id": id_,
        "snapshot_id": text_or_none(playlist.get("snapshot_id")),
        "payload": playlist,
        # the rest of it, its pictures and how many entries it holds, may well be none
        FILLED: filled(playlist, stored and {"name": stored.best.get("name")}),
    }


def _sync_items(
    session: Session, playlist_id: str, listed: Mapping[str, Any] | None, outcome: _Outcome
) -> None:
    resource = f"{PLAYLIST_ITEMS.name}:{playlist_id}"
    if listed is None:
        outcome.kept[playlist_id] = "it is not among the user's playlists"
        return
    looked_at = as_of(session.settings)
    snapshot_id = text_or_none(listed.get("snapshot_id"))
    check = read_check(session.database, resource)
    stored_count = _stored_count(session, playlist_id)
    # the count guards against a memory that outlived its rows (a purge, a restored backup)
    if (
        check
        and snapshot_id
        and check.detail.get("snapshot_id") == snapshot_id
        and check.total == stored_count
    ):
        write_check(session.database, resource, looked_at, check.total, check.detail)
        return
    try:
        read = _read_items(session, playlist_id, snapshot_id)
    except (Forbidden, NotFound) as error:
        outcome.kept[playlist_id] = str(error)
        logger.warning("playlist %s: its stored entries are kept, %s", playlist_id, error)
        return
    if read.why is not None:
        outcome.kept[playlist_id] = read.why
        logger.warning("playlist %s: its stored entries are kept, %s", playlist_id, read.why)
        return
    surplus: list[Row] = [
        {"playlist_id": playlist_id, "position": position, "is_gone": True}
        for position in range(len(read.rows), stored_count)
    ]
    _fill_items(read.rows, _stored_items(session, playlist_id))
    loaded = pipeline.load(session, "playlists", {PLAYLIST_ITEMS: [*read.rows, *surplus]})
    outcome.rows += len(read.rows) - len(loaded.rejected)
    total = len(read.rows) - len(loaded.rejected)
    write_check(session.database, resource, looked_at, total, {"snapshot_id": read.snapshot_id})


@dataclass(frozen=True)
class _Read:
    """One reading of a playlist's entries. `why` says why it cannot be believed."""

    rows: list[Row]
    snapshot_id: str | None
    why: str | None = None


def _read_items(session: Session, playlist_id: str, snapshot_id: str | None) -> _Read:
    read = _Read([], snapshot_id, "it was not read")
    for _ in range(ATTEMPTS):
        read = _read_once(session, playlist_id, read.snapshot_id)
        if read.why is None:
            break
    return read


def _read_once(session: Session, playlist_id: str, snapshot_id: str | None) -> _Read:
    """Read all entries. Several pages are one view only if the snapshot is the same afterwards."""
    pages: list[PageFacts] = []
    rows: list[Row] = []
    # without `fields`: a filter that names the wrong wrapper gives empty objects, which look like a cleared
    # playlist
    for page in session.spotify.pages(
        f"playlists/{playlist_id}/items", limit=PAGE_SIZE, additional_types="track,episode"
    ):
        pages.append(PageFacts.of(page))
        rows.extend(
            _item_row(playlist_id, snapshot_id, page.offset + at, came) for at, came in enumerate(page.items)
        )
    why = why_not_whole(pages, len(rows))
    seen_now = snapshot_id
    if len(pages) > 1:
        seen_now = text_or_none(session.spotify.get(f"playlists/{playlist_id}").get("snapshot_id"))
        if why is None and seen_now != snapshot_id:
            why = "it changed while it was read"
    return _Read(rows, seen_now if why else snapshot_id, why)


def _item_row(playlist_id: str, snapshot_id: str | None, position: int, came: Any) -> Row:
    entry = clean(came) if isinstance(came, dict) else {}
    thing = entry.get("item") or entry.get("track")
    uri = thing.get("uri") if isinstance(thing, dict) else None
    return {
        "playlist_id": playlist_id,
        "position": position,
        "snapshot_id": snapshot_id,
        "uri": text_or_none(uri),
        "added_at": optional_time(entry.get("added_at")),
        "payload": entry,
    }


def _stored_count(session: Session, playlist_id: str) -> int:
    with session.database.transaction() as cursor:
        cursor.execute(
            "select count(*) from raw_spotify.playlist_items where playlist_id = %s", [playlist_id]
        )
        row = cursor.fetchone()
    return int(row[0]) if row else 0


def _stored_items(session: Session, playlist_id: str) -> list[_StoredItem]:
    with session.database.transaction() as cursor:
        cursor.execute(
            "select coalesce(filled_payload, payload) from raw_spotify.playlist_items"
            " where playlist_id = %s order by position",
            [playlist_id],
        )
        return [_StoredItem.of(payload) for (payload,) in cursor]


@dataclass(frozen=True)
class _StoredItem:
    """An entry as it was stored: what it holds, and when that was added."""

    uri: str | None
    added_at: str | None
    payload: dict[str, Any]

    @classmethod
    def of(cls, payload: dict[str, Any]) -> _StoredItem:
        thing = payload.get("item") or payload.get("track")
        uri = text_or_none(thing.get("uri")) if isinstance(thing, dict) else None
        return cls(uri, text_or_none(payload.get("added_at")), payload)


def _fill_items(rows: list[Row], stored: list[_StoredItem]) -> None:
    """Fill what entries lack from those that were stored before, wherever they stood.

    An entry that Spotify shows as null is the one that was added at that time. Where not as many are missed
    as are hidden, nobody knows which one it is.
    """
    by_uri = {item.uri: item for item in reversed(stored) if item.uri}
    listed = {row["uri"] for row in rows}
    missed: dict[str, list[_StoredItem]] = defaultdict(list)
    hidden: dict[str, list[Row]] = defaultdict(list)
    for item in stored:
        if item.uri and item.added_at and item.uri not in listed:
            missed[item.added_at].append(item)
    for row in rows:
        if row["uri"]:
            earlier = by_uri.get(row["uri"])
            row[FILLED] = filled(row["payload"], earlier.payload if earlier else None)
        elif added_at := text_or_none(row["payload"].get("added_at")):
            hidden[added_at].append(row)
    for added_at, entries in hidden.items():
        if len(entries) == len(missed[added_at]):
            for row, item in zip(entries, missed[added_at], strict=True):
                row[FILLED] = filled(row["payload"], item.payload)
