"""Pages and covers of the simulated Spotify, to look at in a browser. They count as no call."""

from __future__ import annotations

from typing import TYPE_CHECKING

import requests

from tests.sandbox.conftest import MIXED

if TYPE_CHECKING:
    from sandbox.testing import RunningSandbox
    from tests.sandbox.conftest import Api


def test_the_covers_that_the_api_names_are_drawings(api: Api, running: RunningSandbox) -> None:
    album = api.get("me/albums")["items"][0]["album"]
    before = running.calls.total
    answers = [requests.get(image["url"], timeout=10) for image in album["images"]]
    assert {answer.headers["content-type"] for answer in answers} == {"image/svg+xml"}
    assert len({answer.text for answer in answers}) == 1
    assert running.calls.total == before


def test_a_playlist_has_a_page_with_its_tracks(running: RunningSandbox) -> None:
    playlist = running.account.playlists[MIXED]
    answer = requests.get(f"{running.url}/playlist/{MIXED}", timeout=10)
    assert playlist.name in answer.text
    assert answer.text.count("<tr>") == len(playlist.entries)


def test_every_kind_of_page_is_found_and_escapes_names(running: RunningSandbox) -> None:
    account = running.account
    track = next(iter(account.tracks.values()))
    track.name = "<script>alert(1)</script>"
    addresses = (f"track/{track.id}", f"album/{track.album_id}", f"artist/{track.artist_ids[0]}")
    for address in addresses:
        answer = requests.get(f"{running.url}/{address}", timeout=10)
        assert answer.status_code == 200
        assert "<script" not in answer.text
    assert requests.get(f"{running.url}/track/nothing", timeout=10).status_code == 404
