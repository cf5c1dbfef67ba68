"""`import_history`: the files of an export → `raw_export`, by packages of a quarter of a million rows."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from extract.history import export_files, known_files
from extract.history.columns import SCHEMA, to_batch
from extract.history.copy_load import exclusive_loader
from extract.history.export_tables import STREAMING_HISTORY
from extract.history.formats import format_of, is_video_name
from extract.history.import_report import FileReport, ImportProgress, ImportReport
from extract.history.reader import Reading, records_of
from extract.history.scanner import ArrayScanner, BadRow, Chunk, NotAListError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extract.history.copy_load import Loader
    from extract.history.export_files import Fingerprint, SourceFile
    from extract.history.export_tables import MergedTable, Row
    from extract.history.import_report import Progress
    from profiles.database import Database
    from profiles.session import Session

GROUP_ROWS = 32_768  # compared with the stored rows at once; what an import holds in memory at most
PACKAGE_ROWS = 262_144  # loaded at once: what a kill costs at most


class _Import:
    """The state of one import: a stream of new rows over all files, and the files behind them."""

    def __init__(self, session: Session, found: export_files.Found, progress: Progress | None) -> None:
        database = session.database
        self._found = found
        self._progress = progress
        self._seen = known_files.SeenRows(database, STREAMING_HISTORY)
        self._imported = known_files.imported_files(database)
        self._begun = known_files.unrecorded_rows(database)
        self._group: list[pa.Table] = []
        self._group_rows = 0
        self._open: dict[int, Reading] = {}
        self._read: list[Reading] = []  # to their end, with rows still in the group
        self._recordable: list[Reading] = []  # every row of theirs has been handed out
        self._bytes_done = 0
        self._rows_read = 0
        self._reports: list[tuple[int, FileReport]] = []
        self._files_done = 0

    def tables(self) -> Iterator[pa.Table]:
        """The new rows of all files, in tables of at most `GROUP_ROWS` or a chunk more."""
        for broken in self._found.broken:
            self._refuse(broken)
        for source in self._found.files:
            yield from self._file(source)
        yield from self._flush()

    def take_recordable(self) -> list[Reading]:
        """The files whose rows have all been handed out since the last call."""
        taken, self._recordable = self._recordable, []
        return taken

    def reports(self, database: Database) -> list[FileReport]:
        """What became of each file, after its last row was loaded."""
        with_rows = [file_id for file_id, report in self._reports if report.new]
        told_before = known_files.rows_told_before(database, with_rows)
        return [
            report.without(told_before[file_id]) if file_id in told_before else report
            for file_id, report in self._reports
        ]

    def _file(self, source: SourceFile) -> Iterator[pa.Table]:
        print_of = export_files.fingerprint(source)
        if print_of.file_id in self._imported:
            self._reports.append((print_of.file_id, FileReport(source.name, "already_imported")))
        else:
            self._imported.add(print_of.file_id)
            reading = Reading(source.name, source.size, print_of.file_id, print_of.sha256)
            reading.new.update(self._begun.get(reading.file_id, {}))
            self._open[reading.file_id] = reading
            yield from self._rows_of(source, reading)
            self._read.append(reading)
        self._bytes_done += source.size
        self._files_done += 1
        self._tell(0)

    def _rows_of(self, source: SourceFile, reading: Reading) -> Iterator[pa.Table]:
        is_video = is_video_name(source.name)
        with ExitStack() as stack:
            try:
                stream = stack.enter_context(source.open())
            except Exception as error:  # zipfile, zlib and the file system each raise their own
                reading.outcome, reading.reason = "rejected", f"it cannot be opened ({error})"
                return
            scanner = ArrayScanner(stream)
            try:
                for chunk in scanner.chunks():
                    if not self._keep(chunk, reading, is_video=is_video):
                        return
                    self._tell(stream.tell())
                    if self._group_rows >= GROUP_ROWS:
                        yield from self._flush()
            except NotAListError as error:
                reading.outcome = "empty" if source.size == 0 else "rejected"
                reading.reason = str(error)
                return
        reading.judge(scanner)

    def _keep(self, chunk: Chunk, reading: Reading, *, is_video: bool) -> bool:
        reading.file_format = reading.file_format or format_of(chunk.values)
        if reading.file_format is None:
            if not chunk.values:  # nothing but broken rows so far
                reading.reject([BadRow(row.row_number, row.reason, "") for row in chunk.bad])
                return True
            reading.outcome, reading.reason = "rejected", "a list, but not of plays"
            return False
        batch = to_batch(chunk, file_format=reading.file_format, file_id=reading.file_id, is_video=is_video)
        reading.reject(batch.bad)
        reading.unknown.update(batch.unknown)
        reading.saw(batch.table["ts"])
        self._rows_read += batch.table.num_rows + len(batch.bad)
        self._group.append(reading.tell_apart(batch.table))
        self._group_rows += batch.table.num_rows
        return True

    def _flush(self) -> Iterator[pa.Table]:
        fresh = self._seen.take_new(pa.concat_tables(self._group)) if self._group else SCHEMA.empty_table()
        self._group, self._group_rows = [], 0
        counts = fresh.group_by(["file_id", "kind"]).aggregate([("row_hash", "count")])
        for row in counts.to_pylist():
            self._open[row["file_id"]].new[row["kind"]] += row["row_hash_count"]
        for reading in self._read:
            del self._open[reading.file_id]
        self._reports += [(reading.file_id, reading.report()) for reading in self._read]
        self._recordable += self._read
        self._read = []
        if fresh.num_rows:
            yield fresh

    def _refuse(self, broken: export_files.Broken) -> None:
        content: Fingerprint = export_files.fingerprint_of_path(broken.path)
        reading = Reading(broken.name, broken.path.stat().st_size, content.file_id, content.sha256)
        reading.outcome, reading.reason = "rejected", broken.reason
        self._reports.append((reading.file_id, reading.report()))
        if reading.file_id not in self._imported:
            self._imported.add(reading.file_id)
            self._recordable.append(reading)

    def _tell(self, position: int) -> None:
        if self._progress:
            self._progress(
                ImportProgress(
                    files_done=self._files_done,
                    files_total=len(self._found.files),
                    bytes_done=self._bytes_done + position,
                    bytes_total=sum(source.size for source in self._found.files),
                    rows_read=self._rows_read,
                )
            )


def import_history(session: Session, path: Path | str, *, progress: Progress | None = None) -> ImportReport:
    """Load Spotify's listening history from a zip, a folder or a file, with no call to Spotify.

    Rows that are stored already, from whatever file, are counted as duplicates and not loaded again. Rows
    that tell a stream otherwise than another file did are loaded, and counted as duplicates too. Killed at
    any point, the next import of the same path goes on and ends with the same tables and counts.

    Raises ImportInputError (nothing to import there), ImportRunningError, LoadFailed.
    """
    began = time.monotonic()
    path = Path(path)
    found = export_files.discover(path)
    with exclusive_loader(session) as loader:
        state = _Import(session, found, progress)
        _load_all(loader, state)
        reports = state.reports(session.database)
    return ImportReport(
        source=path.name,
        files=tuple(reports),
        ignored=tuple(found.ignored),
        seconds=time.monotonic() - began,
    )


def _load_all(loader: Loader, state: _Import) -> None:
    """Package after package. A file is recorded only in a package after the one with its last row.

    dlt loads the tables of a package one by one: recorded together, a kill could leave the record without
    the rows, and the file would never be read again.
    """
    stream = state.tables()
    records: dict[MergedTable, list[Row]] = {}
    while (first := next(stream, None)) is not None:
        loader.load({STREAMING_HISTORY: _package(first, stream)}, records)
        records = records_of(state.take_recordable())
    rest = records_of(state.take_recordable())
    loader.load(merged={table: records.get(table, []) + rest.get(table, []) for table in {*records, *rest}})


def _package(first: pa.Table, stream: Iterator[pa.Table]) -> Iterator[pa.Table]:
    yield first
    count = first.num_rows
    while count < PACKAGE_ROWS and (table := next(stream, None)) is not None:
        yield table
        count += table.num_rows
