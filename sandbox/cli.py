"""The commands of the simulated account: `python -m sandbox COMMAND --home DIR`.

Exit status: 0 done, 1 failed, 2 bad input.
"""

from __future__ import annotations

import json
import os
import shlex
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

import click

from sandbox.account.builders import small_account
from sandbox.account.export import ExportKind
from sandbox.api.shapes import Mode
from sandbox.control.controls import advance_by, export_by, state_of
from sandbox.core import Sandbox
from sandbox.home import Home, HomeError
from sandbox.life.realistic import realistic_account
from sandbox.server import SandboxServer, listen
from sandbox.storage import Storage
from sandbox.testing import RunningSandbox

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sandbox.account.account import Account

DONE, FAILED, BAD_INPUT = 0, 1, 2
DEFAULT_SEED: Final = 7

home_option = click.option(
    "--home",
    "folder",
    type=click.Path(path_type=Path),
    required=True,
    metavar="DIR",
    help="The folder where the account is stored.",
)


@click.group()
def sandbox() -> None:
    """Serve and control a simulated Spotify account over HTTP."""


@sandbox.command()
@home_option
@click.option("--port", type=int, help="Default: the port used last, else a free one (0).")
@click.option("--mode", type=click.Choice(get_args(Mode)), help="Default: the mode used last, else new-dev.")
@click.option("--live", is_flag=True, help="Keep the account's time equal to the real time.")
@click.option(
    "--account",
    "kind",
    type=click.Choice(["realistic", "small"]),
    default="realistic",
    show_default=True,
    help="For a new home.",
)
@click.option(
    "--seed",
    type=int,
    default=DEFAULT_SEED,
    show_default=True,
    help="Random seed of a new realistic account.",
)
@click.option(
    "--years",
    type=float,
    default=3.0,
    show_default=True,
    help="Years of listening in a new realistic account.",
)
@click.option(
    "--weeks-behind",
    type=float,
    default=0.0,
    help="How far a new account's time is behind the real time.",
)
def serve(*, folder: Path, port: int | None, mode: Any, live: bool, **new: Any) -> None:
    """Serve the account on 127.0.0.1 until stopped; a new home gets a new account first."""
    home = Home(folder)
    with home.locked():
        storage = Storage(home.path)
        try:
            run(home, load_or_create(storage, mode=mode, live=live, **new), port)
        finally:
            storage.close()


def load_or_create(storage: Storage, *, mode: Any, live: bool, **new: Any) -> Sandbox:
    """Return the sandbox stored in the home, or one with a new account as `new_account` makes it.

    With `live` its time is moved to the real time.
    """
    if storage.is_empty:
        served = Sandbox(new_account(**new), mode or "new-dev", storage=storage)
        storage.create(served)
    else:
        served = storage.load()
    if mode and mode != served.mode:
        served.mode = mode
        served.account.mark_changed("sandbox")
    served.is_live = live
    served.follow_real_time()
    served.store()
    return served


def new_account(*, kind: str, seed: int, years: float, weeks_behind: float) -> Account:
    """Return a new account as the options say."""
    if kind == "small":
        return small_account()
    return realistic_account(seed, years=years, weeks_behind=weeks_behind)


def run(home: Home, served: Sandbox, wanted_port: int | None) -> None:
    """Listen, print the address, and serve. Raises HomeError if the port is taken."""
    port = (home.port or 0) if wanted_port is None else wanted_port
    try:
        listener = listen(port)
    except OSError as error:
        raise HomeError(f"port {port} is taken ({error}): choose another with --port, or 0") from error
    port = listener.getsockname()[1]
    # uvicorn handles the signals, shuts down, and raises them again: only then does this process exit
    for one in (signal.SIGTERM, signal.SIGINT):
        signal.signal(one, lambda *_: sys.exit(DONE))
    home.write(home.port_file, str(port))
    home.write(home.pid_file, str(os.getpid()))
    try:
        print(f"sandbox ready at http://127.0.0.1:{port} ({served.mode}, pid {os.getpid()})", flush=True)
        SandboxServer(served).run(sockets=[listener])
    finally:
        home.pid_file.unlink(missing_ok=True)


@sandbox.command()
@home_option
def stop(folder: Path) -> None:
    """Stop the server of this home, if it runs."""
    print("stopped" if Home(folder).stop() else "not running")


@sandbox.command()
@home_option
def env(folder: Path) -> None:
    """Print the settings of a client as shell exports. The sandbox need not be running."""
    home = Home(folder)
    _ = home.url
    settings = RunningSandbox(Sandbox(), home.port or 0).environment
    for name, value in settings.items():
        print(f"export {name}={shlex.quote(value)}")


def print_json(shape: dict[str, Any]) -> None:
    """Print a JSON object."""
    print(json.dumps(shape, ensure_ascii=False, indent=2))


@sandbox.command()
@home_option
def state(folder: Path) -> None:
    """Print counts, time and totals of calls as JSON, also of a home that is not being served."""
    home = Home(folder)
    if home.is_running():
        print_json({"is_running": True, "url": home.url, **home.ask("GET", "state")})
        return
    with home.opened() as opened:
        print_json({"is_running": False, **state_of(opened)})


@sandbox.command()
@home_option
@click.option("--hours", type=float)
@click.option("--until", help="A time (ISO 8601), or `now` for the real time.")
def advance(folder: Path, hours: float | None, until: str | None) -> None:
    """Move the account's time forward, and print what happened; its owner listens meanwhile."""
    body: dict[str, Any] = {"until": until} if until else {"hours": hours or 1.0}
    home = Home(folder)
    if home.is_running():
        print_json(home.ask("POST", "advance", body))
        return
    with home.opened() as opened:
        print_json(advance_by(opened, body))


@sandbox.command()
@home_option
@click.option("--to", type=click.Path(path_type=Path), required=True, help="A .zip or a folder.")
@click.option("--kind", type=click.Choice(get_args(ExportKind)), default="extended", show_default=True)
@click.option("--since", help="Only plays that ended at this time or later.")
@click.option("--until", help="Only plays that ended before this time.")
@click.option("--no-quirks", is_flag=True, help="Exactly one row per play, without the usual oddities.")
def export(*, folder: Path, to: Path, no_quirks: bool, **asked: str | None) -> None:
    """Write the account's streaming history in Spotify's export format, and print its summary."""
    body = {"path": str(to.resolve()), "quirks": not no_quirks, **asked}
    home = Home(folder)
    if home.is_running():
        print_json(home.ask("POST", "export", body))
        return
    with home.opened() as opened:
        print_json(export_by(opened, body))


def main(words: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    try:
        sandbox.main(words, standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except HomeError as error:
        print(error, file=sys.stderr)
        return FAILED
    except ValueError as error:
        print(error, file=sys.stderr)
        return BAD_INPUT
    return DONE
