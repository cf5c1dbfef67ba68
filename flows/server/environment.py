"""What Prefect must find in the environment before it is imported, and which server a foreground run uses."""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import socket
import sys
import tempfile
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from flows.server import processes
from profiles import damage
from profiles.errors import TrackerError
from profiles.settings import LOOPBACK, REPOSITORY, secret_variables

if TYPE_CHECKING:
    from collections.abc import Iterator

    import psutil

    from profiles.settings import Settings

logger = logging.getLogger(__name__)

START_TIMEOUT_S = 120
AUTH_STRING = "PREFECT_API_AUTH_STRING"
# Prefect's own, beside those that the types of our settings name
PREFECT_SECRETS = ("PREFECT_API_KEY", AUTH_STRING)

COMMON = {
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    # our packages' log lines belong to the run that caused them, also in the UI
    "PREFECT_LOGGING_EXTRA_LOGGERS": "extract,playlists,profiles,flows",
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
}
TEMPORARY = {"PREFECT__SERVER_EPHEMERAL": "1", "PREFECT_UI_ENABLED": "0"}


def is_answering(api_url: str, *, timeout_s: float = 1.0) -> bool:
    """Say whether a Prefect server answers at this address."""
    if not api_url.startswith(("http://", "https://")):
        return False
    try:
        with urllib.request.urlopen(f"{api_url.rstrip('/')}/health", timeout=timeout_s) as answer:  # noqa: S310
            return bool(answer.status == 200 and answer.read(10).strip() == b"true")  # noqa: PLR2004
    except (OSError, urllib.error.URLError, ValueError):
        return False


def services_folder(settings: Settings) -> Path:
    """Return where the pid files of `tracker up` lie."""
    return settings.tracker_home / "services"


def server_address(settings: Settings) -> str | None:
    """Return the API address of a server that answers: the configured one, else the one `tracker up` started.

    Prefect's default address is not tried: another installation's server may sit there, and our runs, logs
    and artifacts would land in it.
    """
    configured = settings.prefect_api_url if "prefect_api_url" in settings.model_fields_set else None
    for address in (configured, started_address(settings)):
        if address and is_answering(address):
            return address
    return None


def started_address(settings: Settings) -> str | None:
    """Return the API address of the server that `tracker up` started, None if that does not run."""
    record = processes.running(services_folder(settings) / "server.json")
    return str(record.facts["api_url"]) if record and "api_url" in record.facts else None


@contextmanager
def prefect_server(settings: Settings, *, is_kept: bool = False) -> Iterator[str]:
    """Point Prefect to a server that answers, else to a temporary one for the time of the context.

    With `is_kept` the temporary one keeps its runs and pages where `tracker up` goes on with them. Call it
    before Prefect is imported: it reads its settings at import. Yields the API's address.
    """
    os.environ.update({name: value for name, value in COMMON.items() if name not in os.environ})
    address = server_address(settings)
    if address is not None:
        os.environ["PREFECT_API_URL"] = address
        os.environ.setdefault("PREFECT_HOME", str(settings.tracker_home / "prefect"))
        if address == started_address(settings):
            os.environ.update(authorization(settings))
        yield address
        return
    with _own_folder(settings.tracker_home / ("prefect" if is_kept else "prefect-temporary")) as folder:
        file = folder / "server.json"
        _end_leftover(file)
        for damaged in damage.damage_of_prefect_home(folder):
            logger.warning("%s", set_aside(damaged))
        os.environ["PREFECT_HOME"] = str(folder)
        port = free_port()
        os.environ["PREFECT_API_URL"] = f"http://{LOOPBACK}:{port}/api"
        with _ends_with_us() as stdin:
            server = _start(port, folder, file, stdin)
            try:
                yield os.environ["PREFECT_API_URL"]
                _send_remaining_logs()
            finally:
                processes.stop([server], patience_s=10)
                file.unlink(missing_ok=True)


def authorization(settings: Settings) -> dict[str, str]:
    """Return what clients of the server of `tracker up` need in their environment, if it wants a sign-in."""
    auth_string = settings.prefect_server_api_auth_string
    return {} if auth_string is None else {AUTH_STRING: auth_string.get_secret_value()}


