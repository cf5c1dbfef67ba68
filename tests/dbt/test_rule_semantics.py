"""Rules as dbt compiles them against an independent reader of the same rules, on a library of oddities."""

from __future__ import annotations

import json
import re
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from playlists.rules.fields import FIELDS, LANGUAGE
from playlists.rules.rule import read_rule
from profiles.dbt import DBT_PROJECT_DIR
from tests.dbt.rule_evaluator import chosen
from tests.dbt.rule_library import MEMBERS, fill, keep, library, selected
from tests.dbt.rule_samples import bare_rule, condition, pairs, random_rule

if TYPE_CHECKING:
    from tests.dbt.conftest import Warehouse

NEEDED = [
    "stg_ops__playlist_rules",
    "stg_ops__playlists",
    "stg_ops__playlist_pushes",
    "stg_spotify__playlist_items",
    "int_playlist_members",
    "int_playlist_rules",
    "stored_rule_selections",
]
EVERYTHING = {"field": "track_id", "operator": "is present"}
RANDOM_RULES = 1_000
PER_RUN = 500


@pytest.fixture(scope="module")
def shelf(warehouse: Warehouse) -> Warehouse:
    """A warehouse with the library made by hand, and nothing else."""
    fill(warehouse.database)
    return warehouse


def differences(shelf: Warehouse, rules: list[dict[str, Any]]) -> list[str]:
    """Build the rules and say which of them select something else than they mean."""
    tracks = library()
    found = []
    for start in range(0, len(rules), PER_RUN):
        batch = {f"r{number}": rule for number, rule in enumerate(rules[start : start + PER_RUN])}
        keep(shelf.database, [(slug, bare_rule(rule)) for slug, rule in batch.items()])
        code, output = shelf.dbt("run", "--quiet", "--select", *NEEDED)
        assert code == 0, output[-5000:]
        built = selected(shelf.database)
        for slug, rule in batch.items():
            meant = chosen(rule, tracks)
            if built.get(slug, set()) != meant:
                odd = sorted(built.get(slug, set()) ^ meant)
                found.append(f"{json.dumps(rule, ensure_ascii=False)}: {odd}")
    return found


@pytest.mark.fault(12, "operators")
def test_every_field_with_every_operator_means_what_is_written_down(shelf: Warehouse) -> None:
    random = Random(7)
    rules: list[dict[str, Any]] = [{"conditions": [condition(random, *pair)]} for pair in pairs()]
    rules += [
        {"conditions": [{"operator": operator, "value": playlist_id, **field}]}
        for operator in ("in playlist", "not in playlist")
        for playlist_id in MEMBERS
        for field in ({}, {"field": "track_id"}, {"field": "recording_id"})
    ]
    for rule in rules:
        rule["match"] = "all"
    assert differences(shelf, rules) == []


def test_a_thousand_random_rules_select_what_an_independent_reader_selects(shelf: Warehouse) -> None:
    random = Random(11)
    rules = [random_rule(random, depth=1 + number % 5) for number in range(RANDOM_RULES)]
    tracks = library()
    sizes = [len(chosen(rule, tracks)) for rule in rules]
    assert sum(0 < size < len(tracks) for size in sizes) > RANDOM_RULES / 2  # most rules tell tracks apart
    assert differences(shelf, rules) == []


# Faults of an earlier tracker, each with what it may and may not find
EXACT: list[tuple[dict[str, Any], set[str | None]]] = [
    ({"field": "title", "operator": "is", "value": "x"}, {"X"}),
    ({"field": "title", "operator": "is", "value": "guns n' roses"}, {"Guns N' Roses"}),
    ({"field": "title", "operator": "is", "value": "100%"}, {"100%"}),
    ({"field": "title", "operator": "contains", "value": "100%"}, {"100%"}),
    ({"field": "title", "operator": "contains", "value": "_"}, {"under_score", "_"}),
    ({"field": "title", "operator": "starts with", "value": "%"}, {"%"}),
    ({"field": "title", "operator": "contains", "value": "\\"}, {"back\\slash"}),
    ({"field": "title", "operator": "contains", "value": "🎸"}, {"🎸 solo"}),
    ({"field": "title", "operator": "is", "value": "'; drop table tracks; --"}, {"'; drop table tracks; --"}),
    ({"field": "title", "operator": "contains", "value": "{{ 1/0 }}"}, {"{{ 1/0 }} {% raw %}"}),
    ({"field": "title", "operator": "ends with", "value": "É"}, {"Beyoncé"}),
    ({"field": "title", "operator": "in", "value": ["pulp", "1999"]}, {"Pulp", "PULP", "1999"}),
    ({"field": "title", "operator": "is missing"}, {None}),
]


