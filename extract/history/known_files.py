"""What is stored already, so that nothing is loaded twice and an interrupted import is counted as one."""

from __future__ import annotations

import io
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from psycopg2 import sql
from pyarrow import csv

from extract.history.export_tables import DATASET, CopiedTable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from profiles.database import Database

# Raise it when the readers understand more: files are then read again, and rows still load once.
READER_VERSION = 2


class SeenRows:
    """The hashes of every stored row: 8 bytes per row, whatever the length of the history."""

    def __init__(self, database: Database, table: CopiedTable) -> None:
        self._database = database
        self._table = table
        # read when the first row is asked about: an import of known files asks about none
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
        """The rows that were not seen before, each once; from now on they are seen."""
        if self._parts is None:
            self._parts = self._stored()
        hashes = table["row_hash"].combine_chunks()
        # the few are looked up among the many, as the lookup table is built of what is searched for
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
    """Whether a value stands at its first place."""
    met: set[int] = set()
    first = []
    for value in hashes.to_pylist():
        first.append(value not in met)
        met.add(value)
    return pa.array(first)


def imported_files(database: Database) -> set[int]:
    """The ids of the files that this version of the readers has read to their end."""
    with database.transaction() as cursor:
        cursor.execute(
            sql.SQL("select file_id from {} where reader_version >= %s").format(
                sql.Identifier(DATASET, "import_files")
            ),
            [READER_VERSION],
        )
        return {file_id for (file_id,) in cursor.fetchall()}


def forget_files(database: Database) -> None:
    """Let every file be read again: the rows that they brought are gone."""
    with database.transaction() as cursor:
        cursor.execute(
            sql.SQL("update {} set reader_version = 0").format(sql.Identifier(DATASET, "import_files"))
        )


def unrecorded_rows(database: Database) -> dict[int, dict[str, int]]:
    """Rows by file and kind of files that were not read to their end: an interrupted import loaded them."""
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


# What `listens` in dbt decides stream by stream, as far as a count needs it: same end, to the minute where
# one of the two knows no more, and same length. Another name is an older one where no other row tells a
# stream of that minute and length; of one name, other offline times are other streams of one upload.
_TOLD_BEFORE = """
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
            and coalesce(min(uri) over same_length = max(uri) over same_length, true) as is_told_by_length
        from streams
        window same_length as (partition by minute, ms_played)
    )
    select ours.file_id, ours.kind, count(*)
    from judged as ours
    where
        ours.place is not null
        and exists (
            select from judged as theirs
            where
                theirs.minute = ours.minute
                and theirs.ms_played = ours.ms_played
                and theirs.file_id <> ours.file_id
                and coalesce(theirs.place < ours.place, true)
                and (theirs.ts = ours.ts or 'one_year' in (theirs.format, ours.format))
                and (
                    theirs.uri = ours.uri
                    or theirs.name = ours.name
                    or theirs.is_told_by_length and ours.is_told_by_length
                )
                and coalesce(theirs.offline_at = ours.offline_at, true)
                and not (theirs.format = 'one_year' and ours.format = 'one_year' and theirs.name = ours.name)
        )
    group by ours.file_id, ours.kind
"""


def rows_told_before(database: Database, file_ids: Sequence[int]) -> Mapping[int, Counter[str]]:
    """Rows of these files, by file and kind, that tell a stream of a file that was read before.

    `file_ids` stand in the order in which they were read; every other file came before them.
    """
    found: dict[int, Counter[str]] = defaultdict(Counter)
    if file_ids:
        statement = sql.SQL(_TOLD_BEFORE).format(history=sql.Identifier(DATASET, "streaming_history"))
        with database.transaction() as cursor:
            cursor.execute(statement, [list(file_ids)])
            for file_id, kind, count in cursor.fetchall():
                found[file_id][kind] = count
    return found
