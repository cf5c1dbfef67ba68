"""Pure: reasons to leave a playlist as it is. Each speaks for its own playlist alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from playlists.playlist_types import Refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from playlists.playlist_types import Plan, Selection

REQUIRED_SOURCES = ("liked_tracks", "saved_albums")
"""What every selection is made of. Other sources count once they have been looked at."""
LISTENING = "recently_played"
MODEL_FAILED = "model"
"""What stands in place of a test's name where the playlist's own model failed."""


@dataclass(frozen=True, slots=True)
class TestResult:
    """The latest result of one dbt test of one playlist's selection."""

    __test__ = False  # not for pytest

    test_name: str
    status: str
    failures: int | None = None
    message: str | None = None

    @property
    def is_run(self) -> bool:
        """Whether it says anything: a skipped test does not."""
        return self.status.lower() not in ("skipped", "skip", "no-op")

    @property
    def is_passed(self) -> bool:
        """Whether the selection is as promised."""
        return self.status.lower() in ("pass", "success")


@dataclass(frozen=True, slots=True)
class Facts:
    """What the guards know beside the plan. All times in UTC."""

    now: datetime
    results: Mapping[str, tuple[TestResult, ...]] = field(default_factory=dict)
    """By slug: results of tests since its selection was built."""
    looked_at: Mapping[str, datetime] = field(default_factory=dict)
    """By resource: the last complete look at Spotify."""
    first_known_play: datetime | None = None
    user_id: str | None = None
    """What Spotify names as ``owner.id`` of our playlists, where known."""


def refusals(plan: Plan, facts: Facts, *, force: bool = False) -> tuple[Refusal, ...]:
    """All reasons against this plan; empty means go. `force` lifts the guard on churn alone."""
    selection = plan.selection
    if selection is None:
        return ()
    checks: list[Callable[[], Refusal | None]] = [
        lambda: whole(selection),
        lambda: tested(selection, facts),
        lambda: fresh(selection, facts),
        lambda: long_enough(selection, facts),
        lambda: not_empty(selection, has_entries=bool(plan.current)),
    ]
    if not force:
        checks.append(lambda: calm(plan, selection))
    return tuple(refusal for check in checks if (refusal := check()) is not None)


def whole(selection: Selection) -> Refusal | None:
    """The list must be as long as its build says: else a build is under way, or was cut short."""
    if len(selection.uris) == selection.selected_count:
        return None
    return Refusal(
        "whole",
        f"{len(selection.uris)} tracks are selected, but its last build counted {selection.selected_count}.",
        "Build again: python -m flows build-models.",
    )


def is_untested(selection: Selection, facts: Facts) -> bool:
    """Whether no test has said anything about this selection since it was built."""
    return not any(result.is_run for result in facts.results.get(selection.slug, ()))


def tested(selection: Selection, facts: Facts) -> Refusal | None:
    """Its dbt tests must have passed since it was built (in dbt they only warn)."""
    if is_untested(selection, facts):
        return Refusal(
            "tested",
            "it has not been tested since it was built.",
            "Run its tests: make dbt ARGS='test --select playlist_selections'.",
        )
    failed = [r for r in facts.results[selection.slug] if r.is_run and not r.is_passed]
    if not failed:
        return None
    for result in failed:
        if result.test_name == MODEL_FAILED:
            return Refusal(
                "tested", f"its model failed: {result.message}", "Mend the model, then build again."
            )
    named = ", ".join(r.test_name + (f" ({r.failures} rows)" if r.failures else "") for r in failed)
    return Refusal(
        "tested", f"dbt tests failed: {named}.", "Mend the model or its data, then build and test again."
    )


def fresh(selection: Selection, facts: Facts) -> Refusal | None:
    """What it was built from must have been looked at lately: as of the build, not as of a later look."""
    allowed = selection.block.requires.max_source_age_hours
    if allowed is None:
        return None
    for resource in (*REQUIRED_SOURCES, LISTENING):
        looked_at = facts.looked_at.get(resource)
        if looked_at is None:
            if resource == LISTENING:
                continue
            return Refusal(
                "fresh",
                f"{resource} has never been read completely.",
                "Run python -m flows daily-sync.",
            )
        hours = (facts.now - min(looked_at, selection.built_at)).total_seconds() / 3600
        if hours > allowed:
            what = "was last built" if selection.built_at < looked_at else f"knows {resource} as it was"
            return Refusal(
                "fresh",
                f"it {what} {hours:.0f} hours ago; at most {allowed:g} are allowed.",
                "Run python -m flows daily-sync, or raise requires.max_source_age_hours.",
            )
    return None


def long_enough(selection: Selection, facts: Facts) -> Refusal | None:
    """A rule on half a year means nothing after two weeks of listening."""
    needed = selection.block.requires.history_days
    if not needed:
        return None
    known = selection.history_days
    if known is None:
        first = facts.first_known_play
        known = (facts.now - first).total_seconds() / 86_400 if first else 0.0
    if known >= needed:
        return None
    return Refusal(
        "long_enough",
        f"it needs {needed:g} days of listening history, and {known:.0f} are known.",
        "Import your Spotify history (python -m flows import-history), or wait.",
    )


def not_empty(selection: Selection, *, has_entries: bool) -> Refusal | None:
    """Nothing selected for a playlist that has entries: as ``on_empty`` says."""
    if selection.uris or not has_entries:
        return None
    if selection.block.on_empty == "keep":
        return Refusal(
            "not_empty",
            "nothing is selected now, so it keeps what it has.",
            "Write on_empty: clear to have it emptied instead.",
            is_failure=False,
        )
    if selection.block.on_empty == "fail":
        return Refusal(
            "not_empty",
            "nothing is selected now.",
            "Look into its rule; on_empty: keep would leave it as it is.",
        )
    return None


def calm(plan: Plan, selection: Selection) -> Refusal | None:
    """A sudden change of most of a list is more often a fault upstream than a new taste."""
    allowed = selection.block.max_churn
    if allowed is None or not plan.current or plan.churn <= allowed:
        return None
    return Refusal(
        "calm",
        f"{plan.churn:.0%} of it would change; at most {allowed:.0%} are allowed.",
        f"Look at the plan; if it is right: python -m playlists apply {plan.slug} --force.",
    )


def ours(owner_id: str, facts: Facts) -> Refusal | None:
    """We write to playlists of the signed-in account alone."""
    if facts.user_id is None or not owner_id or owner_id == facts.user_id:
        return None
    return Refusal(
        "ours",
        "it belongs to another account.",
        "Sign in to the account that it belongs to, or pause it.",
    )
