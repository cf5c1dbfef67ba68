"""One file while it is read, and what is recorded of it at its end."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from extract.history.export_tables import IMPORT_FILES, REJECTED_ROWS
from extract.history.formats import is_video_name
from extract.history.import_report import MUSIC_KINDS, FileReport
from extract.history.known_files import READER_VERSION

if TYPE_CHECKING:
    from extract.history.export_tables import MergedTable, Row
    from extract.history.formats import Format
    from extract.history.import_report import Outcome
    from extract.history.scanner import ArrayScanner, BadRow

REJECTED_KEPT = 10_000  # per file; all are counted


@dataclass
class Reading:
    """One file while it is read."""

    name: str
    size: int
    file_id: int
    sha256: str
    file_format: Format | None = None
    outcome: Outcome = "loaded"
    reason: str | None = None
    valid: int = 0
    new: Counter[str] = field(default_factory=Counter)
    bad: list[BadRow] = field(default_factory=list)
    reject_reasons: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
    first_at: datetime | None = None
    last_at: datetime | None = None
    _met: Counter[int] = field(default_factory=Counter)

    def tell_apart(self, table: pa.Table) -> pa.Table:
        """Give equal rows of one-year data hashes of their own, the same ones whenever the file is read.

        It tells no offline time: a track heard twice offline and uploaded in one minute is two equal rows.
        Which of them are repeats and which are one stream told twice is decided in dbt.
        """
        if self.file_format != "one_year":
            return table
        hashes = table["row_hash"].to_pylist()
        apart = []
        for value in hashes:
            apart.append(_nth(value, self._met[value]))
            self._met[value] += 1
        if apart == hashes:
            return table
        column = table.schema.get_field_index("row_hash")
        return table.set_column(column, table.schema.field(column), pa.array(apart, pa.int64()))

    def reject(self, rows: list[BadRow]) -> None:
        """Count them all, keep the first ones."""
        self.reject_reasons.update(row.reason for row in rows)
        self.bad += rows[: max(0, REJECTED_KEPT - len(self.bad))]

    def saw(self, times: pa.ChunkedArray) -> None:
        """Widen the span of time by these rows."""
        span = pc.min_max(times).as_py()
        self.valid += len(times)
        if span["min"] is not None:
            self.first_at = min(self.first_at or span["min"], span["min"])
            self.last_at = max(self.last_at or span["max"], span["max"])

    def report(self) -> FileReport:
        """The file's part of the final table."""
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
            reject_reasons=dict(self.reject_reasons),
            unknown_keys=dict(self.unknown),
            first_at=self.first_at,
            last_at=self.last_at,
        )

    def judge(self, scanner: ArrayScanner) -> None:
        """Decide the outcome, after the last row."""
        rejected = self.reject_reasons.total()
        if scanner.read_error:
            self.outcome, self.reason = "partial", f"it breaks in the middle ({scanner.read_error})"
        elif scanner.cut_short:
            self.outcome, self.reason = "partial", "it is cut short; what stands before the cut was read"
        elif rejected:
            self.outcome, self.reason = "partial", f"{rejected:,} rows rejected"
        elif not self.valid:
            self.outcome, self.reason = "empty", "the list has no rows"
        if rejected and not self.valid:
            self.outcome, self.reason = "rejected", f"none of its {rejected:,} rows can be read"
        if rejected > REJECTED_KEPT:
            self.reason = f"{self.reason}, the first {REJECTED_KEPT:,} of them kept"


def _nth(value: int, copy: int) -> int:
    if not copy:
        return value
    digest = hashlib.blake2b(f"{value} {copy}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


def records_of(readings: list[Reading]) -> dict[MergedTable, list[Row]]:
    """The rows of `import_files` and `rejected_rows` for these files."""
    if not readings:
        return {}
    now = datetime.now(UTC)
    files = [_file_row(reading, now) for reading in readings]
    rejected: list[Row] = [
        {
            "file_id": reading.file_id,
            "row_number": row.row_number,
            "reason": row.reason,
            "row_text": row.text,
            "rejected_at": now,
        }
        for reading in readings
        for row in reading.bad
    ]
    return {IMPORT_FILES: files, REJECTED_ROWS: rejected}


def _file_row(reading: Reading, now: datetime) -> Row:
    report = reading.report()
    return {
        "file_id": reading.file_id,
        "sha256": reading.sha256,
        "name": reading.name,
        "size_bytes": reading.size,
        "format": reading.file_format,
        "is_video": is_video_name(reading.name),
        "outcome": reading.outcome,
        "reason": reading.reason,
        "row_count": report.rows_read,
        "play_count": sum(reading.new[kind] for kind in MUSIC_KINDS),
        "podcast_count": reading.new["podcast"],
        "audiobook_count": reading.new["audiobook"],
        "unknown_count": reading.new["unknown"],
        "duplicate_count": report.duplicates,
        "rejected_count": report.rejected,
        "unknown_keys": report.unknown_keys,
        "first_at": reading.first_at,
        "last_at": reading.last_at,
        "reader_version": READER_VERSION,
        "imported_at": now,
    }
