"""How a run goes: one at a time, step by step, each step on its own, and a truthful end."""

from __future__ import annotations

import logging
import time
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar
from uuid import UUID, uuid4

from prefect.client.schemas.objects import State
from prefect.context import FlowRunContext
from prefect.states import Completed, Failed

from flows.run import events
from profiles import redaction, run_log
from profiles.database import Database, advisory_lock, open_database
from profiles.errors import Deferred, TrackerError
from profiles.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

log = logging.getLogger(__name__)
Result = TypeVar("Result")

DEFERRED = "Deferred"
SKIPPED = "Skipped"
BAD_INPUT = "Bad input"
BAD_INPUT_STATUS = 2
SUMMARY = {"is_summary": True}  # marks the line that repeats what the steps have said
SEPARATOR = " · "


class Overlap(StrEnum):
    """What a run does when another run of the same flow is under way."""

    SKIP = "skip"
    WAIT = "wait"


class Run:
    """What happened so far in one run of one flow."""

    def __init__(self, flow: str, database: Database, run_id: UUID | None = None) -> None:
        self.flow = flow
        self.database = database
        self.run_id = run_id or uuid4()
        self.turn = ExitStack()  # holds the flow's lock
        self.skipped_because: str | None = None
        self.done: dict[str, str] = {}
        self.deferred: dict[str, str] = {}
        self.failed: dict[str, str] = {}
        self.calls = 0
        self.follows_a_crash = False
        self.is_bad_input = False
        self.is_forgotten = False

    @property
    def is_skipped(self) -> bool:
        """Whether this run does nothing, because another one does or did its work."""
        return self.skipped_because is not None

    def step(self, name: str, work: Callable[..., Result], *args: Any, **kwargs: Any) -> Result | None:
        """Do one step; its failure is kept for the end, so that steps that do not need it go on.

        Returns what the step returned, or None where it failed, was deferred or the run is skipped.
        """
        if self.is_skipped:
            return None
        log.info("%s …", name)
        began = time.monotonic()
        try:
            outcome: Any = work(*args, **kwargs)
        except Deferred as deferral:
            self._defer(name, str(deferral))
            return None
        except Exception as error:  # whatever it was, the other steps have their own luck
            self._fail(name, error)
            return None
        if isinstance(outcome, State):
            self._defer(name, outcome.message or "")
            return None
        self._finish(name, outcome, time.monotonic() - began)
        return outcome  # type: ignore[no-any-return]  # tasks hide their result's type

    def has_trouble(self, *names: str) -> bool:
        """Say whether one of these steps failed or was deferred."""
        return any(name in self.failed or name in self.deferred for name in names)

    def note(self, name: str, text: str) -> None:
        """Add a line to the run's account."""
        self.done[name] = text

    def forget(self) -> None:
        """Leave no record of this run: the tables for it are gone."""
        self.is_forgotten = True

    def take_turn(self, *, wait: bool) -> bool:
        """Take the flow's lock, until `turn` is closed; say whether it was got."""
        return self.turn.enter_context(advisory_lock(self.database, f"flow:{self.flow}", wait=wait))

    @contextmanager
    def out_of_turn(self) -> Iterator[None]:
        """Let other runs of this flow go on for the time of the context: this one waits for a person."""
        run_log.set_state(self.database, self.run_id, run_log.WAITING)
        self.turn.close()
        try:
            yield
        except Exception:  # not where it is ended from outside: then nothing is waited for
            self.take_turn(wait=True)
            raise
        self.take_turn(wait=True)
        run_log.set_state(self.database, self.run_id, run_log.RUNNING)

    @property
    def outcome(self) -> str:
        """How the run ended: completed, skipped, deferred or failed."""
        if self.skipped_because is not None:
            return "skipped"
        if self.failed:
            return "failed"
        return "deferred" if self.deferred else "completed"

    @property
    def message(self) -> str:
        """One line: what failed, what waits, what was done."""
        if self.skipped_because is not None:
            return self.skipped_because
        parts = [f"{name} failed: {why}" for name, why in self.failed.items()]
        parts += [f"{name} deferred: {why}" for name, why in self.deferred.items()]
        parts += [f"{name}: {what}" for name, what in self.done.items()]
        return SEPARATOR.join(parts) or "nothing to do"

    @property
    def state(self) -> State[Any]:
        """The run's end as Prefect shows it."""
        if self.outcome == "failed":
            return Failed(name=BAD_INPUT if self.is_bad_input else "Failed", message=self.message)
        name = {"deferred": DEFERRED, "skipped": SKIPPED}.get(self.outcome, "Completed")
        return Completed(name=name, message=self.message)

    def _finish(self, name: str, outcome: Any, seconds: float) -> None:
        self.calls += getattr(outcome, "calls", 0)
        text = describe(outcome)
        self.done[name] = text
        log.info("%s: %s (%.1f s)", name, text, seconds)

    def _defer(self, name: str, why: str) -> None:
        self.deferred[name] = why
        log.warning("%s deferred: %s", name, why)

    def _fail(self, name: str, error: Exception) -> None:
        text = redaction.redact(str(error)) or type(error).__name__
        self.failed[name] = text
        self.is_bad_input = self.is_bad_input or getattr(error, "exit_status", 1) == BAD_INPUT_STATUS
        # what we expect to happen is told in a sentence; only a surprise needs its traceback
        log.error("%s failed: %s", name, text, exc_info=None if isinstance(error, TrackerError) else error)


