"""dbt in memory: a process that has imported dbt and parsed the project, and forks for each command.

A start of dbt takes three seconds, a parse six. A manifest is parsed once for each database and each set of
vars, whatever time or zone the environment names: these are read when dbt executes. A fork that parses would
wait for threads of the parser that it does not have: what must be parsed anew runs as a program of its own.

The process reads one JSON object per line (`Command`) and answers each with one line (`Done`).
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import signal
import subprocess
import sys
import tempfile
import traceback
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from profiles.dbt import COMMAND, DBT_PROJECT_DIR

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dbt.contracts.graph.manifest import Manifest

QUICK = ("--log-level-file", "none", "--threads", "1")
"""The file of debug logs takes a fifth of a build; threads of Python take turns and gain nothing."""


@dataclass(frozen=True)
class Node:
    """A model, a test, … of the project."""

    name: str
    resource_type: str


@dataclass(frozen=True)
class Result:
    """What dbt says of one node of a command."""

    node: Node
    status: str
    message: str | None
    compiled: str


@dataclass(frozen=True)
class Done:
    """A command that has ended: its exit status, all that it printed, its results and error messages."""

    status: int
    printed: str
    results: list[Result] = field(default_factory=list)
    errors: str = ""


class Dbt:
    """The process, started with its first command. After a command that took too long it starts anew."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def run(self, arguments: Sequence[str], environment: Mapping[str, str]) -> Done:
        """Run `dbt ARGUMENTS` in this environment and no other."""
        try:
            found = json.loads(self._ask(json.dumps([list(arguments), dict(environment)])))
        except BaseException:
            if self._process is not None:
                os.killpg(self._process.pid, signal.SIGKILL)
            self.stop()
            raise
        results = [Result(Node(**one.pop("node")), **one) for one in found.get("results", [])]
        return Done(**{**found, "results": results})

    def stop(self) -> None:
        """Let the process end: there are no more commands."""
        if self._process is not None:
            self._process.communicate()
            self._process = None

    def _ask(self, line: str) -> str:
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.support.dbt_in_memory"],
                cwd=DBT_PROJECT_DIR.parent,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return self._process.stdout.readline()


DBT = Dbt()
"""The one of this process."""
atexit.register(DBT.stop)


class Parsed:
    """The manifests parsed so far."""

    def __init__(self) -> None:
        self._manifests: dict[str, Manifest | None] = {}

    def manifest(self, arguments: Sequence[str]) -> Manifest | None:
        """Return the manifest for a command in the environment of this moment.

        None: it parses itself, or brings a project of its own, or says why the project cannot be parsed.
        """
        is_own_project = os.environ.get("DBT_PROJECT_DIR") != str(DBT_PROJECT_DIR)
        if is_own_project or "parse" in arguments or "--project-dir" in arguments:
            return None
        given = arguments[arguments.index("--vars") + 1] if "--vars" in arguments else "{}"
        variables = {name: value for name, value in yaml.safe_load(given).items() if name != "as_of"}
        database = {name: value for name, value in os.environ.items() if name.startswith("DB_")}
        key = json.dumps([variables, database], sort_keys=True)
        if key not in self._manifests:
            from dbt.cli.main import dbtRunner

            done = dbtRunner().invoke(["--quiet", *QUICK[:2], "parse", "--vars", json.dumps(variables)])
            gc.freeze()  # so that no fork copies it to count its references
            self._manifests[key] = done.result if done.success else None  # type: ignore[assignment]
        return self._manifests[key]


def invoke(arguments: Sequence[str], manifest: Manifest) -> dict[str, Any]:
    """Run the command in this process; return the answer but for what it printed."""
    from dbt.cli.main import dbtRunner

    errors: list[str] = []

    def listen(event: Any) -> None:
        if event.info.level == "error":
            errors.append(event.info.msg)

    runner = dbtRunner(manifest=manifest, callbacks=[listen])
    done = runner.invoke([*QUICK[:2], *arguments, *QUICK[2:]])
    results = [
        Result(
            Node(result.node.name, str(result.node.resource_type)),
            str(result.status),
            result.message,
            getattr(result.node, "compiled_code", None) or "",
        )
        for result in getattr(done.result, "results", None) or []
        if getattr(result, "node", None) is not None
    ]
    status = 0 if done.success else 1 if done.exception is None else 2
    return {"status": status, "results": [asdict(one) for one in results], "errors": "\n".join(errors)}


def in_a_fork(arguments: Sequence[str], manifest: Manifest, folder: Path) -> dict[str, Any]:
    """Run the command in a fork, which leaves what it printed and its answer in the folder."""
    printed, answered = folder / "printed.txt", folder / "answer.json"
    answered.write_text(json.dumps({"status": 3, "results": [], "errors": "dbt ended early"}))
    if (child := os.fork()) == 0:
        try:
            with printed.open("w", encoding="utf-8") as file:
                for descriptor in (1, 2):
                    os.dup2(file.fileno(), descriptor)
            answered.write_text(json.dumps(invoke(arguments, manifest)), encoding="utf-8")
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(0)
    os.waitpid(child, 0)
    return {**json.loads(answered.read_text("utf-8")), "printed": printed.read_text("utf-8")}


def as_a_program(arguments: Sequence[str]) -> dict[str, Any]:
    """Run the command as a shell does."""
    done = subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, check=False)
    return {"status": done.returncode, "printed": done.stdout + done.stderr}


def main() -> None:
    """Answer commands until there are no more."""
    parsed = Parsed()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what dbt prints while it parses is no answer
    with tempfile.TemporaryDirectory(prefix="tracker-test-dbt-") as folder:
        for line in sys.stdin:
            arguments, environment = json.loads(line)
            os.environ.clear()
            os.environ.update(environment)
            manifest = parsed.manifest(arguments)
            answered = in_a_fork(arguments, manifest, Path(folder)) if manifest else as_a_program(arguments)
            answers.write(json.dumps(answered) + "\n")
            answers.flush()


if __name__ == "__main__":
    main()
