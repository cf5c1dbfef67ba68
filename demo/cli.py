"""`tracker` as it is installed: the product's commands, `--sandbox` before them, and the demo."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from flows import cli as product
from profiles import terminal
from profiles.errors import ExitStatus, InputError

if TYPE_CHECKING:
    from collections.abc import Sequence

IN_SANDBOX = "in_sandbox"


@click.group(cls=terminal.OrderedGroup, commands=dict(product.tracker.commands), help=product.tracker.help)
@click.option("--sandbox", is_flag=True, help="Work on the simulated account, in a home of its own.")
@click.pass_context
def tracker(context: click.Context, sandbox: bool) -> None:
    """Let the command that follows work where it was asked to."""
    context.meta[IN_SANDBOX] = sandbox
    if sandbox and context.invoked_subcommand != "up":  # which may have to make the account first
        _enter()


def _enter() -> None:
    from demo.place import enter, find_place

    enter(find_place().environment())


@tracker.command(help=product.up.help, params=product.up.params)
@click.pass_context
def up(context: click.Context, starts_at_boot: bool) -> None:
    """Serve the simulated account where that is meant, then start the services."""
    if context.meta[IN_SANDBOX]:
        if starts_at_boot:
            raise InputError(
                "The simulated account is not served after a reboot.", remedy="Leave --at-boot out."
            )
        from demo import account
        from demo.place import find_place

        terminal.say(account.start(find_place()))
        _enter()
    context.invoke(product.up, starts_at_boot=starts_at_boot)


@tracker.command(help=product.down.help)
@click.pass_context
def down(context: click.Context) -> None:
    """Stop the services, and the simulated account where that is meant."""
    context.invoke(product.down)
    if context.meta[IN_SANDBOX]:
        from demo import account
        from demo.place import find_place

        terminal.say(account.stop(find_place()))


@tracker.group(cls=terminal.OrderedGroup, invoke_without_command=True)
@click.pass_context
def demo(context: click.Context) -> ExitStatus:
    """The whole product on a simulated account: three weeks of somebody's listening."""
    if context.invoked_subcommand is not None:
        return ExitStatus.DONE
    from demo.life import live
    from demo.place import find_place

    return ExitStatus(live(find_place()))


@demo.command()
def start() -> None:
    """Serve the simulated account in real time, until `tracker demo stop`."""
    from demo import account
    from demo.place import find_place

    terminal.say(account.start(find_place()))


@demo.command("stop")
def stop_account() -> None:
    """Stop serving the simulated account."""
    from demo import account
    from demo.place import find_place

    terminal.say(account.stop(find_place()))


@demo.command()
def env() -> None:
    """Print the settings of the simulated account, for a shell.

    \b
      eval "$(tracker demo env)"
    """
    from demo.place import find_place

    terminal.say(find_place().shell())


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status."""
    return terminal.run(tracker, arguments)
