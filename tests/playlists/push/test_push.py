from __future__ import annotations

import random
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from playlists import printing, records
from playlists.push import planning
from playlists.push.push import LOCK, plan_pushes, push_all
from profiles.database import advisory_lock

if TYPE_CHECKING:
    from tests.playlists.conftest import Stage


def test_a_new_playlist_is_made_filled_and_recorded(stage: Stage) -> None:
    stage.select("most_played", stage.uris[:250], title="Most Played")
    result = stage.push()["most_played"]
    assert result.outcome == "pushed"
    assert stage.playlist("Most Played").uris == stage.uris[:250]
    [row] = stage.query("select * from ops.playlist_pushes")
    assert row["status"] == "done"
    assert [entry["uri"] for entry in row["after_uris"]] == stage.uris[:250]
    assert all(entry["added_at"] for entry in row["after_uris"])
    [state] = stage.query("select * from ops.playlists")
    assert (state["state"], state["playlist_id"]) == ("active", stage.playlist("Most Played").id)


def test_nothing_changed_takes_one_read_for_all_playlists(stage: Stage) -> None:
    for slug in ("one", "two", "three"):
        stage.select(slug, stage.uris[:60])
    stage.push()
    results = stage.push()
    assert {result.outcome for result in results.values()} == {"unchanged"}
    assert (stage.spotify.calls.reads, stage.spotify.calls.writes) == (1, 0)


def test_a_change_costs_what_changed_and_keeps_the_other_dates(stage: Stage) -> None:
    stage.select("liked", stage.uris[:100])
    stage.push()
    stage.age("Liked")
    before = stage.dates("Liked")
    stage.select("liked", [*stage.uris[:10], stage.uris[500], *stage.uris[11:100]])
    stage.push()
    assert stage.spotify.calls.writes == 2
    after = stage.dates("Liked")
    assert stage.playlist("Liked").uris[10] == stage.uris[500]
    assert {uri: date for uri, date in after.items() if uri in before} == {
        uri: date for uri, date in before.items() if uri in after
    }


def test_what_the_user_changed_is_mirrored_back(stage: Stage) -> None:
    stage.select("mine", stage.uris[:30])
    stage.push()
    playlist = stage.playlist("Mine")
    edited = [stage.uris[700], *reversed(stage.uris[5:30])]
    stage.spotify.account.edit_playlist(playlist.id, edited)
    stage.push()
    assert playlist.uris == stage.uris[:30]
    reasons = [
        row["reason"] for row in stage.query("select reason from ops.playlist_pushes order by push_id")
    ]
    assert "edited on Spotify" in reasons


@pytest.mark.fault(14)
def test_fault_14_a_playlist_that_the_user_emptied_is_repaired(stage: Stage) -> None:
    stage.select("mine", stage.uris[:30])
    stage.push()
    stage.spotify.account.edit_playlist(stage.playlist("Mine").id, [])
    stage.push()
    assert stage.playlist("Mine").uris == stage.uris[:30]


def test_in_append_mode_the_users_additions_stay(stage: Stage) -> None:
    stage.select("inbox", stage.uris[:5], mode="append")
    stage.push()
    playlist = stage.playlist("Inbox")
    stage.spotify.account.edit_playlist(playlist.id, [stage.uris[99], *stage.uris[:5]])
    stage.select("inbox", stage.uris[3:8], mode="append")
    stage.push()
    assert playlist.uris == [stage.uris[99], *stage.uris[:8]]


def test_a_frozen_playlist_is_filled_once(stage: Stage) -> None:
    stage.select("year", stage.uris[:5], mode="freeze")
    stage.push()
    stage.select("year", stage.uris[5:9], mode="freeze")
    assert stage.push()["year"].outcome == "unchanged"
    assert stage.playlist("Year").uris == stage.uris[:5]


def test_local_files_of_the_user_stay_at_the_end(stage: Stage) -> None:
    stage.select("mine", stage.uris[:5])
    stage.push()
    local = "spotify:local:Me:Tape:Song:200"
    stage.spotify.account.edit_playlist(stage.playlist("Mine").id, [local, None, *stage.uris[:5]])
    stage.push()
    assert stage.playlist("Mine").uris == [*stage.uris[:5], local, None]
    assert stage.push()["mine"].outcome == "unchanged"
    assert stage.spotify.calls.total == 1


