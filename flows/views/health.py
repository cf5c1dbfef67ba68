"""Whether all is well: one line for people, from the checks of `analytics.data_health`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from flows.views.rows import Reader

WORST_FIRST = ("red", "warn", "ok")
NOT_BUILT = "Nothing is known yet: no model has been built. Sign in, then run initial-sync."


@dataclass(frozen=True)
class Check:
    """One row of `analytics.data_health`. Times in UTC; `state` is ok, warn or red."""

    check_name: str
    title: str
    state: str
    figure: str | None
    remedy: str | None
    noticed_at: datetime | None
    checked_at: datetime


def read_checks(reader: Reader) -> list[Check]:
    """Return every check, the worst first."""
    found = reader.rows(Check, "analytics.data_health")
    return sorted(found, key=lambda check: (WORST_FIRST.index(check.state), check.check_name))


def state_of(checks: list[Check]) -> str:
    """Return the worst state of all: red, warn, ok; `unknown` where nothing was checked."""
    return next((state for state in WORST_FIRST if any(each.state == state for each in checks)), "unknown")


def headline(checks: list[Check]) -> str:
    """Return one line of plain text: all is well, or what is not and what to do."""
    if not checks:
        return NOT_BUILT
    trouble = [check for check in checks if check.state != "ok"]
    if not trouble:
        return f"All is well: {len(checks)} checks, no finding."
    told = "; ".join(sentence(check) for check in trouble)
    begins = "Something is wrong" if state_of(checks) == "red" else "Worth a look"
    return f"{begins}: {told}."


def sentence(check: Check) -> str:
    """Return what a check found, and what to do."""
    found = f"{check.title}: {check.figure}" if check.figure else check.title
    return f"{found} → {check.remedy}" if check.remedy else found
