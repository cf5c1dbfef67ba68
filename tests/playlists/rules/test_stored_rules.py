"""Rules in the database: every version kept, checked before a build, never lost by an error."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from psycopg2.extras import Json

from playlists.rules import stored_rules
from playlists.rules.check import check_rules
from playlists.rules.referenced_playlists import playlists_read
from playlists.rules.rule import InvalidRuleError, read_rule
from playlists.selections import rules_left_out
from playlists.slugs import model_slugs

if TYPE_CHECKING:
    from profiles.database import Database

PULP = {"field": "artist", "operator": "is", "value": "Pulp"}
MIX = "Mix" + "0" * 19
OTHER = "Other" + "0" * 17


def save(
    database: Database, *conditions: dict[str, Any], slug: str = "mine", is_new: bool = True, **block: Any
) -> stored_rules.StoredRule:
    """Store a rule of these conditions."""
    rule = read_rule({"title": "Mine", "conditions": list(conditions), **block})
    return stored_rules.save(database, slug, rule, is_new=is_new)


def run(database: Database, statement: str, *values: Any) -> list[dict[str, Any]]:
    """Run one statement of the test's own."""
    with database.transaction() as cursor:
        cursor.execute(statement, list(values))
        columns = [column.name for column in cursor.description or ()]
        return [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()] if columns else []


@pytest.fixture
def listed(database: Database) -> Database:
    """The user has two playlists called Mix and one called Other, nothing of them loaded."""
    run(database, "create schema raw_spotify")
    run(database, "create table raw_spotify.playlists (playlist_id text, payload jsonb)")
    for playlist_id, name in ((MIX, "Mix"), (MIX[::-1], "Mix"), (OTHER, "Other")):
        run(database, "insert into raw_spotify.playlists values (%s, %s)", playlist_id, Json({"name": name}))
    run(
        database,
        "insert into ops.playlists (slug, playlist_id, name) values ('rediscover', %s, 'Rediscover')",
        "R" * 22,
    )
    run(database, "insert into ops.playlists (slug, name) values ('heavy_rotation', 'Heavy Rotation')")
    return database


def test_every_version_of_a_rule_is_kept(database: Database) -> None:
    save(database, PULP)
    save(database, PULP, is_new=False)  # the same again is no new version
    edited = save(database, PULP, is_new=False, per_artist=2)
    assert edited.version == 2
    assert [
        (number, document["per_artist"]) for number, _, document in stored_rules.versions(database, "mine")
    ] == [
        (2, 2),
        (1, None),
    ]


@pytest.mark.fault(12, "empty group")
def test_an_empty_group_leaves_no_orphan(database: Database) -> None:
    with pytest.raises(InvalidRuleError, match="a group has no condition"):
        save(database)
    assert stored_rules.load_all(database) == {}
    assert run(database, "select * from ops.playlists") == []


def test_a_models_slug_is_refused(database: Database) -> None:
    assert "rediscover" in model_slugs()
    with pytest.raises(stored_rules.SlugTakenError, match="a model's name"):
        save(database, PULP, slug="rediscover")
    with pytest.raises(stored_rules.UnknownRuleError, match="is a model"):
        save(database, PULP, slug="rediscover", is_new=False)


def test_a_slug_is_given_once(database: Database) -> None:
    save(database, PULP)
    with pytest.raises(stored_rules.SlugTakenError, match="`tracker playlists edit mine --rule FILE`"):
        save(database, PULP)


def test_a_retired_slug_can_be_used_again_and_counts_on(database: Database) -> None:
    save(database, PULP)
    stored_rules.retire(database, "mine", "by the test")
    with pytest.raises(stored_rules.UnknownRuleError):
        stored_rules.load(database, "mine")
    assert save(database, PULP, per_album=1).version == 2


def test_a_regular_expression_is_tried_by_postgresql(database: Database) -> None:
    with pytest.raises(InvalidRuleError, match="PostgreSQL refuses the expression"):
        save(database, {"field": "title", "operator": "matches", "value": "(unclosed"})
    assert stored_rules.load_all(database) == {}


def test_a_rule_that_became_invalid_is_set_apart_with_its_error(database: Database) -> None:
    save(database, PULP)
    save(database, PULP, slug="other")
    broken = {
        "title": "Mine",
        "conditions": [{"field": "title", "operator": "matches", "value": "(unclosed"}],
    }
    run(database, "update ops.playlist_rules set rule = %s where slug = 'mine'", json.dumps(broken))
    assert {each.slug: each.verdict for each in check_rules(database)} == {
        "mine": "invalid",
        "other": "valid",
    }
    assert "refuses the expression" in str(rules_left_out(database)["mine"])
    assert stored_rules.load(database, "mine").document["title"] == "Mine"  # never deleted by an error


