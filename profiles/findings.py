"""What the doctor finds: subject, state, message, remedy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from profiles.errors import Deferred, SettingsError, TrackerError

State: TypeAlias = Literal["ok", "note", "failed", "bad_input", "deferred"]


@dataclass(frozen=True)
class Finding:
    """The result of one check. A `note` does not stop a run. `remedy` is empty if nothing has to be done."""

    subject: str
    state: State
    message: str
    remedy: str = ""


def finding_of(subject: str, error: TrackerError) -> Finding:
    """Return what an expected failure of a check means."""
    state: State = "failed"
    if isinstance(error, SettingsError):
        state = "bad_input"
    elif isinstance(error, Deferred):
        state = "deferred"
    return Finding(subject, state, error.message, error.remedy)
