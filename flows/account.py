"""Sign in from the UI, and leave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.input import RunInput
from pydantic import Field

from flows.leaving import disconnect as forget_sign_in
from flows.leaving import preview_lines
from flows.purge import plan_purge, purge
from flows.run import waiting
from flows.run.recorded_run import Run, recorded_flow_run
from flows.server import prefect_cleanup
from profiles import redaction
from profiles.errors import InputError
from profiles.settings import load_settings
from profiles.signin.consent import LIFE, finish_login, start_login

if TYPE_CHECKING:
    from datetime import timedelta

    from profiles.database import Database
    from profiles.signin.consent import PendingLogin, SignedIn

WORD = "delete"
OWN_LOCK = "flow:disconnect"


class PastedAddress(RunInput):
    """The form that a waiting run shows."""

    address: str = Field(
        description="The whole address of the page that the browser ends on, also if that shows an error"
    )


@flow(name="connect-spotify", flow_run_name="connect Spotify", persist_result=False)
def connect_spotify(address: str | None = None) -> State[Any]:
    """Sign in to Spotify from this page, wherever the tracker runs.

    Run it without anything: it shows a link under Artifacts and waits for its answer, a day at most. Open the
    link, agree, and copy the address that the browser ends on (the page itself may show an error). Then press
    *Resume*, in the menu (⋮) at the top right of the run's page, and paste it.

    Args:
        address: Only to answer a run in a terminal: the address that the browser ended on.
    """
    redaction.hide([address])
    with recorded_flow_run("connect-spotify", address=None if address is None else "[hidden]") as run:
        if address is not None:
            run.step("sign-in", _finish, run.database, None, address)
            prefect_cleanup.forget_parameters()
            return run.state
        has_form = waiting.has_form()
        pending = run.step("link", _show_link, run.database, life=waiting.WAIT if has_form else LIFE)
        if pending is None:
            return run.state
        if not has_form:
            run.note("link", _in_terminal(pending))
            return run.state
        run.step("sign-in", _wait_and_finish, run, pending)
    return run.state


@flow(name="disconnect", flow_run_name="disconnect")
def disconnect(purge: bool = False, confirm: str = "") -> State[Any]:
    """Forget the sign-in; with `purge` delete all personal data too. What goes is shown under Artifacts.

    A purge deletes every table, backup and file of ours, and the artifacts, runs and logs of this Prefect
    server that our flows made. The rest of Prefect's own state goes in a terminal: `tracker down`, then
    `tracker disconnect --purge`.

    Args:
        purge: Delete the data too. Without the word below it only shows what it would delete.
        confirm: Type `delete` to go on with a purge.
    """
    with recorded_flow_run("disconnect", purge=purge, confirm=confirm) as run:
        if purge:
            run.step("plan", _show_plan, run.database)
            if not run.has_trouble("plan"):
                run.step("purge", _purge, run, confirm)
        else:
            run.step("disconnect", _disconnect, run.database)
    return run.state


def _show_link(database: Database, *, life: timedelta) -> PendingLogin:
    pending = start_login(load_settings(), database, life=life)
    create_markdown_artifact(
        key="connect-spotify", markdown=invitation(pending), description="The link to agree at"
    )
    return pending


def invitation(pending: PendingLogin) -> str:
    """Return the link and what to do with it, as markdown."""
    return (
        f"[Open Spotify's consent page]({pending.address}) and agree. The browser then ends on an address"
        f" that begins with `{pending.redirect_uri}`; the page may show an error, that does not matter. Copy"
        f" the whole address. Then, {waiting.WHERE}, and paste it there, before"
        f" {pending.expires_at:%Y-%m-%d %H:%M} UTC."
    )


def _wait_and_finish(run: Run, pending: PendingLogin) -> str:
    answer = waiting.wait_for_answer(run, PastedAddress.with_initial_data(description=invitation(pending)))
    if answer is None:
        return waiting.NOT_ANSWERED
    redaction.hide([answer.address])
    return _finish(run.database, pending, answer.address)


def _finish(database: Database, pending: PendingLogin | None, address: str) -> str:
    signed_in: SignedIn = finish_login(load_settings(), database, pending, address)
    said = f"signed in as {signed_in.display_name}, until {signed_in.expires_on:%Y-%m-%d}"
    return " ".join([f"{said}.", *signed_in.warnings])


def _in_terminal(pending: PendingLogin) -> str:
    return (
        f"open {pending.address} and agree, then `tracker run connect-spotify --address 'ADDRESS'` with"
        " the address that the browser ended on; `tracker login` does both at once"
    )


def _disconnect(database: Database) -> str:
    done = forget_sign_in(load_settings(), database)
    return " ".join(["signed out." if done.was_signed_in else "nobody was signed in.", *done.hints])


def _show_plan(database: Database) -> str:
    plan = plan_purge(load_settings(), database, keep_server=True)
    text = "\n".join(["```", *preview_lines(plan), "```"])
    create_markdown_artifact(key="disconnect", markdown=text, description="What a purge deletes")
    return f"{plan.row_count} rows in {len(plan.rows)} tables, {len(plan.files)} files and folders"


def _purge(run: Run, confirm: str) -> str:
    if confirm.strip().lower() != WORD:
        raise InputError(
            "Not confirmed; nothing was deleted.", remedy=f"What would go is under Artifacts. Type {WORD}."
        )
    plan = purge(load_settings(), run.database, keep_server=True, run_by=OWN_LOCK)
    run.forget()  # the tables that runs are recorded in are gone
    removed = prefect_cleanup.remove()
    deleted = (
        f"{plan.row_count} rows, {len(plan.files)} files and folders, {removed.artifacts} artifacts"
        f" and {removed.runs} runs with their logs deleted. Signed out."
    )
    return " ".join([deleted, *plan.left])
