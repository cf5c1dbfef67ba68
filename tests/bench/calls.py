"""Calls to Spotify per scenario, counted by the simulated one: `python -m tests.bench calls [--json]`.

A sync is saved albums, likes and the listing of playlists. Budgeted look-ups (artists, tracks) come on top.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from extract.availability import check_availability
from extract.library.sync import sync_liked_tracks, sync_saved_albums
from extract.listening import poll
from extract.playlists import sync_playlists
from profiles import database as databases
from profiles.database import Database, embedded
from profiles.session import session_for
from profiles.settings import Settings
from sandbox.account.builders import add_simple_album, library_of
from sandbox.testing import running_sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from profiles.session import Session
    from sandbox.testing import RunningSandbox


@dataclass(frozen=True)
class Size:
    likes: int
    albums: int
    long_albums: int
    playlists: int

    def __str__(self) -> str:
        return f"{self.likes:,} + {self.albums}"


SMALL = Size(2_000, 100, 2, 20)
LARGE = Size(10_000, 500, 10, 50)
QUIET = "nothing changed"
# at the large size: at most so many, or so many beyond a sync in which nothing changed
TARGETS = {QUIET: 16, "availability of everything": 220, "a poll": 1}
TARGETS_BEYOND = {"1 like removed": 12, "1 added + 1 removed": 13}


@dataclass
class Counter:
    """Runs scenarios one after the other on one account, and counts."""

    session: Session
    spotify: RunningSandbox
    costs: dict[str, int] = field(default_factory=dict)

    def sync(self, scenario: str) -> None:
        self.spotify.calls.reset()
        sync_saved_albums(self.session)
        sync_liked_tracks(self.session)
        sync_playlists(self.session, [])
        self.costs[scenario] = self.spotify.calls.total

    def run(self) -> dict[str, int]:
        account = self.spotify.account
        fresh = iter(add_simple_album(account, 990_000, [f"New song {n}" for n in range(9)]).track_ids)

        def like_one() -> None:
            account.advance(1)
            account.like(next(fresh))

        self.sync("first sync")
        self.sync(QUIET)
        like_one()
        self.sync("1 like added")
        account.unlike(account.likes[len(account.likes) // 2].track_id)
        self.sync("1 like removed")
        like_one()
        account.unlike(account.likes[len(account.likes) * 9 // 10].track_id)
        self.sync("1 added + 1 removed")
        step = len(account.likes) // 21
        for track_id in account.liked_ids[step // 2 :: step][:20]:
            account.unlike(track_id)
        self.sync("20 scattered removals")
        self.count("availability of everything", lambda: check_availability(self.all_pages(), full=True))
        account.play(account.liked_ids[0])
        self.count("a poll", lambda: poll(self.session))
        return self.costs

    def all_pages(self) -> Session:
        """The session without look-ups of un-liked tracks: they have a budget of their own."""
        settings = self.session.settings.model_copy(update={"spotify_tracks_per_day": 0})
        return type(self.session)(settings, self.session.database, self.session.spotify)

    def count(self, scenario: str, work: Callable[[], object]) -> None:
        self.spotify.calls.reset()
        work()
        self.costs[scenario] = self.spotify.calls.total


def targets(costs: dict[str, int]) -> dict[str, int]:
    """The most calls that each scenario may take at the large size."""
    return TARGETS | {name: costs[QUIET] + beyond for name, beyond in TARGETS_BEYOND.items()}


def measure(size: Size) -> dict[str, int]:
    """Run all scenarios on a library of that size, against a temporary PostgreSQL."""
    account = library_of(size.likes, size.albums, size.long_albums, size.playlists, plays=50)
    with (
        tempfile.TemporaryDirectory(prefix="tracker-bench-") as home,
        temporary_database(Path(home)) as database,
        running_sandbox(account) as spotify,
    ):
        given = {name.lower(): value for name, value in spotify.environment.items()}
        settings = Settings(tracker_home=Path(home), spotify_pacing_s=0, **given)  # type: ignore[arg-type]
        with session_for(settings, database) as session:
            return Counter(session, spotify).run()


@contextmanager
def temporary_database(home: Path) -> Iterator[Database]:
    """An embedded PostgreSQL that goes with its folder."""
    sockets = embedded.ensure_running(home, options={"fsync": "off"})
    try:
        database = Database(str(sockets), embedded.PORT, "bench", embedded.SUPERUSER)
        databases.create_if_missing(database)
        databases.prepare(database)
        yield database
    finally:
        embedded.stop(home)


def main() -> int:
    """Print the table; 1 where a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench calls", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    os.environ.setdefault("TRACKER_ENV_FILE", os.devnull)
    small, large = measure(SMALL), measure(LARGE)
    most = targets(large)
    rows = [
        {"scenario": name, str(SMALL): small[name], str(LARGE): large[name], "target": most.get(name)}
        for name in large
    ]
    if options.json:
        print(json.dumps(rows, indent=2))
    else:
        print(f"{'likes + albums':<28}{SMALL!s:>14}{LARGE!s:>14}{'at most':>10}")
        for name in large:
            target = f"{most[name]}" if name in most else ""
            print(f"{name:<28}{small[name]:>14}{large[name]:>14}{target:>10}")
    return int(any(large[name] > target for name, target in most.items()))


if __name__ == "__main__":
    raise SystemExit(main())
