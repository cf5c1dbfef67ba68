"""`python -m flows [list | up | down | status | NAME --parameter value …]`: any flow, here and now.

Exit status: 0 done, 1 failed, 2 bad input, 3 deferred by a quota.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from importlib import import_module
from typing import TYPE_CHECKING, Any

from flows.server import deploy_step, services
from flows.server.environment import prefect_server, wait_for
from flows.server.prefect_yaml import Listed, listed_flows
from profiles.errors import SettingsError, TrackerError
from profiles.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from profiles.settings import Settings

DONE, FAILED, BAD_INPUT, DEFERRED = 0, 1, 2, 3
INTERRUPTED = 130

ABOUT = """\
python -m flows list                          every flow, its schedule and what it does
python -m flows NAME [--parameter value …]    run one here and now; no server has to be running
python -m flows NAME --help                   its parameters
python -m flows up | down | status            database, Prefect with its UI, worker and schedules, here

exit status: 0 done, 1 failed, 2 bad input, 3 deferred by a quota
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what was asked; returns the exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or given[0] in ("-h", "--help", "help"):
        sys.stdout.write(ABOUT)
        return DONE
    try:
        return _do(given[0], given[1:])
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return BAD_INPUT
    except TrackerError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_status
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; the next run goes on from what is there\n")
        return INTERRUPTED


def _do(name: str, rest: list[str]) -> int:
    settings = load_settings()
    flows = {flow.name: flow for flow in listed_flows(deploy_step.settings())}
    match name:
        case "list":
            return _print_table(
                [asdict(flow) for flow in flows.values()], ("name", "schedule", "summary"), rest
            )
        case "up":
            _no_options(rest)
            address = services.up(settings, _say)
            _say(f"\nThe web UI is at {address}")
            return DONE
        case "down":
            _no_options(rest)
            services.down(settings, _say)
            return DONE
        case "status":
            rows = [{"part": part, "state": state} for part, state in services.status(settings).items()]
            return _print_table(rows, ("part", "state"), rest)
    if name not in flows:
        raise SettingsError(f"There is no flow '{name}'.", remedy=f"There are: {', '.join(flows)}.")
    return _run(settings, flows[name], rest)


def _run(settings: Settings, listed: Listed, rest: list[str]) -> int:
    if any(each in ("-h", "--help") for each in rest):
        from flows.flow_options import parser_of  # noqa: PLC0415  # Prefect takes seconds to import

        parser_of(listed, _flow_of(listed)).print_help()
        return DONE
    with prefect_server(settings) as api_url:  # starts while Prefect and the flows are imported
        from flows import flow_options  # noqa: PLC0415  # after Prefect's environment is set
        from flows.run import recorded_run, terminal  # noqa: PLC0415  # after Prefect's environment is set

        flow = _flow_of(listed)
        terminal.show_steps()
        parameters = flow_options.parse(listed, flow, rest)
        wait_for(api_url)
        state = flow_options.run(flow, parameters)
    _say(f"{listed.name}: {str(state.name).lower()}")
    parts = (state.message or "").split(recorded_run.SEPARATOR)
    for part in parts if state.name != "Completed" else []:
        _say(f"  {part}")
    if state.name == recorded_run.DEFERRED:
        return DEFERRED
    if state.name == recorded_run.BAD_INPUT:
        return BAD_INPUT
    return DONE if state.is_completed() else FAILED


def _flow_of(listed: Listed) -> Any:
    return getattr(import_module(listed.module), listed.function)


def _print_table(rows: list[dict[str, str]], columns: tuple[str, ...], rest: list[str]) -> int:
    if rest == ["--json"]:
        sys.stdout.write(json.dumps(rows, indent=2) + "\n")
        return DONE
    _no_options(rest)
    widths = {column: max(len(row[column]) for row in rows) for column in columns}
    for row in rows:
        sys.stdout.write("  ".join(row[column].ljust(widths[column]) for column in columns).rstrip() + "\n")
    return DONE


def _no_options(rest: list[str]) -> None:
    if rest:
        raise SettingsError(f"Unknown option {rest[0]}.", remedy="python -m flows --help")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
