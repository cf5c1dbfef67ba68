"""The commands on what everything stands on: the doctor, the sign-in, the database, dbt."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from profiles import terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from profiles.database import Database
    from profiles.doctor import Diagnosis
    from profiles.findings import Finding
    from profiles.settings import Settings

MARKS = {"ok": "ok", "note": "note", "failed": "FAIL", "bad_input": "FAIL", "deferred": "wait"}
PASSED_ON: dict[str, Any] = {"ignore_unknown_options": True, "allow_interspersed_args": False}
"""For commands whose arguments are another program's."""


@click.group(cls=terminal.OrderedGroup)
def profiles() -> None:
    """Settings, sign-in, database, dbt."""


def check_command(services: Callable[[Settings], Iterator[Finding]] | None = None) -> click.Command:
    """Return the doctor's command; `services` looks at what runs the flows, where there are flows."""

    @click.command()
    @terminal.json_option
    def check(as_json: bool) -> int:
        """Ask the doctor: is all well, and what helps? It changes nothing.

        Looks at settings, disk, database, data, sign-in, Spotify, quota, Prefect and schedules.
        """
        from profiles import doctor

        diagnosis = doctor.examine(terminal.settings(), **({"services": services} if services else {}))
        if as_json:
            forecast = [
                {**asdict(each), "expected": each.expected, "verdict": each.verdict}
                for each in diagnosis.forecast
            ]
            terminal.print_json({**asdict(diagnosis), "forecast": forecast})
        else:
            _print_diagnosis(diagnosis)
        return diagnosis.exit_status

    return check


profiles.add_command(check_command())


def _print_diagnosis(diagnosis: Diagnosis) -> None:
    for finding in diagnosis.findings:
        terminal.say(f"{MARKS[finding.state]:<4}  {finding.subject:<9} {finding.message}")
        if finding.remedy and finding.state != "ok":
            terminal.say(f"{'':<16}→ {finding.remedy}")
    if diagnosis.usage:
        terminal.say("", "Calls in the last 24 hours")
        terminal.show(
            [
                {
                    "family": usage.family,
                    "calls": usage.calls,
                    "429": usage.rate_limited,
                    "may be called again": f"{usage.until:%Y-%m-%d %H:%M} UTC" if usage.until else "now",
                }
                for usage in diagnosis.usage
            ],
            as_json=False,
        )
    if diagnosis.forecast:
        terminal.say("", "Next 24 hours")
        terminal.show(
            [
                {
                    "family": each.family,
                    "about": "?" if each.planned is None and not each.last_24h else str(each.expected),
                    "of*": each.estimate,
                    "because": each.reason,
                }
                for each in diagnosis.forecast
            ],
            as_json=False,
        )
        terminal.say("* Spotify publishes no number: these are estimates (SPOTIFY_QUOTA_PER_DAY …).")


@profiles.command()
@click.option("--paste", is_flag=True, help="Do not listen; the address is pasted here.")
@click.option("--no-browser", is_flag=True, help="Print the address, open nothing.")
@click.option(
    "--timeout",
    type=click.IntRange(1, 600),  # Spotify's code lives no longer
    default=300,
    show_default=True,
    metavar="SECONDS",
    help="How long to wait for the answer, at most 600.",
)
def login(paste: bool, no_browser: bool, timeout: int) -> None:
    """Sign in to Spotify in the browser, or by pasting the address.

    Opens the consent page, waits for the browser to come back to SPOTIFY_REDIRECT_URI on this machine, and
    stores the sign-in. On a machine without a browser use --paste, or let another one's browser reach it:

    \b
      ssh -L 8888:127.0.0.1:8888 HOST
    """
    from profiles.database import open_database
    from profiles.signin import login as signing_in
    from profiles.signin.consent import check_redirect

    settings = terminal.settings()
    check_redirect(settings.spotify_redirect_uri)
    terminal.show_log(steps=False)
    signed_in = signing_in.log_in(
        settings, open_database(settings), paste=paste, opens_browser=not no_browser, patience_s=timeout
    )
    terminal.say(
        f"Signed in as {signed_in.display_name}. Spotify ends this on {signed_in.expires_on:%Y-%m-%d}."
    )
    terminal.say(*(f"  {warning}" for warning in signed_in.warnings))
    if any(not scope.is_optional for scope in signed_in.refused):
        terminal.say("To grant it, sign in again and accept everything that is asked for.")


@profiles.command()
def env() -> None:
    """Print shell exports for dbt and psql.

    \b
      eval "$(tracker env)"
    """
    from profiles import dbt
    from profiles.database import open_database

    settings = terminal.settings()
    database = open_database(settings)
    variables = {
        **dbt.environment(settings, database),
        **_libpq(database),
        "DBT_PROJECT_DIR": str(dbt.DBT_PROJECT_DIR),
        "DBT_TARGET_PATH": str(settings.tracker_home / "dbt" / "target-terminal"),
        "DBT_LOG_PATH": str(dbt.log_folder(settings)),
    }
    terminal.say(*(f"export {name}={shlex.quote(value)}" for name, value in variables.items()))
    # the environment's own dbt, not one of another version that PATH may hold
    terminal.say(f'export PATH={shlex.quote(str(Path(sys.executable).parent))}:"$PATH"')


