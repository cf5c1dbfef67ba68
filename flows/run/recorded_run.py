"""A flow run: recorded like every run of ours, and with an end that Prefect shows."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

from prefect.client.schemas.objects import State
from prefect.context import FlowRunContext
from prefect.states import Completed, Failed

from flows.run import events, summary
from profiles import redaction
from profiles.clock import real_now
from profiles.database import open_database
from profiles.recorded_run import Overlap, RecordedRun, recording
from profiles.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

UNTIL = re.compile(r"until [\d-]+ (\d\d:\d\d) UTC")
# how the message of a run begins that ended so
DEFERRED = "Deferred"
SKIPPED = "Skipped"
BAD_INPUT = "Bad input"


class Run(RecordedRun):
    """What happened so far in one run of one flow."""

    @property
    def state(self) -> State[Any]:
        """The run's end as Prefect shows it, under one of Prefect's own names: its lists leave others out."""
        if self.outcome == "failed":
            return Failed(message=f"{BAD_INPUT}: {self.message}" if self.is_bad_input else self.message)
        what = {"deferred": DEFERRED, "skipped": SKIPPED}.get(self.outcome)
        return Completed(message=f"{what}: {self.message}" if what else self.message)

    @property
    def headline(self) -> str:
        """The run's result in a few words, for its name."""
        if self.failed:
            return "bad input" if self.is_bad_input else f"{', '.join(self.failed)} failed"
        if self.deferred:
            found = UNTIL.search(" ".join(self.deferred.values()))
            return f"deferred until {found[1]} UTC" if found else "deferred"
        return "skipped" if self.is_skipped else ", ".join(self.headlines) or "done"

    def deferral_in(self, outcome: Any) -> str | None:
        """A deferred task returns its state."""
        return (outcome.message or "") if isinstance(outcome, State) else None


def outcome_of(state: State[Any]) -> str:
    """Return how a run ended: Deferred, Skipped, Bad input, else the name of its state."""
    told = (state.message or "").partition(": ")[0]
    return told if told in (DEFERRED, SKIPPED, BAD_INPUT) else str(state.name)


@contextmanager
def recorded_flow_run(flow: str, *, overlap: Overlap = Overlap.WAIT, **parameters: Any) -> Iterator[Run]:
    """Open a flow run: alone among runs of its flow, recorded, and told as an event where it has trouble.

    Raises SettingsError and DatabaseUnavailable.
    """
    settings = load_settings()
    redaction.install(settings.secrets())
    started_at = real_now()
    run_id, due_at = _identity()
    run = Run(flow, open_database(settings), run_id)
    try:
        with recording(run, parameters, overlap=overlap, due_at=due_at):
            yield run
    finally:
        summary.leave(run, run.headline, started_at)
        if run.failed and not run.is_bad_input:
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
