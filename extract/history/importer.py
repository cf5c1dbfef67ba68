"""Imports the files of a Spotify export into `raw_export`, in packages of a quarter of a million rows."""

from __future__ import annotations

import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from extract.history import export_files, known_files
from extract.history.arrow_rows import ArrowRows
from extract.history.columns import SCHEMA, to_batch
from extract.history.formats import format_of, is_video_name
from extract.history.import_lock import exclusive_loader
from extract.history.import_report import FileReport, ImportProgress, ImportReport
from extract.history.reader import FileInProgress, record_rows
from extract.history.scanner import ArrayScanner, BadRow, Chunk, NotAListError
from extract.loading.export_tables import STREAMING_HISTORY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extract.history.export_files import SourceFile
    from extract.history.import_report import ShowProgress
    from extract.loading.loader import Loader
    from extract.loading.tables import RawTable, Row
    from profiles.database import Database
    from profiles.session import Session

GROUP_ROWS = 32_768  # compared with the stored rows together; an import holds no more in memory
PACKAGE_ROWS = 262_144  # loaded together: a kill costs at most so many


class ExportImport:
    """One import: the stream of new rows of all files, and what became of each file."""

    def __init__(
        self, session: Session, found: export_files.FoundFiles, progress: ShowProgress | None
    ) -> None:
        database = session.database
        self._found = found
        self._progress = progress
        self._stored_hashes = known_files.StoredHashes(database, STREAMING_HISTORY)
        self._known = known_files.known_files(database)
        self._unfinished = known_files.unrecorded_rows(database)
        self._seen: set[int] = set()  # in this import, of whatever outcome
        self._group: list[pa.Table] = []
        self._group_rows = 0
        self._open: dict[int, FileInProgress] = {}
        self._read: list[FileInProgress] = []  # read to their end, some rows are still in the group
        self._recordable: list[FileInProgress] = []  # all their rows have been yielded
        self._bytes_done = 0
        self._rows_read = 0
        self._reports: list[tuple[int, FileReport]] = []
        self._files_done = 0

    def tables(self) -> Iterator[pa.Table]:
        """Yield the new rows of all files, in tables of about `GROUP_ROWS` rows."""
        for unreadable in self._found.unreadable:
            self._reject_file(unreadable)
        for source in self._found.files:
            yield from self._new_rows_of(source)
        yield from self._flush()

    def take_recordable(self) -> list[FileInProgress]:
        """Return the files whose last row has been yielded since the last call."""
        recordable, self._recordable = self._recordable, []
        return recordable

    def reports(self, database: Database) -> list[FileReport]:
        """Return what became of each file. Call it after the last row is loaded."""
        with_rows = [file_id for file_id, report in self._reports if report.new]
        repeats = known_files.count_repeated_rows(database, with_rows)
        reports = {
            report.name: report.with_repeats(repeats[file_id]) if file_id in repeats else report
            for file_id, report in self._reports
        }
        return [reports[name] for name in self._found.names]

    def _new_rows_of(self, source: SourceFile) -> Iterator[pa.Table]:
        content = export_files.fingerprint(source)
        if content.file_id in self._known.whole or content.file_id in self._seen:
            self._reports.append((content.file_id, FileReport(source.name, "already_imported")))
        else:
            self._seen.add(content.file_id)
            file = FileInProgress(source.name, source.size, content.file_id, content.sha256)
            file.new.update(self._unfinished.get(file.file_id, {}))
            self._open[file.file_id] = file
            yield from self._read_file(source, file)
            self._read.append(file)
        self._bytes_done += source.size
        self._files_done += 1
        self._report_progress(0)

    def _read_file(self, source: SourceFile, file: FileInProgress) -> Iterator[pa.Table]:
        is_video = is_video_name(source.name)
        with ExitStack() as stack:
            try:
                stream = stack.enter_context(source.open())
            except Exception as error:  # zipfile, zlib and the file system each raise their own
                file.refuse(_why_unopened(error))
                return
            scanner = ArrayScanner(stream)
            try:
                for chunk in scanner.chunks():
                    if not self._add_chunk(chunk, file, is_video=is_video):
                        return
                    self._report_progress(stream.tell())
                    if self._group_rows >= GROUP_ROWS:
                        yield from self._flush()
            except NotAListError as error:
                file.refuse(str(error), outcome="empty" if source.size == 0 else "rejected")
                return
        file.decide_outcome(scanner)

    def _add_chunk(self, chunk: Chunk, file: FileInProgress, *, is_video: bool) -> bool:
        """Add the rows of a chunk to the group. Returns whether the file can be a listening history."""
        file.file_format = file.file_format or format_of(chunk.values)
        if file.file_format is None:
            if not chunk.values:  # nothing but broken rows so far
                file.reject([BadRow(row.row_number, row.reason, "") for row in chunk.bad])
                return True
            file.refuse("a list, but not of plays")
            return False
        # files that somebody joined may be of two formats
        file_format = format_of(chunk.values) or file.file_format
        batch = to_batch(chunk, file_format=file_format, file_id=file.file_id, is_video=is_video)
        file.repaired += chunk.repaired
        file.reject(batch.bad)
        file.unknown.update(batch.unknown)
        file.add_times(batch.table["ts"])
        self._rows_read += batch.table.num_rows + len(batch.bad)
        self._group.append(file.with_distinct_hashes(batch.table, file_format))
        self._group_rows += batch.table.num_rows
        return True

    def _flush(self) -> Iterator[pa.Table]:
        """Yield the new rows of the group, and count them for their files."""
        group = pa.concat_tables(self._group) if self._group else SCHEMA.empty_table()
        new_rows = self._stored_hashes.take_new(group) if self._group else group
        self._group, self._group_rows = [], 0
        counts = new_rows.group_by(["file_id", "kind"]).aggregate([("row_hash", "count")])
        for row in counts.to_pylist():
            self._open[row["file_id"]].new[row["kind"]] += row["row_hash_count"]
        for file in self._read:
            del self._open[file.file_id]
        self._reports += [(file.file_id, file.report()) for file in self._read]
        self._recordable += [file for file in self._read if file.file_id not in self._known.recorded]
        self._read = []
        if new_rows.num_rows:
            yield new_rows

    def _reject_file(self, unreadable: export_files.UnreadableFile) -> None:
        source = unreadable.source
        content = export_files.fingerprint(source)
        file = FileInProgress(source.name, source.size, content.file_id, content.sha256)
        file.refuse(unreadable.reason)
        self._reports.append((file.file_id, file.report()))
        if file.file_id not in self._known.recorded | self._seen:
            self._recordable.append(file)
        self._seen.add(file.file_id)

    def _report_progress(self, position: int) -> None:
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


