"""`python -m sandbox serve|stop|env|state|advance|export --home DIR`."""

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
    """The commands."""
    top = argparse.ArgumentParser(
        prog="python -m sandbox", description="A simulated Spotify account over HTTP."
    )
    commands = top.add_subparsers(dest="command", required=True)

    def command(name: str, text: str) -> argparse.ArgumentParser:
        one = commands.add_parser(name, help=text, description=text)
        one.add_argument("--home", type=Path, required=True, help="the folder that keeps the account")
        return one

    serve = command(
        "serve", "serve the account on 127.0.0.1 until stopped; makes it first where there is none"
    )
    serve.add_argument("--port", type=int, help="default: the one served last, else a free one (0)")
    serve.add_argument("--mode", choices=get_args(Mode), help="default: as before, else new-dev")
    serve.add_argument("--live", action="store_true", help="keep the account's time at the real time")
    serve.add_argument(
        "--account", choices=("realistic", "small"), default="realistic", help="for a new home"
    )
    serve.add_argument("--seed", type=int, default=DEFAULT_SEED, help="of a new realistic account")
    serve.add_argument("--years", type=float, default=3.0, help="of listening in a new realistic account")
    serve.add_argument("--weeks-behind", type=float, default=0.0, help="a new account's time lags so much")
    command("stop", "stop the server of this home")
    command("env", "print the settings that make a client use it, for a shell to evaluate")
    command("state", "print counts, time and totals of calls as JSON")
    advance = command("advance", "live on for some hours")
    advance.add_argument("--hours", type=float)
    advance.add_argument("--until", help="a time (ISO 8601), or `now` for the real one")
    export = command("export", "write the account's own history export")
    export.add_argument("--to", type=Path, required=True, help="a .zip or a folder")
    export.add_argument("--kind", choices=get_args(ExportKind), default="extended")
    export.add_argument("--since", help="only plays that ended from this time on")
    export.add_argument("--until", help="only plays that ended before this time")
    export.add_argument(
        "--no-quirks", action="store_true", help="one row per play, without the usual oddities"
    )
    return top


def serve(arguments: argparse.Namespace) -> int:
    """Serve until a signal comes."""
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
    """The account of the home, or a new one; lived up to the real time where it is to be live."""
    if storage.is_empty:
        sandbox = Sandbox(new_account(arguments), arguments.mode or "new-dev", storage=storage)
        storage.create(sandbox)
    else:
        sandbox = storage.load()
    if arguments.mode and arguments.mode != sandbox.mode:
        sandbox.mode = arguments.mode
        sandbox.account.touch("sandbox")
    sandbox.is_live = arguments.live
    sandbox.keep_time()
    sandbox.store()
    return sandbox


def new_account(arguments: argparse.Namespace) -> Account:
    """The account of a new home."""
    if arguments.account == "small":
        return small_account()
    return realistic_account(arguments.seed, years=arguments.years, weeks_behind=arguments.weeks_behind)


def run(home: Home, sandbox: Sandbox, wanted_port: int | None) -> None:
    """Listen, say where, and serve. Raises HomeError where the port is taken."""
    port = (home.port or 0) if wanted_port is None else wanted_port
    try:
        listener = listen(port)
    except OSError as error:
        raise HomeError(f"port {port} is taken ({error}): choose another with --port, or 0") from error
    port = listener.getsockname()[1]
    # the server handles signals itself and sends them on when it has ended: then we leave by the usual way
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
    """Stop the server."""
    print("stopped" if Home(arguments.home).stop() else "not running")
    return DONE


def env(arguments: argparse.Namespace) -> int:
    """Print the settings as shell exports; the sandbox need not be running."""
    home = Home(arguments.home)
    _ = home.url
    settings = RunningSandbox(Sandbox(), home.port or 0).environment
    for name, value in settings.items():
        print(f"export {name}={shlex.quote(value)}")
    return DONE


def show(shape: dict[str, Any]) -> int:
    """Print an answer."""
    print(json.dumps(shape, ensure_ascii=False, indent=2))
    return DONE


def state(arguments: argparse.Namespace) -> int:
    """Print the state, of a running server or of a home at rest."""
    home = Home(arguments.home)
    if home.is_running():
        return show({"is_running": True, "url": home.url, **home.ask("GET", "state")})
    with home.opened() as sandbox:
        return show({"is_running": False, **state_of(sandbox)})


def advance(arguments: argparse.Namespace) -> int:
    """Live on."""
    body: dict[str, Any] = (
        {"until": arguments.until} if arguments.until else {"hours": arguments.hours or 1.0}
    )
    home = Home(arguments.home)
    if home.is_running():
        return show(home.ask("POST", "advance", body))
    with home.opened() as sandbox:
        return show(advance_by(sandbox, body))


def export(arguments: argparse.Namespace) -> int:
    """Write an export."""
    body = {
        "path": str(arguments.to.resolve()),
        "kind": arguments.kind,
        "since": arguments.since,
        "until": arguments.until,
        "quirks": not arguments.no_quirks,
    }
    home = Home(arguments.home)
    if home.is_running():
        return show(home.ask("POST", "export", body))
    with home.opened() as sandbox:
        return show(export_by(sandbox, body))


COMMANDS: Final[dict[str, Callable[[argparse.Namespace], int]]] = {
    "serve": serve,
    "stop": stop,
    "env": env,
    "state": state,
    "advance": advance,
    "export": export,
}


def main(words: list[str] | None = None) -> int:
    """Run a command; 0 done, 1 failed, 2 bad input."""
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
