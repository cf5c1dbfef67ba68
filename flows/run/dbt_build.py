"""Builds of the warehouse: one at a time, with a verdict in one line.

dbt runs in this process: inside a flow run through `PrefectDbtRunner`, which shows its nodes as tasks in the
UI, elsewhere plainly. Only warnings and errors are logged, because a build has hundreds of nodes. What the
tests of single playlists found does not fail the build: they warn, and the push reads their verdict from
`ops.build_results`. Nor does a playlist whose own model fails: the selections are built once more from the
tables that stand, and the push refuses that playlist alone.
"""

from __future__ import annotations

import logging
import os
import re
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from extract.loading import pipeline
from playlists.rules.check import check_rules
from playlists.selections import record_failed_models, tests_of
from profiles import dbt
from profiles.build_marks import clear_mark, database_now
from profiles.errors import TrackerError
from profiles.session import open_session

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from dbt.cli.main import dbtRunnerResult

    from profiles.database import Database
    from profiles.session import Session

logger = logging.getLogger(__name__)

PATIENCE_S = 1800  # for a build of somebody else's to end
LONGEST_MESSAGE = 400
FAILED = {"error", "fail", "runtime error"}
SELECTIONS = ("playlist_selections", "playlist_definitions")
"""The tables of all playlists; any other model `playlist_<slug>` is one playlist."""
STANDING_ONLY = {"TRACKER_STANDING_PLAYLISTS_ONLY": "1"}
COLLISION = re.compile(
    r"already exists|deadlock detected|tuple concurrently updated|does not exist", re.IGNORECASE
)


class Models(StrEnum):
    """Which models to build: a selector of the dbt project."""

    ALL = "nightly"
    AFTER_POLL = "after_poll"
    PLAYLISTS = "playlists"


class BuildError(TrackerError):
    """Models or tests of the warehouse failed; tables that were not reached stay as they were."""


@dataclass(frozen=True)
class Verdict:
    """What a build did, from dbt's own results."""

    built: int
    passed: int
    warnings: tuple[str, ...]
    failures: tuple[str, ...]
    skipped: int
    failed_playlists: Mapping[str, str] = field(default_factory=dict)
    """By slug: why the playlist's own model failed."""

    def __str__(self) -> str:
        parts = [f"{self.built} models built", f"{self.passed} tests passed"]
        parts += [f"{len(self.warnings)} warn"] if self.warnings else []
        parts += [f"{len(self.failures)} failed"] if self.failures else []
        parts += [f"{self.skipped} skipped"] if self.skipped else []
        named = [f"{slug}: {why}" for slug, why in self.failed_playlists.items()]
        parts += [f"playlists not built: {'; '.join(named)}"] if named else []
        return ", ".join(parts)


def build_step(models: Models, *, wait_s: float = PATIENCE_S, full_refresh: bool = False) -> str:
    """Build models and run their tests; returns the verdict in words.

    Where another build does not end within `wait_s`, nothing is built and the mark stays, so that the next
    poll or build makes up for it. Raises BuildError with the nodes that failed.
    """
    with open_session() as session:
        pipeline.ensure_tables(session)
        with dbt.build_lock(session.database, wait=True, timeout_s=wait_s) as lock:
            if lock is None:
                return "put off: another build is running, the next one makes up for it"
            began = time.monotonic()
            marks_seen_at = database_now(session.database)
            # what a rule looks into may have come or gone since it was saved
            check_rules(session.database)
            selector = (
                models if session.database.relation_exists("analytics.playlist_selections") else Models.ALL
            )
            arguments = ["build", "--selector", str(selector), *(["--full-refresh"] if full_refresh else [])]
            verdict = _build(session, arguments, lock.environment())
            for line in made_anew_since(session.database, marks_seen_at):
                logger.info("%s", line)
            if selector is not Models.PLAYLISTS:  # what was loaded is upstream of them
                clear_mark(session.database, marks_seen_at)
        return f"{verdict} in {time.monotonic() - began:.0f} s"


def test_playlists(session: Session, slugs: Sequence[str]) -> None:
    """Run the dbt tests of these playlists, for selections that nobody has tested since they were built."""
    with dbt.build_lock(session.database, wait=True, timeout_s=PATIENCE_S) as lock:
        if lock is None:
            raise BuildError(
                "The selections could not be tested: another build has been running for too long."
            )
        selection = ["--select", *tests_of(slugs, session.database)]
        _build(session, ["test", *selection], lock.environment())


def made_anew_since(database: Database, moment: datetime) -> list[str]:
    """Say which incremental tables were made anew since a moment of the database's clock, and why."""
    with database.transaction() as cursor:
        cursor.execute(
            "select relation, reason from ops.data_versions"
            " where made_anew_at >= %s and reason is not null order by made_anew_at",
            [moment],
        )
        return [f"{relation} was made anew: {reason}" for relation, reason in cursor.fetchall()]