def test_a_dry_run_writes_nothing(stage: Stage) -> None:
    stage.select("mine", stage.uris[:5])
    [result] = stage.push(dry_run=True).values()
    assert (result.outcome, len(result.plan.script.added)) == ("planned", 5)
    assert stage.spotify.calls.writes == 0
    assert stage.query("select * from ops.playlist_pushes") == []


def test_a_new_title_renames_and_touches_no_entry(stage: Stage) -> None:
    stage.select("mine", stage.uris[:5], title="Old")
    stage.push()
    stage.select("mine", stage.uris[:5], title="New")
    stage.push()
    assert stage.playlist("New").uris == stage.uris[:5]
    assert stage.spotify.calls.writes == 1
    stage.push()
    stage.push()
    assert (stage.spotify.calls.reads, stage.spotify.calls.writes) == (1, 0)


def test_a_new_description_is_told_to_spotify_with_its_mark(stage: Stage) -> None:
    stage.select("mine", stage.uris[:5], description="Old & plain")
    stage.push()
    stage.select("mine", stage.uris[:5], description="Loved once,\nquiet since")
    stage.push()
    assert stage.spotify.calls.writes == 1
    description = stage.playlist("Mine").description or ""
    assert description.startswith("Loved once, quiet since tracker-")
    stage.push()
    stage.push()
    assert (stage.spotify.calls.reads, stage.spotify.calls.writes) == (1, 0)


def test_a_plan_that_waits_for_another_push_begins_from_what_that_one_left(stage: Stage) -> None:
    stage.select("mine", stage.uris[:10])
    stage.push()
    stage.select("mine", stage.uris[3:12])
    with ThreadPoolExecutor() as threads, advisory_lock(stage.session.database, LOCK, wait=True):
        waiting = threads.submit(push_all, stage.session)
        playlist = stage.playlist("Mine")
        stage.spotify.account.edit_playlist(playlist.id, stage.uris[3:12])
    [result] = waiting.result()
    assert (result.outcome, playlist.uris) == ("unchanged", stage.uris[3:12])


def test_a_plan_made_during_a_push_records_nothing(stage: Stage) -> None:
    stage.select("mine", stage.uris[:10])
    stage.push()
    stage.spotify.account.edit_playlist(stage.playlist("Mine").id, stage.uris[:4])
    with advisory_lock(stage.session.database, LOCK, wait=True):
        [plan] = plan_pushes(stage.session)
    assert len(plan.script.added) == 6
    assert len(stage.query("select * from ops.playlist_pushes")) == 1


def test_a_name_that_the_user_gave_on_spotify_stays(stage: Stage) -> None:
    stage.select("mine", stage.uris[:5], title="Ours")
    stage.push()
    playlist = stage.playlist("Ours")
    playlist.name = "Theirs"
    stage.spotify.account.change_playlist(playlist)
    stage.push()
    assert playlist.name == "Theirs"
    assert stage.spotify.calls.writes == 0


def test_a_doubled_song_is_put_right_and_its_lost_date_named(stage: Stage) -> None:
    stage.select("mine", stage.uris[:5])
    stage.push()
    stage.spotify.account.edit_playlist(stage.playlist("Mine").id, [*stage.uris[:5], stage.uris[2]])
    result = stage.push()["mine"]
    assert stage.playlist("Mine").uris == stage.uris[:5]
    assert [entry.uri for entry in result.plan.script.dates_lost] == [stage.uris[2]]


def test_writes_that_show_late_are_waited_for(stage: Stage) -> None:
    stage.select("mine", stage.uris[:5])
    stage.push()
    stage.spotify.account.options.items_lag_s = 0.05
    stage.select("mine", stage.uris[2:9])
    assert stage.push()["mine"].outcome == "pushed"
    assert stage.playlist("Mine").uris == stage.uris[2:9]


