"""Call macros of the project in a process of its own: parse once, call often.

Reads a JSON list of [macro, arguments] on standard input, writes a JSON list of error texts ("" = fine).
"""

from __future__ import annotations

import json
import sys
from typing import Any

from dbt.cli.main import dbtRunner


def main() -> None:
    """Parse the project of the environment, then run each operation."""
    calls = json.load(sys.stdin)
    parsed = dbtRunner().invoke(["--quiet", "parse"])
    if not parsed.success:
        raise SystemExit(str(parsed.exception))
    said: list[str] = []

    def listen(event: Any) -> None:
        if event.info.level == "error":
            said.append(event.info.msg)

    runner = dbtRunner(manifest=parsed.result, callbacks=[listen])  # type: ignore[arg-type]  # of parse: a manifest
    answers = []
    for macro, arguments in calls:
        said.clear()
        runner.invoke(["--quiet", "run-operation", macro, "--args", json.dumps(arguments)])
        answers.append("\n".join(said))
    sys.stdout.write("\n" + json.dumps(answers))


if __name__ == "__main__":
    main()
