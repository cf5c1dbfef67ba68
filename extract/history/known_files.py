"""What earlier imports stored, so that no row is loaded twice and an interrupted import counts as one."""

from __future__ import annotations

import io
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
from psycopg2 import sql
from pyarrow import csv

from extract.loading.export_tables import DATASET

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from extract.loading.tables import RawTable
    from profiles.database import Database

# Raise this when more can be read from a file: files are then read again, and each row still loads once.
READER_VERSION = 2


class StoredHashes:
    """The hashes of all stored rows, in 8 bytes each, and of the rows added since."""

    def __init__(self, database: Database, table: RawTable) -> None:
        self._database = database
        self._table = table
        # read with the first new row: an import of known files needs none of them
        self._parts: list[pa.Array] | None = None

    def _stored(self) -> list[pa.Array]:
        buffer = io.BytesIO()
        statement = sql.SQL("copy (select row_hash from {}) to stdout (format csv)").format(
            sql.Identifier(DATASET, self._table.name)
        )
        with self._database.transaction() as cursor:
            cursor.copy_expert(statement, buffer, size=1 << 20)
        if not buffer.tell():
            return []
        buffer.seek(0)
        shape = csv.ReadOptions(column_names=["row_hash"])
        types = csv.ConvertOptions(column_types={"row_hash": pa.int64()})
        return list(csv.read_csv(buffer, shape, convert_options=types)["row_hash"].chunks)

    def take_new(self, table: pa.Table) -> pa.Table:
        """Return the rows whose hash is not stored, each once, and add their hashes."""
        if self._parts is None:
            self._parts = self._stored()
        hashes = table["row_hash"].combine_chunks()
        # Arrow builds its lookup table from `value_set`, so that is the smaller side
        known = [part.filter(pc.is_in(part, value_set=hashes)) for part in self._parts]
        is_new = pc.invert(pc.is_in(hashes, value_set=pa.chunked_array(known, pa.int64())))
        if pc.count_distinct(hashes).as_py() < len(hashes):
            is_new = pc.and_(is_new, _is_first(hashes))
        if pc.all(is_new).as_py() is False:
            table = table.filter(is_new)
        if table.num_rows:
            self._parts.append(table["row_hash"].combine_chunks())
        return table


def _is_first(hashes: pa.Array) -> pa.Array:
    """For each value, whether it occurs for the first time."""
    earlier: set[int] = set()
    first = []
    for value in hashes.to_pylist():
        first.append(value not in earlier)
        earlier.add(value)
    return pa.array(first)


class KnownFiles(NamedTuple):
    """Ids of files: `whole` were read without trouble and are not read again, `recorded` have a record."""

    whole: set[int]
    recorded: set[int]


def known_files(database: Database) -> KnownFiles:
    """Return the files that this version of the reader has met.

    One that could not be read, or not to its end, is read again: nobody is told that it was imported.
    """
    with database.transaction() as cursor:
        cursor.execute(
            sql.SQL("select file_id, outcome = 'loaded' from {} where reader_version >= %s").format(
                sql.Identifier(DATASET, "import_files")
            ),
            [READER_VERSION],
        )
        found = cursor.fetchall()
    return KnownFiles({id_ for id_, is_whole in found if is_whole}, {id_ for id_, _ in found})


def unrecorded_rows(database: Database) -> dict[int, dict[str, int]]:
    """Return the number of rows, by file and kind, that an interrupted import loaded of unfinished files."""
    with database.transaction() as cursor:
        cursor.execute(
            sql.SQL(
                "select file_id, kind, count(*) from {history} as history"
                " where not exists (select from {files} as files where files.file_id = history.file_id)"
                " group by file_id, kind"
            ).format(
                history=sql.Identifier(DATASET, "streaming_history"),
                files=sql.Identifier(DATASET, "import_files"),
            )
        )
        found: dict[int, dict[str, int]] = {}
        for file_id, kind, count in cursor.fetchall():
            found.setdefault(file_id, {})[kind] = count
        return found


# Which rows repeat a stream that another file reports. dbt decides this in `listens`; here it is only
# counted. Both rows have the same end (to the minute, where one of them has no seconds) and the same
# length. With another name they are one stream where no other row has that minute and length. With the same
# name, different offline times mean different streams of one upload.
_REPEATED_ROWS = """
    with
    files as (
        select file_id, place from unnest(%s::bigint[]) with ordinality as given (file_id, place)
    ),
    streams as (
        select
            history.file_id, history.kind, history.format, history.ts, history.ms_played, files.place,
            floor(extract(epoch from history.ts) / 60) as minute,
            coalesce(track_uri, episode_uri, audiobook_chapter_uri, audiobook_uri) as uri,
            lower(concat_ws('|', track_name, artist_name, episode_name, show_name, audiobook_title,
                audiobook_chapter_title)) as name,
            case when offline then date_trunc('second', offline_at) end as offline_at
        from {history} as history
        left join files on history.file_id = files.file_id
        where history.ms_played is not null
    ),
    judged as (
        select
            *,
            ms_played >= 5000
            and count(*) over (partition by minute, ms_played, file_id) = 1
            and coalesce(min(uri) over same_length = max(uri) over same_length, true) as is_alone_with_length
        from streams
        window same_length as (partition by minute, ms_played)
    )
    select own.file_id, own.kind, count(*)
    from judged as own
    where
        own.place is not null
        and exists (
            select from judged as others
            where
                others.minute = own.minute
                and others.ms_played = own.ms_played
                and others.file_id <> own.file_id
                and coalesce(others.place < own.place, true)
                and (others.ts = own.ts or 'one_year' in (others.format, own.format))
                and (
                    others.uri = own.uri
                    or others.name = own.name
                    or others.is_alone_with_length and own.is_alone_with_length
                )
                and coalesce(others.offline_at = own.offline_at, true)
                and not (others.format = 'one_year' and own.format = 'one_year' and others.name = own.name)
        )
    group by own.file_id, own.kind
"""


def count_repeated_rows(database: Database, file_ids: Sequence[int]) -> Mapping[int, Counter[str]]:
    """Return how many rows of these files, by file and kind, repeat a stream of a file read before.

    `file_ids` are in the order in which they were read. Every other file was read before them.
    """
    found: dict[int, Counter[str]] = defaultdict(Counter)
    if file_ids:
        statement = sql.SQL(_REPEATED_ROWS).format(history=sql.Identifier(DATASET, "streaming_history"))
        with database.transaction() as cursor:
            cursor.execute(statement, [list(file_ids)])
            for file_id, kind, count in cursor.fetchall():
                found[file_id][kind] = count
    return found