def set_aside(damaged: damage.Damage) -> str:
    """Make room for a new file of Prefect's; return what became of the old one, in a sentence."""
    kept = damaged.set_aside()
    was = f"{damaged.file.name} was damaged ({damaged.why})"
    return f"{was}: it is kept as {kept} and made again. {damaged.held}"


def wait_for(api_url: str) -> None:
    """Wait until a server that has just been started answers. Raises TrackerError when it does not."""
    if not processes.wait_until(lambda: is_answering(api_url), timeout_s=START_TIMEOUT_S):
        raise TrackerError(
            f"The Prefect server at {api_url} did not start within {START_TIMEOUT_S} s.",
            remedy="See server.log below TRACKER_HOME.",
        )


def hide_prefect_lines() -> None:
    """Keep Prefect's own log lines off the terminal: ours say what matters.

    Call it after Prefect has been imported, when its handlers exist.
    """
    for name in (None, "prefect", "prefect.flow_runs", "prefect.task_runs"):
        for handler in logging.getLogger(name).handlers:
            if type(handler).__name__ == "PrefectConsoleHandler":
                handler.setLevel(logging.CRITICAL)


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as listener:
        listener.bind((LOOPBACK, 0))
        return int(listener.getsockname()[1])


def is_free(port: int, host: str = LOOPBACK) -> bool:
    """Say whether a server could listen on this port now."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # our own server may just have left it
        try:
            listener.bind((host, port))
        except OSError:
            return False
    return True


def without_secrets(environment: dict[str, str]) -> dict[str, str]:
    """Return the environment without our secrets, for processes that need none or read them themselves."""
    hidden = {*secret_variables(), *PREFECT_SECRETS}
    return {name: value for name, value in environment.items() if name not in hidden}


def server_environment(host: str, port: int) -> dict[str, str]:
    """Return the variables that close a Prefect server to the pages of others (see web_server)."""
    return {
        # each change needs a token, which only pages of the same origin can read
        "PREFECT_SERVER_CSRF_PROTECTION_ENABLED": "true",
        "PREFECT_SERVER_CORS_ALLOWED_ORIGINS": f"http://{host}:{port}",
        # the UI asks the address that it was loaded from, whatever name or forwarded port that has
        "PREFECT_UI_API_URL": "/api",
    }


def _start(port: int, folder: Path, file: Path, stdin: int) -> psutil.Process:
    try:
        return processes.start(
            [sys.executable, "-m", "flows.server.temporary_server", str(port)],
            file=file,
            log=folder / "server.log",
            environment={
                **without_secrets(dict(os.environ)),
                **TEMPORARY,
                **server_environment(LOOPBACK, port),
            },
            folder=REPOSITORY,
            facts={"api_url": os.environ["PREFECT_API_URL"]},
            stdin=stdin,
        )
    except OSError as error:
        raise TrackerError(
            f"The temporary Prefect server cannot be started in {folder}: {error.strerror}.",
            remedy="Make room on that disk, then repeat the command.",
        ) from None


@contextmanager
def _ends_with_us() -> Iterator[int]:
    """Yield a pipe's end that is closed when this process ends, however it does."""
    ours_to_read, ours_to_hold = os.pipe()
    try:
        yield ours_to_read
    finally:
        os.close(ours_to_read)
        os.close(ours_to_hold)


def _send_remaining_logs() -> None:
    if "prefect" in sys.modules:  # not imported here: the caller may have had no need of it
        from prefect.logging.handlers import APILogWorker  # noqa: PLC0415

        APILogWorker.drain_all(timeout=5)


def _end_leftover(file: Path) -> None:
    """Stop the server of a command that was killed: the folder is ours now, so nobody else uses it."""
    record = processes.running(file)
    process = record.process() if record else None
    if process is not None:
        processes.stop([process], patience_s=5)


@contextmanager
def _own_folder(folder: Path) -> Iterator[Path]:
    """Yield the folder, or where another command is using it, one for this process alone."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "in_use").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            extra = Path(tempfile.mkdtemp(prefix="prefect-temporary-", dir=folder.parent))
            try:
                yield extra
            finally:
                shutil.rmtree(extra, ignore_errors=True)
        else:
            yield folder
