from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sandbox.account.builders import library_of
from sandbox.account.ids import opaque_id, readable_id
from sandbox.account.model import Entry
from sandbox.testing import RunningSandbox, running_sandbox
from tests.sandbox.conftest import LATER, MIXED, Api, track_uri

if TYPE_CHECKING:
    from sandbox.account.model import Playlist

LOCAL = "spotify:local:Neighbour:Garage+Tapes:Take+3:123"
NEWER, NEWEST = track_uri(2003), track_uri(2004)


def later(running: RunningSandbox) -> Playlist:
    return running.account.playlists[LATER]


def test_entries_use_the_key_item_and_include_every_kind_of_entry(api: Api) -> None:
    items = api.get(f"playlists/{MIXED}/items", additional_types="track,episode")["items"]
    first, local, episode, nothing, *_ = items
    assert first["item"]["external_ids"]["isrc"]
    assert first["added_by"]["id"] == "sandbox-listener"
    assert (local["is_local"], local["item"]["id"], local["item"]["uri"]) == (True, None, LOCAL)
    assert episode["item"]["type"] == "episode"
    assert nothing["item"] is None
    assert not any("track" in entry for entry in items)
    posing = api.get(f"playlists/{MIXED}/items")["items"][2]["item"]
    assert posing["type"] == "track"
    assert posing["uri"].startswith("spotify:episode:")


def test_the_fields_filter_works_and_a_wrong_name_gives_empty_objects(api: Api) -> None:
    wanted = "items(added_at,item(uri,album(name))),total,owner.id"
    page = api.get(f"playlists/{LATER}/items", fields=wanted)
    assert page == {
        "items": [
            {"added_at": page["items"][0]["added_at"], "item": {"uri": uri, "album": {"name": "O'Clock"}}}
            for uri in (NEWER, NEWEST)
        ],
        "total": 2,
    }
    assert api.get(f"playlists/{LATER}/items", fields="items(track(uri))") == {"items": [{}, {}]}
    assert api.get(f"playlists/{LATER}", fields="tracks.total") == {}
    assert api.get(f"playlists/{LATER}", fields="items.total,name") == {
        "items": {"total": 2},
        "name": "For Later",
    }


def test_a_created_playlist_is_public_whatever_was_asked_and_its_description_escaped(api: Api) -> None:
    body = {"name": "New", "public": False, "description": 'a & "b" <c>'}
    answer = api.call("POST", "me/playlists", body)
    assert answer.status_code == 201
    made = answer.json()
    assert made["public"] is True
    assert made["description"] == "a &amp; &quot;b&quot; &lt;c&gt;"
    assert made["items"]["total"] == 0
    again = api.call("POST", "me/playlists", body).json()
    assert again["id"] != made["id"]
    assert [one["id"] for one in api.get("me/playlists")["items"]][:2] == [again["id"], made["id"]]


def test_items_are_added_at_the_end_or_at_a_position(api: Api, running: RunningSandbox) -> None:
    first, second, third = (track_uri(number) for number in (1001, 1002, 1003))
    before = later(running).snapshot_id
    answer = api.call("POST", f"playlists/{LATER}/items", {"uris": [first]})
    assert answer.status_code == 201
    assert answer.json()["snapshot_id"] == later(running).snapshot_id != before
    api.call("POST", f"playlists/{LATER}/items", {"uris": [second, third], "position": 0})
    assert later(running).uris == [second, third, NEWER, NEWEST, first]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"uris": [track_uri(1001), LOCAL]}, f"Invalid track uri: {LOCAL}"),
        ({"uris": [track_uri(1001), "nonsense"]}, "Invalid track uri: nonsense"),
        ({"uris": [track_uri(1001), f"spotify:track:{'z' * 22}"]}, "Payload contains a non-existing ID"),
        ({"uris": [track_uri(1001)] * 101}, "You can add a maximum of 100 tracks per request."),
        ({"uris": [track_uri(1001)], "position": 3}, "Index out of bounds."),
        ({"uris": []}, "No uris provided"),
        ({}, "No uris provided"),
        ([track_uri(1001)], "No uris provided"),
    ],
)
def test_one_bad_uri_refuses_the_whole_chunk(
    api: Api, running: RunningSandbox, body: Any, message: str
) -> None:
    assert api.status("POST", f"playlists/{LATER}/items", body) == (400, message)
    assert later(running).uris == [NEWER, NEWEST]


