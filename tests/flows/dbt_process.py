"""dbt that parses once and then does what it is asked: a start of its own for each build would take minutes.

Reads one JSON object per line ({"arguments", "environment"}), answers each with one line: its results.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True)
class Dbt:
    """The process, as the tests talk to it. `common` are arguments that every command gets."""

    process: subprocess.Popen[str]
    common: tuple[str, ...]

    @classmethod
    def start(cls, environment: Mapping[str, str], common: Sequence[str]) -> Dbt:
        """Start it; it parses while the caller does something else."""
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.flows.dbt_process", *common],
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return cls(process, tuple(common))

    def invoke(self, arguments: Sequence[str], environment: Mapping[str, str]) -> list[Any]:
        """Run one command; returns its results, as dbt's own but for what nobody asks of them here."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        given = {"arguments": [*arguments, *self.common], "environment": dict(environment)}
        self.process.stdin.write(json.dumps(given) + "\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            if line.startswith("answer "):
                answer = json.loads(line.removeprefix("answer "))
                assert not answer["error"], answer["error"]
                return [
                    SimpleNamespace(node=SimpleNamespace(**one.pop("node")), **one)
                    for one in answer["results"]
                ]
        raise AssertionError("dbt ended early")

    def stop(self) -> None:
        """End it."""
        self.process.kill()
        self.process.communicate()


def main() -> None:
    """Parse the project, then answer."""
    from dbt.cli.main import dbtRunner

    parsed = dbtRunner().invoke(["--quiet", "parse", *sys.argv[1:]])
    if not parsed.success:
        raise SystemExit(str(parsed.exception))
    runner = dbtRunner(manifest=parsed.result)  # type: ignore[arg-type]  # of parse: a manifest
    for line in sys.stdin:
        command = json.loads(line)
        with patch.dict(os.environ, command["environment"]):
            done = runner.invoke(["--quiet", "--log-level", "none", *command["arguments"]])
        results = [
            {
                "node": {
                    "resource_type": str(result.node.resource_type),
                    "name": result.node.name,
                    "compiled_code": getattr(result.node, "compiled_code", None),
                },
                "status": str(result.status),
                "message": result.message,
            }
            for result in getattr(done.result, "results", None) or []
        ]
        answer = {"results": results, "error": str(done.exception) if done.exception else ""}
        sys.stdout.write(f"\nanswer {json.dumps(answer)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
