"""What Spotify refuses to add or to remove: left out or left standing, told, and not asked for each night."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from playlists import printing
from playlists.push.push import plan_pushes

if TYPE_CHECKING:
    from sandbox.control.faults import FaultKind
    from tests.playlists.conftest import Stage


def test_one_bad_uri_is_found_dropped_named_and_not_tried_again(stage: Stage) -> None:
    bad = "spotify:track:0000000000000000000bad"
    stage.select("mine", [*stage.uris[:60], bad, *stage.uris[60:150]])
    result = stage.push()["mine"]
    assert result.dropped == (bad,)
    assert any(bad in note for note in result.notes)
    assert stage.playlist("Mine").uris == stage.uris[:150]
    assert stage.push()["mine"].outcome == "unchanged"
    assert stage.spotify.calls.writes == 0


@pytest.mark.parametrize("kind", ["bad_request", "not_found"])
def test_what_spotify_refuses_is_counted_as_left_out_and_planned_no_more(
    stage: Stage, kind: FaultKind
) -> None:
    good, refused = stage.uris[:8], stage.uris[8]
    stage.select("mine", [*good[:4], refused, *good[4:]])
    # of nine, then of four, then of two, then alone
    for nth in (1, 2, 3, 4):
        stage.spotify.faults.add(kind, "POST", "/playlists/{id}/items", nth=nth)
    result = stage.push()["mine"]
    row = printing.result_row(result)
    on_spotify = stage.playlist("Mine").uris
    assert (row["tracks"], row["added"]) == (len(on_spotify), len(on_spotify))
    assert len(result.dropped) == 1
    assert result.dropped[0] in row["why"]
    for _ in range(2):
        [plan] = plan_pushes(stage.session)
        assert (plan.outcome, plan.wanted, plan.write_calls) == ("unchanged", tuple(on_spotify), 0)
        assert any(result.dropped[0] in note for note in plan.notes)


def test_what_spotify_does_not_remove_is_told_and_not_asked_for_each_night(stage: Stage) -> None:
    stage.select("mine", stage.uris[:5])
    stage.push()
    stage.select("mine", stage.uris[1:5])
    stage.spotify.faults.add("bad_request", "DELETE", "/playlists/{id}/items", times=2)
    result = stage.push()["mine"]
    assert stage.playlist("Mine").uris == [*stage.uris[1:5], stage.uris[0]]
    assert result.plan.script.removed == ()
    assert f"Spotify does not remove {stage.uris[0]}; it stays, at the end." in result.notes
    for _ in range(2):
        result = stage.push()["mine"]
        assert (result.outcome, stage.spotify.calls.writes) == ("unchanged", 0)
        assert "does not remove" in result.notes[0]
    stage.select("mine", stage.uris[:6])
    stage.push()
    assert stage.playlist("Mine").uris == stage.uris[:6]


def test_what_was_not_removed_is_tried_again_when_all_is_read(stage: Stage) -> None:
    stage.select("mine", stage.uris[:5])
    stage.push()
    stage.select("mine", stage.uris[1:5])
    stage.spotify.faults.add("bad_request", "DELETE", "/playlists/{id}/items", times=2)
    stage.push()
    stage.query("update ops.playlists set full_read_at = now() - interval '8 days'")
    stage.push()
    assert stage.playlist("Mine").uris == stage.uris[1:5]


def test_a_playlist_that_is_gone_blames_no_uri(stage: Stage) -> None:
    stage.select("mine", stage.uris[:5])
    stage.push()
    stage.select("mine", stage.uris[3:9])
    stage.spotify.faults.add("not_found", "*", "/playlists/*", times=None)
    assert stage.push()["mine"].outcome == "failed"
    assert stage.query("select * from ops.refused_uris") == []


def test_several_bad_uris_are_all_found(stage: Stage) -> None:
    bad = [f"spotify:track:000000000000000000bad{number}" for number in range(3)]
    wanted = [stage.uris[0], bad[0], *stage.uris[1:80], bad[1], *stage.uris[80:130], bad[2]]
    stage.select("mine", wanted)
    assert set(stage.push()["mine"].dropped) == set(bad)
    assert stage.playlist("Mine").uris == stage.uris[:130]
