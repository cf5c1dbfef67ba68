"""Short dbt commands in a process of their own: parse once, ask often.

Reads a JSON list of commands (lists of arguments) on standard input; writes a JSON list of
[compiled SQL or "", error text or ""].
"""

from __future__ import annotations

import json
import sys
from typing import Any

from dbt.cli.main import dbtRunner


def main() -> None:
    """Parse the project of the environment, then run each command."""
    commands = json.load(sys.stdin)
    parsed = dbtRunner().invoke(["--quiet", "parse"])
    if not parsed.success:
        raise SystemExit(str(parsed.exception))
    said: list[str] = []

    def listen(event: Any) -> None:
        if event.info.level == "error":
            said.append(event.info.msg)

    runner = dbtRunner(manifest=parsed.result, callbacks=[listen])  # type: ignore[arg-type]  # of parse: a manifest
    answers = []
    for command in commands:
        said.clear()
        done = runner.invoke(["--quiet", *command])
        results = getattr(done.result, "results", None) or []
        nodes = [getattr(result, "node", None) for result in results]
        compiled = [getattr(node, "compiled_code", None) or "" for node in nodes]
        answers.append(("".join(compiled), "\n".join(said)))
    sys.stdout.write("\n" + json.dumps(answers))


if __name__ == "__main__":
    main()
