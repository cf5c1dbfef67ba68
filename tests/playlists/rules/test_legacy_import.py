"""The rules that an older tracker kept: translated, stored paused, and only once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from psycopg2.extras import Json

from playlists import records
from playlists.cli import main
from playlists.rules import stored_rules
from playlists.rules.legacy_import import PAUSED, import_rules, legacy_playlists

if TYPE_CHECKING:
    from profiles.session import Session

THEIR_ID = "0123456789abcdefABCDEF"
THEIRS: dict[str, tuple[str | None, str | None, Any]] = {
    "Deep-Cuts!": (
        "Deep Cuts, the old ones",
        THEIR_ID,
        {
            "match": "all",
            "conditions": [
                {"field": "min_plays", "operator": "is", "value": 3},
                {"field": "track", "operator": "contains", "value": "live"},
            ],
            "sort": "-plays",
            "limit": 40,
        },
    ),
    "most_played": ("Most", "not an id", {"conditions": [{"field": "plays", "operator": "gt", "value": 1}]}),
    "odd": ("Odd", None, {"conditions": [{"field": "mood", "operator": "is", "value": "blue"}]}),
    "empty": ("Empty", None, {"match": "any", "conditions": []}),
    "old": (None, None, None),
}


@pytest.fixture
def imported(session: Session) -> Session:
    with session.database.transaction() as cursor:
        cursor.execute(
            "create schema raw_export; create table raw_export.tracker_playlists"
            " (slug varchar, name varchar, playlist_id varchar, rules jsonb)"
        )
        for slug, (name, playlist_id, rules) in THEIRS.items():
            cursor.execute(
                "insert into raw_export.tracker_playlists values (%s, %s, %s, %s)",
                [slug, name, playlist_id, None if rules is None else Json(rules)],
            )
    return session


def test_without_an_import_nothing_is_legacy_playlists(session: Session) -> None:
    assert legacy_playlists(session.database) == []


def test_rules_are_translated_and_stored_paused(imported: Session) -> None:
    database = imported.database
    assert {offer.theirs for offer in legacy_playlists(database) if offer.is_waiting} == {
        "Deep-Cuts!",
        "most_played",
    }
    import_rules(database)
    rules = stored_rules.load_all(database)
    assert list(rules) == ["imported_deep_cuts", "imported_most_played"]  # models are called so, too
    document = rules["imported_deep_cuts"].document
    assert document["title"] == "Deep Cuts, the old ones"
    assert document["conditions"] == [
        {"field": "play_count", "operator": ">=", "value": 3},
        {"field": "title", "operator": "contains", "value": "live"},
    ]
    assert (document["select_by"], document["limit"]["tracks"]) == (["play_count desc"], 40)
    states = records.read_states(database)
    assert {(state.state, state.state_reason, state.enabled_override) for state in states.values()} == {
        ("paused", PAUSED, False)
    }
    assert states["imported_deep_cuts"].playlist_id == THEIR_ID
    assert states["imported_most_played"].playlist_id is None


def test_what_has_no_counterpart_is_named_and_not_stored(imported: Session) -> None:
    why = {offer.theirs: offer.why or "" for offer in import_rules(imported.database)}
    assert "'mood' is no field" in why["odd"]
    assert "a group has no condition" in why["empty"]
    assert why["old"] == "It kept no rule."


def test_a_second_import_changes_nothing_also_not_what_was_retired(imported: Session) -> None:
    import_rules(imported.database)
    stored_rules.retire(imported.database, "imported_most_played", "enough of it")
    records.write_override(imported.database, "imported_deep_cuts", "Deep", enabled=True, reason=None)
    assert not any(offer.is_waiting for offer in import_rules(imported.database))
    assert list(stored_rules.load_all(imported.database)) == ["imported_deep_cuts"]
    assert records.read_states(imported.database)["imported_deep_cuts"].enabled_override is True


LONG = "liked songs that were quiet for half a year and came back again"


@pytest.mark.parametrize(
    ("theirs", "earlier"),
    [
        (LONG, LONG.replace(" ", "_")[:60]),
        # a letter was put in front of a digit after the first cut, and the second one left an underscore
        (
            "1990s songs that were quiet for half a year and came back it ok again",
            "p_1990s_songs_that_were_quiet_for_half_a_year_and_came_back_",
        ),
    ],
)
def test_a_rule_that_an_earlier_version_stored_under_a_longer_slug_is_not_stored_twice(
    imported: Session, theirs: str, earlier: str
) -> None:
    rules = {"conditions": [{"field": "plays", "operator": "gt", "value": 1}]}
    with imported.database.transaction() as cursor:
        cursor.execute(
            "insert into raw_export.tracker_playlists values (%s, %s, null, %s)",
            [theirs, theirs, Json(rules)],
        )
        cursor.execute("insert into ops.playlist_rules (slug, version, rule) values (%s, 1, '{}')", [earlier])
    playlists = {playlist.theirs: playlist for playlist in import_rules(imported.database)}
    assert playlists[theirs].is_stored
    assert earlier in stored_rules.load_all(imported.database)
    assert len(stored_rules.load_all(imported.database)) == 3  # the two good ones and this


def test_the_command_can_be_rehearsed(imported: Session, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import-rules", "--dry-run", "--json"]) == 1
    told = {row["theirs"]: row["outcome"] for row in json.loads(capsys.readouterr().out)}
    assert told == {
        "Deep-Cuts!": "can be imported",
        "most_played": "can be imported",
        "odd": "not imported",
        "empty": "not imported",
        "old": "not imported",
    }
    assert stored_rules.load_all(imported.database) == {}
    assert main(["import-rules"]) == 1
    assert "imported, paused" in capsys.readouterr().out
