"""Decides how often, and after which pause, a call to Spotify is repeated. Knows no HTTP."""

from __future__ import annotations

import logging
import random
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import tenacity

if TYPE_CHECKING:
    from collections.abc import Callable

    from profiles.errors import TrackerError

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Policy:
    """How often and how long a call is tried. Times are seconds."""

    attempts: int = 5
    first_delay_s: float = 0.5
    longest_delay_s: float = 8.0
    longest_call_s: float = 45.0  # no new attempt begins later than this
    longest_wait_s: float = 60.0  # all waits of one call after a 429, together
    timeout_s: tuple[float, float] = (5.0, 30.0)
    pacing_s: float = 0.1


class Repeat(Exception):  # a signal between attempts that no caller sees
    """This attempt failed, and another one may succeed. `error` is raised if no attempt is left."""

    def __init__(self, kind: Literal["outage", "rate", "token"], why: str, error: TrackerError) -> None:
        super().__init__(why)
        self.kind = kind
        self.error = error
        self.delay_s: float | None = None


class Outages:
    """The addresses that did not answer lately, in this process.

    After all attempts at an address have failed, later calls get one short attempt each until one succeeds.
    Otherwise every step of a run would wait through all attempts again.
    """

    remembered_s = 300.0
    timeout_s = (5.0, 6.0)  # the six steps of a nightly sync should together wait three minutes at most

    def __init__(self) -> None:
        self._since: dict[str, float] = {}

    def note(self, address: str) -> None:
        """Remember that all attempts at an address failed."""
        self._since[address] = time.monotonic()

    def forget(self, address: str) -> None:
        """Forget an address, because it answers again."""
        self._since.pop(address, None)

    @property
    def is_on(self) -> bool:
        """Whether any address did not answer lately."""
        now = time.monotonic()
        return any(now - since <= self.remembered_s for since in self._since.values())

    def clear(self) -> None:
        """Forget everything."""
        self._since.clear()

    def adapted(self, policy: Policy, address: str) -> Policy:
        """Return the policy, or one with a single short attempt if the address did not answer lately."""
        since = self._since.get(address)
        if since is None or time.monotonic() - since > self.remembered_s:
            return policy
        connect_s, read_s = (min(pair) for pair in zip(policy.timeout_s, self.timeout_s, strict=True))
        return replace(policy, attempts=1, timeout_s=(connect_s, read_s))


OUTAGES = Outages()


def repeating(policy: Policy, sleep: Callable[[float], None]) -> tenacity.Retrying:
    """Return a runner that calls a function again while it raises Repeat. The last Repeat is raised."""

    def delay_s(state: tenacity.RetryCallState) -> float:
        return _delay_s(policy, _signal(state), state.attempt_number)

    def is_exhausted(state: tenacity.RetryCallState) -> bool:
        signal = _signal(state)
        if signal.kind == "token":
            return False
        if signal.kind == "rate":
            return (
                state.idle_for + state.upcoming_sleep > policy.longest_wait_s
                or state.attempt_number > policy.attempts
            )
        is_late = (state.seconds_since_start or 0) > policy.longest_call_s
        return is_late or state.attempt_number >= policy.attempts

    def log_repeat(state: tenacity.RetryCallState) -> None:
        logger.info("%s; again in %.1f s", _signal(state), state.upcoming_sleep)

    return tenacity.Retrying(
        sleep=sleep,
        retry=tenacity.retry_if_exception_type(Repeat),
        wait=delay_s,
        stop=is_exhausted,
        before_sleep=log_repeat,
        reraise=True,
    )


def _delay_s(policy: Policy, signal: Repeat, attempt: int) -> float:
    if signal.kind == "token":
        return 0.0
    if signal.delay_s is not None:
        return signal.delay_s
    longest: float = min(policy.first_delay_s * 2 ** (attempt - 1), policy.longest_delay_s)
    # jitter, so that several processes do not repeat their calls at the same moment
    return longest * random.uniform(0.5, 1.0)  # noqa: S311  # guards no secret


def _signal(state: tenacity.RetryCallState) -> Repeat:
    signal = state.outcome.exception() if state.outcome else None
    assert isinstance(signal, Repeat)  # noqa: S101  # nothing else is repeated
    return signal