@pytest.mark.parametrize("intermediate", [True, False])
def test_snapshots_that_show_late_mislead_nobody(stage: Stage, intermediate: bool) -> None:
    options = stage.spotify.account.options
    options.snapshot_lag_s, options.has_intermediate_snapshots = 30, intermediate
    stage.select("mine", stage.uris[:5])
    stage.push()
    for number in range(3):
        stage.select("mine", stage.uris[number : number + 6])
        stage.push()
        assert stage.playlist("Mine").uris == stage.uris[number : number + 6]
    assert stage.push()["mine"].outcome == "unchanged"
    assert stage.spotify.calls.writes == 0
    options.snapshot_lag_s = 0
    stage.push()
    stage.push()
    assert (stage.spotify.calls.reads, stage.spotify.calls.writes) == (1, 0)


def test_a_user_who_edits_during_the_push_does_not_spoil_it(stage: Stage) -> None:
    stage.select("mine", stage.uris[:50])
    stage.push()
    playlist = stage.playlist("Mine")

    def edit() -> None:
        stage.spotify.account.edit_playlist(playlist.id, [stage.uris[900], *playlist.uris])

    stage.spotify.faults.on("POST", "/playlists/{id}/items", edit)
    stage.select("mine", [*stage.uris[:20], stage.uris[300], *stage.uris[21:50]])
    assert stage.push()["mine"].outcome == "pushed"
    assert playlist.uris == [*stage.uris[:20], stage.uris[300], *stage.uris[21:50]]


