"""The report at the demo's end: rows loaded, playlists on Spotify, calls, time, and what to try next."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from profiles.database import open_database
from profiles.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from demo.account import Account
    from demo.stopwatch import Stopwatch
    from profiles.database import Database

TABLES = (
    *("raw_spotify.liked_tracks", "raw_spotify.saved_albums", "raw_spotify.recently_played"),
    *("raw_spotify.library_removals", "raw_spotify.playlists", "ops.play_polls"),
    *("analytics.plays", "analytics.unified_tracks", "analytics.playlist_selections"),
)
SELECTIONS = """
    select
        p.slug,
        p.name,
        p.playlist_id,
        array(
            select s.track_uri from analytics.playlist_selections as s
            where s.slug = p.slug order by s.position
        ) as uris
    from ops.playlists as p
    where p.slug <> 'exclusions'
    order by p.slug
"""
REFUSED = "select uri from ops.refused_uris"
EXPECTED_PLAYLISTS = 8
PLAYLIST_ADDRESS = "https://open.spotify.com/playlist/"
TOP_ARTISTS = """
    select artist, play_count from analytics.top_artists
    where period = 'all' and place <= 5
    order by place
"""
LONGEST_STREAK = """
    select day_count, start_day, end_day from analytics.listening_streaks
    order by day_count desc, start_day desc
    limit 1
"""
PUSHES = """
    select
        count(*),
        count(distinct slug),
        coalesce(sum(jsonb_array_length(after_uris) - coalesce(jsonb_array_length(before_uris), 0)), 0),
        coalesce(sum(calls), 0)
    from ops.playlist_pushes
    where status = 'done' and operations <> '[]'
"""
NEXT = (
    (
        "make up SANDBOX=1",
        "open it in the browser: pages, runs and playlists of this account, which lives on",
    ),
    ("tracker --sandbox psql", "look around: select * from analytics.top_tracks where period = 'all';"),
    ("make up", "the same for your own account, once .env holds its settings (see README.md)"),
)


@dataclass(frozen=True)
class Selected:
    """One of our playlists, with the uris that dbt selected for it, in order."""

    slug: str
    name: str
    playlist_id: str | None
    uris: list[str]


def print_report(account: Account, stopwatch: Stopwatch, *, is_repeated: bool) -> int:
    """Print the report and compare Spotify with the selections. Returns 1 if they differ, else 0."""
    database = open_database(load_settings())
    with stopwatch.part("the report"):
        loaded = count_rows(database)
        selections = read_selections(database)
        refused = read_refused(database)
        differences = compare(selections, account.playlists(), refused)
        file = _write_page()
    calls = account.calls()
    families = sorted(calls["by_family"].items())
    _section("Rows", ((name, f"{count:,}") for name, count in loaded.items()))
    _section(
        "Playlists on the simulated Spotify",
        ((one.name, f"{len(one.uris):>4}  {PLAYLIST_ADDRESS}{one.playlist_id}") for one in selections),
    )
    _section("Calls to Spotify, by family", ((name, f"{count:,}") for name, count in families))
    _section("Time", ((name, f"{seconds:.1f} s") for name, seconds in stopwatch.parts.items()))
    _person(database)
    _say(f"\n{calls['writes']} writes to Spotify, {calls['reads']} reads, in {stopwatch.total:.0f} s.")
    if is_repeated and calls["writes"] == 0:
        _say("Nothing had changed in the account, so nothing was written.")
    for difference in differences:
        _say(f"DIFFERENT: {difference}")
    left_out = sum(uri in refused for one in selections for uri in one.uris)
    if left_out:
        _say(f"{left_out} selected tracks are gone from Spotify, which refused them: they are left out.")
    if not differences:
        _say(f"All {len(selections)} playlists on Spotify equal analytics.playlist_selections, in order.")
    _section("Next", [(str(file), "this person's listening and years, as one page for a browser"), *NEXT])
    return 1 if differences else 0


def _write_page() -> Path:
    """Write what `tracker report` writes; return the file."""
    from flows.pages import write_report  # noqa: PLC0415  # after Prefect's environment is set

    return write_report().file


def _person(database: Database) -> None:
    """Say what the demo is about: the music of a person."""
    with database.transaction() as cursor:
        cursor.execute(TOP_ARTISTS)
        _section("Top five artists", ((artist, f"{plays:,} plays") for artist, plays in cursor.fetchall()))
        cursor.execute(LONGEST_STREAK)
        streaks = [(f"{days} days in a row", f"{start} to {end}") for days, start, end in cursor.fetchall()]
        _section("Longest streak", streaks)
        cursor.execute(PUSHES)
        [(pushes, playlists, more, calls)] = cursor.fetchall()
    changed = f"changed {playlists} playlists, which hold {more:+,} tracks, with {calls:,} calls"
    _section("What the pushes did", [(f"{pushes} pushes", changed)])


def count_rows(database: Database) -> dict[str, int]:
    """Return the number of rows in each table of the report."""
    with database.transaction() as cursor:
        counts = {}
        for table in TABLES:
            cursor.execute(f"select count(*) from {table}")  # noqa: S608  # names from the list above
            counts[table] = int((cursor.fetchone() or (0,))[0])
    return counts


def read_selections(database: Database) -> list[Selected]:
    """Return the selection of each of our playlists."""
    with database.transaction() as cursor:
        cursor.execute(SELECTIONS)
        return [Selected(*row) for row in cursor.fetchall()]


def read_refused(database: Database) -> set[str]:
    """Return the uris that Spotify refused to add."""
    with database.transaction() as cursor:
        cursor.execute(REFUSED)
        return {uri for (uri,) in cursor.fetchall()}


def compare(selections: list[Selected], truth: dict[str, Any], refused: set[str]) -> list[str]:
    """Return the differences between the selections and the playlists on Spotify, one sentence each."""
    found = []
    if len(selections) < EXPECTED_PLAYLISTS:
        found.append(f"{len(selections)} playlists instead of {EXPECTED_PLAYLISTS}")
    for one in selections:
        if one.playlist_id not in truth:
            found.append(f"{one.slug} does not exist on Spotify")
            continue
        entries = [entry["uri"] for entry in truth[one.playlist_id]["entries"]]
        wanted = [uri for uri in one.uris if uri not in refused]
        if entries != wanted:
            found.append(f"{one.slug}: {len(entries)} entries, {len(wanted)} selected, or another order")
    return found


def _section(title: str, rows: Iterable[tuple[str, str]]) -> None:
    shown = list(rows)
    width = max((len(name) for name, _ in shown), default=0)
    _say(f"\n{title}")
    for name, value in shown:
        _say(f"  {name.ljust(width)}  {value}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
