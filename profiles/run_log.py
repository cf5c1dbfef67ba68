"""Every run's outcome and log lines in `ops.runs` and `ops.logs`, for SQL, wherever the run was started."""

from __future__ import annotations

import json
import logging
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import psycopg2
from psycopg2.extras import execute_values

from profiles.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from uuid import UUID

    from profiles.database import Database

# Prefect's own loggers carry what flows and tasks say; the others are our packages'.
LOGGERS = ("prefect.flow_runs", "prefect.task_runs", "flows", "extract", "playlists", "profiles")
BATCH = 200
FLUSH_EVERY_S = 5.0
KEPT_DAYS = 90
LONGEST_MESSAGE = 10_000
RUNNING, WAITING = "running", "waiting"

INSERT_LINES = "insert into ops.logs (run_id, logged_at, level, logger, message) values %s"
BEGIN = """
    insert into ops.runs (run_id, flow, state, parameters) values (%s, %s, 'running', %s)
    on conflict (run_id) do update
    set started_at = now(), finished_at = null, state = 'running', message = null
"""
END = "update ops.runs set finished_at = now(), state = %s, message = %s, calls = %s where run_id = %s"
SET_STATE = "update ops.runs set state = %s where run_id = %s"
# whoever holds the lock of a flow knows that an earlier run of it, still marked as running, was killed; one
# that waits for a person holds no lock, and waits for a day
FORGET_KILLED = """
    update ops.runs
    set state = 'crashed', finished_at = now(), message = 'ended without a word: killed, or a power cut'
    where flow = %s and run_id <> %s
        and (state = 'running' or (state = 'waiting' and started_at < now() - interval '2 days'))
"""
FORGET_STOPPED = """
    update ops.runs set state = 'crashed', finished_at = now(), message = %s
    where run_id = any(%s::uuid[]) and state in ('running', 'waiting')
"""
STARTED_SINCE = """
    select exists (
        select from ops.runs
        where flow = %s and run_id <> %s and started_at >= %s and state in ('completed', 'deferred')
    )
"""
PRUNE_LOGS = "delete from ops.logs where logged_at < now() - make_interval(days => %s)"
PRUNE_RUNS = "delete from ops.runs where started_at < now() - make_interval(days => %s)"


class LogTable(logging.Handler):
    """Writes log records of one run to `ops.logs` in batches; a database that is away never fails the run."""

    def __init__(self, database: Database, run_id: UUID, unless: Callable[[], bool]) -> None:
        super().__init__(level=logging.INFO)
        self._unless = unless
        self._database = database
        self._run_id = str(run_id)
        self._rows: list[tuple[str, datetime, str, str, str]] = []
        self._flushed_at = time.monotonic()

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the record; send the batch when it is full or old."""
        message = redact(self.format(record)).replace("\x00", "")[:LONGEST_MESSAGE]
        logged_at = datetime.fromtimestamp(record.created, UTC)
        self._rows.append((self._run_id, logged_at, record.levelname.lower(), record.name, message))
        if len(self._rows) >= BATCH or time.monotonic() - self._flushed_at > FLUSH_EVERY_S:
            self.flush()

    def flush(self) -> None:
        """Send what was kept."""
        self.acquire()
        try:
            rows, self._rows = self._rows, []
            self._flushed_at = time.monotonic()
            if rows and not self._unless():
                with self._database.transaction() as cursor:
                    execute_values(cursor, INSERT_LINES, rows)
        except Exception:  # a log line must not decide over the run that it tells about
            self.handleError(logging.makeLogRecord({"msg": "log lines could not be stored"}))
        finally:
            self.release()


@contextmanager
def logging_to_table(database: Database, run_id: UUID, *, unless: Callable[[], bool]) -> Iterator[None]:
    """Copy the log lines of this process to `ops.logs` for the time of the context, while not `unless`."""
    handler = LogTable(database, run_id, unless)
    loggers = [logging.getLogger(name) for name in LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        if logger.getEffectiveLevel() > logging.INFO:
            logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(level)
        handler.close()
        handler.flush()


def begin(database: Database, run_id: UUID, flow: str, parameters: Mapping[str, Any]) -> bool:
    """Record that a run has begun, and that earlier ones of this flow, if still open, were killed.

    To be called while holding the flow's lock. Returns whether there were such runs.
    """
    clean = redact(json.dumps(parameters, default=str))
    with database.transaction() as cursor:
        cursor.execute(FORGET_KILLED, [flow, str(run_id)])
        has_killed_runs = cursor.rowcount > 0
        cursor.execute(BEGIN, [str(run_id), flow, clean])
    return has_killed_runs


def set_state(database: Database, run_id: UUID, state: str) -> None:
    """Record that a run waits for a person, or goes on."""
    with database.transaction() as cursor:
        cursor.execute(SET_STATE, [state, str(run_id)])


def forget_stopped(database: Database, run_ids: Sequence[str], why: str) -> None:
    """Record that these runs, where they are open, were stopped."""
    with database.transaction() as cursor:
        cursor.execute(FORGET_STOPPED, [why, list(run_ids)])


def end(database: Database, run_id: UUID, *, state: str, message: str, calls: int) -> None:
    """Record how a run ended: completed, deferred, skipped or failed."""
    with database.transaction() as cursor:
        cursor.execute(END, [state, redact(message)[:LONGEST_MESSAGE], calls, str(run_id)])


def has_run_since(database: Database, run_id: UUID, flow: str, moment: datetime) -> bool:
    """Say whether another run of the flow began after this moment and came to a good end."""
    with database.transaction() as cursor:
        cursor.execute(STARTED_SINCE, [flow, str(run_id), moment])
        return cursor.fetchone() == (True,)


def prune(database: Database) -> None:
    """Delete runs and log lines older than 90 days."""
    try:
        with database.transaction() as cursor:
            cursor.execute(PRUNE_LOGS, [KEPT_DAYS])
            cursor.execute(PRUNE_RUNS, [KEPT_DAYS])
    except psycopg2.Error as error:
        logging.getLogger(__name__).warning("old log lines could not be deleted: %s", error)
