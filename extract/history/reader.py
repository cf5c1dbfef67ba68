"""One file of an export while it is read, and the rows that record it in `raw_export`."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from extract.history.formats import is_video_name
from extract.history.import_report import MUSIC_KINDS, FileReport
from extract.history.known_files import READER_VERSION
from extract.loading.export_tables import IMPORT_FILES, REJECTED_ROWS

if TYPE_CHECKING:
    from extract.history.formats import Format
    from extract.history.import_report import Outcome
    from extract.history.scanner import ArrayScanner, BadRow
    from extract.loading.tables import RawTable, Row

REJECTED_KEPT = 10_000  # per file; all are counted


@dataclass
class FileInProgress:
    """One file, or one table of an older tracker, while it is read: counts, rejected rows, outcome."""

    name: str
    size: int = 0
    file_id: int = 0
    sha256: str = ""
    file_format: Format | None = None
    outcome: Outcome = "loaded"
    reason: str | None = None
    is_damaged: bool = False
    """Whether it could not be read, or not to its end."""
    valid: int = 0
    repaired: int = 0
    new: Counter[str] = field(default_factory=Counter)
    bad: list[BadRow] = field(default_factory=list)
    reject_reasons: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    first_at: datetime | None = None
    last_at: datetime | None = None
    _copies: Counter[int] = field(default_factory=Counter)

    def with_distinct_hashes(self, table: pa.Table, file_format: Format) -> pa.Table:
        """Return one-year rows with a hash for each of several equal ones, the same in every reading.

        These rows have no offline time: a track heard twice offline and uploaded in one minute gives two
        equal rows. Whether equal rows are several streams or one is decided in dbt.
        """
        if file_format != "one_year":
            return table
        hashes = table["row_hash"].to_pylist()
        distinct = []
        for value in hashes:
            distinct.append(_hash_of_copy(value, self._copies[value]))
            self._copies[value] += 1
        if distinct == hashes:
            return table
        column = table.schema.get_field_index("row_hash")
        return table.set_column(column, table.schema.field(column), pa.array(distinct, pa.int64()))

    def refuse(self, reason: str, *, outcome: Outcome = "rejected") -> None:
        """Say that nothing of the file can be read, and why."""
        self.outcome, self.reason, self.is_damaged = outcome, reason, True

    def reject(self, rows: list[BadRow]) -> None:
        """Count these rejected rows, and keep the first ten thousand of the file."""
        self.reject_reasons.update(row.reason for row in rows)
        self.bad += rows[: max(0, REJECTED_KEPT - len(self.bad))]

    def add_times(self, times: pa.ChunkedArray) -> None:
        """Count rows that were read, and widen the span from the first to the last time."""
        span = pc.min_max(times).as_py()
        self.valid += len(times)
        if span["min"] is not None:
            self.first_at = min(self.first_at or span["min"], span["min"])
            self.last_at = max(self.last_at or span["max"], span["max"])

    def report(self) -> FileReport:
        """Return the report of the file."""
        rejected = self.reject_reasons.total()
        return FileReport(
            name=self.name,
            outcome=self.outcome,
            reason=self.reason,
            format=self.file_format,
            rows_read=self.valid + rejected,
            new=dict(self.new),
            duplicates=self.valid - self.new.total(),
            rejected=rejected,
            repaired=self.repaired,
            is_damaged=self.is_damaged,
            reject_reasons=dict(self.reject_reasons),
            unknown_keys=dict(self.unknown),
            first_at=self.first_at,
            last_at=self.last_at,
        )

    def decide_outcome(self, scanner: ArrayScanner) -> None:
        """Decide the outcome after the last row."""
        rejected = self.reject_reasons.total()
        self.is_damaged = scanner.cut_short or scanner.read_error is not None
        if rejected and not self.valid:
            self.refuse(f"none of its {rejected:,} rows can be read")
        elif scanner.read_error:
            self.outcome, self.reason = "partial", f"it breaks in the middle ({scanner.read_error})"
        elif scanner.cut_short:
            self.outcome, self.reason = "partial", "it is cut short; what stands before the cut was read"
        elif rejected:
            self.outcome, self.reason = "partial", self._why_rejected()
        elif not self.valid:
            self.outcome, self.reason = "empty", "the list has no rows"
        if rejected > REJECTED_KEPT:
            self.reason = f"{self.reason}, the first {REJECTED_KEPT:,} of them kept"

    def _why_rejected(self) -> str:
        reasons = [f"{count:,} × {reason}" for reason, count in self.reject_reasons.most_common()]
        return f"{self.reject_reasons.total():,} rows rejected ({', '.join(reasons)})"


def _hash_of_copy(value: int, copy: int) -> int:
    """The hash itself for the first row (`copy` 0), another one for each later equal row."""
    if not copy:
        return value
    digest = hashlib.blake2b(f"{value} {copy}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


def record_rows(read_files: list[FileInProgress]) -> dict[RawTable, list[Row]]:
    """Return the rows of `import_files` and `rejected_rows` for these files."""
    if not read_files:
        return {}
    now = datetime.now(UTC)
    files = [_file_row(file, now) for file in read_files]
    rejected: list[Row] = [
        {
            "file_id": file.file_id,
            "row_number": row.row_number,
            "reason": row.reason,
            "row_text": row.text,
            "rejected_at": now,
        }
        for file in read_files
        for row in file.bad
    ]
    return {IMPORT_FILES: files, REJECTED_ROWS: rejected}


def _file_row(file: FileInProgress, now: datetime) -> Row:
    report = file.report()
    return {
        "file_id": file.file_id,
        "sha256": file.sha256,
        "name": file.name,
        "size_bytes": file.size,
        "format": file.file_format,
        "is_video": is_video_name(file.name),
        "outcome": file.outcome,
        "reason": file.reason,
        "row_count": report.rows_read,
        "play_count": sum(file.new[kind] for kind in MUSIC_KINDS),
        "podcast_count": file.new["podcast"],
        "audiobook_count": file.new["audiobook"],
        "unknown_count": file.new["unknown"],
        "duplicate_count": report.duplicates,
        "rejected_count": report.rejected,
        "unknown_keys": report.unknown_keys,
        "first_at": file.first_at,
        "last_at": file.last_at,
        "reader_version": READER_VERSION,
        "imported_at": now,
    }