def test_a_playlist_that_the_user_edits_while_another_is_pushed_is_planned_from_what_it_holds(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    for slug in ("first", "second"):
        stage.select(slug, stage.uris[:10])
    stage.push()
    for slug in ("first", "second"):
        stage.select(slug, stage.uris[3:12])
    edited = stage.playlist("Second")

    def edit() -> None:
        stage.spotify.account.edit_playlist(edited.id, list(reversed(stage.uris[:10])))

    stage.spotify.faults.on("POST", f"/playlists/{stage.playlist('First').id}/items", edit)
    monkeypatch.setattr(planning, "LISTING_GOOD_FOR_S", 0.0)
    result = stage.push()["second"]
    assert (result.outcome, result.plan.basis, edited.uris) == ("pushed", "read", stage.uris[3:12])
    before = [entry.uri for entry in result.plan.current]
    assert before == list(reversed(stage.uris[:10])), "an undo brings back what the user had"


def test_one_playlist_that_fails_does_not_stop_the_others(stage: Stage) -> None:
    for slug in ("a", "b", "c"):
        stage.select(slug, stage.uris[:5])
    stage.push()
    for slug in ("a", "b", "c"):
        stage.select(slug, stage.uris[1:7])
    path = f"/playlists/{stage.playlist('B').id}/items"
    stage.spotify.faults.add("forbidden", "*", path, times=None)
    results = stage.push()
    assert {slug: result.outcome for slug, result in results.items()} == {
        "a": "pushed",
        "b": "failed",
        "c": "pushed",
    }
    assert records.read_states(stage.session.database)["b"].state == "failing"
    stage.spotify.faults.clear()
    assert stage.push()["b"].outcome == "pushed"
    assert records.read_states(stage.session.database)["b"].state == "active"


def test_a_quota_stop_defers_the_rest_and_loses_nothing(stage: Stage) -> None:
    for slug in ("a", "b"):
        stage.select(slug, stage.uris[:5])
    stage.push()
    for slug in ("a", "b"):
        stage.select(slug, stage.uris[1:7])
    stage.spotify.faults.add("quota_exceeded", "POST", "/playlists/{id}/items")
    results = stage.push()
    assert {result.outcome for result in results.values()} == {"deferred"}
    stage.query("delete from ops.api_cooldowns")
    stage.spotify.faults.clear()
    stage.push()
    assert stage.playlist("A").uris == stage.playlist("B").uris == stage.uris[1:7]


def test_a_quota_that_ends_while_a_playlist_is_read_keeps_what_was_pushed_before(stage: Stage) -> None:
    for slug in ("a", "b", "c"):
        stage.select(slug, stage.uris[:5])
    stage.push()
    for slug in ("a", "b"):
        stage.select(slug, stage.uris[1:7])
    stage.query("update ops.playlists set snapshot_id = null where slug = 'b'")
    stage.spotify.faults.add("quota_exceeded", "GET", f"/playlists/{stage.playlist('B').id}")
    results = stage.push()
    assert {slug: result.outcome for slug, result in results.items()} == {
        "a": "pushed",
        "b": "deferred",
        "c": "unchanged",
    }
    assert results["b"].error


def test_our_own_record_is_trusted_for_a_week(stage: Stage) -> None:
    stage.select("mine", stage.uris[:5])
    stage.push()
    stage.query("update ops.playlists set full_read_at = now() - interval '8 days'")
    stage.push()
    assert (stage.spotify.calls.reads, stage.spotify.calls.writes) == (2, 0)
    stage.push()
    assert stage.spotify.calls.reads == 1


def test_a_week_of_the_same_selection_in_any_order_of_ties_writes_nothing(stage: Stage) -> None:
    """Fault 13: what is selected alike is pushed alike."""
    stage.select("mine", stage.uris[:50])
    stage.push()
    writes = 0
    for _ in range(7):
        stage.select("mine", stage.uris[:50])
        stage.push()
        writes += stage.spotify.calls.writes
    assert writes == 0


@pytest.mark.fault(2)
def test_a_large_replacement_is_never_half_empty(stage: Stage) -> None:
    stage.select("mine", stage.uris[:600])
    stage.push()
    playlist = stage.playlist("Mine")
    wanted = random.Random(3).sample(stage.uris[:600], 600)
    sizes: list[int] = []
    for nth in range(1, 40):
        stage.spotify.faults.on(
            "*", "/playlists/{id}/items", lambda: sizes.append(len(playlist.entries)), nth=nth
        )
    stage.select("mine", wanted)
    result = stage.push()["mine"]
    assert result.plan.script.is_replace
    assert len(result.plan.script.dates_lost) == 600
    assert min(sizes) >= 100
    assert playlist.uris == wanted


def test_a_change_of_public_is_asked_for_once_though_spotify_may_not_honour_it(stage: Stage) -> None:
    stage.select("mine", stage.uris[:5])
    stage.push()
    stage.select("mine", stage.uris[:5], public=True)
    [plan] = plan_pushes(stage.session)
    assert (plan.outcome, plan.new_details, plan.write_calls) == ("planned", {"public": True}, 1)
    stage.push()
    assert stage.spotify.calls.writes == 1
    stage.select("mine", stage.uris[:5], public=False)
    stage.playlist("Mine").is_public = True  # whatever Spotify made of it
    assert stage.push()["mine"].plan.new_details == {"public": False}
    stage.push()
    stage.push()
    assert (stage.spotify.calls.reads, stage.spotify.calls.writes) == (1, 0)


def test_a_new_description_leaves_the_name_that_the_user_gave(stage: Stage) -> None:
    stage.select("mine", stage.uris[:5], title="Ours")
    stage.push()
    playlist = stage.playlist("Ours")
    playlist.name = "Theirs"
    stage.spotify.account.change_playlist(playlist)
    stage.select("mine", stage.uris[:5], title="Ours", description="Something else")
    stage.push()
    assert playlist.name == "Theirs"
    assert (playlist.description or "").startswith("Something else")


def test_a_plan_of_a_paused_playlist_tells_what_it_holds(stage: Stage) -> None:
    stage.select("mine", stage.uris[:25])
    stage.push()
    records.write_override(stage.session.database, "mine", "Mine", enabled=False, reason="by hand")
    stage.select("mine", stage.uris[:20])
    [plan] = plan_pushes(stage.session, ["mine"])
    assert (plan.outcome, len(plan.current), len(plan.script.removed)) == ("paused", 25, 5)
    assert plan.notes == ("It is paused: it stays as it is until `tracker playlists resume mine`.",)
    # a push of all of them looks at none that is paused
    stage.spotify.calls.reset()
    assert stage.push()["mine"].outcome == "paused"
    assert stage.spotify.calls.reads == 1, "the listing"


def test_the_table_of_a_push_tells_all_calls_that_it_made(stage: Stage) -> None:
    stage.select("mine", stage.uris[:25])
    stage.push()
    stage.select("mine", [*stage.uris[25:30], *stage.uris[:20]])
    result = stage.push()["mine"]
    # beside the one listing of the whole run
    made = stage.spotify.calls.reads + stage.spotify.calls.writes - 1
    assert made > 2
    assert printing.result_row(result)["calls"] == made
