"""`tracker`: all commands of the product in one group, among them those on flows and services."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from extract.cli import import_history, import_tracker, sync_command
from playlists.cli import playlists, recordings
from profiles import cli as profiles
from profiles import terminal
from profiles.errors import ExitStatus, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from extract.report import LoadReport, Progress
    from flows.server.prefect_yaml import Listed
    from profiles.database import Database
    from profiles.findings import Finding
    from profiles.session import Session
    from profiles.settings import Settings

WORD = "delete"


@click.group(cls=terminal.OrderedGroup)
def tracker() -> None:
    """A true record of your Spotify library and listening, and playlists that keep themselves.

    Exit status: 0 done, 1 failed, 2 bad input, 3 deferred by a quota.
    """


@tracker.command()
@click.option("--at-boot", "starts_at_boot", is_flag=True, help="And again whenever this machine starts.")
def up(starts_at_boot: bool) -> None:
    """Start database, Prefect with its UI, worker and schedules on this machine.

    What dies is started again within a minute. It may be repeated at any time, and is the way to upgrade.
    """
    from flows.server import at_boot, services

    settings = terminal.settings()
    address = services.up(settings, terminal.say)
    if starts_at_boot:
        services.start_at_boot(settings, terminal.say)
    elif not at_boot.is_installed(settings):
        terminal.say("at boot    nothing starts after a reboot; `tracker up --at-boot` changes that")
    terminal.say("", f"Your music, and whether all is well: {address}")


@tracker.command()
def down() -> None:
    """Stop what `tracker up` started; the data stays."""
    from flows.server import services

    services.down(terminal.settings(), terminal.say)


@tracker.command()
@terminal.json_option
def status(as_json: bool) -> None:
    """What runs, where, and whether all is well."""
    from flows.server import services

    settings = terminal.settings()
    parts = {**services.status(settings), "health": _health(settings)}
    terminal.show([{"part": part, "state": state} for part, state in parts.items()], as_json=as_json)


def _health(settings: Settings) -> str:
    """Return whether all is well, in one line; nothing is started for it."""
    from flows.views import health
    from flows.views.rows import Reader
    from profiles.database import locate
    from profiles.errors import DatabaseUnavailable

    try:
        with locate(settings).transaction() as cursor:
            checks = health.read_checks(Reader(cursor))
    except DatabaseUnavailable:
        return "not known: the database does not run"
    checked = f" (checked {checks[0].checked_at:%Y-%m-%d %H:%M} UTC)" if checks else ""
    return f"{health.headline(checks)}{checked}"


def _look_at_services(settings: Settings) -> Iterator[Finding]:
    from flows.server import checked_services

    return checked_services.findings(settings)


tracker.add_command(profiles.check_command(_look_at_services))
tracker.add_command(profiles.login)


@tracker.command()
@click.option("--purge", is_flag=True, help="Delete every table, file and backup of ours, too.")
@click.option("--dry-run", is_flag=True, help="With --purge: only say what would go.")
@click.option("--yes", is_flag=True, help="With --purge: do not ask.")
@terminal.json_option
def disconnect(purge: bool, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Forget the sign-in; with --purge all personal data goes.

    A purge says first what it deletes. It wants --yes, or the word `delete` typed at the terminal.
    """
    from dataclasses import asdict

    from flows import leaving
    from profiles.database import open_database

    settings = terminal.settings()
    database = open_database(settings)
    if purge:
        _purge(settings, database, is_rehearsal=dry_run, is_confirmed=yes, as_json=as_json)
        return
    done = leaving.disconnect(settings, database)
    if as_json:
        terminal.print_json({"disconnected": asdict(done)})
    else:
        terminal.say("Signed out." if done.was_signed_in else "Nobody was signed in.", *done.hints)


def _purge(
    settings: Settings, database: Database, *, is_rehearsal: bool, is_confirmed: bool, as_json: bool
) -> None:
    from dataclasses import asdict

    from flows import leaving
    from flows import purge as purging

    plan = purging.plan_purge(settings, database)
    if not as_json:
        terminal.say("This will be deleted, for good:", *leaving.preview_lines(plan))
    if not is_rehearsal:
        if not (is_confirmed or _asks_for_word()):
            raise InputError("Not confirmed; nothing was deleted.", remedy="Add --yes to go on.")
        plan = purging.purge(settings, database)
    if as_json:
        terminal.print_json({"is_deleted": not is_rehearsal, "purge": asdict(plan)})
    elif not is_rehearsal:
        terminal.say(f"Deleted: {plan.row_count} rows, {len(plan.files)} files and folders. Signed out.")


def _asks_for_word() -> bool:
    # a scheduled run has nobody to ask, and must not wait for ever
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    click.echo(f"Type {WORD} to go on: ", nl=False, err=True)
    return sys.stdin.readline().strip() == WORD


def _load_exclusions(session: Session, _full: bool, _progress: Progress) -> LoadReport:
    from flows.exclusions import load_exclusions

    return load_exclusions(session)


tracker.add_command(sync_command(_load_exclusions))