def _why_unopened(error: Exception) -> str:
    if isinstance(error, NotImplementedError):  # of zipfile
        return "its zip uses a compression that cannot be read here: unpack the zip, then import the folder"
    return f"it cannot be opened ({error}): download the export again"


def import_history(
    session: Session, path: Path | str | None = None, *, progress: ShowProgress | None = None
) -> ImportReport:
    """Load Spotify's listening history from a zip, a folder or a file. Makes no call to Spotify.

    Without a path it takes what lies in the inbox, TRACKER_HOME/imports.

    Rows that are stored already, from whatever file, count as duplicates and are not loaded again. Rows that
    report a stream of another file differently are loaded, and count as duplicates too. After a kill at any
    point, the next import of the same path goes on and ends with the same tables and counts.

    Raises ImportInputError (nothing to import there), ImportRunningError, LoadFailed.
    """
    began = time.monotonic()
    path = Path(path) if path else export_files.inbox(session.settings)
    found = export_files.discover(path)
    with exclusive_loader(session) as loader:
        export = ExportImport(session, found, progress)
        _load_all(loader, export)
        reports = export.reports(session.database)
    return ImportReport(
        source=path.name,
        files=tuple(reports),
        ignored=tuple(found.ignored),
        seconds=time.monotonic() - began,
    )


def _load_all(loader: Loader, export: ExportImport) -> None:
    """Load package after package. A file is recorded in a package after the one with its last row.

    dlt loads the tables of a package one by one. If a file were recorded together with its rows, a kill could
    leave the record without the rows, and the file would never be read again.
    """
    stream = export.tables()
    records: dict[RawTable, list[Row]] = {}
    while (first := next(stream, None)) is not None:
        loader.load_all({STREAMING_HISTORY: ArrowRows(STREAMING_HISTORY, _package(first, stream)), **records})
        records = record_rows(export.take_recordable())
    rest = record_rows(export.take_recordable())
    loader.load_all({table: records.get(table, []) + rest.get(table, []) for table in {*records, *rest}})


def _package(first: pa.Table, stream: Iterator[pa.Table]) -> Iterator[pa.Table]:
    yield first
    count = first.num_rows
    while count < PACKAGE_ROWS and (table := next(stream, None)) is not None:
        yield table
        count += table.num_rows
