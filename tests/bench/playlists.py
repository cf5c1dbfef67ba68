"""Calls to Spotify per push, with a full replace beside it: `python -m tests.bench playlists [--json]`.

Reads and the verification are counted, and the listing that a run makes once for all playlists. A full
replace is what most tools do; what it costs beside calls is every entry's *date added*.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

from profiles.session import session_for
from profiles.settings import Settings
from sandbox.account.builders import library_of
from sandbox.testing import running_sandbox
from tests.bench.calls import temporary_database
from tests.playlists.conftest import furnished
from tests.playlists.push.test_calls import with_blocks_moved, with_swapped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from playlists.playlist_types import EditScript, PlaylistEntry
    from tests.playlists.conftest import Stage

LONG = 10_000
STANDING = "10,000 tracks: 5 removed + 5 added"
# calls, reads and verification included
TARGETS = {STANDING: 20, "500 tracks: unchanged": 1, "10,000 tracks: unchanged": 1}


@dataclass(frozen=True)
class Cost:
    """What one push took: calls, and of the entries that stay how many kept their date."""

    reads: int
    writes: int
    kept: int
    stayed: int
    is_replace: bool

    @property
    def calls(self) -> int:
        return self.reads + self.writes

    def __str__(self) -> str:
        return f"{self.calls:>5} = {self.reads:>3} r + {self.writes:>3} w"

    @property
    def dates(self) -> str:
        return f"{self.kept:,} of {self.stayed:,}{' *' if self.is_replace else '  '}"


@dataclass
class Counter:
    """Pushes one playlist through its scenarios."""

    stage: Stage
    costs: dict[str, Cost] = field(default_factory=dict)

    def push(self, scenario: str, wanted: list[str]) -> None:
        stage = self.stage
        before: dict[str | None, datetime | None] = {}
        if stage.playlists("Mine"):
            stage.age("Mine")
            before = stage.dates("Mine")
        stage.select("mine", wanted)
        [result] = stage.push().values()
        if result.outcome not in ("pushed", "unchanged") or stage.playlist("Mine").uris != wanted:
            raise SystemExit(f"{scenario}: {result.outcome} {result.error or ''}")
        stayed = set(wanted) & set(before)
        after = stage.dates("Mine")
        kept = sum(after[uri] == before[uri] for uri in stayed)
        calls = stage.spotify.calls
        self.costs[scenario] = Cost(
            calls.reads, calls.writes, kept, len(stayed), result.plan.script.is_replace
        )

    def run(self) -> dict[str, Cost]:
        chance = random.Random(5)  # the same lists in both passes
        songs = self.stage.uris[:500]
        self.push("500 tracks: first fill", songs)
        self.push("500 tracks: unchanged", songs)
        moved = with_blocks_moved(songs, 5, chance)
        self.push("500 tracks: 5 moves", moved)
        swapped = with_swapped(moved, self.stage.uris[900:920], chance)
        self.push("500 tracks: 20 removed + 20 added at random", swapped)
        self.push("500 tracks: reversed", swapped[::-1])

        songs = self.stage.uris[:LONG]
        self.push("10,000 tracks: filled up from 500", songs)
        self.push("10,000 tracks: unchanged", songs)
        swapped = with_swapped(songs, self.stage.uris[LONG : LONG + 5], chance)
        self.push(STANDING, swapped)
        self.edit([*swapped[1:], swapped[0]])
        again = with_swapped(swapped, self.stage.uris[LONG + 5 : LONG + 10], chance)
        self.push("  the same after the user edited it", again)
        shuffled = list(again)
        chance.shuffle(shuffled)
        self.push("10,000 tracks: shuffled", shuffled)
        return self.costs

    def edit(self, uris: list[str]) -> None:
        """As the user does it in the app."""
        self.stage.spotify.account.edit_playlist(self.stage.playlist("Mine").id, uris)


def always_replace(
    current: Sequence[PlaylistEntry], wanted: Sequence[str], steps: EditScript, max_edit_calls: int
) -> bool:
    """For the second pass: whatever changes, everything is replaced."""
    return bool(steps.operations) and bool(current)


@contextmanager
def stage_of(likes: int) -> Iterator[Stage]:
    """A stage on a temporary database."""
    with (
        tempfile.TemporaryDirectory(prefix="tracker-bench-") as home,
        temporary_database(Path(home)) as database,
        running_sandbox(library_of(likes=likes, albums=0, tracks_per_album=100)) as spotify,
    ):
        given = {name.lower(): value for name, value in spotify.environment.items()}
        settings = Settings(
            tracker_home=Path(home),
            spotify_pacing_s=0,
            spotify_backoff_s=0.01,
            **given,  # type: ignore[arg-type]  # texts, which it reads
        )
        with session_for(settings, database) as session:
            yield furnished(session, spotify)


def main() -> int:
    """Print the table; 1 where a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench playlists", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    os.environ.setdefault("TRACKER_ENV_FILE", os.devnull)
    with stage_of(LONG + 200) as stage:
        edited = Counter(stage).run()
    with stage_of(LONG + 200) as stage, patch("playlists.push.edit_script._should_replace", always_replace):
        replaced = Counter(stage).run()
    rows = [
        {
            "scenario": name,
            "calls": cost.calls,
            "reads": cost.reads,
            "writes": cost.writes,
            "dates_kept": cost.kept,
            "entries_that_stay": cost.stayed,
            "replaces": cost.is_replace,
            "at_most": TARGETS.get(name),
            "full_replace_calls": replaced[name].calls,
            "full_replace_dates_kept": replaced[name].kept,
        }
        for name, cost in edited.items()
    ]
    if options.json:
        json.dump(rows, sys.stdout, indent=2)
        print()
    else:
        print(f"{'calls per push':<46}{'as planned':>21}{'dates kept':>20}{'full replace':>24}{'at most':>9}")
        for name, cost in edited.items():
            at_most = str(TARGETS.get(name, ""))
            print(f"{name:<46}{cost!s:>21}{cost.dates:>20}{replaced[name]!s:>24}{at_most:>9}")
        print("r: reads, w: writes; * a replace is what is planned. It keeps no date of an entry that stays.")
    return int(any(edited[name].calls > most for name, most in TARGETS.items()))


if __name__ == "__main__":
    raise SystemExit(main())
