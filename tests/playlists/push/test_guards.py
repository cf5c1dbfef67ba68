from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from playlists.block import read_block
from playlists.playlist_types import Facts, Plan, PlaylistEntry, PlaylistState, Selection, TestResult
from playlists.push import guards
from playlists.push.edit_script import edit_script

if TYPE_CHECKING:
    from tests.playlists.conftest import Stage

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
GOOD = Facts(
    now=NOW,
    results={"mine": (TestResult("unique", "pass"),)},
    looked_at=dict.fromkeys(("liked_tracks", "saved_albums"), NOW - timedelta(hours=1)),
    first_known_play=NOW - timedelta(days=20),
)


def plan_of(current: list[str], wanted: list[str], **details: Any) -> Plan:
    selection = Selection(
        slug="mine",
        block=read_block("mine", {"title": "Mine", **details}),
        uris=tuple(wanted),
        built_at=NOW,
        invocation_id="build",
        selected_count=len(wanted),
    )
    entries = tuple(PlaylistEntry(uri) for uri in current)
    state = PlaylistState("mine", "id", "Mine")
    script = edit_script(entries, wanted)
    return Plan("mine", "Mine", selection, state, "planned", entries, tuple(wanted), script)


def named(plan: Plan, facts: Facts = GOOD, *, force: bool = False) -> list[str]:
    return [refusal.guard for refusal in guards.refusals(plan, facts, force=force)]


def test_nothing_stands_against_a_good_plan() -> None:
    assert named(plan_of(["a"], ["b"])) == []


@pytest.mark.parametrize("status", ["fail", "warn", "error", "runtime error"])
def test_a_failed_test_holds_its_playlist_back(status: str) -> None:
    facts = Facts(NOW, {"mine": (TestResult("unique", status, 3),)}, GOOD.looked_at)
    assert named(plan_of(["a"], ["b"]), facts) == ["tested"]


def test_a_selection_that_nobody_tested_is_not_pushed() -> None:
    assert named(plan_of(["a"], ["b"]), Facts(NOW, {}, GOOD.looked_at)) == ["tested"]
    skipped = Facts(NOW, {"mine": (TestResult("unique", "skipped"),)}, GOOD.looked_at)
    assert named(plan_of(["a"], ["b"]), skipped) == ["tested"]


def test_a_source_not_looked_at_lately_holds_back() -> None:
    looked_at = {"liked_tracks": NOW, "saved_albums": NOW - timedelta(hours=40)}
    facts = Facts(NOW, GOOD.results, looked_at)
    assert named(plan_of(["a"], ["b"]), facts) == ["recent"]
    assert named(plan_of(["a"], ["b"], requires={"max_source_age_hours": 48}), facts) == []
    assert named(plan_of(["a"], ["b"], requires={"max_source_age_hours": None}), facts) == []


def test_a_source_never_read_completely_holds_back() -> None:
    assert named(plan_of(["a"], ["b"]), Facts(NOW, GOOD.results, {"liked_tracks": NOW})) == ["recent"]


def test_a_build_that_is_older_than_the_look_counts_by_its_own_age() -> None:
    facts = Facts(
        NOW + timedelta(hours=40), GOOD.results, dict.fromkeys(GOOD.looked_at, NOW + timedelta(hours=40))
    )
    assert named(plan_of(["a"], ["b"]), facts) == ["recent"]


def test_too_short_a_history_holds_back() -> None:
    assert named(plan_of(["a"], ["b"], requires={"history_days": 30})) == ["long_enough"]
    assert named(plan_of(["a"], ["b"], requires={"history_days": 15})) == []


def test_an_empty_selection_keeps_what_there_is() -> None:
    [refusal] = guards.refusals(plan_of(["a"], []), GOOD)
    assert (refusal.guard, refusal.is_failure) == ("not_empty", False)


def test_an_empty_selection_clears_or_fails_where_asked() -> None:
    assert named(plan_of(["a"], [], on_empty="clear")) == []
    [refusal] = guards.refusals(plan_of(["a"], [], on_empty="fail"), GOOD)
    assert refusal.is_failure


