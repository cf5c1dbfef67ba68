"""dbt in memory: a process that has imported dbt and parsed the project, and forks for each command.

A start of dbt takes three seconds, a parse six. A manifest is parsed once for each database and each set of
vars, whatever time or zone the environment names: these are read when dbt executes. An edited copy of the
project is parsed each time, but only what differs from what was parsed before.

The process reads a line of JSON for each command, its arguments and environment, and answers with another.
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

from profiles import dbt
from profiles.dbt import DBT_PROJECT_DIR
from profiles.errors import TrackerError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from dbt.cli.main import dbtRunnerResult
    from dbt.contracts.graph.manifest import Manifest

    from profiles.database import Database
    from profiles.settings import Settings

QUICK = ("--log-level", "none", "--log-level-file", "none", "--no-write-json")
"""The lines and files that dbt writes take a fifth of a build, and a test reads one line in a hundred."""
ONE_THREAD = ("--threads", "1")
"""Threads of Python take turns and gain nothing."""


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


def output_of(
    arguments: Sequence[str],
    settings: Settings,
    database: Database,
    variables: Mapping[str, str] | None = None,
) -> str:
    """Do what `profiles.dbt.output_of` does, without a start of dbt."""
    places = {"DBT_PROJECT_DIR": str(DBT_PROJECT_DIR), "DBT_LOG_PATH": str(dbt.log_folder(settings))}
    with dbt.target_folder(settings) as target:
        given = {**os.environ, **dbt.environment(settings, database), **places, **(variables or {})}
        done = DBT.run(arguments, {**given, "DBT_TARGET_PATH": str(target)})
    if done.status:
        raise TrackerError(f"dbt did not do it:\n{done.printed}")
    return done.printed


class Parsed:
    """The manifests parsed so far, and below `folder` what dbt needs to parse only what has changed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._targets: dict[str, Path] = {}
        self._manifests: dict[str, Manifest] = {}

    def manifest(self, arguments: Sequence[str]) -> tuple[Manifest | None, Done]:
        """Return the manifest for a command in the environment of this moment, and what parsing it said."""
        given = arguments[arguments.index("--vars") + 1] if "--vars" in arguments else "{}"
        variables = {name: value for name, value in yaml.safe_load(given).items() if name != "as_of"}
        database = {name: value for name, value in os.environ.items() if name.startswith("DB_")}
        key = json.dumps([variables, database], sort_keys=True)
        is_ours = os.environ["DBT_PROJECT_DIR"] == str(DBT_PROJECT_DIR)
        if is_ours and key in self._manifests:
            return self._manifests[key], Done(0, "")
        target = self._targets.setdefault(key, self._folder / str(len(self._targets)))
        parsed, done = invoke(["parse", "--vars", json.dumps(variables), "--target-path", str(target)])
        gc.collect()
        gc.freeze()  # so that no fork copies it to count its references
        if done.status == 0 and is_ours:
            self._manifests[key] = parsed.result  # type: ignore[assignment]
        return (parsed.result if done.status == 0 else None), done  # type: ignore[return-value]


def invoke(arguments: Sequence[str], manifest: Manifest | None = None) -> tuple[dbtRunnerResult, Done]:
    """Run the command in this process."""
    from dbt.cli.main import dbtRunner
    from dbt_common.events.logger import PRINT_EVENT_NAMES

    shown = ("error",) if "--quiet" in arguments else ("error", "warn", "info")
    printed: list[str] = []
    errors: list[str] = []

    def listen(event: Any) -> None:
        if event.info.level in shown or event.info.name in PRINT_EVENT_NAMES:
            printed.append(event.info.msg)
        if event.info.level == "error":
            errors.append(event.info.msg)

    result = dbtRunner(manifest=manifest, callbacks=[listen]).invoke([*QUICK, *arguments, *ONE_THREAD])
    results = [
        Result(
            Node(one.node.name, str(one.node.resource_type)),
            str(one.status),
            one.message,
            getattr(one.node, "compiled_code", None) or "",
        )
        for one in getattr(result.result, "results", None) or []
        if getattr(one, "node", None) is not None
    ]
    status = 0 if result.success else 1 if result.exception is None else 2
    return result, Done(status, "\n".join(printed), results, "\n".join(errors))


def in_a_fork(arguments: Sequence[str], manifest: Manifest) -> str:
    """Run the command in a fork; return its answer as JSON."""
    read, write = os.pipe()
    if (child := os.fork()) == 0:
        try:
            gc.disable()  # a fork ends before it runs out of memory
            _, done = invoke(arguments, manifest)
            with os.fdopen(write, "w", encoding="utf-8") as answer:
                answer.write(as_json(done))
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stderr.flush()
            os._exit(0)
    os.close(write)
    with os.fdopen(read, encoding="utf-8") as answers:
        answered = answers.read()
    os.waitpid(child, 0)
    return answered or as_json(Done(3, "dbt ended early"))


def as_json(done: Done) -> str:
    return json.dumps(asdict(done))


def answer(arguments: Sequence[str], parsed: Parsed) -> str:
    """Do what `dbt ARGUMENTS` does; return the answer as JSON. `parse` writes manifest.json as dbt does."""
    manifest, said = parsed.manifest(arguments)
    if manifest is None:
        return as_json(said)
    if "parse" in arguments:
        manifest.writable_manifest().write(str(Path(os.environ["DBT_TARGET_PATH"], "manifest.json")))
        return as_json(said)
    return in_a_fork(arguments, manifest)


def leave_debug_events_out() -> None:
    """Let dbt make no event of the level debug: nobody reads them, and a build has thousands."""
    from dbt_common.events.base_types import BaseEvent, EventLevel
    from dbt_common.events.event_manager import EventManager
    from dbt_common.events.event_manager_client import ctx_set_event_manager

    class Relevant(EventManager):
        def fire_event(
            self,
            e: BaseEvent,
            level: EventLevel | None = None,
            node: Any = None,
            force_warn_or_error_handling: bool = False,
        ) -> None:
            if (level or e.level_tag()) is not EventLevel.DEBUG:
                super().fire_event(e, level, node, force_warn_or_error_handling)

    ctx_set_event_manager(Relevant())


def main() -> None:
    """Answer commands until there are no more."""
    leave_debug_events_out()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print is no answer
    with tempfile.TemporaryDirectory(prefix="tracker-test-dbt-") as folder:
        parsed = Parsed(Path(folder))
        for line in sys.stdin:
            arguments, environment = json.loads(line)
            os.environ.clear()
            os.environ.update(environment)
            answers.write(answer(arguments, parsed) + "\n")
            answers.flush()


if __name__ == "__main__":
    main()
