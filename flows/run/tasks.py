"""Steps as Prefect tasks: seen in the UI, repeated where repeating is safe, quiet about a quota's pause."""

from __future__ import annotations

from contextvars import ContextVar
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

from prefect import Task, task
from prefect.cache_policies import NO_CACHE
from prefect.context import TaskRunContext
from prefect.states import Completed

from profiles.errors import DatabaseUnavailable, Deferred, SpotifyUnavailable
from profiles.spotify.retry import OUTAGES

if TYPE_CHECKING:
    from collections.abc import Callable

    from prefect.client.schemas.objects import State, TaskRun

P = ParamSpec("P")
R = TypeVar("R")

RETRY_DELAYS_S = (15,)

# whether the step under way began while Spotify was known to be down: then nothing is tried twice
_began_in_outage = ContextVar("began_in_outage", default=False)


def step_task(name: str, *, is_repeatable: bool = True) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Make a function a step of our flows.

    A step that is repeatable (it reads from Spotify and merges) is tried twice where Spotify, the network or
    the database is away; the steps after one that failed so are tried once, so that a run ends in three
    minutes even where nothing answers. A deferral ends a step as completed; its message says until when.
    """

    def decorate(work: Callable[P, R]) -> Task[P, R]:
        @wraps(work)
        def body(*args: P.args, **kwargs: P.kwargs) -> R | State[Any]:
            if _attempt() <= 1:
                _began_in_outage.set(OUTAGES.is_on)
            try:
                return work(*args, **kwargs)
            except Deferred as deferral:
                return Completed(message=str(deferral))

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
        return not (error.may_have_been_applied or _began_in_outage.get())
    return isinstance(error, DatabaseUnavailable)


def _attempt() -> int:
    context = TaskRunContext.get()
    return context.task_run.run_count if context is not None else 1
