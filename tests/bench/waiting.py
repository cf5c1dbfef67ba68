"""A run that waits for a person, answered after five minutes: `python -m tests.bench waiting`.

Real server, worker and deployment. Prefect renews the lease of a deployment with a concurrency limit after
225 s; a paused run has given it back, and a run whose renewal fails is ended.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from typing import Any

from tests.e2e.conftest import Machine, eventually, running_machine
from tests.support.user_at_consent import decide

FLOW = "connect-spotify"


def start_run(machine: Machine) -> str:
    """Ask for a run as the UI does; return its id."""
    deployments = machine.api("POST", "deployments/filter", {})
    deployment_id = next(each["id"] for each in deployments if each["name"] == FLOW)
    path = f"deployments/{deployment_id}/create_flow_run"
    run_id: str = machine.api("POST", path, {"state": {"type": "SCHEDULED"}})["id"]
    return run_id


def state_of(machine: Machine, run_id: str) -> str:
    """The name of the run's state."""
    name: str = machine.api("GET", f"flow_runs/{run_id}")["state"]["name"]
    return name


def link_of(machine: Machine, run_id: str) -> str:
    """The consent page's address, as the run's summary shows it."""
    artifacts = machine.api("POST", "artifacts/filter", {"flow_runs": {"id": {"any_": [run_id]}}})
    links = [re.search(r"\]\((http[^)]+)\)", artifact["data"]) for artifact in artifacts]
    return next(link.group(1) for link in links if link)


def measure(machine: Machine, seconds: int) -> dict[str, Any]:
    """Let one run wait, answer it and see how it ends."""
    run_id = start_run(machine)
    eventually("the run waits", lambda: state_of(machine, run_id) == "Paused")
    began = time.monotonic()
    eventually(
        "its time is over, or it has ended by itself",
        lambda: time.monotonic() - began >= seconds or state_of(machine, run_id) != "Paused",
        within_s=seconds + 60,
    )
    waited_s, before = round(time.monotonic() - began), state_of(machine, run_id)
    answer = {"run_input": {"address": decide(link_of(machine, run_id))}}
    answered = machine.api("POST", f"flow_runs/{run_id}/resume", answer)["status"]
    ends = ("Completed", "Failed", "Crashed", "Cancelled", "Bad input")
    eventually("the run ends", lambda: answered != "ACCEPT" or state_of(machine, run_id) in ends)
    run = machine.api("GET", f"flow_runs/{run_id}")
    return {
        "waited s": waited_s,
        "state before the answer": before,
        "answer": answered,
        "end": run["state"]["name"],
        "said": run["state"]["message"],
    }


def main() -> int:
    """Print what became of the run; 1 unless it completed."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench waiting", description=__doc__)
    parser.add_argument("--seconds", type=int, default=300, help="how long it waits for its answer")
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    with running_machine() as machine:
        row = measure(machine, options.seconds)
    print(json.dumps(row, indent=2) if options.json else ", ".join(f"{k}: {v}" for k, v in row.items()))
    return int(row["end"] != "Completed")


if __name__ == "__main__":
    raise SystemExit(main())
