"""Which failures of a step are worth another try."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from flows.run import tasks
from profiles.errors import AuthorizationLost, DatabaseUnavailable, SpotifyUnavailable


@dataclass
class State:
    error: Exception

    def result(self, **_: bool) -> Exception:
        return self.error


@pytest.mark.parametrize(
    ("error", "is_repeated"),
    [
        (SpotifyUnavailable("503"), True),
        (SpotifyUnavailable("timeout", may_have_been_applied=True), False),
        (DatabaseUnavailable("away"), True),
        (AuthorizationLost("sign in again"), False),
        (ValueError("a bug"), False),
    ],
)
def test_only_what_may_pass_by_itself_is_repeated(error: Exception, is_repeated: bool) -> None:
    decide: Any = tasks.is_worth_repeating
    assert decide(None, None, State(error)) is is_repeated
