"""The report of an import: a table whose lines add up."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

Outcome: TypeAlias = Literal["loaded", "partial", "empty", "rejected", "already_imported"]
IN_WORDS: Mapping[Outcome, str] = {
    "loaded": "read",
    "partial": "read in part",
    "empty": "empty",
    "rejected": "not readable",
    "already_imported": "imported before",
}
IGNORED = "no listening history"
MOST_NAMED = 3  # damaged files in one line; the table has all
MOST_IGNORED = 100  # of a folder full of other things; they are counted all the same
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

    `already_imported` means that the same content was imported before. Then every count is 0. `is_damaged`
    means that it could not be read, or not to its end. `repaired` rows are among those that were read.
    """

    name: str
    outcome: Outcome
    reason: str | None = None
    format: str | None = None
    rows_read: int = 0
    new: dict[str, int] = field(default_factory=dict)
    duplicates: int = 0
    rejected: int = 0
    repaired: int = 0
    is_damaged: bool = False
    reject_reasons: dict[str, int] = field(default_factory=dict)
    unknown_keys: dict[str, int] = field(default_factory=dict)
    first_at: datetime | None = None
    last_at: datetime | None = None

    @property
    def new_rows(self) -> int:
        """Return the number of streams added, of every kind."""
        return sum(self.new.values())

    @property
    def remark(self) -> str:
        """Return what a person may want to know of it: why it was not read, keys that nobody knows."""
        keys = f"unknown keys {', '.join(sorted(self.unknown_keys))}" if self.unknown_keys else None
        return "; ".join(filter(None, [self.reason, keys]))

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
    def repaired(self) -> int:
        """Return the number of rows that were read after broken characters in them had been replaced."""
        return sum(file.repaired for file in self.files)

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
    def damaged(self) -> str | None:
        """Return which files could not be read, or not to their end, and why; None where all could."""
        culprits = [file for file in self.files if file.is_damaged or not self.is_useful]
        if not culprits:
            return None if self.is_useful else "nothing in it could be read"
        damaged = [f"{file.name}: {file.reason}" for file in culprits]
        named, more = damaged[:MOST_NAMED], len(damaged[MOST_NAMED:])
        return "; ".join(named) + (f" (and {more} more files)" if more else "")

    @property
    def summary(self) -> str:
        """Return the report as one line, whose counts add up to the rows read."""
        kinds = {
            "plays": self.plays,
            "podcasts": self.podcasts,
            "audiobooks": self.new["audiobook"],
            "of unknown kind": self.others,
        }
        added = " and ".join(f"{count:,} {kind}" for kind, count in kinds.items() if count) or "nothing"
        repaired = f" ({self.repaired:,} of them repaired)" if self.repaired else ""
        files = ", ".join(f"{count} {outcome}" for outcome, count in self.outcomes.items())
        return (
            f"{self.rows_read:,} rows read{repaired}: {added} added, {self.duplicates:,} duplicates,"
            f" {self.rejected:,} rejected; files: {files}; in {self.seconds:.0f} s"
        )

    @property
    def headline(self) -> str:
        """Return what came in a few words, for a run's name."""
        return f"{self.plays:,} plays"

    @property
    def others(self) -> int:
        """Return the number of streams added that are none of music, podcast and audiobook."""
        return self.new_rows - self.plays - self.podcasts - self.new["audiobook"]

    @property
    def outcomes(self) -> Counter[str]:
        """Return how many files had each outcome, in words."""
        return Counter(IN_WORDS[file.outcome] for file in self.files)

    def lines(self) -> list[tuple[str, str]]:
        """Return the lines of the table of totals as (name, value)."""
        rows = [
            ("files read", f"{self.outcomes['read'] + self.outcomes['read in part']:,}"),
            ("files imported before", f"{self.outcomes['imported before']:,}"),
            ("files not usable", f"{self.outcomes['not readable'] + self.outcomes['empty']:,}"),
            ("rows read", f"{self.rows_read:,}"),
            ("  plays", f"{self.plays:,}"),
            ("  podcasts", f"{self.podcasts:,}"),
            ("  audiobooks", f"{self.new['audiobook']:,}"),
            ("  of unknown kind", f"{self.others:,}"),
            ("  duplicates", f"{self.duplicates:,}"),
            ("  rejected", f"{self.rejected:,}"),
            ("repaired", f"{self.repaired:,}"),
            ("first", f"{self.first_at:%Y-%m-%d %H:%M} UTC" if self.first_at else "-"),
            ("last", f"{self.last_at:%Y-%m-%d %H:%M} UTC" if self.last_at else "-"),
        ]
        return [row for row in rows if row[0] != "  of unknown kind" or self.others]

    def file_rows(self) -> list[dict[str, Any]]:
        """Return a row for every file: its name, what became of it, its counts, and why."""
        read = [
            {
                "file": file.name,
                "what became of it": IN_WORDS[file.outcome],
                "rows": file.rows_read,
                "added": file.new_rows,
                "duplicates": file.duplicates,
                "rejected": file.rejected,
                "why": file.remark,
            }
            for file in self.files
        ]
        names, more = self.ignored[:MOST_IGNORED], len(self.ignored[MOST_IGNORED:])
        names += (f"… and {more:,} more",) if more else ()
        nothing = dict.fromkeys(("rows", "added", "duplicates", "rejected", "why"), "")
        return read + [{"file": name, "what became of it": IGNORED, **nothing} for name in names]

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
            "repaired": self.repaired,
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