def test_too_much_churn_holds_back_unless_forced() -> None:
    plan = plan_of(["a", "b", "c", "d"], ["a", "b", "x", "y"], max_churn=0.4)
    assert plan.churn == 0.5
    assert named(plan) == ["churn"]
    assert named(plan, force=True) == []
    assert named(plan_of([], ["x"], max_churn=0.0)) == [], "a first fill is no churn"


def test_a_list_that_is_not_as_long_as_its_build_says_is_not_pushed() -> None:
    plan = plan_of(["a"], ["b"])
    assert plan.selection is not None
    torn = Selection(
        **{**{f: getattr(plan.selection, f) for f in plan.selection.__slots__}, "selected_count": 2}
    )
    assert guards.complete(torn) is not None


def test_a_failed_test_of_one_playlist_leaves_the_others_alone(stage: Stage) -> None:
    stage.select("good", stage.uris[:5])
    stage.select("bad", stage.uris[:5], tested="warn")
    results = stage.push()
    assert {slug: result.outcome for slug, result in results.items()} == {"good": "pushed", "bad": "refused"}
    assert stage.playlists("Bad") == []


TESTED_LATER = """
    insert into ops.build_results
        (invocation_id, unique_id, slug, test_name, status, selection_invocation_id)
    values ('later', 'test', 'mine', 'unique', 'pass', %s)
"""


def test_an_untested_selection_is_tested_first(stage: Stage) -> None:
    stage.select("mine", stage.uris[:5], tested=None)
    assert stage.push()["mine"].outcome == "refused"

    def tester(slugs: object) -> None:
        assert slugs == ["mine"]
        stage.query(TESTED_LATER, "build-1")

    assert stage.push(tester=tester)["mine"].outcome == "pushed"


def test_a_test_of_other_selections_says_nothing_about_these(stage: Stage) -> None:
    stage.select("mine", stage.uris[:5])
    stage.select("mine", stage.uris[:6], tested=None)
    stage.query(TESTED_LATER, "build-1")
    [refusal] = stage.push()["mine"].plan.refusals
    assert refusal.reason == "it has not been tested since it was built."


def test_a_selection_that_was_made_again_alone_is_untested(stage: Stage) -> None:
    stage.select("mine", stage.uris[:5])
    # `dbt run --select playlist_mine playlist_selections`: the definitions still name the build before
    stage.query("update analytics.playlist_selections set invocation_id = 'a run of its own'")
    assert stage.push()["mine"].outcome == "refused"
    stage.query(TESTED_LATER, "a run of its own")
    assert stage.push()["mine"].outcome == "pushed"


def test_what_an_older_version_built_and_tested_is_pushed(stage: Stage) -> None:
    stage.select("mine", stage.uris[:5])
    stage.query("alter table analytics.playlist_selections drop column invocation_id")
    stage.query("update ops.build_results set selection_invocation_id = null")
    assert stage.push()["mine"].outcome == "pushed"


def test_an_empty_selection_creates_an_empty_playlist_once(stage: Stage) -> None:
    stage.select("mine", [])
    assert stage.push()["mine"].outcome == "pushed"
    assert stage.playlist("Mine").uris == []
    assert stage.push()["mine"].outcome == "unchanged"
    assert (stage.spotify.calls.reads, stage.spotify.calls.writes) == (1, 0)


@pytest.mark.parametrize(("on_empty", "left"), [("keep", 5), ("clear", 0), ("fail", 5)])
def test_a_selection_that_became_empty(stage: Stage, on_empty: str, left: int) -> None:
    stage.select("mine", stage.uris[:5])
    stage.push()
    stage.select("mine", [], on_empty=on_empty)
    outcome = stage.push()["mine"].outcome
    assert outcome == {"keep": "kept", "clear": "pushed", "fail": "refused"}[on_empty]
    assert len(stage.playlist("Mine").uris) == left


def test_old_sources_hold_every_playlist_back(stage: Stage) -> None:
    stage.look_at_sources(hours_ago=50)
    stage.select("mine", stage.uris[:5])
    result = stage.push()["mine"]
    assert result.outcome == "refused"
    assert "50 hours" in result.plan.refusals[0].reason
