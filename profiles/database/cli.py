"""Backup, restore and export in a terminal (`python -m profiles.database.cli`). None holds the sign-in.

Exit status: 0 done, 1 failed, 2 bad input.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from profiles import redaction
from profiles.database import locate, open_database
from profiles.database.backup import KEPT, backup
from profiles.database.export import export
from profiles.database.restore import restore
from profiles.errors import TrackerError
from profiles.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from profiles.settings import Settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    command: Callable[[Settings, argparse.Namespace], tuple[dict[str, Any], str]] = options.command
    try:
        settings = load_settings()
        redaction.install(settings.secrets())
        content, sentence = command(settings, options)
    except TrackerError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_status
    sys.stdout.write((json.dumps(content, indent=2) if options.json else sentence) + "\n")
    return 0


def _backup(settings: Settings, options: argparse.Namespace) -> tuple[dict[str, Any], str]:
    done = backup(settings, open_database(settings), to=options.to)
    rows = sum(done.rows.values())
    content = {
        "file": str(done.file),
        "size_bytes": done.size_bytes,
        "rows": done.rows,
        "removed": [str(path) for path in done.removed],
    }
    removed = f" {len(done.removed)} old ones were removed." if done.removed else ""
    return content, f"{done.file}: {rows} rows, {done.size_bytes} bytes.{removed}"


def _restore(settings: Settings, options: argparse.Namespace) -> tuple[dict[str, Any], str]:
    done = restore(open_database(settings), options.file, into=options.into)
    name, rows = done.database.name, sum(done.rows.values())
    checked = (
        "as many in each table as were backed up"
        if done.is_verified
        else "not compared: the manifest that was written beside the backup is missing"
    )
    use = f" Set DB_NAME={name} to use it." if name != locate(settings).name else ""
    content = {"database": name, "rows": done.rows, "is_verified": done.is_verified}
    return content, f"Restored {rows} rows into '{name}', {checked}.{use} Sign in again: `make login`."


def _export(settings: Settings, options: argparse.Namespace) -> tuple[dict[str, Any], str]:
    def tell(table: str, rows: int) -> None:
        if sys.stderr.isatty():
            sys.stderr.write(f"{rows:>10}  {table}\n")

    done = export(open_database(settings), options.folder, file_format=options.format, tell=tell)
    content = {"folder": str(done.folder), "format": done.file_format, "rows": done.rows}
    return content, f"{done.folder}: {len(done.rows)} tables, {sum(done.rows.values())} rows."


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m profiles.database.cli",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="print JSON")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    make = commands.add_parser(
        "backup",
        parents=[common],
        help="write everything but the sign-in to one file",
        description=f"Writes to TRACKER_HOME/backups, where the last {KEPT} are kept, or to a file of yours. "
        "Keep the manifest (.json) beside it: a restore compares every table with it.",
    )
    make.add_argument("--to", type=Path, metavar="FILE", help="a new file; it is never removed by us")
    make.set_defaults(command=_backup)

    bring = commands.add_parser(
        "restore",
        parents=[common],
        help="bring a backup into an empty database",
        description="Restores whole or not at all, and only where nothing is overwritten: on a new machine "
        "before the first sign-in, or with --into beside what there is.",
    )
    bring.add_argument("file", type=Path, metavar="FILE", help="a backup")
    bring.add_argument("--into", metavar="NAME", help="create this database on the same server and use it")
    bring.set_defaults(command=_restore)

    write = commands.add_parser(
        "export",
        parents=[common],
        help="write every table but the sign-in as Parquet or CSV",
        description="For reading elsewhere: DIR/schema/table.parquet (or .csv) and DIR/manifest.json. Times "
        "are UTC; JSON columns are text. To move to another machine use backup and restore.",
    )
    write.add_argument("folder", type=Path, metavar="DIR", help="a new or empty folder")
    write.add_argument("--format", choices=["parquet", "csv"], default="parquet", help="default: %(default)s")
    write.set_defaults(command=_export)
    return parser


if __name__ == "__main__":
    sys.exit(main())