@tracker.command()
@click.option(
    "--models",
    type=click.Choice(["nightly", "after_poll", "playlists"]),
    default="nightly",
    show_default=True,
    help="Everything, what new plays change, or the selections alone.",
)
@click.option("--full-refresh", is_flag=True, help="Build incremental models anew from all raw data.")
def build(models: str, full_refresh: bool) -> ExitStatus:
    """Build the models with dbt and run their tests. Builds take turns; nothing on Spotify is touched."""
    from flows.run.dbt_build import Models, build_step
    from profiles.database import open_database
    from profiles.recorded_run import recorded_run

    terminal.show_log()
    database = open_database(terminal.settings())
    with recorded_run("build-models", database, models=models, full_refresh=full_refresh) as run:
        run.step("build", build_step, Models(models), full_refresh=full_refresh)
    terminal.say(f"build: {run.outcome}")
    return run.exit_status


@tracker.command()
@click.option("--year", type=int, help="The year in review that is shown; all years if none is given.")
@click.option("--out", metavar="FILE", help="Where it is written. Default: report.html below TRACKER_HOME.")
def report(year: int | None, out: str | None) -> None:
    """Write your listening and your years as one HTML file with charts, which works without a network."""
    from pathlib import Path

    from flows.views import report as reports
    from profiles.database import open_database

    settings = terminal.settings()
    file = Path(out) if out else settings.tracker_home / reports.FILE_NAME
    size = reports.write(settings, open_database(settings), file, year=year)
    terminal.say(f"{file.resolve()} ({size / 1_000_000:.1f} MB): open it in a browser.")


def _on_raw_tables(command: click.Command) -> click.Command:
    """Return the same command, which first makes the raw tables that are missing: dbt reads all of them."""

    def prepare_and_do(**given: Any) -> Any:
        from extract.loading.pipeline import ensure_tables
        from profiles.session import open_session

        if terminal.settings().tracker_as_of is None:  # nothing is loaded as of another moment
            with open_session() as session:
                ensure_tables(session)
        return command.callback(**given) if command.callback else None

    return click.Command(
        command.name,
        callback=prepare_and_do,
        params=command.params,
        help=command.help,
        context_settings=command.context_settings,
    )


for _command in (
    _on_raw_tables(profiles.dbt),
    profiles.psql,
    import_history,
    import_tracker,
    playlists,
    recordings,
    profiles.backup,
    profiles.restore,
    profiles.export,
):
    tracker.add_command(_command)


class FlowGroup(click.Group):
    """One command per flow of prefect.yaml. Prefect is imported by the one that is run."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """Return the names of the flows."""
        return list(_flows())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # as above
        """Return the command of a flow; its own options are read when it runs."""
        listed = _flows().get(cmd_name)
        if listed is None:
            return None
        return click.Command(
            cmd_name,
            callback=lambda arguments: _run_flow(listed, list(arguments)),
            params=[click.Argument(["arguments"], nargs=-1, type=click.UNPROCESSED)],
            short_help=listed.summary,
            context_settings={"ignore_unknown_options": True},
            add_help_option=False,  # its help has the options of the flow
        )


@tracker.command("run", cls=FlowGroup, invoke_without_command=True)
@terminal.json_option
@click.pass_context
def run_flow(context: click.Context, as_json: bool) -> None:
    """Run a flow under Prefect, here and now; without a name, list them with their schedules.

    Where no server of ours answers, a temporary one runs meanwhile. Each flow tells its parameters by --help.
    """
    if context.invoked_subcommand is None:
        rows = [
            {"name": each.name, "schedule": each.schedule, "summary": each.summary}
            for each in _flows().values()
        ]
        terminal.show(rows, as_json=as_json)


def _flows() -> Mapping[str, Listed]:
    from flows.server import deploy_step
    from flows.server.prefect_yaml import listed_flows

    return {flow.name: flow for flow in listed_flows(deploy_step.settings())}


def _run_flow(listed: Listed, arguments: list[str]) -> ExitStatus:
    from flows.server.environment import hide_prefect_lines, prefect_server, wait_for

    if "--help" in arguments:
        from flows.flow_options import command_of

        command_of(listed, flow_of(listed)).main(
            ["--help"], prog_name=f"{terminal.PROGRAM} run {listed.name}", standalone_mode=False
        )
        return ExitStatus.DONE
    with prefect_server(terminal.settings()) as api_url:  # starts while Prefect and the flows are imported
        from flows import flow_options
        from flows.run import recorded_run
        from profiles.recorded_run import SEPARATOR

        flow = flow_of(listed)
        hide_prefect_lines()
        terminal.show_log()
        parameters = flow_options.parse(listed, flow, arguments)
        wait_for(api_url)
        state = flow_options.run(flow, parameters)
    outcome = recorded_run.outcome_of(state)
    terminal.say(f"{listed.name}: {outcome.lower()}")
    if outcome != "Completed":
        message = (state.message or "").removeprefix(f"{outcome}: ")
        terminal.say(*(f"  {part}" for part in message.split(SEPARATOR)))
    if outcome == recorded_run.DEFERRED:
        return ExitStatus.DEFERRED
    if outcome == recorded_run.BAD_INPUT:
        return ExitStatus.BAD_INPUT
    return ExitStatus.DONE if state.is_completed() else ExitStatus.FAILED


def flow_of(listed: Listed) -> Any:
    """Return the flow itself, a function of one of our modules. Importing it takes seconds."""
    return getattr(import_module(listed.module), listed.function)


for _command in (_on_raw_tables(profiles.env), profiles.dsn, profiles.stop):
    tracker.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status."""
    return terminal.run(tracker, arguments)
