"""Decisions about recordings, taken in a form."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest
from click import UsageError

from flows import flow_options
from flows.recordings import Decision, DoubtfulPair, decide_recording, markdown
from flows.run.recorded_run import BAD_INPUT, outcome_of
from flows.server import deploy_step, prefect_yaml
from playlists.recordings import Override

if TYPE_CHECKING:
    from collections.abc import Callable

    from profiles.session import Session

    Ask = Callable[..., list[Any]]

pytestmark = pytest.mark.usefixtures("prefect_server")

DECISIONS = "select kind, track_id, other_track_id, reason from ops.recording_overrides"
PAIR = DoubtfulPair(
    name="Pulp – Babies | *live*",
    track_id="a",
    album="Hits",
    play_count=3,
    other_name="Pulp – Babies",
    other_track_id="b",
    other_album=None,
    other_play_count=1,
    doubt="different isrc",
    is_merged=False,
    apart_s=4,
)


def decide(*arguments: Any, **options: Any) -> Any:
    return decide_recording(*arguments, **options, return_state=True)


def test_a_decision_is_kept_taken_back_and_asks_for_a_build(session: Session, ask: Ask) -> None:
    ask(
        "create schema analytics; create table analytics.tracks as select unnest('{a,b}'::text[]) as track_id"
    )
    done = decide(Decision.MERGE, "a", "spotify:track:b", "one take", build=False)
    assert done.is_completed()
    assert ask(DECISIONS) == [("merge", "a", "b", "one take")]
    assert ask("select name from ops.build_marks") == ["needs_build"]
    assert decide(Decision.DELETE, "b", "a", build=False).is_completed()
    assert ask(DECISIONS) == []


@pytest.mark.parametrize(
    "given",
    [
        (Decision.MERGE, "a", None, "one take"),
        (Decision.SPLIT, "a", "b", None),
        (Decision.SPLIT, "a", "a", "one take"),
        (Decision.MERGE, "a", "b", "neither is known"),
        (Decision.DELETE, "a", "b"),
    ],
)
def test_what_is_missing_is_said_and_nothing_is_decided(
    session: Session, ask: Ask, given: tuple[Any, ...]
) -> None:
    done = decide(*given)
    assert (done.is_failed(), outcome_of(done)) == (True, BAD_INPUT)
    assert ask(DECISIONS) == []
    assert ask("select name from ops.build_marks") == []


def test_the_list_needs_no_build_and_changes_nothing(session: Session, ask: Ask) -> None:
    done = decide()
    assert done.is_completed()
    assert "0 decisions, 0 doubtful pairs" in str(done.message)
    assert ask("select name from ops.build_marks") == []


def test_both_sides_of_a_pair_stand_in_the_list_as_they_are_written() -> None:
    told = markdown([Override("split", "c", "d", "a | demo")], [PAIR])
    sides = r"| Pulp – Babies \| \*live\* (Hits)<br>`a` | 3 | Pulp – Babies<br>`b` | 1 "
    assert f"{sides}| different isrc | 4 s | two |" in told
    assert r"| split | `c` | `d` | a \| demo |" in told


def test_the_form_offers_the_four_decisions() -> None:
    [listed] = [
        each for each in prefect_yaml.listed_flows(deploy_step.settings()) if each.name == "decide-recording"
    ]
    flow = getattr(import_module(listed.module), listed.function)
    with pytest.raises(UsageError, match="'perhaps' is not one of 'list', 'merge', 'split', 'delete'"):
        flow_options.parse(listed, flow, ["--decision", "perhaps"])
    typed = ["--decision", "merge", "--track", "a", "--other", "b", "--reason", "one take"]
    assert flow_options.parse(listed, flow, typed)["decision"] == "merge"
