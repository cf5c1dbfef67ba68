"""Random histories: what the person does, which commands run, and what goes wrong meanwhile.

A history is a list of steps. The same seed makes the same list; a step is plain data, so that a history can
be stored, shortened and lived again.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

SYNCS = ("likes", "albums", "plays", "exclusions", "availability", "artists")
DEEDS = (
    "listen", "listen", "like", "like", "unlike", "like_again", "save", "unsave",
    "edit_ours", "edit_theirs", "exclude", "delete_ours", "export",
)  # fmt: skip


@dataclass(frozen=True)
class Trouble:
    """What goes wrong while a command runs, at its `nth` call to Spotify (`dice` seeds what is left open)."""

    kind: str
    nth: int = 1
    times: int | None = 1
    dice: int = 0


@dataclass(frozen=True)
class Step:
    """A deed of the person, or a command of ours with its trouble. `hours` pass before it."""

    kind: str
    hours: float = 0.1
    dice: int = 0
    trouble: Trouble | None = None

    @classmethod
    def read(cls, shape: dict[str, Any]) -> Step:
        """Return the step that was stored as JSON."""
        trouble = shape.get("trouble")
        return cls(**{**shape, "trouble": Trouble(**trouble) if trouble else None})


@dataclass(frozen=True)
class History:
    """A seed and its steps; `has_dbt`: selections come from real builds."""

    seed: int
    steps: tuple[Step, ...]
    has_dbt: bool = False
    is_shortened: bool = field(default=False, compare=False)

    def as_json(self) -> dict[str, Any]:
        """Return the history as a JSON object."""
        return asdict(self)

    @classmethod
    def read(cls, shape: dict[str, Any]) -> History:
        """Return the history that was stored as JSON."""
        return cls(**{**shape, "steps": tuple(Step.read(step) for step in shape["steps"])})

    def with_steps(self, steps: Sequence[Step]) -> History:
        """Return the same history with fewer steps."""
        return History(self.seed, tuple(steps), self.has_dbt, is_shortened=True)


ANSWERS = (
    "rate_limited", "quota_exceeded", "server_error", "server_error_after", "timeout", "timeout_after",
    "drop_before", "drop_after", "drop_midway", "premium_lapsed", "forbidden", "not_found", "expired_token",
    "revoked_refresh_token", "stale_snapshot",
)  # fmt: skip
MACHINE = (
    "kill_before", "kill_after", "kill_at_any_time", "stop", "twin", "backends", "database", "damage",
    "full_disk", "clock_behind",
)  # fmt: skip


def random_history(seed: int, *, steps: int = 16, has_dbt: bool = False) -> History:
    """Return the history of this seed."""
    dice = Random(f"faults {seed}")
    made = [
        Step(kind, 0.1, place)
        for place, kind in enumerate(("likes", "albums", "plays", *_chosen(has_dbt), "push"))
    ]
    while len(made) < steps:
        hours = dice.choice((0.1, 0.1, 2, 9, 30, 700))
        if dice.random() < 0.45:
            made.append(Step(dice.choice(DEEDS), hours, dice.randrange(10**6)))
            continue
        kind = dice.choice(("push", "select", "select", "select", "import", *SYNCS))
        trouble = _random_trouble(dice) if dice.random() < 0.7 else None
        if kind == "select":
            made.extend(Step(each, hours, dice.randrange(10**6)) for each in _chosen(has_dbt)[:1])
            kind = "push"
        made.append(Step(kind, hours, dice.randrange(10**6), trouble))
    return History(seed, tuple(made), has_dbt)


def _chosen(has_dbt: bool) -> tuple[str, ...]:
    """Return the steps that decide what playlists shall hold: a build, or two selections set by hand."""
    return ("build",) if has_dbt else ("select", "select")


def _random_trouble(dice: Random) -> Trouble:
    kind = dice.choice((*ANSWERS, *MACHINE))
    return Trouble(
        kind, dice.choice((1, 1, 2, 2, 3, 4, 6)), dice.choice((1, 1, 2, None)), dice.randrange(10**6)
    )
