"""What a rule may say: refused at entry with the remedy, kept in one form, translated from an earlier one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from playlists.rules.changes import changed_rule, differences
from playlists.rules.fields import FIELDS
from playlists.rules.form import ChangeForm, PlaylistForm, RuleForm, read_form
from playlists.rules.legacy import is_legacy, translated
from playlists.rules.rule import InvalidRuleError, read_rule
from playlists.rules.stored_rules import read_document
from playlists.slugs import slug_of

PULP = {"field": "artist", "operator": "is", "value": "Pulp"}


def one(**condition: Any) -> dict[str, Any]:
    """A rule of one condition, and its title."""
    return {"title": "Mine", "conditions": [condition]}


def test_a_rule_keeps_its_block_beside_it() -> None:
    rule = read_rule({"title": "Mine", "conditions": [PULP], "limit": {"tracks": 30}, "per_artist": 2})
    kept = rule.as_json()
    assert kept["conditions"] == [PULP]
    assert (kept["match"], kept["not"], kept["limit"]) == ("all", False, {"tracks": 30, "minutes": None})
    assert read_rule(kept) == rule


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        (
            {"field": "plays", "operator": "is", "value": 1},
            "conditions[1]: 'plays' is no field; did you mean 'play_count'",
        ),
        ({"field": "artst", "operator": "is", "value": "x"}, "did you mean 'artist'"),
        ({"field": "qqqqqq", "operator": "is", "value": "x"}, "known are track_id, track_uri, title"),
        ({"field": "artist", "operator": "=>", "value": "x"}, "'=>' is no operator; did you mean '>'"),
        ({"field": "artist", "operator": "equals", "value": "x"}, "'equals' is no operator"),
        (
            {"field": "artist", "operator": "<", "value": "x"},
            "'<' does not fit artist, which is a text; write one of is,",
        ),
        ({"field": "is_liked", "operator": "contains", "value": "x"}, "which is a yes-or-no"),
        ({"field": "play_count", "operator": "starts with", "value": "1"}, "which is a number"),
        ({"field": "release_date", "operator": "matches", "value": "1"}, "which is a day"),
        ({"operator": "is", "value": "x"}, "'is' needs a field"),
        ({"field": "artist", "operator": "is"}, "'is' takes one value"),
        ({"field": "artist", "operator": "is", "value": ""}, "the text is empty"),
        ({"field": "artist", "operator": "is", "value": "a\x00b"}, "no database stores"),
        ({"field": "artist", "operator": "is", "value": "\ud800"}, "no database stores"),
        ({"field": "artist", "operator": "in", "value": []}, "a list with at least one value"),
        ({"field": "artist", "operator": "in", "value": "Pulp"}, "a list with at least one value"),
        ({"field": "play_count", "operator": ">", "value": "many"}, "'many' is no number"),
        ({"field": "play_count", "operator": ">", "value": True}, "write one such as 10"),
        ({"field": "play_count", "operator": ">", "value": float("inf")}, "write one such as 10"),
        ({"field": "play_count", "operator": ">", "value": 10**30}, "too large"),
        ({"field": "play_count", "operator": "between", "value": [5]}, "two values, both included"),
        ({"field": "play_count", "operator": "between", "value": [9, 5]}, "write the smaller one first"),
        (
            {"field": "added_at", "operator": "between", "value": ["2026", "2025"]},
            "write the smaller one first",
        ),
        ({"field": "is_liked", "operator": "is", "value": "maybe"}, "true or false"),
        (
            {"field": "added_at", "operator": "after", "value": "yesterday"},
            "is no time; write 2026-03-01|2026-03-01",
        ),
        ({"field": "added_at", "operator": "after", "value": "2026-02-30"}, "there is no 2026-02-30"),
        (
            {"field": "added_at", "operator": "after", "value": "2026-03-01T12:00:00"},
            "says no offset from UTC",
        ),
        ({"field": "release_date", "operator": "is", "value": "0000"}, "there is no 0000"),
        ({"field": "added_at", "operator": "in the last", "value": "30"}, "write '30 days'"),
        ({"field": "added_at", "operator": "in the last", "value": "30 fortnights"}, "write '30 days'"),
        ({"field": "added_at", "operator": "in the last", "value": "9000 years"}, "from 1 to 100 years"),
        ({"field": "artist", "operator": "is missing", "value": "x"}, "takes no value"),
        ({"field": "artist", "operator": "in playlist", "value": "x"}, "goes by recording_id"),
        ({"field": "artist", "operator": "is", "values": "x"}, "conditions[1].values: is not known"),
        ({"match": "any", "conditions": []}, "conditions[1].conditions: a group has no condition"),
        ({"match": "some", "conditions": [PULP]}, "write all or any"),
    ],
)
def test_a_wrong_condition_is_refused_with_its_remedy(condition: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidRuleError) as caught:
        read_rule({"title": "Mine", "conditions": [condition]})
    assert any(part in str(caught.value) for part in told.split("|"))


@pytest.mark.parametrize(
    ("document", "told"),
    [
        ({"title": "Mine", "conditions": []}, "a group has no condition"),
        ({"title": "Mine"}, "conditions: is missing"),
        ({"conditions": [PULP]}, "'title' is missing"),
        ({"title": "Mine", "conditions": [PULP], "limits": 5}, "'limits' is not known (known are"),
        ({"title": "Mine", "conditions": [PULP], "select_by": ["plays desc"]}, "cannot order by 'plays'"),
        ({"title": "Mine", "conditions": [PULP], "order_by": "weighted(title)"}, "cannot be a weight"),
        ({"title": "Mine", "conditions": [PULP], "order_by": "artists"}, "cannot order by 'artists'"),
        ({"title": "Mine", "conditions": [PULP], "limit": {"minutes": float("inf")}}, "'limit.minutes'"),
        ({"title": "Mi\x00ne", "conditions": [PULP]}, "no database stores"),
        ({"title": "Mine", "conditions": [PULP] * 501}, "more than 500 conditions"),
        (["Pulp"], "one JSON object"),
    ],
)
def test_a_wrong_document_is_refused_with_its_remedy(document: Any, told: str) -> None:
    with pytest.raises(InvalidRuleError) as caught:
        read_rule(document)
    assert told in str(caught.value)


def test_all_that_is_wrong_is_told_at_once() -> None:
    with pytest.raises(InvalidRuleError) as caught:
        read_rule(
            {"conditions": [{"field": "x", "operator": "is", "value": 1}, {"match": "any", "conditions": []}]}
        )
    message = str(caught.value)
    assert "conditions[1]" in message
    assert "conditions[2]" in message
    assert "'title' is missing" in message


def test_a_rule_nested_beyond_all_reading_is_refused_and_not_fallen_over() -> None:
    rule: dict[str, Any] = PULP
    for _ in range(300):
        rule = {"match": "any", "conditions": [rule]}
    with pytest.raises(InvalidRuleError, match="nested more than 30 deep"):
        read_rule({"title": "Mine", **rule})


def test_values_are_kept_in_the_type_of_their_field() -> None:
    found = read_rule(
        {
            "title": "Mine",
            "conditions": [
                {"field": "play_count", "operator": " >= ", "value": "5"},
                {"field": "is_liked", "operator": "IS", "value": "yes"},
                {"field": "album", "operator": "is", "value": 1999},
                {"field": "added_at", "operator": "after", "value": "2026-03-01 18:00:00+01:00"},
                {"field": "added_at", "operator": "in the last", "value": "1 Month"},
            ],
        }
    )
    assert [leaf.value for leaf in found.group.leaves()] == [
        5,
        True,
        "1999",
        "2026-03-01T17:00:00+00:00",
        "1 months",
    ]


EARLIER = {
    "match": "any",
    "name": "Old one",
    "conditions": [
        {"field": "artist", "operator": "is", "value": "Guns N' Roses"},
        {"field": "album", "operator": "contains", "value": "class"},
        {"field": "track", "operator": "is_not", "value": "X"},
        {"field": "is_liked", "value": True},
        {"field": "is_playable", "operator": "equals", "value": False},
        {"field": "plays", "operator": "gte", "value": 3},
        {"field": "min_plays", "value": 2},
        {"field": "max_plays", "value": 9},
        {"field": "added_after", "value": "2025-01-01"},
        {"field": "added_before", "value": "2026-01-01"},
        {"field": "added_in_last_days", "value": 30},
        {"field": "date_added", "operator": ">", "value": "2025-05-05"},
        {"field": "last_played", "operator": "in_the_last", "value": "14"},
        {"field": "first_played", "operator": "before", "value": "2020-01-01"},
    ],
    "sort": {"field": "plays", "direction": "desc"},
    "limit": 25,
}


def test_a_rule_of_the_earlier_tracker_is_translated() -> None:
    assert is_legacy(EARLIER)
    _, rule = read_document(EARLIER)
    assert [str(leaf) for leaf in rule.group.leaves()] == [
        "artist is Guns N' Roses",
        "album contains class",
        "title is not X",
        "is_liked is true",
        "is_playable is false",
        "play_count >= 3",
        "play_count >= 2",
        "play_count <= 9",
        "added_at after 2025-01-01",
        "added_at before 2026-01-01",
        "added_at in the last 30 days",
        "added_at > 2025-05-05",
        "last_played_at in the last 14 days",
        "first_played_at before 2020-01-01",
    ]
    assert (rule.block.title, rule.block.limit.tracks) == ("Old one", 25)
    assert rule.block.select_by == ("play_count desc",)


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("random", "random"),
        ("most_played", "play_count desc"),
        ("-date_added", "added_at desc"),
        ("plays_desc", "play_count desc"),
        ("artist", "artist asc"),
        ([{"field": "last_played", "order": "descending"}], "last_played_at desc"),
    ],
)
def test_the_earlier_trackers_sort_is_translated(sort: Any, order: str) -> None:
    assert translated({"conditions": [PULP], "sort": sort})["select_by"] == [order]


def test_a_rule_of_today_is_not_taken_for_an_earlier_one() -> None:
    assert not is_legacy({"title": "Mine", "conditions": [PULP], "limit": {"tracks": 5}})


def test_a_form_says_what_its_fields_mean() -> None:
    form = PlaylistForm.model_validate(
        {
            "title": "Très chill!",
            "rule": {
                "conditions": [
                    {"field": "play_count", "operator": ">=", "value": "5"},
                    {"field": "release_date", "operator": "between", "values": ["1990", "1999"]},
                    {"field": "liked_at", "operator": "is present"},
                ],
                "groups": [{"negated": True, "conditions": [{"operator": "in playlist", "value": "Mix"}]}],
            },
            "block": {"limit": {"tracks": 30}, "order_by": ["random"]},
        }
    )
    slug, rule = form.read()
    assert slug is None
    assert slug_of(rule.block.title) == "tres_chill"
    assert rule.group.as_json() == {
        "match": "all",
        "not": False,
        "conditions": [
            {"field": "play_count", "operator": ">=", "value": 5},
            {"field": "release_date", "operator": "between", "value": ["1990", "1999"]},
            {"field": "liked_at", "operator": "is present"},
            {"match": "any", "not": True, "conditions": [{"operator": "in playlist", "value": "Mix"}]},
        ],
    }
    assert (rule.block.limit.tracks, rule.block.order_by) == (30, ("random",))


def test_a_form_takes_a_rule_as_json_of_any_depth() -> None:
    deep = {"match": "any", "conditions": [{"match": "all", "not": True, "conditions": [PULP]}]}
    _, rule = PlaylistForm.model_validate({"title": "Mine", "rule": {"as_document": deep}}).read()
    assert rule.group.as_json()["conditions"][0]["not"] is True


def test_an_empty_form_makes_no_playlist() -> None:
    with pytest.raises(InvalidRuleError, match="a group has no condition"):
        PlaylistForm.model_validate({"title": "Mine", "rule": {}}).read()


def test_a_rule_as_in_a_file_fits_into_the_form() -> None:
    document = {"title": "Mine", "slug": "ours", "conditions": [PULP], "limit": {"tracks": 3}}
    slug, rule = PlaylistForm.model_validate(document).read()
    assert (slug, rule.block.title, rule.block.limit.tracks) == ("ours", "Mine", 3)
    assert rule.group.as_json()["conditions"] == [PULP]


def test_a_change_leaves_what_it_does_not_name() -> None:
    stored = read_rule({"title": "Mine", "conditions": [PULP], "limit": {"tracks": 3}}).as_json()
    older = read_rule({"title": "Older", "conditions": [PULP], "seed": "week"}).as_json()
    renamed = ChangeForm(title="New").read(stored, {1: older})
    assert (renamed.block.title, renamed.block.limit.tracks) == ("New", 3)
    cut = ChangeForm.model_validate({"block": {"per_artist": 2}}).read(stored, {})
    assert (cut.block.per_artist, cut.block.limit.tracks) == (2, 3)
    back = ChangeForm(version=1, rule=RuleForm(match="any", conditions=[])).rule
    assert back is not None
    with pytest.raises(InvalidRuleError, match="a group has no condition"):
        ChangeForm(version=1, rule=back).read(stored, {1: older})
    assert ChangeForm(version=1).read(stored, {1: older}).block.seed == "week"


ALL_SET = {
    "title": "Mine",
    "conditions": [PULP],
    "description": "Ours",
    "limit": {"tracks": 3, "minutes": 45},
    "per_artist": 2,
    "order_by": "random",
    "seed": "week",
    "round_robin": "album",
    "public": True,
}


def test_a_form_of_changes_that_is_sent_untouched_changes_nothing() -> None:
    stored = read_rule(ALL_SET).as_json()
    as_a_browser_sends_it = json.loads(ChangeForm().model_dump_json())
    assert as_a_browser_sends_it["block"]["per_artist"] == "unchanged"
    with pytest.raises(InvalidRuleError, match="No change is given; the rule stays as it is"):
        read_form(ChangeForm, as_a_browser_sends_it).read(stored, {})
    with_one_change = as_a_browser_sends_it | {"title": "New"}
    changed = read_form(ChangeForm, with_one_change).read(stored, {})
    assert changed.as_json() == stored | {"title": "New"}


def test_a_form_of_changes_takes_options_as_texts_and_takes_them_away() -> None:
    stored = read_rule(ALL_SET).as_json()
    block = {
        "description": "none",
        "per_artist": "none",
        "per_album": "4",
        "limit": {"minutes": "none"},
        "order_by": "title, last_played_at desc",
        "seed": "none",
        "round_robin": "none",
        "public": "false",
        "max_churn": "0.5",
    }
    changed = read_form(ChangeForm, {"block": block}).read(stored, {})
    assert differences(stored, changed) == [
        "description: Ours → none",
        "limit.minutes: 45.0 → none",
        "per_artist: 2 → none",
        "per_album: none → 4",
        "order_by: random → title, last_played_at desc",
        "round_robin: album → none",
        "seed: week → none",
        "max_churn: none → 0.5",
        "public: true → false",
    ]
    assert changed.block.limit.tracks == 3
    with pytest.raises(InvalidRuleError, match="'per_artist': Input should be a valid integer"):
        read_form(ChangeForm, {"block": {"per_artist": "many"}}).read(stored, {})


def test_a_file_of_changes_leaves_what_it_does_not_name() -> None:
    stored = read_rule(ALL_SET).as_json()
    changed = changed_rule(
        stored, {"seed": "day", "per_artist": None, "mode": "unchanged", "limit": {"tracks": 9}}
    )
    assert differences(stored, changed) == ["limit.tracks: 3 → 9", "per_artist: 2 → none", "seed: week → day"]
    other = changed_rule(stored, {"match": "any", "conditions": [PULP, PULP]})
    assert differences(stored, other) == ["other conditions"]
    with pytest.raises(InvalidRuleError, match="A rule is one JSON object"):
        changed_rule(stored, [PULP])


@pytest.mark.parametrize("form", [PlaylistForm, ChangeForm])
def test_every_field_of_a_form_says_what_it_is(form: type[PlaylistForm | ChangeForm]) -> None:
    schema = form.model_json_schema()
    for part in (schema, *schema["$defs"].values()):
        for name, field in part["properties"].items():
            assert field.get("description"), f"{part['title']}: {name}"


@pytest.mark.parametrize(
    "given", [None, "Mine", {"title": 5}, {"title": "Mine", "mood": 1}, {"title": "M" * 101}]
)
def test_a_form_that_cannot_be_read_says_why(given: Any) -> None:
    with pytest.raises(InvalidRuleError, match=r"The form is not valid: '.+': .+ nothing was changed"):
        read_form(PlaylistForm, given)


def test_the_form_offers_every_field_in_the_ui() -> None:
    definitions = PlaylistForm.model_json_schema()["$defs"]
    assert definitions["ConditionForm"]["properties"]["field"]["enum"] == ["", *FIELDS]
