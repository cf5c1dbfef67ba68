"""What all commands of `tracker` share: how they end, what they print, where they stop being patient.

Rows go to standard output, as a table for people or as JSON for programs; everything else goes to standard
error. A command whose reader closes the pipe finishes its work and stays quiet.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import re
import shlex
import shutil
import sys
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeAlias

import click

from profiles import redaction
from profiles.errors import ExitStatus, TrackerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from rich.console import Console
    from rich.tree import Tree

    from profiles.settings import Settings

Row: TypeAlias = dict[str, Any]
"""One row of a table, by column."""

PROGRAM = "tracker"
OUR_PACKAGES = ("extract", "flows", "playlists", "profiles")
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM}
ROOM = "Make room on that disk, let your user write there, or choose another TRACKER_HOME."
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "::1")
WIDE = 10_000  # a table that no person reads is not folded
_NAMED = re.compile(rf"(`(?:\w+=\S+ )*){PROGRAM} ")

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


class OrderedGroup(click.Group):
    """A group that lists its commands in the order in which they were added."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """Return the names."""
        return list(self.commands)


def run(command: click.Command, arguments: Sequence[str] | None = None, *, name: str | None = None) -> int:
    """Run a command and return its exit status: what its function returns, or what its error stands for.

    `name`: how it was called, for its help; click finds that out by itself where it is None.
    """
    _spare_loopback()
    try:
        returned = command.main(arguments, prog_name=name, standalone_mode=False)
        return ExitStatus.DONE if returned is None else int(returned)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except TrackerError as error:
        say_error(str(error))
        return error.exit_status
    except BrokenPipeError:  # by click itself, which prints the help
        _print_nowhere(sys.stdout)
        return ExitStatus.DONE
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        say_error(f"{error.filename or 'A file'} cannot be written: {error.strerror}. {ROOM}")
        return ExitStatus.FAILED
    except (KeyboardInterrupt, click.Abort):
        say_error("Interrupted. The next run goes on from what is there.")
        return ExitStatus.INTERRUPTED


def settings() -> Settings:
    """Return the settings; from now on no line of this process shows a secret of theirs."""
    from profiles.settings import load_settings  # noqa: PLC0415  # Pydantic, which no help needs

    found = load_settings()
    redaction.install(found.secrets())
    return found


@cache
def program() -> str:
    """Return what to type for our own command: `tracker` where PATH finds ours, else its full path."""
    ours = Path(sys.executable).with_name(PROGRAM)
    found = shutil.which(PROGRAM)
    return PROGRAM if found is not None and Path(found).resolve() == ours.resolve() else str(ours)


def typed(command: str) -> str:
    """Return what was typed to come here: `tracker --sandbox up`; for a program of ours, this command."""
    words = sys.argv[1:]
    return shlex.join([PROGRAM, *(words if command in words else [command])])


def with_program(text: str) -> str:
    """Return a text with its `tracker …` commands as they can be typed here."""
    return _NAMED.sub(lambda found: f"{found[1]}{program()} ", text)


def say(*lines: str) -> None:
    """Print lines to standard output."""
    _write("".join(f"{with_program(line)}\n" for line in lines), sys.stdout)


def say_error(text: str) -> None:
    """Print what went wrong, and its remedy, to standard error."""
    _console(sys.stderr).print(with_program(redaction.redact(text)), style="red", soft_wrap=True)


def print_json(value: Any) -> None:
    """Print JSON; times as ISO 8601."""
    _write(json.dumps(value, indent=2, ensure_ascii=False, default=_as_json) + "\n", sys.stdout)


def show(rows: Sequence[Mapping[str, Any]], *, as_json: bool, empty: str = "Nothing to show.") -> None:
    """Print rows, which all have the same keys, as a table or as JSON."""
    if as_json:
        print_json(list(rows))
    elif not rows:
        say(empty)
    else:
        _print_table(rows)


def show_tree(tree: Tree) -> None:
    """Print a tree."""
    _print_rich(tree)


@contextmanager
def progress(what: str) -> Iterator[Callable[[int, int], None]]:
    """Yield a function of (done, total) that moves a bar on standard error, where a person looks at it."""
    if not sys.stderr.isatty():
        yield lambda _done, _total: None
        return
    from rich.progress import Progress  # noqa: PLC0415  # most commands show no bar

    with Progress(console=_console(sys.stderr), transient=True) as bars:
        bar = bars.add_task(what, total=None)
        yield lambda done, total: bars.update(bar, completed=done, total=total)


class LogLines(logging.Handler):
    """Shows log records on standard error as sentences; warnings and errors say that they are."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print the record, unless it repeats what was printed."""
        if getattr(record, "is_summary", False):
            return
        mark = "" if record.levelno < logging.WARNING else f"{record.levelname.lower()}: "
        with suppress(ValueError):  # standard error is closed
            _write(with_program(redaction.redact(f"  {mark}{self.format(record)}")) + "\n", sys.stderr)


def show_log(*, steps: bool = True) -> None:
    """Show warnings of our packages, and with `steps` what each step of a run did. May be repeated."""
    for name in OUR_PACKAGES:
        logger = logging.getLogger(name)
        for handler in [each for each in logger.handlers if isinstance(each, LogLines)]:
            logger.removeHandler(handler)
        handler = LogLines(logging.INFO if steps and name in ("flows", "profiles") else logging.WARNING)
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)


def _spare_loopback() -> None:
    """Keep questions to servers of this machine, also of child processes, away from a proxy."""
    for name in ("NO_PROXY", "no_proxy"):
        spared = [each for each in os.environ.get(name, "").split(",") if each.strip()]
        missing = [each for each in LOOPBACK_HOSTS if each not in spared and "*" not in spared]
        os.environ[name] = ",".join([*spared, *missing])


def _print_table(rows: Sequence[Mapping[str, Any]]) -> None:
    from rich.table import Table  # noqa: PLC0415  # what prints no table does without
    from rich.text import Text  # noqa: PLC0415  # as above

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in rows[0]:
        is_number = all(isinstance(row[name], int | float) for row in rows if row[name] is not None)
        table.add_column(name, justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        table.add_row(*(Text(with_program(_cell(row[name]))) for name in rows[0]))
    _print_rich(table)


def _print_rich(what: Any) -> None:
    console = _console(sys.stdout)
    with console.capture() as captured:
        console.print(what)
    lines = captured.get().splitlines()
    _write("".join(f"{line.rstrip()}\n" for line in lines), sys.stdout)


def _console(stream: IO[str]) -> Console:
    from rich.console import Console  # noqa: PLC0415  # most commands print nothing but plain lines

    return Console(
        file=stream,
        width=None if stream.isatty() else WIDE,
        markup=False,
        highlight=False,
        emoji=False,
    )


def _write(text: str, stream: IO[str]) -> None:
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        _print_nowhere(stream)


def _print_nowhere(stream: IO[str]) -> None:
    """Drop what is still printed to a stream: its reader has gone, the work goes on."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return f"{value:.0%}" if isinstance(value, float) else str(value)


def _as_json(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
