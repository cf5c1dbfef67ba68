"""How often, and after what pause, a call to Spotify is tried again. Knows no HTTP."""

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

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Policy:
    """How long a call is tried. Seconds."""

    attempts: int = 5
    first_delay_s: float = 0.5
    longest_delay_s: float = 8.0
    longest_call_s: float = 45.0  # no new attempt later than this
    longest_wait_s: float = 60.0  # for 429, all waits of one call together
    timeout_s: tuple[float, float] = (5.0, 30.0)
    pacing_s: float = 0.1


class Repeat(Exception):  # a signal between attempts, never seen outside
    """This attempt failed in a way that another may mend. `error` is raised when none is left."""

    def __init__(self, kind: Literal["outage", "rate", "token"], why: str, error: TrackerError) -> None:
        super().__init__(why)
        self.kind = kind
        self.error = error
        self.delay_s: float | None = None


class Outages:
    """Which addresses did not answer lately, in this process.

    Once an address was down through all attempts, the calls after it get one short attempt each until one
    comes through: else every step of a run would wait as long again.
    """

    remembered_s = 300.0
    timeout_s = (5.0, 6.0)  # six steps of a night wait for it: three minutes have to be enough for all

    def __init__(self) -> None:
        self._since: dict[str, float] = {}

    def note(self, address: str) -> None:
        """Remember that all attempts failed."""
        self._since[address] = time.monotonic()

    def forget(self, address: str) -> None:
        """It answers again."""
        self._since.pop(address, None)

    @property
    def is_on(self) -> bool:
        """Whether any address was down lately."""
        now = time.monotonic()
        return any(now - since <= self.remembered_s for since in self._since.values())

    def clear(self) -> None:
        """Forget everything."""
        self._since.clear()

    def adapted(self, policy: Policy, address: str) -> Policy:
        """Return the policy, or a shorter one while the address is down."""
        since = self._since.get(address)
        if since is None or time.monotonic() - since > self.remembered_s:
            return policy
        connect_s, read_s = (min(pair) for pair in zip(policy.timeout_s, self.timeout_s, strict=True))
        return replace(policy, attempts=1, timeout_s=(connect_s, read_s))


OUTAGES = Outages()


def repeating(policy: Policy, sleep: Callable[[float], None]) -> tenacity.Retrying:
    """Return what runs one call: it calls a function until that raises no Repeat, or raises the last one."""

    def delay_s(state: tenacity.RetryCallState) -> float:
        return _delay_s(policy, _signal(state), state.attempt_number)

    def is_enough(state: tenacity.RetryCallState) -> bool:
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

    def tell(state: tenacity.RetryCallState) -> None:
        log.info("%s; again in %.1f s", _signal(state), state.upcoming_sleep)

    return tenacity.Retrying(
        sleep=sleep,
        retry=tenacity.retry_if_exception_type(Repeat),
        wait=delay_s,
        stop=is_enough,
        before_sleep=tell,
        reraise=True,
    )


def _delay_s(policy: Policy, signal: Repeat, attempt: int) -> float:
    if signal.kind == "token":
        return 0.0
    if signal.delay_s is not None:
        return signal.delay_s
    longest: float = min(policy.first_delay_s * 2 ** (attempt - 1), policy.longest_delay_s)
    # jitter, so that several processes do not come back in step
    return longest * random.uniform(0.5, 1.0)  # noqa: S311  # guards no secret


def _signal(state: tenacity.RetryCallState) -> Repeat:
    signal = state.outcome.exception() if state.outcome else None
    assert isinstance(signal, Repeat)  # noqa: S101  # nothing else is repeated
    return signal