def test_a_replace_loses_local_files_and_all_dates(api: Api, running: RunningSandbox) -> None:
    mixed = running.account.playlists[MIXED]
    old = mixed.entries[0].added_at
    assert api.status("PUT", f"playlists/{MIXED}/items", {"uris": [track_uri(1001)]})[0] == 200
    assert mixed.uris == [track_uri(1001)]
    assert mixed.entries[0].added_at != old
    assert api.status("PUT", f"playlists/{MIXED}/items", {"uris": []})[0] == 200
    assert mixed.entries == []


def test_a_move_keeps_dates_and_moves_local_files(api: Api, running: RunningSandbox) -> None:
    mixed = running.account.playlists[MIXED]
    before = list(mixed.entries)
    body = {"range_start": 1, "range_length": 2, "insert_before": 6}
    assert api.status("PUT", f"playlists/{MIXED}/items", body)[0] == 200
    assert mixed.entries == [before[0], *before[3:], *before[1:3]]
    body = {"range_start": 4, "insert_before": 0}
    assert api.status("PUT", f"playlists/{MIXED}/items", body)[0] == 200
    assert mixed.uris[0] == LOCAL
    wrong = {"range_start": 5, "range_length": 2, "insert_before": 0}
    assert api.status("PUT", f"playlists/{MIXED}/items", wrong) == (400, "Given positions are out of bounds")
    both = {"range_start": 0, "insert_before": 1, "uris": []}
    assert api.status("PUT", f"playlists/{MIXED}/items", both)[0] == 400


def test_a_move_with_an_older_snapshot_moves_that_snapshots_entries(
    api: Api, running: RunningSandbox
) -> None:
    old = later(running).snapshot_id
    running.account.edit_playlist(LATER, [track_uri(1001), NEWER, NEWEST])
    body = {"range_start": 1, "insert_before": 0, "snapshot_id": old}
    assert api.status("PUT", f"playlists/{LATER}/items", body)[0] == 200
    assert later(running).uris == [track_uri(1001), NEWEST, NEWER]
    body["snapshot_id"] = "unheard of"
    assert api.status("PUT", f"playlists/{LATER}/items", body) == (400, "Invalid playlist snapshot id")


def test_a_delete_by_uri_removes_every_copy_and_no_local_file(api: Api, running: RunningSandbox) -> None:
    mixed = running.account.playlists[MIXED]
    doubled = track_uri(1001)
    assert mixed.uris.count(doubled) == 2
    assert api.status("DELETE", f"playlists/{MIXED}/items", {"items": [{"uri": doubled}]})[0] == 200
    assert doubled not in mixed.uris
    before = mixed.snapshot_id
    again = api.call("DELETE", f"playlists/{MIXED}/items", {"items": [{"uri": doubled}]})
    assert again.json() == {"snapshot_id": before}
    status, message = api.status("DELETE", f"playlists/{MIXED}/items", {"items": [{"uri": LOCAL}]})
    assert (status, "invalid track uri" in message) == (400, True)
    old_key = {"tracks": [{"uri": track_uri(1002)}]}
    assert api.status("DELETE", f"playlists/{MIXED}/items", old_key) == (400, "No uris provided")


def test_new_details_make_a_new_snapshot_and_public_changes_nothing(
    api: Api, running: RunningSandbox
) -> None:
    before = later(running).snapshot_id
    assert api.status("PUT", f"playlists/{LATER}", {"public": False}) == (200, "")
    assert api.get(f"playlists/{LATER}")["public"] is True
    assert later(running).snapshot_id == before
    assert api.status("PUT", f"playlists/{LATER}", {"name": "Sooner"})[0] == 200
    assert later(running).snapshot_id != before
    assert api.status("PUT", f"playlists/{LATER}", {"description": "x" * 301})[0] == 400
    assert api.status("POST", "me/playlists", {"name": "x", "description": "two\nlines"})[0] == 400


