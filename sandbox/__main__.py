"""`python -m sandbox serve|stop|env|state|advance|export --home DIR`: serve and control a simulated account.

Exit status: 0 done, 1 failed, 2 bad input.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, get_args

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
    from collections.abc import Callable

    from sandbox.account.account import Account

DONE, FAILED, BAD_INPUT = 0, 1, 2
DEFAULT_SEED: Final = 7


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    top = argparse.ArgumentParser(
        prog="python -m sandbox", description="A simulated Spotify account over HTTP."
    )
    commands = top.add_subparsers(dest="command", required=True)

    def command(name: str, text: str) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=text, description=text)
        one.add_argument("--home", type=Path, required=True, help="the folder where the account is stored")
        return one

    serve = command(
        "serve", "serve the account on 127.0.0.1 until stopped; a new home gets a new account first"
    )
    serve.add_argument("--port", type=int, help="default: the port used last, else a free one (0)")
    serve.add_argument("--mode", choices=get_args(Mode), help="default: the mode used last, else new-dev")
    serve.add_argument("--live", action="store_true", help="keep the account's time equal to the real time")
    serve.add_argument(
        "--account", choices=("realistic", "small"), default="realistic", help="for a new home"
    )
    serve.add_argument(
        "--seed", type=int, default=DEFAULT_SEED, help="random seed of a new realistic account"
    )
    serve.add_argument(
        "--years", type=float, default=3.0, help="years of listening in a new realistic account"
    )
    serve.add_argument(
        "--weeks-behind", type=float, default=0.0, help="how far a new account's time is behind the real time"
    )
    command("stop", "stop the server of this home")
    command("env", "print the settings that make a client use it, for a shell to evaluate")
    command("state", "print counts, time and totals of calls as JSON")
    advance = command("advance", "move the account's time forward; its owner listens meanwhile")
    advance.add_argument("--hours", type=float)
    advance.add_argument("--until", help="a time (ISO 8601), or `now` for the real time")
    export = command("export", "write the account's streaming history in Spotify's export format")
    export.add_argument("--to", type=Path, required=True, help="a .zip or a folder")
    export.add_argument("--kind", choices=get_args(ExportKind), default="extended")
    export.add_argument("--since", help="only plays that ended at this time or later")
    export.add_argument("--until", help="only plays that ended before this time")
    export.add_argument(
        "--no-quirks", action="store_true", help="exactly one row per play, without the usual oddities"
    )
    return top


def serve(arguments: argparse.Namespace) -> int:
    """Serve the account until the process gets SIGTERM or SIGINT. Raises HomeError."""
    home = Home(arguments.home)
    with home.locked():
        storage = Storage(home.path)
        try:
            sandbox = load_or_create(storage, arguments)
            run(home, sandbox, arguments.port)
        finally:
            storage.close()
    return DONE


def load_or_create(storage: Storage, arguments: argparse.Namespace) -> Sandbox:
    """Return the sandbox stored in the home, or a new one.

    With `--live` its time is moved to the real time.
    """
    if storage.is_empty:
        sandbox = Sandbox(new_account(arguments), arguments.mode or "new-dev", storage=storage)
        storage.create(sandbox)
    else:
        sandbox = storage.load()
    if arguments.mode and arguments.mode != sandbox.mode:
        sandbox.mode = arguments.mode
        sandbox.account.mark_changed("sandbox")
    sandbox.is_live = arguments.live
    sandbox.follow_real_time()
    sandbox.store()
    return sandbox


def new_account(arguments: argparse.Namespace) -> Account:
    """Return a new account as the options say."""
    if arguments.account == "small":
        return small_account()
    return realistic_account(arguments.seed, years=arguments.years, weeks_behind=arguments.weeks_behind)


def run(home: Home, sandbox: Sandbox, wanted_port: int | None) -> None:
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
        print(f"sandbox ready at http://127.0.0.1:{port} ({sandbox.mode}, pid {os.getpid()})", flush=True)
        SandboxServer(sandbox).run(sockets=[listener])
    finally:
        home.pid_file.unlink(missing_ok=True)


def stop(arguments: argparse.Namespace) -> int:
    """Stop the server of this home, if it runs."""
    print("stopped" if Home(arguments.home).stop() else "not running")
    return DONE


def env(arguments: argparse.Namespace) -> int:
    """Print the settings of a client as shell exports. The sandbox need not be running. Raises HomeError."""
    home = Home(arguments.home)
    _ = home.url
    settings = RunningSandbox(Sandbox(), home.port or 0).environment
    for name, value in settings.items():
        print(f"export {name}={shlex.quote(value)}")
    return DONE


def print_json(shape: dict[str, Any]) -> int:
    """Print a JSON object and return exit status 0."""
    print(json.dumps(shape, ensure_ascii=False, indent=2))
    return DONE


def state(arguments: argparse.Namespace) -> int:
    """Print the state of a running server, or of a home that is not being served."""
    home = Home(arguments.home)
    if home.is_running():
        return print_json({"is_running": True, "url": home.url, **home.ask("GET", "state")})
    with home.opened() as sandbox:
        return print_json({"is_running": False, **state_of(sandbox)})


def advance(arguments: argparse.Namespace) -> int:
    """Move the account's time forward, and print what happened meanwhile."""
    body: dict[str, Any] = (
        {"until": arguments.until} if arguments.until else {"hours": arguments.hours or 1.0}
    )
    home = Home(arguments.home)
    if home.is_running():
        return print_json(home.ask("POST", "advance", body))
    with home.opened() as sandbox:
        return print_json(advance_by(sandbox, body))


def export(arguments: argparse.Namespace) -> int:
    """Write a history export, and print its summary."""
    body = {
        "path": str(arguments.to.resolve()),
        "kind": arguments.kind,
        "since": arguments.since,
        "until": arguments.until,
        "quirks": not arguments.no_quirks,
    }
    home = Home(arguments.home)
    if home.is_running():
        return print_json(home.ask("POST", "export", body))
    with home.opened() as sandbox:
        return print_json(export_by(sandbox, body))


COMMANDS: Final[dict[str, Callable[[argparse.Namespace], int]]] = {
    "serve": serve,
    "stop": stop,
    "env": env,
    "state": state,
    "advance": advance,
    "export": export,
}


def main(words: list[str] | None = None) -> int:
    """Run one command and return its exit status."""
    arguments = parser().parse_args(words)
    try:
        return COMMANDS[arguments.command](arguments)
    except HomeError as error:
        print(error, file=sys.stderr)
        return FAILED
    except ValueError as error:
        print(error, file=sys.stderr)
        return BAD_INPUT


if __name__ == "__main__":
    with suppress(BrokenPipeError):
        sys.exit(main())
