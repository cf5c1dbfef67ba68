from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from playlists import records, registry
from playlists.cli import main
from playlists.exclusions import ensure_exclusions
from profiles.errors import SpotifyUnavailable
from sandbox.account.model import ALL_SCOPES

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.control.faults import FaultKind
    from tests.playlists.conftest import Stage


def state_of(stage: Stage, slug: str) -> dict[str, Any]:
    [row] = stage.query("select * from ops.playlists where slug = %s", slug)
    return row


@pytest.mark.fault(1)
@pytest.mark.parametrize("kind", ["server_error", "drop_before", "rate_limited", "forbidden"])
def test_fault_1_an_error_while_listing_forgets_nothing(stage: Stage, kind: FaultKind) -> None:
    stage.select("mine", stage.uris[:5])
    stage.push()
    stage.query(
        "insert into ops.playlist_rules (slug, version, rule) values ('mine', 3, '{\"title\": \"Mine\"}')"
    )
    rules = stage.query("select * from ops.playlist_rules")
    before = state_of(stage, "mine")
    details = {"retry_after": 3600} if kind == "rate_limited" else {}
    stage.spotify.faults.add(kind, "GET", "/me/playlists", times=None, **details)
    with pytest.raises(Exception, match="Spotify"):
        stage.push()
    assert state_of(stage, "mine") == before
    assert stage.query("select * from ops.playlist_rules") == rules
    stage.spotify.faults.clear()
    stage.query("delete from ops.api_cooldowns")
    assert stage.push()["mine"].outcome == "unchanged"
    assert len(stage.playlists("Mine")) == 1


@pytest.mark.fault(1)
def test_fault_1_a_listing_that_is_not_whole_proves_no_deletion(stage: Stage) -> None:
    stage.select("mine", stage.uris[:5])
    stage.push()
    playlist = stage.playlist("Mine")
    for number in range(60):
        stage.spotify.account.add_playlist(f"Other {number}")

    def delete() -> None:
        stage.spotify.account.delete_playlist(playlist.id)

    stage.spotify.faults.on("GET", "/me/playlists", delete, nth=2)  # between its pages
    stage.push()
    assert state_of(stage, "mine")["state"] == "active"


@pytest.mark.fault(2)
def test_fault_2_a_new_selection_never_empties_a_playlist(stage: Stage) -> None:
    stage.select("mine", stage.uris[:150])
    stage.push()
    playlist = stage.playlist("Mine")
    sizes: list[int] = []
    for nth in range(1, 20):
        stage.spotify.faults.on("*", "*", lambda: sizes.append(len(playlist.entries)), nth=nth)
    stage.select("mine", stage.uris[600:750])
    stage.push()
    assert playlist.uris == stage.uris[600:750]
    assert min(sizes) >= 150


@pytest.mark.fault(13)
def test_fault_13_an_unchanged_selection_writes_nothing(stage: Stage) -> None:
    stage.select("mine", stage.uris[:100])
    stage.push()
    stage.select("mine", stage.uris[:100])
    stage.push()
    assert (stage.spotify.calls.reads, stage.spotify.calls.writes) == (1, 0)


@pytest.mark.fault(15)
def test_fault_15_two_of_one_name_are_two_playlists_and_no_orphan(stage: Stage) -> None:
    stage.select("first", stage.uris[:5], title="Same")
    stage.select("second", stage.uris[5:9], title="Same")
    stage.push()
    stage.query("update ops.playlists set playlist_id = null, snapshot_id = null")  # both mappings lost
    stage.push()
    assert sorted(len(one.uris) for one in stage.playlists("Same")) == [4, 5]
    assert {row["playlist_id"] for row in stage.query("select playlist_id from ops.playlists")} == {
        one.id for one in stage.playlists("Same")
    }