def test_a_playlist_holds_ten_thousand_entries_and_no_more() -> None:
    with running_sandbox(library_of(likes=100, playlists=1, playlist_entries=9_950)) as running:
        api = Api(running)
        playlist_id = readable_id("Playlist", 1)
        uris = [f"spotify:track:{one}" for one in running.account.liked_ids]
        assert api.status("POST", f"playlists/{playlist_id}/items", {"uris": uris})[0] == 403
        assert api.status("POST", f"playlists/{playlist_id}/items", {"uris": uris[:50]})[0] == 201
        assert api.get(f"playlists/{playlist_id}/items", limit=1)["total"] == 10_000
        api.close()


def test_a_deleted_playlist_is_readable_and_writable_by_id_but_not_listed(
    api: Api, running: RunningSandbox
) -> None:
    uri = f"spotify:playlist:{LATER}"
    assert api.get("me/library/contains", uris=uri) == [True]
    assert api.status("DELETE", "me/library", uris=uri)[0] == 200
    assert api.get("me/library/contains", uris=uri) == [False]
    assert LATER not in [one["id"] for one in api.get("me/playlists")["items"]]
    assert api.get(f"playlists/{LATER}")["items"]["total"] == 2
    assert api.status("POST", f"playlists/{LATER}/items", {"uris": [track_uri(1001)]})[0] == 201
    assert api.status("PUT", "me/library", uris=uri)[0] == 200
    assert LATER in [one["id"] for one in api.get("me/playlists")["items"]]


def test_playlists_of_other_people_show_metadata_only(api: Api, running: RunningSandbox) -> None:
    theirs = running.account.add_playlist("Theirs", [track_uri(1001)], owner_id="somebody")
    ours = running.account.add_playlist("Ours", [track_uri(1001)], owner_id="friend", is_collaborative=True)
    spotifys = running.account.add_playlist("Weekly", [], id=opaque_id("weekly"), owner_id="spotify")
    assert "items" not in api.get(f"playlists/{theirs.id}")
    assert api.status("GET", f"playlists/{theirs.id}/items") == (403, "Forbidden")
    assert api.status("POST", f"playlists/{theirs.id}/items", {"uris": [track_uri(1001)]})[0] == 403
    assert api.get(f"playlists/{ours.id}/items")["total"] == 1
    assert api.status("GET", f"playlists/{spotifys.id}")[0] == 404
    listed = {one["name"]: one for one in api.get("me/playlists")["items"]}
    assert "items" not in listed["Theirs"]
    assert listed["Ours"]["items"]["total"] == 1


def test_after_a_write_reads_show_an_old_or_an_odd_snapshot_for_a_while(
    api: Api, running: RunningSandbox
) -> None:
    options, playlist = running.account.options, later(running)
    old = playlist.snapshot_id
    options.snapshot_lag_s = 600
    body = {"uris": [track_uri(1001)]}
    written = api.call("POST", f"playlists/{LATER}/items", body).json()["snapshot_id"]
    page = api.get(f"playlists/{LATER}")
    assert (page["snapshot_id"], page["items"]["total"]) == (old, 3)
    options.has_intermediate_snapshots = True
    assert api.get(f"playlists/{LATER}")["snapshot_id"] not in (old, written)
    options.snapshot_lag_s = 0
    assert api.get(f"playlists/{LATER}")["snapshot_id"] == written
    options.items_lag_s = 600
    assert api.get(f"playlists/{LATER}/items")["total"] == 2
    running.faults.add("stale_snapshot", "GET", "/me/playlists")
    stale = {one["id"]: one["snapshot_id"] for one in api.get("me/playlists")["items"]}
    fresh = {one["id"]: one["snapshot_id"] for one in api.get("me/playlists")["items"]}
    assert (stale[LATER], fresh[LATER]) == (old, written)


def test_the_user_may_edit_what_the_api_cannot(api: Api, running: RunningSandbox) -> None:
    mixed = running.account.playlists[MIXED]
    kept = mixed.entries[1]
    running.account.edit_playlist(MIXED, [LOCAL, None, track_uri(1003)])
    assert mixed.entries[0] == kept
    assert mixed.entries[1].uri is None
    mixed.entries.append(Entry(track_uri(1004), None, None))
    entry = api.get(f"playlists/{MIXED}/items")["items"][-1]
    assert (entry["added_at"], entry["added_by"]) == (None, None)
