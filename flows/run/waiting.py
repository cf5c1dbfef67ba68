"""A run that waits for a person: paused in Prefect, without its flow's lock, for a day at most."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from datetime import timedelta
from time import sleep
from typing import TYPE_CHECKING, Any, TypeVar, cast
from uuid import uuid4

from prefect.client.orchestration import get_client
from prefect.context import FlowRunContext
from prefect.input import RunInput, keyset_from_paused_state
from prefect.input.actions import delete_flow_run_input, filter_flow_run_input
from prefect.states import Paused

from profiles.clock import real_now
from profiles.errors import TrackerError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import FlowRun

    from flows.run.recorded_run import Run

logger = logging.getLogger(__name__)
Form = TypeVar("Form", bound=RunInput)

WAIT = timedelta(hours=24)
LOOKS_EVERY_S = 2.0
MOST_INPUTS = 20  # a form is three of them
# Prefect fails a run whose pause is over; ours ends by itself before that
MARGIN = timedelta(hours=1)
WHERE = "on the run's page, in the menu (⋮) at its top right, press Resume"
IN_NAME = "waits for you: ⋮ → Resume"
NOT_ANSWERED = "not answered, nothing changed"


def has_form() -> bool:
    """Say whether somebody sees this run in a UI: it was started there, not in a terminal."""
    context = FlowRunContext.get()
    return context is not None and context.flow_run is not None and context.flow_run.deployment_id is not None


def wait_for_answer(run: Run, form: type[Form]) -> Form | None:
    """Pause until somebody fills in the form; return it, or None where nobody has done so for 24 hours.

    Other runs of the same flow go on meanwhile, and this one takes its turn again afterwards: what it knew
    before may have changed. Raises TrackerError where the deployment has a concurrency limit: Prefect ends a
    waiting run of such a deployment after some minutes.
    """
    context = FlowRunContext.get()
    if context is None or context.flow_run is None:
        raise RuntimeError("only a flow run can wait")
    with get_client(sync_client=True) as client:
        _refuse_limit(client, context.flow_run)
        with _named_as_waiting(client, context.flow_run), run.out_of_turn():
            return _answer(client, context.flow_run, form)


def _refuse_limit(client: SyncPrefectClient, flow_run: FlowRun) -> None:
    state = client.read_flow_run(flow_run.id).state
    if state is not None and state.state_details.deployment_concurrency_lease_id is not None:
        raise TrackerError(
            "This deployment has a concurrency limit: Prefect would end this run while it waits.",
            remedy="Take the limit away: `tracker up` deploys anew, elsewhere `prefect deploy --all`.",
        )


def _answer(client: SyncPrefectClient, flow_run: FlowRun, form: type[Form]) -> Form | None:
    until = real_now() + WAIT
    message = f"It waits for an answer until {until:%Y-%m-%d %H:%M} UTC: {WHERE}."
    paused: Any = Paused(pause_expiration_time=until + MARGIN, pause_key=str(uuid4()), message=message)
    keyset = keyset_from_paused_state(paused)
    paused.state_details.run_input_keyset = keyset
    logger.warning("%s", message)
    form.save(keyset, flow_run.id)
    try:
        client.set_flow_run_state(flow_run.id, paused)
        while real_now() < until:
            state = client.read_flow_run(flow_run.id).state
            if state is None or state.is_final():  # somebody has ended the run meanwhile
                return None
            if state.is_running():
                return cast("Form", form.load(keyset, flow_run.id))  # a coroutine only for async callers
            sleep(LOOKS_EVERY_S)
        return None
    finally:
        _forget(flow_run)


def _forget(flow_run: FlowRun) -> None:
    """Take the form and what was typed into it out of Prefect's database: it has been read."""
    given: Any = filter_flow_run_input(key_prefix="paused", limit=MOST_INPUTS, flow_run_id=flow_run.id)
    for each in given:
        delete_flow_run_input(each.key, flow_run.id)


@contextmanager
def _named_as_waiting(client: SyncPrefectClient, flow_run: FlowRun) -> Iterator[None]:
    """Say in the run's name that it waits, and where Resume is; lists of runs show little else."""
    client.set_flow_run_name(flow_run.id, f"{flow_run.name} ({IN_NAME})")
    try:
        yield
    finally:
        client.set_flow_run_name(flow_run.id, flow_run.name)