@pytest.mark.fault(12, "empty group")
def test_a_rule_with_an_empty_group_makes_no_playlist_anywhere(
    stage: Stage, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "empty.json"
    groups = [{"match": "any", "conditions": []}]
    file.write_text(json.dumps({"title": "Empty", "match": "all", "conditions": groups}), encoding="utf-8")
    before = set(stage.spotify.account.playlists)
    stage.spotify.calls.reset()
    assert main(["new", "--rule", str(file)]) == 2
    assert "a group has no condition" in capsys.readouterr().err
    assert (set(stage.spotify.account.playlists), stage.spotify.calls.writes) == (before, 0)
    for table in ("playlists", "playlist_rules", "playlist_rule_versions"):
        assert stage.query(f"select * from ops.{table}") == []


def test_a_playlist_that_the_user_deleted_is_not_resurrected(stage: Stage) -> None:
    stage.select("mine", stage.uris[:5])
    stage.push()
    stage.spotify.account.delete_playlist(stage.playlist("Mine").id)
    stage.select("mine", stage.uris[2:8])
    for _ in range(2):
        assert stage.push()["mine"].outcome == "deleted_on_spotify"
        assert stage.spotify.calls.writes == 0
    assert state_of(stage, "mine")["state"] == "deleted_on_spotify"
    assert state_of(stage, "mine")["playlist_id"] == stage.playlist("Mine").id


def test_a_playlist_that_the_consent_no_longer_covers_is_not_taken_for_deleted(stage: Stage) -> None:
    stage.select("mine", stage.uris[:5])
    stage.push()
    stage.playlist("Mine").is_public = False
    granted = [scope for scope in ALL_SCOPES.split() if scope != "playlist-read-private"]
    stage.spotify.tokens.grants[stage.spotify.refresh_token].scope = " ".join(granted)
    stage.spotify.tokens.expire_access_tokens()
    stage.select("mine", stage.uris[2:8])
    result = stage.push()["mine"]
    assert result.outcome not in ("deleted_on_spotify", "pushed")
    assert "consent does not cover" in str(result.plan.refusals)
    assert state_of(stage, "mine")["state"] != "deleted_on_spotify"
    assert len(stage.playlists("Mine")) == 1


def test_a_deleted_playlist_comes_back_when_asked(stage: Stage) -> None:
    stage.select("mine", stage.uris[:5])
    stage.push()
    playlist = stage.playlist("Mine")
    stage.spotify.account.delete_playlist(playlist.id)
    stage.select("mine", stage.uris[2:8])
    stage.push()
    registry.restore(stage.session, records.read_states(stage.session.database)["mine"])
    assert stage.push()["mine"].outcome == "pushed"
    assert playlist.is_in_library
    assert playlist.uris == stage.uris[2:8]


def test_one_that_the_user_took_back_is_kept_up_again(stage: Stage) -> None:
    stage.select("mine", stage.uris[:5])
    stage.push()
    playlist = stage.playlist("Mine")
    stage.spotify.account.delete_playlist(playlist.id)
    stage.push()
    stage.spotify.account.restore_playlist(playlist.id)
    stage.push()
    assert state_of(stage, "mine")["state"] == "active"


def test_a_lost_mapping_is_adopted(stage: Stage) -> None:
    stage.select("mine", stage.uris[:5])
    stage.push()
    playlist = stage.playlist("Mine")
    playlist.name = "Renamed by the user"
    stage.query("delete from ops.playlists")
    stage.select("mine", stage.uris[2:8])
    stage.push()
    assert [one.id for one in stage.spotify.account.playlists.values()] == [playlist.id]
    assert playlist.uris == stage.uris[2:8]


def test_playlists_of_another_installation_are_not_adopted(stage: Stage) -> None:
    stage.select("mine", stage.uris[:5])
    stage.push()
    stage.query("delete from ops.playlists")
    stage.query("update ops.installation set id = gen_random_uuid()")
    stage.push()
    assert len(stage.playlists("Mine")) == 2


def test_the_mark_of_one_slug_is_not_taken_for_that_of_a_longer_one(stage: Stage) -> None:
    stage.select("mine_too", stage.uris[:5], title="Long")
    stage.push()
    stage.select("mine", stage.uris[5:8], title="Short")
    stage.push()
    assert stage.playlist("Long").uris == stage.uris[:5]
    assert stage.playlist("Short").uris == stage.uris[5:8]


@pytest.mark.parametrize(
    "kind", ["server_error", "server_error_after", "drop_before", "drop_after", "drop_midway"]
)
def test_a_creation_whose_answer_is_lost_makes_no_second_one(stage: Stage, kind: FaultKind) -> None:
    stage.select("mine", stage.uris[:5])
    stage.spotify.faults.add(kind, "POST", "/me/playlists")
    stage.push()
    assert stage.playlist("Mine").uris == stage.uris[:5]


def test_a_playlist_of_somebody_else_is_never_written_to(stage: Stage) -> None:
    stage.select("mine", stage.uris[:5])
    stage.push()
    stage.playlist("Mine").owner_id = "somebody"
    stage.query("update ops.playlists set snapshot_id = null")
    stage.select("mine", stage.uris[2:8])
    assert stage.push()["mine"].outcome in ("refused", "failed")
    assert stage.spotify.calls.writes == 0


def test_the_exclusions_playlist_is_made_once(stage: Stage) -> None:
    made = ensure_exclusions(stage.session)
    again = ensure_exclusions(stage.session)
    assert made.playlist_id == again.playlist_id == stage.playlist("exclusions").id


def test_a_deleted_exclusions_playlist_comes_back_only_when_asked(stage: Stage) -> None:
    made = ensure_exclusions(stage.session)
    stage.spotify.account.delete_playlist(made.playlist_id or "")
    assert ensure_exclusions(stage.session).state == "deleted_on_spotify"
    assert ensure_exclusions(stage.session, is_restored=True).state == "active"
    assert stage.playlist("exclusions").is_in_library


def test_an_outage_while_creating_leaves_an_intent_that_the_next_run_finishes(stage: Stage) -> None:
    stage.select("mine", stage.uris[:5])
    stage.spotify.faults.add("server_error_after", "POST", "/me/playlists")
    stage.spotify.faults.add("server_error", "GET", "/me/playlists", nth=2, times=None)
    assert stage.push()["mine"].outcome == "failed"
    assert state_of(stage, "mine")["state"] == "failing"
    with pytest.raises(SpotifyUnavailable):
        stage.push()
    stage.spotify.faults.clear()
    assert stage.push()["mine"].outcome == "pushed"
    assert stage.playlist("Mine").uris == stage.uris[:5]
    assert state_of(stage, "mine")["state"] == "active"