def _build(session: Session, arguments: Sequence[str], lock: Mapping[str, str]) -> Verdict:
    environment = {**dbt.environment(session.settings, session.database), **lock}
    verdict = _invoke(session, arguments, environment)
    if verdict.failures and all(COLLISION.search(failure) for failure in verdict.failures):
        # a bare `dbt` typed beside us does not know our lock; both then fail on one relation
        logger.warning("the build ran into another one and is repeated: %s", verdict.failures[0])
        verdict = _invoke(session, arguments, environment)
    for warning in verdict.warnings:
        logger.warning("%s", warning)
    if verdict.failed_playlists and arguments[0] == "build":
        for slug, why in verdict.failed_playlists.items():
            logger.warning("the playlist %s was not built: %s", slug, why)
        standing = _invoke(session, ["build", "--select", *SELECTIONS], {**environment, **STANDING_ONLY})
        if not standing.failures:
            record_failed_models(session.database, verdict.failed_playlists)
        theirs = tuple(f"model playlist_{slug}: " for slug in verdict.failed_playlists)
        others = [failure for failure in verdict.failures if not failure.startswith(theirs)]
        failures = (*others, *standing.failures)
        if not failures:
            return verdict
        verdict = replace(verdict, failures=failures)
    if verdict.failures:
        raise BuildError(
            f"{verdict}: {'; '.join(verdict.failures[:5])}",
            remedy="Nothing is pushed from models that failed; see the failed nodes above.",
        )
    return verdict


def _invoke(session: Session, arguments: Sequence[str], environment: Mapping[str, str]) -> Verdict:
    run_dbt = _run_as_tasks if _is_in_flow_run() else _run_plainly
    log_path = {"DBT_LOG_PATH": str(dbt.log_folder(session.settings))}
    with dbt.target_folder(session.settings) as target, _environment({**environment, **log_path}):
        result = run_dbt(list(arguments), target)
    return read_verdict(getattr(result.result, "results", []))


def _is_in_flow_run() -> bool:
    # where nothing has imported Prefect there is no flow run, and no reason to spend seconds on importing it
    if "prefect" not in sys.modules:
        return False
    from prefect.context import FlowRunContext  # noqa: PLC0415  # see above

    return FlowRunContext.get() is not None


def _run_as_tasks(arguments: list[str], target: Path) -> dbtRunnerResult:
    # dbt takes seconds to import, and a poll that finds nothing new needs none of it
    from dbt_common.events.base_types import EventLevel  # noqa: PLC0415
    from prefect_dbt import PrefectDbtSettings  # type: ignore[import-untyped]  # noqa: PLC0415  # no types

    from flows.run.dbt_nodes import Runner  # noqa: PLC0415  # as above

    settings = PrefectDbtSettings(
        project_dir=dbt.DBT_PROJECT_DIR,
        profiles_dir=dbt.PROFILES_DIR,
        target_path=target,
        log_level=EventLevel.WARN,
    )
    runner = Runner(settings=settings, raise_on_failure=False, disable_assets=True)
    with _quiet_node_tasks():
        try:
            result: dbtRunnerResult = runner.invoke(arguments)
        except ValueError as error:  # dbt could not even begin: a parse error, a hook that refused
            raise BuildError(f"dbt did not run: {error}") from None
    return result


def _run_plainly(arguments: list[str], target: Path) -> dbtRunnerResult:
    from dbt.cli.main import dbtRunner  # noqa: PLC0415  # as in _run_as_tasks

    folders = {
        "--project-dir": dbt.DBT_PROJECT_DIR,
        "--profiles-dir": dbt.PROFILES_DIR,
        "--target-path": target,
    }
    options = [text for name, folder in folders.items() for text in (name, str(folder))]
    result = dbtRunner().invoke([*arguments, *options, "--log-level", "none"])
    if result.exception is not None and result.result is None:
        raise BuildError(f"dbt did not run: {result.exception}")
    return result


def read_verdict(results: Sequence[Any]) -> Verdict:
    """Count dbt's results: objects with `node.resource_type`, `node.name`, `status` and `message`."""
    built, passed, skipped = 0, 0, 0
    warnings: list[str] = []
    failures: list[str] = []
    playlists: dict[str, str] = {}
    for result in results:
        status, kind = str(result.status), str(result.node.resource_type)
        message = " ".join((result.message or status).split())[:LONGEST_MESSAGE]
        name = str(result.node.name)
        line = f"{kind} {name}: {message}"
        if status in FAILED:
            if kind == "model" and name.startswith("playlist_") and name not in SELECTIONS:
                playlists[name.removeprefix("playlist_")] = message
            failures.append(line)
        elif status == "warn":
            warnings.append(line)
        elif status == "skipped":
            skipped += 1
        elif status == "pass":
            passed += 1
        elif kind != "operation":
            built += 1
    return Verdict(built, passed, tuple(warnings), tuple(failures), skipped, playlists)


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Set environment variables for dbt, which knows no other way in, and take them back."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextmanager
def _quiet_node_tasks() -> Iterator[None]:
    # "Finished in state Completed()", once per node, would bury what matters. And PrefectDbtRunner leaves
    # both loggers at its own level: our later lines would vanish.
    loggers = [logging.getLogger(name) for name in ("prefect.flow_runs", "prefect.task_runs")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.WARNING)
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