@profiles.command(context_settings=PASSED_ON)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def psql(arguments: tuple[str, ...]) -> None:
    """Open the database in psql; arguments are psql's."""
    from profiles.database import embedded, open_database

    database = open_database(terminal.settings())
    # the machine's own psql has history and line editing; the wheel's is always there
    program = shutil.which("psql") or str(embedded.binaries() / "psql")
    sys.stdout.flush()
    # by environment: arguments can be read by everybody on the machine
    os.execve(program, ["psql", *arguments], {**os.environ, **_libpq(database)})  # noqa: S606  # that is the point


@profiles.command(context_settings=PASSED_ON)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def dbt(arguments: tuple[str, ...]) -> int:
    """Run dbt on the same database, after other builds; arguments are dbt's, e.g. `build`."""
    from profiles import dbt as dbt_program
    from profiles.database import open_database

    terminal.show_log()
    settings = terminal.settings()
    return dbt_program.run(arguments, settings, open_database(settings))


@profiles.command()
@click.option(
    "--to", type=click.Path(path_type=Path), metavar="FILE", help="A new file; it is never removed by us."
)
@terminal.json_option
def backup(to: Path | None, as_json: bool) -> None:
    """Write everything but the sign-in to one file.

    It goes to TRACKER_HOME/backups, where the last 7 are kept, or to a file of yours. Keep the manifest
    (.json) beside it: a restore compares every table with it.
    """
    from profiles.database import backup as backups
    from profiles.database import open_database
    from profiles.recorded_run import recorded_run

    settings = terminal.settings()
    database = open_database(settings)
    with recorded_run("backup", database) as run:  # the doctor asks when the last one was made
        done = backups.backup(settings, database, to=to)
        run.note("backup", str(done.file))
    if as_json:
        terminal.print_json(
            {
                "file": str(done.file),
                "size_bytes": done.size_bytes,
                "rows": done.rows,
                "removed": [str(path) for path in done.removed],
            }
        )
        return
    removed = f" {len(done.removed)} old ones were removed." if done.removed else ""
    terminal.say(f"{done.file}: {sum(done.rows.values())} rows, {done.size_bytes} bytes.{removed}")


@profiles.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--into", metavar="NAME", help="Create this database on the same server and use it.")
@terminal.json_option
def restore(file: Path, into: str | None, as_json: bool) -> None:
    """Bring a backup into an empty database.

    It restores whole or not at all, and only where nothing is overwritten: on a new machine before the first
    sign-in, or with --into beside what there is.
    """
    from profiles.database import locate, open_database
    from profiles.database import restore as restoring

    settings = terminal.settings()
    done = restoring.restore(open_database(settings), file, into=into)
    name, rows = done.database.name, sum(done.rows.values())
    if as_json:
        terminal.print_json({"database": name, "rows": done.rows, "is_verified": done.is_verified})
        return
    checked = (
        "as many in each table as were backed up"
        if done.is_verified
        else "not compared: the manifest that was written beside the backup is missing"
    )
    use = f" Set DB_NAME={name} to use it." if name != locate(settings).name else ""
    terminal.say(f"Restored {rows} rows into '{name}', {checked}.{use} Sign in again: `tracker login`.")


@profiles.command()
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
@click.option(
    "--format", "file_format", type=click.Choice(["parquet", "csv"]), default="parquet", show_default=True
)
@terminal.json_option
def export(folder: Path, file_format: Any, as_json: bool) -> None:
    """Write every table but the sign-in as Parquet or CSV, for reading elsewhere.

    DIR is a new or empty folder; it gets schema/table.parquet (or .csv) and manifest.json. Times are UTC;
    JSON columns are text. To move to another machine use backup and restore.
    """
    from profiles.database import export as exports
    from profiles.database import open_database

    def tell(table: str, rows: int) -> None:
        if sys.stderr.isatty():
            click.echo(f"{rows:>10}  {table}", err=True)

    done = exports.export(open_database(terminal.settings()), folder, file_format=file_format, tell=tell)
    if as_json:
        terminal.print_json({"folder": str(done.folder), "format": done.file_format, "rows": done.rows})
        return
    terminal.say(f"{done.folder}: {len(done.rows)} tables, {sum(done.rows.values())} rows.")


@profiles.command()
def dsn() -> None:
    """Print the database's address, without its password."""
    from profiles.database import open_database

    terminal.say(open_database(terminal.settings()).safe_dsn)


@profiles.command()
def stop() -> None:
    """Stop the embedded database; `tracker down` stops everything."""
    from profiles.database import stop_embedded

    was_running = stop_embedded(terminal.settings())
    terminal.say("The embedded database is stopped." if was_running else "It was not running.")


def _libpq(database: Database) -> dict[str, str]:
    variables = {
        "PGHOST": database.host,
        "PGPORT": str(database.port),
        "PGDATABASE": database.name,
        "PGUSER": database.user,
        "PGSSLMODE": database.sslmode,
    }
    return {**variables, "PGPASSWORD": database.password} if database.password else variables


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status."""
    return terminal.run(profiles, arguments)
