"""`python -m extract.history PATH` imports Spotify's exports; `--tracker` an older tracker's database."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import orjson

from extract.history.importer import import_history
from extract.history.older_tracker import import_tracker
from profiles.errors import TrackerError
from profiles.session import open_session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from extract.history.import_report import ImportProgress, ImportReport

BAD_INPUT = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command. Exit status: 0 done, 1 failed, 2 bad input (also: nothing in it could be read)."""
    parser = argparse.ArgumentParser(prog="python -m extract.history", description=__doc__)
    parser.add_argument("path", nargs="?", help="the zip from Spotify, its folder, or a file of it")
    parser.add_argument("--tracker", action="store_true", help="read the database at TRACKER_IMPORT_URL")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    options = parser.parse_args(arguments)
    if bool(options.path) == options.tracker:
        parser.error("give a path, or --tracker")
    if options.path and is_address(options.path):
        parser.error("a database address is not taken as an argument: set TRACKER_IMPORT_URL, give --tracker")
    try:
        with open_session() as session:
            if options.tracker:
                report = import_tracker(session)
            else:
                show = None if options.json or not sys.stderr.isatty() else _show
                report = import_history(session, Path(options.path), progress=show)
    except TrackerError as error:
        print(error, file=sys.stderr)
        return error.exit_status
    _print(report, as_json=options.json)
    return 0 if report.is_useful else BAD_INPUT


def is_address(text: str) -> bool:
    """Whether the text is a database address: it may hold a password, and arguments are seen by everybody."""
    return urlsplit(text).scheme.startswith("postgres") or "password=" in text


def _show(progress: ImportProgress) -> None:
    share = progress.bytes_done / progress.bytes_total if progress.bytes_total else 1
    line = f"{share:4.0%}  {progress.files_done}/{progress.files_total} files  {progress.rows_read:,} rows"
    print(f"\r{line}", end="", file=sys.stderr, flush=True)


def _print(report: ImportReport, *, as_json: bool) -> None:
    if as_json:
        print(orjson.dumps(report.as_dict(), option=orjson.OPT_INDENT_2).decode())
        return
    if sys.stderr.isatty():
        print(file=sys.stderr)
    width = max(len(what) for what, _ in report.lines())
    for what, amount in report.lines():
        print(f"{what:<{width}}  {amount:>22}")
    for remark in report.remarks():
        print(remark)


if __name__ == "__main__":
    sys.exit(main())