@pytest.mark.fault(12, "is")
@pytest.mark.fault(12, "quotes")
@pytest.mark.fault(12, "values")
@pytest.mark.parametrize(
    ("rule", "titles"), EXACT, ids=lambda each: json.dumps(each)[:60] if isinstance(each, dict) else ""
)
def test_text_matches_just_itself(
    exact: dict[str, set[str | None]], rule: dict[str, Any], titles: set[str | None]
) -> None:
    assert exact[f"r{EXACT.index((rule, titles))}"] == titles


@pytest.fixture(scope="module")
def exact(shelf: Warehouse) -> dict[str, set[str | None]]:
    """Titles that each rule of EXACT selects, and of two that concern what was never played."""
    rules = {f"r{number}": rule for number, (rule, _) in enumerate(EXACT)}
    rules["is_not"] = {"field": "title", "operator": "is not", "value": "pulp"}
    keep(
        shelf.database,
        [(slug, bare_rule({"match": "any", "conditions": [rule]})) for slug, rule in rules.items()],
    )
    code, output = shelf.dbt("run", "--quiet", "--select", *NEEDED)
    assert code == 0, output[-3000:]
    titles = {track["track_id"]: track["title"] for track in library()}
    built = selected(shelf.database)
    return {slug: {titles[track_id] for track_id in built.get(slug, set())} for slug in rules}


@pytest.mark.fault(12, "is not")
def test_is_not_does_not_mean_is(exact: dict[str, set[str | None]]) -> None:
    everything = {track["title"] for track in library()}
    assert exact["is_not"] == everything - {"Pulp", "PULP"}
    assert None in exact["is_not"]


@pytest.mark.fault(12, "any")
def test_any_lets_no_excluded_and_no_unplayable_track_in(shelf: Warehouse) -> None:
    rule = {
        "match": "any",
        "conditions": [{"field": "is_excluded", "operator": "is", "value": True}, EVERYTHING],
    }
    careful = read_rule({**rule, "title": "Careful", "dedupe_recordings": False})
    keep(shelf.database, [("careful", careful), ("careless", bare_rule(rule))])
    code, output = shelf.dbt("run", "--quiet", "--select", *NEEDED)
    assert code == 0, output[-3000:]
    built = selected(shelf.database)
    kept = {
        t["track_id"] for t in library() if t["is_excluded"] is not True and t["is_playable"] is not False
    }
    assert built["careful"] == kept
    assert built["careless"] == {track["track_id"] for track in library()}


def test_what_stands_in_the_database_unchecked_never_stops_a_build(shelf: Warehouse) -> None:
    good = bare_rule({"conditions": [EVERYTHING]})
    keep(
        shelf.database,
        [("null", good), ("none", good), ("touched", good), ("old", good), ("rediscover", good)],
    )
    broken = {"conditions": [{"field": "nothing; drop table x", "operator": "is", "value": "'"}], "limits": 3}
    with shelf.database.transaction() as cursor:
        cursor.execute("update ops.playlist_rules set rule = %s where slug = 'touched'", [json.dumps(broken)])
        cursor.execute(
            "update ops.playlist_rules set checked_language = %s where slug = 'old'", [LANGUAGE - 1]
        )
        cursor.execute(
            "insert into ops.playlist_rules (slug, version, rule) values ('new', 1, %s)", [json.dumps(broken)]
        )
    code, output = shelf.dbt("run", "--quiet", "--select", *NEEDED)
    assert code == 0, output[-3000:]
    assert selected(shelf.database).keys() == {"null", "none"}  # a model's slug stays the model's


def test_without_rules_nothing_is_selected(shelf: Warehouse) -> None:
    keep(shelf.database, [("a", bare_rule({"conditions": [EVERYTHING]}))])
    with shelf.database.transaction() as cursor:
        cursor.execute("update ops.playlist_rules set retired_at = now()")
    code, output = shelf.dbt("run", "--quiet", "--select", *NEEDED)
    assert code == 0, output[-3000:]
    assert selected(shelf.database) == {}


def test_the_compiler_knows_the_same_fields_and_the_same_language() -> None:
    macros = DBT_PROJECT_DIR / "macros/playlists"
    named = dict(
        re.findall(r"'([a-z_0-9]+)': '([a-z]+)'", (macros / "fields.sql").read_text(encoding="utf-8"))
    )
    assert named == FIELDS
    assert f"return({LANGUAGE})" in (macros / "rules.sql").read_text(encoding="utf-8")


def test_every_column_of_unified_tracks_is_a_field_of_its_type() -> None:
    properties = yaml.safe_load(
        (DBT_PROJECT_DIR / "models/marts/core/unified_tracks.yml").read_text(encoding="utf-8")
    )
    types = {column["name"]: column["data_type"] for column in properties["models"][0]["columns"]}
    spoken = {
        "text": "text",
        "jsonb": "list",
        "boolean": "boolean",
        "date": "date",
        "timestamp with time zone": "moment",
    }
    assert {name: spoken.get(kind, "number") for name, kind in types.items()} == FIELDS
