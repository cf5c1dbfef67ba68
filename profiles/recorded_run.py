"""A run of several steps: alone among its kind, each step on its own, recorded in `ops.runs` and `ops.logs`.

Flows and the commands that do without Prefect both run so.
"""

from __future__ import annotations

import logging
import time
from contextlib import ExitStack, contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable
from uuid import uuid4

from profiles import redaction, run_log
from profiles.database import advisory_lock
from profiles.errors import Deferred, ExitStatus, TrackerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime
    from uuid import UUID

    from profiles.database import Database

logger = logging.getLogger(__name__)
Result = TypeVar("Result")

SEPARATOR = " · "
SUMMARY = {"is_summary": True}  # marks the line that repeats what the steps have said


@runtime_checkable
class Report(Protocol):
    """What a step returns to say what it did.

    One that called Spotify has `calls`, too, and one that a run is named by has a `headline`.
    """

    @property
    def summary(self) -> str:
        """One line for people."""


class Overlap(StrEnum):
    """What a run does when another run of the same kind is under way."""

    SKIP = "skip"
    WAIT = "wait"


class RecordedRun:
    """What happened so far in one run."""

    def __init__(self, flow: str, database: Database, run_id: UUID | None = None) -> None:
        self.flow = flow
        self.database = database
        self.run_id = run_id or uuid4()
        self.turn = ExitStack()  # holds the flow's lock
        self.skipped_because: str | None = None
        self.done: dict[str, str] = {}
        self.headlines: list[str] = []
        """Of the steps that have one: the run's result in a few words."""
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
        logger.info("%s …", name)
        began = time.monotonic()
        try:
            outcome = work(*args, **kwargs)
        except Deferred as deferral:
            self._defer(name, str(deferral))
            return None
        except Exception as error:  # whatever it was, the other steps have their own luck
            self._fail(name, error)
            return None
        why = self.deferral_in(outcome)
        if why is not None:
            self._defer(name, why)
            return None
        self._finish(name, outcome, time.monotonic() - began)
        return outcome

    def deferral_in(self, outcome: Any) -> str | None:  # noqa: ARG002  # for runs whose steps return deferrals
        """Return why a step was deferred, where what it returned says so."""
        return None

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
    def exit_status(self) -> ExitStatus:
        """How a command ends that did this run."""
        if self.failed:
            return ExitStatus.BAD_INPUT if self.is_bad_input else ExitStatus.FAILED
        return ExitStatus.DEFERRED if self.deferred else ExitStatus.DONE

    @property
    def message(self) -> str:
        """One line: what failed, what waits, what was done."""
        if self.skipped_because is not None:
            return self.skipped_because
        parts = [f"{name} failed: {why}" for name, why in self.failed.items()]
        parts += [f"{name} deferred: {why}" for name, why in self.deferred.items()]
        parts += [f"{name}: {what}" for name, what in self.done.items()]
        return SEPARATOR.join(parts) or "nothing to do"

    def _finish(self, name: str, outcome: Any, seconds: float) -> None:
        self.calls += getattr(outcome, "calls", 0)
        text = summary_of(outcome)
        self.done[name] = text
        headline = getattr(outcome, "headline", "")
        self.headlines += [headline] if headline else []
        logger.info("%s: %s (%.1f s)", name, text, seconds)

    def _defer(self, name: str, why: str) -> None:
        self.deferred[name] = why
        logger.warning("%s deferred: %s", name, why)

    def _fail(self, name: str, error: Exception) -> None:
        text = redaction.redact(str(error)) or type(error).__name__
        self.failed[name] = text
        is_bad_input = isinstance(error, TrackerError) and error.exit_status == ExitStatus.BAD_INPUT
        self.is_bad_input = self.is_bad_input or is_bad_input
        # an expected failure is one sentence; only a surprise needs its traceback
        expected = isinstance(error, TrackerError)
        logger.error("%s failed: %s", name, text, exc_info=None if expected else error)


def summary_of(outcome: object) -> str:
    """Return a step's outcome in a few words: a text itself, a report's summary, else that it is done."""
    if isinstance(outcome, str):
        return outcome
    return outcome.summary if isinstance(outcome, Report) else "done"


@contextmanager
def recording(
    run: RecordedRun,
    parameters: Mapping[str, Any],
    *,
    overlap: Overlap = Overlap.WAIT,
    due_at: datetime | None = None,
) -> Iterator[None]:
    """Let a run take its turn, and write it and its log lines to the database.

    Where another run of the flow is under way (and `overlap` says skip), or a later one has already done the
    work of one that was due long ago, the run's steps do nothing and it ends as skipped.
    """
    with ExitStack() as stack:
        stack.enter_context(run.turn)
        if not run.take_turn(wait=overlap is Overlap.WAIT):
            run.skipped_because = f"another run of {run.flow} is under way"
            logger.info("%s", run.skipped_because)
            yield
            return
        stack.enter_context(
            run_log.logging_to_table(run.database, run.run_id, unless=lambda: run.is_forgotten)
        )
        run.follows_a_crash = run_log.begin(run.database, run.run_id, run.flow, parameters)
        if due_at is not None and run_log.has_run_since(run.database, run.run_id, run.flow, due_at):
            run.skipped_because = (
                f"it was due at {due_at:%Y-%m-%d %H:%M} UTC and a later run has done its work"
            )
        try:
            yield
        except BaseException as error:
            run.failed.setdefault("run", redaction.redact(str(error)) or type(error).__name__)
            raise
        finally:
            level = logging.ERROR if run.outcome == "failed" else logging.INFO
            logger.log(level, "%s: %s", run.outcome, run.message, extra=SUMMARY)
            if not run.is_forgotten:
                run_log.end(run.database, run.run_id, state=run.outcome, message=run.message, calls=run.calls)


@contextmanager
def recorded_run(name: str, database: Database, **parameters: Any) -> Iterator[RecordedRun]:
    """Open the run of a command that does without Prefect; it waits for another run of the same command."""
    run = RecordedRun(name, database)
    with recording(run, parameters):
        yield run
