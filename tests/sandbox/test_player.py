from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sandbox.account.ids import readable_id

if TYPE_CHECKING:
    from datetime import datetime

    from sandbox.testing import RunningSandbox
    from tests.sandbox.conftest import Api

FIRST, SECOND = readable_id("Track", 1001), readable_id("Track", 1002)
PATH = "me/player/recently-played"


def ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def played(api: Api, **params: Any) -> list[str]:
    return [item["played_at"] for item in api.get(PATH, **params)["items"]]


def test_the_fifty_latest_plays_are_reachable_and_no_more(api: Api, running: RunningSandbox) -> None:
    account = running.account
    for minutes in range(80):
        account.play(FIRST, account.now - timedelta(days=2, minutes=minutes))
    page = api.get(PATH, limit=50)
    stamps = [item["played_at"] for item in page["items"]]
    assert len(stamps) == 50
    assert stamps == sorted(stamps, reverse=True)
    assert stamps[0].endswith("Z")
    assert len(stamps[0]) == len("2026-01-01T00:00:00.000Z")
    assert page["next"] is not None
    assert api.session.get(page["next"], timeout=10).json()["items"] == []
    assert api.session.get(page["next"], timeout=10).json()["cursors"] is None


def test_cursors_are_milliseconds_and_only_one_may_be_given(api: Api, running: RunningSandbox) -> None:
    page = api.get(PATH, limit=2)
    newest, second = page["items"]
    assert page["cursors"]["after"] == str(ms(running.account.reports[-1].played_at))
    assert played(api, after=page["cursors"]["before"]) == [newest["played_at"]]
    assert second["played_at"] not in played(api, before=page["cursors"]["before"])
    # seconds where milliseconds are meant lie in 1970: everything is after them
    assert len(played(api, after=int(page["cursors"]["after"]) // 1000)) == 6
    assert api.status("GET", PATH, after=1, before=2)[0] == 400
    assert api.status("GET", PATH, limit=51)[0] == 400


def test_short_private_and_podcast_plays_are_not_shown(api: Api, running: RunningSandbox) -> None:
    account, before = running.account, len(played(api))
    account.play(FIRST, ms_played=29_999)
    account.play(FIRST, is_incognito=True)
    account.play(next(iter(account.episodes.values())).uri)
    account.play("spotify:local:A:B:C:120")
    assert len(played(api)) == before
    assert len(account.plays) == 10
    account.play(FIRST, ms_played=30_000)
    assert len(played(api)) == before + 1


def test_an_offline_play_appears_late_and_in_its_place(api: Api, running: RunningSandbox) -> None:
    account = running.account
    at = account.now - timedelta(hours=20)
    account.play(SECOND, at, visible_at=account.now + timedelta(hours=5))
    before = played(api)
    account.clock.move_to(account.now + timedelta(hours=6))
    after = played(api)
    assert len(after) == len(before) + 1
    assert after == sorted(after, reverse=True)
    account.options.recently_played_order = "arrival"
    assert played(api)[0] == min(set(after) - set(before))


def test_two_plays_may_share_a_moment_and_one_play_may_be_reported_twice(
    api: Api, running: RunningSandbox
) -> None:
    account = running.account
    moment = account.now - timedelta(minutes=1)
    account.play(FIRST, moment)
    play = account.play(SECOND, moment)
    account.record(None, account.report_of(play, moment + timedelta(seconds=20)))
    stamps = played(api)
    assert len(set(stamps[1:3])) == 1
    assert stamps[0] > stamps[1]


def test_a_play_of_a_future_moment_is_not_shown_yet(api: Api, running: RunningSandbox) -> None:
    running.account.play(FIRST, running.account.now + timedelta(hours=1))
    assert len(played(api)) == 6


def test_top_tracks_and_artists_follow_the_plays(api: Api, running: RunningSandbox) -> None:
    for _ in range(3):
        running.account.play(SECOND)
    assert api.get("me/top/tracks", time_range="short_term")["items"][0]["id"] == SECOND
    artist = api.get("me/top/artists", limit=1)["items"][0]
    assert artist["genres"] == ["indie pop", "folk"]
    assert "popularity" not in artist
    assert api.status("GET", "me/top/albums")[0] == 404
    assert api.status("GET", "me/top/tracks", time_range="ever")[0] == 400