def describe(outcome: Any) -> str:
    """Return what a step's report says, in a few words."""
    if isinstance(outcome, str):
        return outcome
    if hasattr(outcome, "summary"):
        return str(outcome.summary)
    if hasattr(outcome, "detail") and outcome.detail.get("pass") == "skipped":
        return f"skipped, {outcome.detail.get('why')}"
    if hasattr(outcome, "rows"):
        gone = f", {outcome.removed} removed" if outcome.removed else ""
        return f"{outcome.rows} rows{gone}, {outcome.calls} calls"
    if hasattr(outcome, "new"):
        return f"{outcome.new} new of {outcome.count} plays, {outcome.calls} calls"
    return "done"


@contextmanager
def conduct(flow: str, *, overlap: Overlap = Overlap.WAIT, **parameters: Any) -> Iterator[Run]:
    """Open a run: alone among runs of its flow, written to `ops.runs` and `ops.logs`.

    Where another run is under way (and `overlap` says skip), or this one was due long ago and a later one has
    already done its work, the run's steps do nothing and it ends as skipped.
    Raises SettingsError and DatabaseUnavailable.
    """
    settings = load_settings()
    redaction.install(settings.secrets())
    database = open_database(settings)
    run_id, due_at = _identity()
    run = Run(flow, database, run_id)
    with ExitStack() as stack:
        stack.enter_context(run.turn)
        is_alone = run.turn.enter_context(
            advisory_lock(database, f"flow:{flow}", wait=overlap is Overlap.WAIT)
        )
        if not is_alone:
            run.skipped_because = f"another run of {flow} is under way"
            log.info("%s", run.skipped_because)
            yield run
            return
        stack.enter_context(run_log.logging_to_table(database, run_id, unless=lambda: run.is_forgotten))
        run.follows_a_crash = run_log.begin(database, run_id, flow, parameters)
        if due_at is not None and run_log.has_run_since(database, run_id, flow, due_at):
            run.skipped_because = (
                f"it was due at {due_at:%Y-%m-%d %H:%M} UTC and a later run has done its work"
            )
        try:
            yield run
        except BaseException as error:
            run.failed.setdefault("run", redaction.redact(str(error)) or type(error).__name__)
            raise
        finally:
            level = logging.ERROR if run.outcome == "failed" else logging.INFO
            log.log(level, "%s: %s", run.outcome, run.message, extra=SUMMARY)
            if not run.is_forgotten:
                run_log.end(database, run_id, state=run.outcome, message=run.message, calls=run.calls)
            _tell(run)


def _tell(run: Run) -> None:
    if run.failed:
        events.tell(events.RUN_FAILED, run.flow, run.message)
    elif run.deferred:
        events.tell(events.QUOTA_STOPPED, run.flow, run.message)


def _identity() -> tuple[UUID, datetime | None]:
    """Return the flow run's id, and when it was due if a schedule (not a person) asked for it."""
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        return uuid4(), None
    flow_run = context.flow_run
    due_at = flow_run.expected_start_time if flow_run.auto_scheduled else None
    return flow_run.id, due_at
