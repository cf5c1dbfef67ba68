"""Whatever goes wrong with a playlist, its rule stays, with all its versions and its mapping."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from playlists import records, registry
from playlists.rules import stored_rules
from playlists.rules.rule import read_rule
from profiles.errors import TrackerError

if TYPE_CHECKING:
    from sandbox.control.faults import FaultKind
    from tests.playlists.conftest import Stage

RULE = {"title": "Mine", "conditions": [{"field": "artist", "operator": "is", "value": "Pulp"}]}
KEPT = (
    "select rule.slug, rule.version, rule.rule, rule.retired_at, known.playlist_id, known.name"
    " from ops.playlist_rules as rule inner join ops.playlists as known using (slug)"
)


@pytest.fixture
def pushed(stage: Stage) -> Stage:
    """A stored rule whose playlist stands on Spotify, and is to change."""
    stored_rules.save(stage.session.database, "mine", read_rule(RULE), is_new=True)
    stage.select("mine", stage.uris[:5])
    stage.push()
    stage.select("mine", stage.uris[3:9])
    return stage


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("server_error", "/me/playlists"),
        ("quota_exceeded", "*"),
        ("premium_lapsed", "*"),
        ("not_found", "/playlists/*"),
        ("forbidden", "/playlists/*"),
        ("bad_request", "/playlists/*"),
        ("drop_after", "/playlists/*"),
        ("expired_token", "*"),
    ],
)
def test_a_rule_survives_every_error(pushed: Stage, kind: FaultKind, path: str) -> None:
    kept = pushed.query(KEPT)
    pushed.spotify.faults.add(kind, "*", path, times=None)
    for _ in range(2):
        with suppress(TrackerError):
            pushed.push()
    assert pushed.query(KEPT) == kept
    assert len(pushed.query("select * from ops.playlist_rule_versions")) == 1
    pushed.spotify.faults.clear()
    pushed.query("delete from ops.api_cooldowns")
    assert pushed.push()["mine"].outcome == "pushed"
    assert pushed.playlist("Mine").uris == pushed.uris[3:9]


def test_the_rule_of_a_playlist_that_the_user_deleted_stays_until_it_is_wanted_again(pushed: Stage) -> None:
    kept = pushed.query(KEPT)
    pushed.spotify.account.delete_playlist(pushed.playlist("Mine").id)
    for _ in range(2):
        assert pushed.push()["mine"].outcome == "deleted_on_spotify"
        assert pushed.spotify.calls.writes == 0
    assert pushed.query(KEPT) == kept
    registry.restore(pushed.session, records.read_states(pushed.session.database)["mine"])
    assert pushed.push()["mine"].outcome == "pushed"


def test_a_playlist_whose_mapping_was_lost_is_adopted_for_its_rule(pushed: Stage) -> None:
    pushed.query("delete from ops.playlists")
    assert pushed.push()["mine"].outcome == "pushed"
    assert pushed.playlist("Mine").uris == pushed.uris[3:9]
    assert len(pushed.query(KEPT)) == 1
