"""Steps as Prefect tasks: seen in the UI, repeated where repeating is safe, quiet about a quota's pause."""

from __future__ import annotations

from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from prefect import Task, task
from prefect.cache_policies import NO_CACHE
from prefect.states import Completed

from flows.runs import DEFERRED
from profiles.errors import DatabaseUnavailable, Deferred, SpotifyUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefect.client.schemas.objects import State, TaskRun

P = ParamSpec("P")
R = TypeVar("R")

RETRY_DELAYS_S = (10, 60)


def step_task(name: str, *, is_repeatable: bool = True) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Make a function a step of our flows.

    A step that is repeatable (it reads from Spotify and merges) is tried three times where Spotify, the
    network or the database is away. A deferral ends it as completed, named Deferred: nothing went wrong.
    """

    def decorate(work: Callable[P, R]) -> Task[P, R]:
        @wraps(work)
        def body(*args: P.args, **kwargs: P.kwargs) -> R | State[Any]:
            try:
                return work(*args, **kwargs)
            except Deferred as deferral:
                return Completed(name=DEFERRED, message=str(deferral))

        made = task(
            name=name,
            description=(work.__doc__ or "").split("\n\n")[0],
            cache_policy=NO_CACHE,
            persist_result=False,
            retries=len(RETRY_DELAYS_S) if is_repeatable else 0,
            retry_delay_seconds=list(RETRY_DELAYS_S),
            retry_condition_fn=is_worth_repeating,
        )
        # to its callers it returns what the work returns; only `Run.step` knows of the deferral
        return made(cast("Callable[P, R]", body))

    return decorate


def is_worth_repeating(task: Task[..., Any], run: TaskRun, state: State[Any]) -> bool:  # noqa: ARG001  # Prefect's signature
    """Say whether a failed step may succeed in a minute."""
    error = state.result(raise_on_failure=False)
    if isinstance(error, SpotifyUnavailable):
        return not error.may_have_been_applied
    return isinstance(error, DatabaseUnavailable)
