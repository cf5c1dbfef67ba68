"""The second step of a push, check: reasons to leave one playlist as it is. Pure functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playlists.playlist_types import MODEL_FAILED, Refusal

if TYPE_CHECKING:
    from playlists.playlist_types import Facts, Plan, Selection

REQUIRED_SOURCES = ("liked_tracks", "saved_albums")
"""Every selection is made of these. Other sources count once they have been read."""
LISTENING = "recently_played"


def refusals(plan: Plan, facts: Facts, *, force: bool = False) -> tuple[Refusal, ...]:
    """Return all reasons against this plan; none: it can be applied. `force` skips the one on churn."""
    selection = plan.selection
    if selection is None:
        return ()
    found = [
        own_account(plan, facts),
        complete(selection),
        tested(selection, facts),
        recent(selection, facts),
        long_enough(selection, facts),
        not_empty(plan, selection),
        None if force else little_churn(plan, selection),
    ]
    return tuple(refusal for refusal in found if refusal is not None)


def complete(selection: Selection) -> Refusal | None:
    """The list must be as long as its build counted; else a build is under way, or was cut short."""
    if len(selection.uris) == selection.selected_count:
        return None
    return Refusal(
        "complete",
        f"{len(selection.uris)} tracks are selected, but its last build counted {selection.selected_count}.",
        "Build again: `tracker build`.",
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
            "Run its tests: `tracker dbt test --select playlist_selections`.",
        )
    failed = [result for result in facts.results[selection.slug] if result.is_run and not result.is_passed]
    if not failed:
        return None
    for result in failed:
        if result.test_name == MODEL_FAILED:
            return Refusal(
                "tested", f"its model failed: {result.message}", "Mend the model, then build again."
            )
    named = ", ".join(
        result.test_name + (f" ({result.failures} rows)" if result.failures else "") for result in failed
    )
    return Refusal(
        "tested", f"dbt tests failed: {named}.", "Mend the model or its data, then build and test again."
    )


def recent(selection: Selection, facts: Facts) -> Refusal | None:
    """Its sources must have been read lately: as of its build, since a later read is not in the selection."""
    allowed = selection.block.requires.max_source_age_hours
    if allowed is None:
        return None
    for resource in (*REQUIRED_SOURCES, LISTENING):
        looked_at = facts.looked_at.get(resource)
        if looked_at is None:
            if resource == LISTENING:
                continue
            return Refusal(
                "recent",
                f"{resource} has never been read completely.",
                "Run `tracker sync`.",
            )
        hours = (facts.now - min(looked_at, selection.built_at)).total_seconds() / 3600
        if hours > allowed:
            what = "was last built" if selection.built_at < looked_at else f"knows {resource} as it was"
            return Refusal(
                "recent",
                f"it {what} {hours:.0f} hours ago; at most {allowed:g} are allowed.",
                "Run `tracker sync`, or raise requires.max_source_age_hours.",
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
        "Import your Spotify history (`tracker import PATH`), or wait.",
    )


def not_empty(plan: Plan, selection: Selection) -> Refusal | None:
    """Where nothing is selected for a playlist that has entries, ``on_empty`` decides."""
    if selection.uris or not plan.current:
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


def little_churn(plan: Plan, selection: Selection) -> Refusal | None:
    """A sudden change of most of a list is more often a fault upstream than a new taste."""
    allowed = selection.block.max_churn
    if allowed is None or not plan.current or plan.churn <= allowed:
        return None
    return Refusal(
        "churn",
        f"{plan.churn:.0%} of it would change; at most {allowed:.0%} are allowed.",
        f"Look at the plan; if it is right: `tracker playlists apply {plan.slug} --force`.",
    )


def own_account(plan: Plan, facts: Facts) -> Refusal | None:
    """We write to playlists of the signed-in account alone."""
    if facts.user_id is None or not plan.owner_id or plan.owner_id == facts.user_id:
        return None
    return Refusal(
        "own_account",
        "it belongs to another account.",
        "Sign in to the account that it belongs to, or pause it.",
    )
