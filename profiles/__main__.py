"""`python -m profiles`: is everything in order, and where is the database?

Exit status: 0 done, 1 failed, 2 bad input, 3 deferred by a quota.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import shlex
import shutil
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from profiles import dbt, doctor, redaction
from profiles.database import embedded, open_database, stop_embedded
from profiles.errors import TrackerError
from profiles.settings import Settings, load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from profiles.database import Database

MARKS = {"ok": "ok  ", "note": "note", "failed": "FAIL", "bad_input": "FAIL", "deferred": "wait"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status."""
    parser = _parser()
    options, rest = parser.parse_known_args(arguments)
    if rest and options.command is not _psql:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    options.arguments = rest
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    command: Callable[[Settings, argparse.Namespace], int] = options.command
    try:
        settings = load_settings()
        redaction.install(settings.secrets())
        return command(settings, options)
    except TrackerError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_status


def _check(settings: Settings, options: argparse.Namespace) -> int:
    diagnosis = doctor.examine(settings)
    if options.json:
        forecast = [
            {**asdict(each), "expected": each.expected, "verdict": each.verdict}
            for each in diagnosis.forecast
        ]
        sys.stdout.write(
            json.dumps({**asdict(diagnosis), "forecast": forecast}, indent=2, default=str) + "\n"
        )
        return diagnosis.exit_status
    for finding in diagnosis.findings:
        sys.stdout.write(f"{MARKS[finding.state]}  {finding.subject:<9} {finding.message}\n")
        if finding.remedy and finding.state != "ok":
            sys.stdout.write(f"{'':<16}→ {finding.remedy}\n")
    if diagnosis.usage:
        sys.stdout.write("\nCalls in 24 hours   calls   429   may be called again\n")
    for usage in diagnosis.usage:
        until = f"{usage.until:%Y-%m-%d %H:%M} UTC" if usage.until else "now"
        sys.stdout.write(f"{usage.family:<19} {usage.calls:>5} {usage.rate_limited:>5}   {until}\n")
    if diagnosis.forecast:
        sys.stdout.write("\nNext 24 hours       about    of*   because\n")
        for each in diagnosis.forecast:
            about = "?" if each.planned is None and not each.last_24h else str(each.expected)
            sys.stdout.write(f"{each.family:<19} {about:>5} {each.estimate:>6}   {each.reason}\n")
        sys.stdout.write("* Spotify publishes no number: these are estimates (SPOTIFY_QUOTA_PER_DAY …).\n")
    return diagnosis.exit_status


def _dsn(settings: Settings, _: argparse.Namespace) -> int:
    sys.stdout.write(f"{open_database(settings).safe_dsn}\n")
    return 0


def _env(settings: Settings, _: argparse.Namespace) -> int:
    database = open_database(settings)
    variables = {
        **dbt.environment(settings, database),
        **_libpq(database),
        "DBT_PROJECT_DIR": str(dbt.DBT_PROJECT_DIR),
        "DBT_TARGET_PATH": str(settings.tracker_home / "dbt" / "target-terminal"),
        "DBT_LOG_PATH": str(dbt.log_folder(settings)),
    }
    for name, value in variables.items():
        sys.stdout.write(f"export {name}={shlex.quote(value)}\n")
    return 0


def _psql(settings: Settings, options: argparse.Namespace) -> int:
    database = open_database(settings)
    # the machine's own psql has history and line editing; the wheel's is always there
    program = shutil.which("psql") or str(embedded.binaries() / "psql")
    sys.stdout.flush()
    # by environment: arguments can be read by everybody on the machine
    os.execve(program, ["psql", *options.arguments], {**os.environ, **_libpq(database)})  # noqa: S606  # that is the point


def _stop(settings: Settings, _: argparse.Namespace) -> int:
    was_running = stop_embedded(settings)
    sys.stdout.write("The embedded database is stopped.\n" if was_running else "It was not running.\n")
    return 0


def _libpq(database: Database) -> dict[str, str]:
    variables = {
        "PGHOST": database.host,
        "PGPORT": str(database.port),
        "PGDATABASE": database.name,
        "PGUSER": database.user,
        "PGSSLMODE": database.sslmode,
    }
    return {**variables, "PGPASSWORD": database.password} if database.password else variables


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m profiles", description=(__doc__ or "").split("\n")[0])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    check = commands.add_parser("check", help="the doctor: settings, database, sign-in, Spotify, Prefect")
    check.add_argument("--json", action="store_true", help="print JSON")
    check.set_defaults(command=_check)
    dsn = commands.add_parser("dsn", help="print the database's address, without its password")
    dsn.set_defaults(command=_dsn)
    env = commands.add_parser("env", help='print shell exports for dbt and psql: eval "$(… env)"')
    env.set_defaults(command=_env)
    psql = commands.add_parser("psql", help="open the database in psql; arguments are psql's")
    psql.set_defaults(command=_psql)
    stop = commands.add_parser("stop", help="stop the embedded database")
    stop.set_defaults(command=_stop)
    return parser


if __name__ == "__main__":
    sys.exit(main())
