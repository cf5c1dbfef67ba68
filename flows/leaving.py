"""Leave: `python -m flows.leaving disconnect` forgets the sign-in; with `--purge` all personal data goes.

A purge says first what it deletes. It wants `--yes`, or the word `delete` typed at the terminal.

Exit status: 0 done, 1 failed, 2 bad input or not confirmed.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from contextlib import closing
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from flows.purge import plan_purge, purge
from profiles import redaction
from profiles.database import open_database
from profiles.errors import InputError, TrackerError
from profiles.settings import load_settings
from profiles.spotify.client import SpotifyClient

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flows.purge import PurgePlan
    from profiles.database import Database
    from profiles.settings import Settings

WORD = "delete"
APPS_PAGE = "https://www.spotify.com/account/apps/"
KILOBYTE = 1000


@dataclass(frozen=True)
class Disconnected:
    """A sign-in that was forgotten. `hints` are sentences: what the user may still want to do."""

    was_signed_in: bool
    hints: tuple[str, ...]


def disconnect(settings: Settings, database: Database) -> Disconnected:
    """Forget the sign-in; the data stays. SPOTIFY_REFRESH_TOKEN as it is now is not imported again."""
    with closing(SpotifyClient(settings, database)) as client:
        was_signed_in = client.tokens.forget()
    hints = [f"Spotify itself still lists the app: remove its access at {APPS_PAGE}"]
    if settings.spotify_refresh_token is not None:
        hints.append("SPOTIFY_REFRESH_TOKEN is still set; it is not imported again. Take it out of .env.")
    hints.append("The data stays until `disconnect --purge`; `make login` connects again.")
    return Disconnected(was_signed_in, tuple(hints))


def preview_lines(plan: PurgePlan) -> list[str]:
    """Return what a purge deletes and what it leaves, for the terminal or an artifact."""
    filled = {name: rows for name, rows in plan.rows.items() if rows}
    lines = [f"In the database '{plan.database}': {len(plan.rows)} tables, {plan.row_count} rows"]
    width = max((len(name) for name in filled), default=0)
    lines += [f"  {name:<{width}}  {rows:>10}" for name, rows in filled.items()]
    lines += [f"  and your view {name}, which reads them" for name in plan.readers]
    if plan.files:
        lines.append("Files and folders:")
        lines += [f"  {entry.path}  {_size(entry.size_bytes)}" for entry in plan.files]
    if plan.drops_cluster:
        lines.append("The embedded database itself, which holds nothing else.")
    lines.append("What stays:")
    return lines + [f"  {sentence}" for sentence in plan.left]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    try:
        settings = load_settings()
        redaction.install(settings.secrets())
        database = open_database(settings)
        if options.purge:
            return _purge(settings, database, options)
        done = disconnect(settings, database)
        if options.json:
            _print_json({"disconnected": asdict(done)})
        else:
            _say("Signed out." if done.was_signed_in else "Nobody was signed in.", *done.hints)
    except TrackerError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_status
    return 0


def _purge(settings: Settings, database: Database, options: argparse.Namespace) -> int:
    plan = plan_purge(settings, database)
    if not options.json:
        _say("This will be deleted, for good:", *preview_lines(plan))
    if not options.dry_run:
        if not (options.yes or _is_confirmed()):
            raise InputError("Not confirmed; nothing was deleted.", remedy="Add --yes to go on.")
        plan = purge(settings, database)
    if options.json:
        is_done = not options.dry_run
        _print_json({"is_deleted": is_done, "purge": asdict(plan)})
    elif not options.dry_run:
        _say(f"Deleted: {plan.row_count} rows, {len(plan.files)} files and folders. Signed out.")
    return 0


def _is_confirmed() -> bool:
    # a scheduled run has nobody to ask, and must not wait for ever
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    sys.stderr.write(f"Type {WORD} to go on: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip() == WORD


def _size(size_bytes: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if size_bytes < KILOBYTE:
            return f"{size_bytes:.0f} {unit}"
        size_bytes /= KILOBYTE
    return f"{size_bytes:.1f} GB"


def _say(*lines: str) -> None:
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _print_json(content: object) -> None:
    _say(json.dumps(content, indent=2, default=str))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m flows.leaving",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    command = commands.add_parser("disconnect", help="forget the sign-in; with --purge all personal data too")
    command.add_argument("--purge", action="store_true", help="delete every table, file and backup of ours")
    command.add_argument("--dry-run", action="store_true", help="with --purge: only say what would go")
    command.add_argument("--yes", action="store_true", help="with --purge: do not ask")
    command.add_argument("--json", action="store_true", help="print JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