def test_whatever_stands_in_a_rule_the_check_goes_on(database: Database) -> None:
    save(database, PULP)
    for slug, document in (("a", []), ("b", {}), ("c", {"conditions": 5, "title": 3}), ("d", "text")):
        run(
            database,
            "insert into ops.playlist_rules (slug, version, rule) values (%s, 1, %s)",
            slug,
            json.dumps(document),
        )
    verdicts = {each.slug: each.verdict for each in check_rules(database)}
    assert verdicts == {"a": "invalid", "b": "invalid", "c": "invalid", "d": "invalid", "mine": "valid"}


def test_a_rule_written_by_hand_is_brought_into_form(database: Database) -> None:
    rough = {"title": " Mine ", "conditions": [{"field": "play_count", "operator": "IS", "value": "5"}]}
    run(
        database,
        "insert into ops.playlist_rules (slug, version, rule) values ('mine', 1, %s)",
        json.dumps(rough),
    )
    assert [each.verdict for each in check_rules(database)] == ["valid"]
    kept = stored_rules.load(database, "mine").document
    assert kept["conditions"] == [{"field": "play_count", "operator": "is", "value": 5}]
    [row] = run(
        database, "select checked_fingerprint = md5(cast(rule as text)) as fits from ops.playlist_rules"
    )
    assert row["fits"]


def test_a_model_that_took_the_slug_is_told(database: Database) -> None:
    document = Json(read_rule({"title": "Mine", "conditions": [PULP]}).as_json())
    run(
        database,
        "insert into ops.playlist_rules (slug, version, rule) values ('rediscover', 1, %s)",
        document,
    )
    [verdict] = check_rules(database)
    assert (verdict.verdict, "A model is called" in str(verdict.reason)) == ("invalid", True)


def in_playlist(name: str) -> dict[str, Any]:
    """A condition on a playlist."""
    return {"operator": "in playlist", "value": name}


@pytest.mark.parametrize(
    "name",
    [
        "Other",
        " other ",
        OTHER,
        f"https://open.spotify.com/playlist/{OTHER}?si=x",
        f"spotify:playlist:{OTHER}",
    ],
)
def test_a_playlist_is_kept_by_its_id(listed: Database, name: str) -> None:
    stored = save(listed, in_playlist(name))
    assert stored.document["conditions"] == [{"operator": "in playlist", "value": OTHER}]
    assert stored.document["reads_playlists"] == [OTHER]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Mix", "2 playlists are called 'Mix'"),
        ("Othr", "Did you mean 'Other'"),
        ("heavy_rotation", "is not on Spotify yet"),
    ],
)
def test_a_name_must_be_that_of_one_playlist(listed: Database, name: str, told: str) -> None:
    with pytest.raises(InvalidRuleError, match=told):
        save(listed, in_playlist(name))


def test_a_rule_does_not_look_into_its_own_playlist(listed: Database) -> None:
    save(listed, PULP)
    run(listed, "insert into ops.playlists (slug, playlist_id, name) values ('mine', %s, 'Mine')", "M" * 22)
    with pytest.raises(InvalidRuleError, match="the playlist that it fills"):
        save(listed, in_playlist("mine"), is_new=False)


def test_a_rule_waits_for_its_playlists_to_be_loaded(listed: Database) -> None:
    stored = save(listed, in_playlist("Other"))
    assert stored.verdict == "set_aside"
    assert "'Other'" in str(stored.verdict_reason)
    assert playlists_read(listed) == [OTHER]
    run(
        listed,
        "insert into ops.source_checks (resource, checked_at, is_complete) values (%s, now(), true)",
        f"playlist_items:{OTHER}",
    )
    assert [each.verdict for each in check_rules(listed)] == ["valid"]


def test_of_ours_the_last_push_is_what_is_known(listed: Database) -> None:
    assert save(listed, in_playlist("Rediscover")).verdict == "set_aside"
    assert playlists_read(listed) == []  # never read from Spotify for a rule
    run(
        listed,
        "insert into ops.playlist_pushes (slug, playlist_id, status, after_uris)"
        " values ('rediscover', %s, 'done', '[]')",
        "R" * 22,
    )
    assert [each.verdict for each in check_rules(listed)] == ["valid"]
