"""Artists and their albums: within budgets, most played first, and not again before they are due."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from extract.artists import sync_artist_albums, sync_artists
from extract.library.sync import sync_liked_tracks, sync_saved_albums
from extract.listening import poll
from profiles.errors import Deferred
from sandbox.account.builders import add_simple_album, library_of
from sandbox.testing import RunningSandbox, running_sandbox
from tests.extract.availability.test_sync import in_market, later

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from profiles.session import Session

    Ask = Callable[..., list[Any]]

ARTISTS = "select artist_id from raw_spotify.artists order by artist_id"


@pytest.fixture
def spotify() -> Iterator[RunningSandbox]:
    """Forty likes of twenty artists (two each), five saved albums of five more, nothing played."""
    with running_sandbox(library_of(40, 5, tracks_per_album=2)) as sandbox:
        yield sandbox


@pytest.fixture
def synced(session: Session) -> Session:
    sync_saved_albums(session)
    sync_liked_tracks(session)
    return session


def artist_of(spotify: RunningSandbox, track_id: str) -> str:
    return spotify.account.tracks[track_id].artist_ids[0]


def play(spotify: RunningSandbox, track_id: str, times: int) -> None:
    account = spotify.account
    for number in range(times):
        account.play(track_id, account.now - timedelta(minutes=5 * (number + 1)))


def test_top_artists_come_first_in_three_calls(synced: Session, spotify: RunningSandbox, ask: Ask) -> None:
    heard = spotify.account.liked_ids[7]
    play(spotify, heard, 3)
    spotify.calls.reset()
    report = sync_artists(in_market(synced, spotify_artists_per_day=0))
    assert spotify.calls.count_by("template") == {"/me/top/{type}": 3}
    assert ask(ARTISTS) == [artist_of(spotify, heard)]
    assert (report.rows, report.detail["top"]) == (1, 1)
    (payload,) = ask("select payload from raw_spotify.artists")
    assert payload["genres"] == ["indie pop"]


def test_look_ups_stop_at_the_days_budget(synced: Session, spotify: RunningSandbox, ask: Ask) -> None:
    limited = in_market(synced, spotify_artists_per_day=8)
    report = sync_artists(limited)
    assert (report.detail["looked_up"], report.detail["waiting"]) == (8, 17)
    assert sync_artists(limited).detail["looked_up"] == 0
    assert spotify.calls.count(template="/artists/{id}") == 8
    assert len(ask(ARTISTS)) == 8


def test_the_most_played_artist_is_looked_up_before_the_others(
    synced: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    heard = [spotify.account.liked_ids[30], spotify.account.liked_ids[20]]
    play(spotify, heard[0], 2)
    play(spotify, heard[1], 1)
    poll(synced)
    ask(
        "insert into ops.source_checks (resource, checked_at, is_complete)"
        " values ('top_artists', now() + interval '1 hour', true)"
    )
    sync_artists(in_market(synced, spotify_artists_per_day=2))
    assert set(ask(ARTISTS)) == {artist_of(spotify, track_id) for track_id in heard}


def test_counted_plays_decide_where_the_warehouse_has_them(
    synced: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    heard = spotify.account.liked_ids[33]
    ask("create schema if not exists analytics; create table analytics.plays (track_id text)")
    ask("insert into analytics.plays values (%s)", heard)
    sync_artists(in_market(synced, spotify_artists_per_day=1))
    assert ask(ARTISTS) == [artist_of(spotify, heard)]


def test_an_artist_that_was_asked_for_lately_is_not_asked_for_again(
    synced: Session, spotify: RunningSandbox
) -> None:
    sync_artists(synced)
    spotify.calls.reset()
    sync_artists(synced)
    assert spotify.calls.total == 0
    sync_artists(later(synced, days=30))
    assert spotify.calls.count(template="/artists/{id}") == 0
    assert sync_artists(later(synced, days=61)).rows == 0
    assert spotify.calls.count(template="/artists/{id}") == 25


def test_an_unknown_artist_is_not_asked_for_every_night(
    synced: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    missing = artist_of(spotify, spotify.account.liked_ids[0])
    del spotify.account.artists[missing].genres[:]
    spotify.faults.add("not_found", path=f"/artists/{missing}", times=None)
    sync_artists(synced)
    assert missing not in ask(ARTISTS)
    spotify.calls.reset()
    sync_artists(later(synced, days=1))
    assert spotify.calls.count(template="/artists/{id}") == 0


def test_without_the_scope_for_top_artists_single_artists_are_still_looked_up(
    synced: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    spotify.faults.add("forbidden", path="/me/top/artists", times=None)
    report = sync_artists(synced)
    assert report.detail["top"] == "not allowed"
    assert len(ask(ARTISTS)) == 25


def test_a_quota_defers_the_sync_after_what_was_read_is_loaded(
    synced: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    spotify.faults.add("quota_exceeded", nth=6, path="/artists/*", retry_after=86_236)
    with pytest.raises(Deferred):
        sync_artists(synced)
    assert len(ask(ARTISTS)) == 5
    ask("delete from ops.api_cooldowns")
    sync_artists(synced)
    assert len(ask(ARTISTS)) == 25


# -- their albums


def test_albums_of_artists_of_saved_albums_are_found(
    synced: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    account = spotify.account
    saved = account.albums[account.saved_album_ids[0]]
    newer = add_simple_album(
        account, 700_000, ["Album song"], artist=account.artists[saved.artist_ids[0]], name=saved.name
    )
    report = sync_artist_albums(synced)
    assert (report.rows, report.calls) == (6, 5)
    assert ask("select artist_id from raw_spotify.artist_albums where album_id = %s", newer.id) == (
        saved.artist_ids
    )
    assert spotify.calls.removed == 0


def test_an_artist_with_many_albums_costs_three_calls_at_most(
    synced: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    account = spotify.account
    for saved in account.saved_albums[1:]:
        account.unsave_album(saved.album_id)
    artist = account.artists[account.albums[account.saved_album_ids[0]].artist_ids[0]]
    for number in range(60):
        add_simple_album(account, 700_000 + number, ["One song"], artist=artist)
    sync_saved_albums(synced)
    assert sync_artist_albums(synced).calls == 3
    assert ask("select count(*) from raw_spotify.artist_albums") == [30]


def test_artists_asked_longest_ago_come_first(synced: Session, spotify: RunningSandbox, ask: Ask) -> None:
    limited = in_market(synced, spotify_artist_albums_per_day=2)
    assert sync_artist_albums(limited).detail == {"artists": 2, "waiting": 3}
    ask("delete from ops.api_calls")
    assert sync_artist_albums(later(limited, days=1)).detail == {"artists": 2, "waiting": 1}
    ask("delete from ops.api_calls")
    assert sync_artist_albums(later(limited, days=2)).detail == {"artists": 1}
    asked = "select count(*), count(distinct key) from ops.catalog_checks where kind = 'artist_albums'"
    assert ask(asked) == [(5, 5)]


def test_unchanged_albums_write_no_row(synced: Session) -> None:
    assert sync_artist_albums(synced).rows == 5
    assert sync_artist_albums(synced).calls == 0
    assert sync_artist_albums(later(synced, days=8)).rows == 0
