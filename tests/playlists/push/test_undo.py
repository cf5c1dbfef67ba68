from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from playlists import cli as commands
from playlists.push.undo import NothingToUndoError, undo

if TYPE_CHECKING:
    from tests.playlists.conftest import Stage


def push_three_times(stage: Stage) -> list[list[str]]:
    orders = [stage.uris[:20], [*stage.uris[25:30], *stage.uris[:15]], stage.uris[3:40]]
    for order in orders:
        stage.select("mine", order)
        stage.push()
    return orders


def first_push(stage: Stage) -> int:
    [row] = stage.query("select min(push_id) as push_id from ops.playlist_pushes")
    return int(row["push_id"])


def test_undo_after_three_pushes_restores_the_first_order_and_the_next_run_leaves_it(stage: Stage) -> None:
    orders = push_three_times(stage)
    undo(stage.session, "mine", to=first_push(stage))
    assert stage.playlist("Mine").uris == orders[0]
    assert stage.push()["mine"].outcome == "paused"
    assert stage.playlist("Mine").uris == orders[0]


def test_undo_after_undo_walks_further_back(stage: Stage) -> None:
    orders = push_three_times(stage)
    for order in (orders[1], orders[0], []):
        undo(stage.session, "mine")
        assert stage.playlist("Mine").uris == order
    with pytest.raises(NothingToUndoError):
        undo(stage.session, "mine")


def test_a_push_after_an_undo_can_be_undone_too(stage: Stage) -> None:
    orders = push_three_times(stage)
    undo(stage.session, "mine")
    run("resume", "mine")
    stage.push()
    assert stage.playlist("Mine").uris == orders[2]
    undo(stage.session, "mine")
    assert stage.playlist("Mine").uris == orders[1]


def test_undo_brings_back_what_the_user_had_before_our_push(stage: Stage) -> None:
    push_three_times(stage)
    edited = [stage.uris[100], *stage.uris[3:30]]
    stage.spotify.account.edit_playlist(stage.playlist("Mine").id, edited)
    stage.push()
    undo(stage.session, "mine")
    assert stage.playlist("Mine").uris == edited


def test_undo_can_be_rehearsed(stage: Stage) -> None:
    orders = push_three_times(stage)
    assert undo(stage.session, "mine", dry_run=True).outcome == "planned"
    assert stage.playlist("Mine").uris == orders[2]
    assert stage.push()["mine"].outcome == "unchanged"


def run(*arguments: str) -> int:
    return commands.main(arguments)


def printed(capsys: pytest.CaptureFixture[str]) -> Any:
    return json.loads(capsys.readouterr().out)


def test_the_commands_tell_the_story(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.select("mine", stage.uris[:20])
    assert run("plan", "--json") == 0
    [plan] = printed(capsys)
    assert (plan["outcome"], plan["added"], plan["calls"]) == ("planned", 20, 2)
    assert run("apply", "--dry-run", "--json") == 0
    assert printed(capsys)[0]["outcome"] == "planned"
    assert stage.playlists("Mine") == []
    assert run("apply", "mine", "--json") == 0
    [result] = printed(capsys)
    assert (result["outcome"], result["added"]) == ("pushed", 20)
    assert run("list", "--json") == 0
    [row] = printed(capsys)
    assert (row["slug"], row["state"], row["selected"]) == ("mine", "active", 20)
    assert run("preview", "mine", "--json") == 0
    assert len(printed(capsys)["selection"]) == 20
    assert run("history", "mine", "--json") == 0
    [push] = printed(capsys)
    assert (push["status"], push["tracks"], push["reason"]) == ("done", 20, "by hand")
    assert run("pause", "mine", "--json") == 0
    assert printed(capsys) == [{"slug": "mine", "state": "paused"}]
    assert run("apply", "--json") == 0
    assert printed(capsys)[0]["outcome"] == "paused"
    assert run("resume", "mine", "--json") == 0
    assert printed(capsys) == [{"slug": "mine", "state": "active"}]
    assert run("undo", "mine", "--dry-run", "--json") == 0
    assert printed(capsys)[0]["removed"] == 20


def test_history_tells_what_was_in_it_on_a_day(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    orders = push_three_times(stage)
    stage.query(
        "update ops.playlist_pushes set started_at = started_at - (interval '1 day' * (10 - push_id)),"
        " finished_at = finished_at - (interval '1 day' * (10 - push_id))"
    )
    [second] = stage.query("select started_at from ops.playlist_pushes order by push_id offset 1 limit 1")
    assert run("history", "mine", "--as-of", f"{second['started_at']:%Y-%m-%d}", "--json") == 0
    assert [row["uri"] for row in printed(capsys)] == orders[1]
    assert run("history", "mine", "--as-of", "2020-01-01") == 2
    assert run("history", "mine", "--as-of", "tomorrow") == 2


def test_wrong_names_are_bad_input(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.select("mine", stage.uris[:5])
    assert run("apply", "yours") == 2
    assert "Known are mine" in capsys.readouterr().err
    assert run("undo", "mine") == 2
    assert run("pause", "yours") == 2


def test_a_refusal_is_a_failure_and_a_quota_is_not(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.select("mine", stage.uris[:5], tested="fail")
    assert run("apply") == 1
    assert "dbt tests failed" in capsys.readouterr().out
    stage.select("mine", stage.uris[:5])
    stage.spotify.faults.add("quota_exceeded", "POST", "*")
    assert run("apply") == 3


def test_nothing_built_yet_is_said(stage: Stage, capsys: pytest.CaptureFixture[str]) -> None:
    stage.query("drop table analytics.playlist_definitions")
    assert run("plan") == 1
    assert "No playlist has been built yet" in capsys.readouterr().err
    assert run("list") == 0
