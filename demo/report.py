"""The demo's end: what was loaded, what stands on Spotify, what it cost, and what to try next."""

from __future__ import annotations

import sys
from contextlib import closing
from typing import TYPE_CHECKING, Any

from profiles.database import open_database
from profiles.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from demo.account import Account
    from demo.life import Clock
    from profiles.database import Database

TABLES = (
    *("raw_spotify.liked_tracks", "raw_spotify.saved_albums", "raw_spotify.recently_played"),
    *("raw_spotify.library_removals", "raw_spotify.playlists", "ops.play_polls"),
    *("analytics.plays", "analytics.unified_tracks", "analytics.playlist_selections"),
)
SELECTIONS = """
    select p.slug, p.name, p.playlist_id, array_remove(array_agg(s.track_uri order by s.position), null)
    from ops.playlists as p
    left join analytics.playlist_selections as s on s.slug = p.slug
    where p.slug <> 'exclusions'
    group by p.slug, p.name, p.playlist_id
    order by p.slug
"""
EXPECTED_PLAYLISTS = 8
NEXT = (
    ("make up SANDBOX=1", "the web UI, with this account living on in real time"),
    ("make psql SANDBOX=1", "look around: select * from analytics.unified_tracks limit 5;"),
    ('make dbt ARGS="build" SANDBOX=1', "build and test every model yourself"),
    ("make up", "the same for your own account, once .env holds its settings (see README.md)"),
)


def tell(account: Account, clock: Clock, *, is_repeated: bool) -> int:
    """Print the account and compare Spotify with the selections; returns 1 where they differ."""
    database = open_database(load_settings())
    with clock.part("the report"):
        loaded = count_rows(database)
        selections = read_selections(database)
        differences = compare(selections, account.playlists())
    calls = account.calls()
    _section("Rows", ((name, f"{count:,}") for name, count in loaded.items()))
    _section(
        "Playlists on the simulated Spotify",
        (
            (name, f"{len(uris):>4}  https://open.spotify.com/playlist/{id_}")
            for _, name, id_, uris in selections
        ),
    )
    _section(
        "Calls to Spotify, by family", ((name, f"{n:,}") for name, n in sorted(calls["by_family"].items()))
    )
    _section("Time", ((name, f"{seconds:.1f} s") for name, seconds in clock.parts.items()))
    _section("Next", NEXT)
    _say("")
    _say(f"{calls['writes']} writes to Spotify, {calls['reads']} reads, in {clock.total:.0f} s.")
    if is_repeated and calls["writes"] == 0:
        _say("Nothing had changed in the account, so nothing was written.")
    for difference in differences:
        _say(f"DIFFERENT: {difference}")
    if not differences:
        _say(f"All {len(selections)} playlists on Spotify equal analytics.playlist_selections, in order.")
    return 1 if differences else 0


def count_rows(database: Database) -> dict[str, int]:
    """Return how many rows stand in the tables worth telling of."""
    with closing(database.connect()) as connection, connection.cursor() as cursor:
        counts = {}
        for table in TABLES:
            cursor.execute(f"select count(*) from {table}")  # noqa: S608  # names from the list above
            counts[table] = int((cursor.fetchone() or (0,))[0])
    return counts


def read_selections(database: Database) -> list[tuple[str, str, str | None, list[str]]]:
    """Return slug, name, Spotify id and the ordered uris of every playlist of ours."""
    with closing(database.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(SELECTIONS)
        return [(slug, name, id_, list(uris)) for slug, name, id_, uris in cursor.fetchall()]


def compare(selections: list[tuple[str, str, str | None, list[str]]], truth: dict[str, Any]) -> list[str]:
    """Return what differs between the selections and the playlists as they stand, in words."""
    found = []
    if len(selections) < EXPECTED_PLAYLISTS:
        found.append(f"{len(selections)} playlists instead of {EXPECTED_PLAYLISTS}")
    for slug, _, id_, uris in selections:
        if id_ not in truth:
            found.append(f"{slug} does not exist on Spotify")
            continue
        entries = [entry["uri"] for entry in truth[id_]["entries"]]
        if entries != uris:
            found.append(
                f"{slug}: {len(entries)} entries on Spotify, {len(uris)} selected, or in another order"
            )
    return found


def _section(title: str, rows: Iterable[tuple[str, str]]) -> None:
    shown = list(rows)
    width = max((len(name) for name, _ in shown), default=0)
    _say(f"\n{title}")
    for name, value in shown:
        _say(f"  {name.ljust(width)}  {value}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
