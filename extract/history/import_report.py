"""The report of an import: a table whose lines add up."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

Outcome: TypeAlias = Literal["loaded", "partial", "empty", "rejected", "already_imported"]
MUSIC_KINDS = ("track", "video")


@dataclass(frozen=True)
class ImportProgress:
    """How far an import is: files and bytes that are done, of all of them, and rows read so far."""

    files_done: int
    files_total: int
    bytes_done: int
    bytes_total: int
    rows_read: int


ShowProgress: TypeAlias = "Callable[[ImportProgress], None]"


@dataclass(frozen=True)
class FileReport:
    """One file, or one table of an older tracker. `rows_read` = new of each kind + duplicates + rejected.

    `already_imported` means that the same content was imported before. Then every count is 0.
    """

    name: str
    outcome: Outcome
    reason: str | None = None
    format: str | None = None
    rows_read: int = 0
    new: dict[str, int] = field(default_factory=dict)
    duplicates: int = 0
    rejected: int = 0
    reject_reasons: dict[str, int] = field(default_factory=dict)
    unknown_keys: dict[str, int] = field(default_factory=dict)
    first_at: datetime | None = None
    last_at: datetime | None = None

    def with_repeats(self, repeats: Counter[str]) -> FileReport:
        """Return the report with rows (by kind) that repeat streams of other files counted as duplicates."""
        new = {kind: count - repeats[kind] for kind, count in self.new.items()}
        return replace(self, new=new, duplicates=self.duplicates + repeats.total())


@dataclass(frozen=True)
class ImportReport:
    """The outcome of one import. Counts are of this import, times of the rows that it read, in UTC."""

    source: str
    files: tuple[FileReport, ...]
    ignored: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def rows_read(self) -> int:
        """Return the number of rows in the files that were read."""
        return sum(file.rows_read for file in self.files)

    @property
    def new(self) -> Counter[str]:
        """Return the number of streams added, by kind."""
        return sum((Counter(file.new) for file in self.files), Counter())

    @property
    def new_rows(self) -> int:
        """Return the number of streams added, of every kind."""
        return self.new.total()

    @property
    def plays(self) -> int:
        """Return the number of music streams added, however short, with music videos."""
        return sum(self.new[kind] for kind in MUSIC_KINDS)

    @property
    def podcasts(self) -> int:
        """Return the number of podcast streams added."""
        return self.new["podcast"]

    @property
    def duplicates(self) -> int:
        """Return the rows that were stored already, occurred twice, or repeat a stream of another file."""
        return sum(file.duplicates for file in self.files)

    @property
    def rejected(self) -> int:
        """Return the number of rows that cannot be stored; `raw_export.rejected_rows` has the reasons."""
        return sum(file.rejected for file in self.files)

    @property
    def first_at(self) -> datetime | None:
        """Return the earliest time read, None where no row was."""
        return min((file.first_at for file in self.files if file.first_at), default=None)

    @property
    def last_at(self) -> datetime | None:
        """Return the latest time read, None where no row was."""
        return max((file.last_at for file in self.files if file.last_at), default=None)

    @property
    def is_useful(self) -> bool:
        """Whether any file could be read, in this import or an earlier one."""
        return any(file.outcome in ("loaded", "partial", "already_imported") for file in self.files)

    @property
    def why_useless(self) -> str:
        """Return why no file could be read."""
        return "; ".join(self.remarks()) or "nothing in it could be read"

    @property
    def summary(self) -> str:
        """Return the report as one line."""
        return (
            f"{self.rows_read:,} rows read, {self.plays:,} plays and {self.podcasts:,} podcasts added,"
            f" {self.duplicates:,} duplicates, {self.rejected:,} rejected, in {self.seconds:.0f} s"
        )

    @property
    def headline(self) -> str:
        """Return what came in a few words, for a run's name."""
        return f"{self.plays:,} plays"

    def lines(self) -> list[tuple[str, str]]:
        """Return the lines of the table as (name, value)."""
        other = self.new_rows - self.plays - self.podcasts - self.new["audiobook"]
        outcomes = Counter(file.outcome for file in self.files)
        rows = [
            ("files read", f"{outcomes['loaded'] + outcomes['partial']:,}"),
            ("files imported before", f"{outcomes['already_imported']:,}"),
            ("files not usable", f"{outcomes['rejected'] + outcomes['empty']:,}"),
            ("rows read", f"{self.rows_read:,}"),
            ("  plays", f"{self.plays:,}"),
            ("  podcasts", f"{self.podcasts:,}"),
            ("  audiobooks", f"{self.new['audiobook']:,}"),
            ("  of unknown kind", f"{other:,}"),
            ("  duplicates", f"{self.duplicates:,}"),
            ("  rejected", f"{self.rejected:,}"),
            ("first", f"{self.first_at:%Y-%m-%d %H:%M} UTC" if self.first_at else "-"),
            ("last", f"{self.last_at:%Y-%m-%d %H:%M} UTC" if self.last_at else "-"),
        ]
        return [row for row in rows if row[0] != "  of unknown kind" or other]

    def remarks(self) -> list[str]:
        """Return one line for each file or key that a person may want to look at."""
        remarks = []
        for file in self.files:
            if file.outcome in ("rejected", "empty", "partial"):
                remarks.append(f"{file.name}: {file.outcome}, {file.reason}")
            if file.unknown_keys:
                remarks.append(f"{file.name}: unknown keys {', '.join(sorted(file.unknown_keys))}")
        if self.ignored:
            remarks.append(f"ignored, no listening history: {', '.join(self.ignored)}")
        return remarks

    def as_dict(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return {
            "source": self.source,
            "rows_read": self.rows_read,
            "new_rows": self.new_rows,
            "plays": self.plays,
            "podcasts": self.podcasts,
            "new": dict(self.new),
            "duplicates": self.duplicates,
            "rejected": self.rejected,
            "first_at": self.first_at.isoformat() if self.first_at else None,
            "last_at": self.last_at.isoformat() if self.last_at else None,
            "seconds": round(self.seconds, 3),
            "ignored": list(self.ignored),
            "files": [
                asdict(file)
                | {
                    "first_at": file.first_at.isoformat() if file.first_at else None,
                    "last_at": file.last_at.isoformat() if file.last_at else None,
                }
                for file in self.files
            ],
        }
