"""The forecast of the next 24 hours by endpoint family, and whether it fits into the estimated quota."""

from __future__ import annotations

import json
from contextlib import closing
from typing import TYPE_CHECKING, Any

from profiles import cli as command
from profiles.settings import Settings
from profiles.spotify.budget import Usage
from profiles.spotify.forecast import Forecast, LibrarySizes, PushCalls, forecast, read_sizes

if TYPE_CHECKING:
    import pytest

    from profiles.database import Database
    from profiles.session import Session

LARGE = LibrarySizes(likes=10_000, albums=500, playlists=50, is_full_pass_due=False)


def expected(
    sizes: LibrarySizes = LARGE, used: dict[str, int] | None = None, **settings: Any
) -> dict[str, Forecast]:
    usage = [Usage(family, calls, 0, None, None) for family, calls in (used or {}).items()]
    return {each.family: each for each in forecast(Settings(**settings), sizes, usage)}


def execute(database: Database, statement: str) -> None:
    with closing(database.connect(autocommit=True)) as connection, connection.cursor() as cursor:
        cursor.execute(statement)


def test_polls_follow_their_interval() -> None:
    assert expected()["player"].expected == 144
    assert expected(tracker_poll_seconds=60)["player"].verdict == "too much"


def test_a_quiet_night_takes_a_page_of_likes_with_the_pages_of_albums() -> None:
    assert expected()["library"].expected == 1 + 10


def test_availability_takes_a_seventh_of_the_pages_where_a_market_is_set() -> None:
    assert expected(spotify_market="GB")["library"].expected == 1 + 10 + 29 + 2
    assert "track" not in expected()


def test_a_weekly_full_pass_is_foreseen() -> None:
    due = LibrarySizes(likes=10_000, albums=500, playlists=50, is_full_pass_due=True)
    assert expected(due)["library"].expected == 1 + 10 + 200


def test_look_ups_take_their_budget_at_most() -> None:
    found = expected(spotify_market="GB", spotify_artists_per_day=70)
    budgets = {family: found[family].expected for family in ("track", "artist", "artist_albums")}
    assert budgets == {"track": 50, "artist": 70, "artist_albums": 20}


def test_the_forecast_is_at_least_what_yesterday_took() -> None:
    again = expected(used={"playlists_write": 30, "library": 400})
    assert (again["playlists_write"].expected, again["library"].expected) == (30, 400)
    assert "planned: 11" in again["library"].reason


def test_a_forecast_is_tight_before_it_is_too_much() -> None:
    found = [expected(used={"library": calls})["library"].verdict for calls in (480, 481, 601)]
    assert found == ["fits", "tight", "too much"]


def test_albums_of_artists_have_an_estimate_of_their_own() -> None:
    found = expected(spotify_artist_albums_per_day=90)["artist_albums"]
    assert (found.estimate, found.verdict) == (100, "tight")


def test_before_the_first_sync_the_library_is_unknown() -> None:
    found = expected(LibrarySizes())["library"]
    assert found.planned is None
    assert found.reason.startswith("unknown before the first sync")


def test_pushes_are_foreseen_with_their_reads() -> None:
    found = expected(LibrarySizes(playlists=50, pushes=PushCalls(writes=12, reads=9, pages_due=4)))
    assert (found["playlists_write"].expected, found["playlists_read"].expected) == (12, 2 + 9 + 4)
    assert "4 for the weekly look" in found["playlists_read"].reason


def test_pushes_are_forecast_as_the_mean_of_the_last_week(database: Database) -> None:
    push = """
        insert into ops.playlist_pushes (slug, started_at, status, calls, operations, after_uris)
        select 'mine', now() - interval '%s days', '%s', 5, '[{}, {}, {}]',
            (select jsonb_agg(n) from generate_series(1, 120) as n)
    """
    assert read_sizes(database).pushes is None
    execute(database, push % (0, "done"))
    assert read_sizes(database).pushes == PushCalls(writes=3, reads=2)
    for days in (1, 2, 3, 60):
        execute(database, push % (days, "done"))
    execute(database, push % (1, "failed"))
    execute(database, "insert into ops.playlists (slug, name, state) values ('mine', 'Mine', 'active')")
    # four pushes of three writes and two reads in seven days; its 120 entries were never read in full
    assert read_sizes(database).pushes == PushCalls(writes=2, reads=2, pages_due=3)
    execute(database, "update ops.playlists set full_read_at = now()")
    execute(database, "delete from ops.playlist_pushes where started_at > now() - interval '7 days'")
    assert read_sizes(database).pushes == PushCalls(writes=0, reads=0)


def test_sizes_are_those_last_seen(database: Database) -> None:
    assert read_sizes(database) == LibrarySizes()
    execute(
        database,
        """
        insert into ops.source_checks (resource, checked_at, is_complete, total, detail) values
            ('liked_tracks', now(), true, 2000, jsonb_build_object('full_at', now() - interval '2 days')),
            ('saved_albums', now(), true, 100, '{}')
        """,
    )
    assert read_sizes(database) == LibrarySizes(likes=2000, albums=100, is_full_pass_due=False)


def test_the_doctor_shows_each_forecast_beside_its_estimate(
    session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command.main(["check"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert " player 144 600 one poll every 600 s " in said
    assert " library ? 600 unknown before the first sync" in said
    assert "Spotify publishes no number" in said


def test_the_doctor_warns_of_a_day_that_will_not_fit(
    session: Session, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SPOTIFY_ARTISTS_PER_DAY", "900")
    assert command.main(["check", "--json"]) == 0
    diagnosis = json.loads(capsys.readouterr().out)
    (warning,) = [finding for finding in diagnosis["findings"] if finding["subject"] == "forecast"]
    assert "Lower SPOTIFY_ARTISTS_PER_DAY" in warning["remedy"]
    assert {each["verdict"] for each in diagnosis["forecast"] if each["family"] == "artist"} == {"too much"}
