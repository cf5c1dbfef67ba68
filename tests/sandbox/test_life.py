from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cache

from sandbox.account.account import Account, real_now
from sandbox.life.realistic import realistic_account
from sandbox.testing import running_sandbox
from tests.sandbox.conftest import Api

NOW = datetime(2026, 11, 22, 18, 30, tzinfo=UTC)


@cache
def grown() -> Account:
    """A realistic account for tests that do not change it."""
    return realistic_account(7, now=NOW)


def facts(account: Account) -> tuple[object, ...]:
    lists = [playlist.uris for playlist in account.playlists.values()]
    return account.plays, account.reports, account.likes, account.saved_albums, account.tracks, lists


def test_the_account_is_of_realistic_size_and_ends_now() -> None:
    account = grown()
    assert 1_000 < len(account.likes) < 1_400
    assert 75 < len(account.saved_albums) < 110
    assert 25_000 < len(account.plays) < 60_000
    assert account.now == NOW
    assert NOW - account.plays[-1].ended_at < timedelta(days=3)
    assert NOW - account.plays[0].ended_at > timedelta(days=1_090)


def test_the_owner_has_favourites_and_skips_other_tracks_more_often() -> None:
    account = grown()
    plays = [play for play in account.plays if play.uri.startswith("spotify:track:")]
    counts = Counter(play.uri for play in plays)
    top = sum(count for _, count in counts.most_common(len(counts) // 10))
    assert top > len(plays) * 0.3
    skipped = sum(play.is_skipped for play in plays) / len(plays)
    assert 0.1 < skipped < 0.25
    assert len({play.ended_at.hour for play in plays}) >= 22
    heard = [f"spotify:track:{track_id}" in counts for track_id in account.liked_ids]
    assert 20 < heard.count(False) < 200


def test_albums_are_often_heard_in_part() -> None:
    account = grown()
    heard = {play.uri for play in account.plays}
    shares = []
    for album_id in account.saved_album_ids:
        ids = account.albums[album_id].track_ids
        shares.append(sum(f"spotify:track:{track_id}" in heard for track_id in ids) / len(ids))
    assert sum(share < 1 for share in shares) > 20
    assert sum(share == 1 for share in shares) > 20


def test_the_world_has_editions_awkward_names_and_things_that_are_gone() -> None:
    account = grown()
    isrcs = Counter(track.isrc for track in account.tracks.values())
    assert sum(count > 1 for count in isrcs.values()) > 200
    names = " ".join(track.name for track in account.tracks.values())
    for text in ("'", '"', "%", "_", "\\", "🌧️", "עברית", "; drop table", "Remaster", "夜"):
        assert text in names, text
    assert sum(not track.is_playable for track in account.tracks.values()) > 30
    assert any(track.is_gone for track in account.tracks.values())
    assert any(track.relinked_to for track in account.tracks.values())
    assert any(track.explicit for track in account.tracks.values())
    long = [album for album in account.saved_album_ids if len(account.albums[album].track_ids) > 50]
    assert len(long) >= 2
    assert {album.release_precision for album in account.albums.values()} == {"year", "month", "day"}


def test_many_likes_came_in_one_second_and_offline_plays_late() -> None:
    account = grown()
    assert max(Counter(like.added_at for like in account.likes).values()) > 20
    late = [one for one in account.reports if one.visible_at - one.played_at > timedelta(hours=3)]
    assert late
    assert len(account.reports) < len(account.plays)


def test_the_same_seed_and_end_give_the_same_account() -> None:
    first, second = (realistic_account(5, years=0.2, now=NOW) for _ in range(2))
    assert facts(first) == facts(second)
    assert facts(first) != facts(realistic_account(6, years=0.2, now=NOW))


def test_moving_time_in_small_steps_gives_the_same_life_as_one_step() -> None:
    whole = realistic_account(7, years=0.3, now=NOW)
    steps = realistic_account(7, years=0.3, now=NOW, weeks_behind=4)
    assert steps.now == NOW - timedelta(weeks=4)
    while steps.now < NOW:
        steps.advance(7)
    whole.advance_to(steps.now)
    assert facts(steps) == facts(whole)


def test_in_a_few_weeks_plays_arrive_and_likes_come_and_go() -> None:
    account = realistic_account(7, years=0.5, now=NOW, weeks_behind=4)
    plays, likes = len(account.plays), set(account.liked_ids)
    account.advance(24 * 28)
    assert len(account.plays) > plays + 300
    assert set(account.liked_ids) - likes
    assert likes - set(account.liked_ids)


def test_edits_by_the_user_do_not_stop_the_simulated_life() -> None:
    account = realistic_account(7, years=0.1, now=NOW, weeks_behind=1)
    for track_id in account.liked_ids:
        account.unlike(track_id)
    for album_id in account.saved_album_ids:
        account.unsave_album(album_id)
    for playlist_id in account.playlists:
        account.delete_playlist(playlist_id)
    account.advance(24 * 7)
    assert account.plays[-1].ended_at > NOW - timedelta(days=3)


def test_the_time_of_a_live_account_follows_the_real_time() -> None:
    account = realistic_account(7, years=0.1, weeks_behind=1)
    with running_sandbox(account, is_live=True) as running:
        api = Api(running)
        latest = api.get("me/player/recently-played")["items"][0]["played_at"]
        assert real_now() - datetime.fromisoformat(latest) < timedelta(days=3)
        assert abs(running.account.now - real_now()) < timedelta(seconds=5)
        api.close()


def test_every_page_of_a_realistic_account_can_be_served() -> None:
    with running_sandbox(realistic_account(7, years=0.1, now=NOW)) as running:
        api = Api(running)
        for path in ("me/tracks", "me/albums", "me/playlists", "me/top/tracks", "me/top/artists"):
            url = f"{running.api_url}{path}?limit=50&market=DE"
            while url:
                page = api.session.get(url, timeout=20).json()
                url = page["next"]
        for playlist in running.account.playlists.values():
            if playlist.owner_id == running.account.profile.id:
                page = api.get(f"playlists/{playlist.id}/items", limit=50, additional_types="track,episode")
                assert page["total"] == len(playlist.entries)
        api.close()
