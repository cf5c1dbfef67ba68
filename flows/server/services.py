"""`tracker up`: database, Prefect server with its UI, deployments, worker; on this machine, only for it.

Each part is found again by its pid file, started where it is missing, and replaced where it hangs or was
started with other settings or older code. So `up` may be repeated at any time, also after a crash or a
reboot; the watchdog repeats it when a part has died. Prefect's own state is an SQLite file under
TRACKER_HOME/prefect; ours is in the database.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import sys
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flows.server import at_boot, deployments, processes, upgrade
from flows.server.environment import START_TIMEOUT_S, authorization, is_answering, is_free, set_aside
from flows.server.layout import SERVER_AUTH_STRING, Services
from flows.server.prefect_api import STOPPED, is_worker_online, settle_runs
from flows.server.web_server import is_loopback
from flows.views.frame import LIBRARY
from profiles import damage, run_log, terminal
from profiles.database import embedded, open_database, stop_embedded
from profiles.errors import SettingsError, TrackerError
from profiles.redaction import redact
from profiles.settings import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from flows.views.pages import Addresses
    from profiles.database import Database
    from profiles.settings import Settings

PAGES_IN_UI = "v2/artifacts/artifact/"
"""The newer of Prefect's two UIs: an address without v2 opens the older one."""
POOL = "tracker"
WORKER = "this machine"
FLOW_RUNS_END_S = 20.0  # a poll ends within it; what takes longer goes on from its last safe point next time
PATIENCE_S = 10.0
RUNNING_FLOW = (
    "prefect.engine",
    "prefect.flow_engine",
    "_workspace_supervisor",
    "_workspace_runtime_bootstrap",
)
SERVER_MARKS = ("flows.server.web_server", "prefect server start", "prefect.server.api.server")
WORKER_MARKS = ("prefect worker start",)
WATCHDOG_MARKS = ("flows.server.watchdog",)
OUR_MARKS = (*WATCHDOG_MARKS, *RUNNING_FLOW, *SERVER_MARKS, *WORKER_MARKS)


def up(settings: Settings, tell: Callable[[str], None]) -> str:
    """Start what does not run; returns the address of the page *Library*.

    Raises SettingsError where the port is taken by another program or other machines would reach the UI
    without a sign-in, TrackerError where a part does not start.
    """
    services = Services(settings)
    _require_sign_in(settings)
    os.environ.update(authorization(settings))
    with _alone(services):
        upgrade.back_up_before(settings, services.folder / "data_version", tell)
        was_made = embedded.is_made(settings.tracker_home)
        database = open_database(settings)
        kind = f"embedded, {'' if was_made else 'new and empty, '}" if database.is_embedded else ""
        tell(f"database   {kind}{database.safe_dsn}")
        _ensure_server_and_worker(services, database, tell)
        _ensure_watchdog(services, tell)
        pages = _make_pages(services, database, tell)  # before they are linked to
        environment = {**services.environment(), **authorization(settings)}
        deployments.deploy(services.api_url, services.folder / "deployed", environment, tell)
        deployments.link_pages(services.api_url, pages)
        _ensure_automations(services, tell)
    return f"{services.ui_url}/{PAGES_IN_UI}{pages.ids[LIBRARY]}"


def start_at_boot(settings: Settings, tell: Callable[[str], None]) -> None:
    """Let the system start everything with the machine. Raises TrackerError with what is left to be typed."""
    services = Services(settings)
    with _alone(services):
        services.client_environment()  # which writes the secrets that the system's process will read
        _stop_watchdog(services)  # the system runs it from now on
        try:
            at_boot.switch_on(settings, services.secrets_folder, tell)
        except TrackerError:
            _start_watchdog(services)
            raise


def down(settings: Settings, tell: Callable[[str], None]) -> None:
    """Stop watchdog, worker, running flows, server and embedded database, in this order. The data stays."""
    services = Services(settings)
    with _alone(services):
        _stop_watchdog(services)
        _stop_worker(services, tell)
        _stop_server(services, tell)
        _stop_strays(services, OUR_MARKS)
        if stop_embedded(settings):
            tell("database   stopped")


def status(settings: Settings) -> dict[str, str]:
    """Say of each part whether it runs, and where."""
    services = Services(settings)
    server, worker = processes.running(services.server_file), processes.running(services.worker_file)
    watchdog = processes.running(services.watchdog_file)
    address = str(server.facts.get("ui_url")) if server else ""
    is_up = bool(server) and is_answering(f"{address}/api")
    return {
        "server": f"{address} (pid {server.pid}{'' if is_up else ', does not answer'})"
        if server
        else "stopped",
        "worker": f"pid {worker.pid}" if worker else "stopped",
        "watchdog": f"pid {watchdog.pid}" if watchdog else "stopped",
        "at boot": "starts" if at_boot.is_installed(settings) else "does not start",
    }


def _ensure_server_and_worker(services: Services, database: Database, tell: Callable[[str], None]) -> None:
    """Start both, or leave neither behind that was not there before."""
    had_server = processes.running(services.server_file) is not None
    try:
        _ensure_server(services, tell)
        _ensure_worker(services, database, tell)  # first: it makes the pool that deployments name
    except BaseException:
        if not had_server:
            _stop_worker(services, tell)
            _stop_server(services, tell)
        raise


def _ensure_server(services: Services, tell: Callable[[str], None]) -> None:
    record = processes.running(services.server_file)
    damaged = damage.damage_of_prefect_home(services.prefect_home)
    is_current = record is not None and record.facts.get("fingerprint") == services.fingerprint()
    if not damaged and is_current:
        # a machine that is busy with a build answers slowly, and is not dead
        if processes.wait_until(lambda: is_answering(services.api_url, timeout_s=5), timeout_s=30):
            tell(f"server     {services.ui_url} (running)")
            return
        tell("server     does not answer and is replaced")
    elif record is not None:
        tell("server     settings or code have changed, it starts anew")
    if record is not None or damaged or not (services.prefect_home / "prefect.db").exists():
        # a worker makes its pool when it starts: in a new database there is none
        _stop_worker(services, tell)
        _stop_server(services, tell)
    _stop_strays(services, SERVER_MARKS)
    _require_free_port(services)
    for each in damage.damage_of_prefect_home(
        services.prefect_home
    ):  # looked at again: its server may have mended it
        tell(f"server     {set_aside(each)}")
    host, port = services.settings.tracker_ui_host, str(services.settings.tracker_ui_port)
    log = services.folder / "server.log"
    process = processes.start(
        [sys.executable, "-m", "flows.server.web_server", host, port],
        file=services.server_file,
        log=log,
        environment=services.server_environment(),
        folder=REPOSITORY,
        facts={
            "ui_url": services.ui_url,
            "api_url": services.api_url,
            "fingerprint": services.fingerprint(),
        },
    )

    def is_settled() -> bool:
        return processes.has_ended(process) or is_answering(services.api_url)

    if not processes.wait_until(is_settled, timeout_s=START_TIMEOUT_S) or processes.has_ended(process):
        _stop_server(services, tell)
        raise TrackerError(f"The Prefect server did not start. {_last_lines(log)}", remedy=f"See {log}.")
    tell(f"server     {services.ui_url}")


def _make_pages(services: Services, database: Database, tell: Callable[[str], None]) -> Addresses:
    own = {**services.environment(), **authorization(services.settings)}
    os.environ.update({name: value for name, value in own.items() if name.startswith("PREFECT_")})
    from flows.views.refresh import refresh  # noqa: PLC0415  # Prefect reads its environment at import

    made = refresh(services.settings, database)
    tell(f"pages      {made.summary}")
    return made.addresses


def _require_sign_in(settings: Settings) -> None:
    if is_loopback(settings.tracker_ui_host) or settings.prefect_server_api_auth_string is not None:
        return
    raise SettingsError(
        f"TRACKER_UI_HOST={settings.tracker_ui_host} lets other machines reach the UI, where everybody could"
        " run code as you.",
        remedy=f"Let the UI ask for a password: put {SERVER_AUTH_STRING}=me:{secrets.token_urlsafe(18)} into"
        " .env. Or leave TRACKER_UI_HOST out, and use `ssh -L 4200:127.0.0.1:4200 HOST`.",
    )


def _ensure_automations(services: Services, tell: Callable[[str], None]) -> None:
    block = services.settings.tracker_notify_block
    if block is None:
        return
    from flows.server import automations  # noqa: PLC0415  # as above

    made = automations.ensure(block, poll_seconds=services.settings.tracker_poll_seconds)
    tell(f"told by    {block}: {', '.join(made)}")


def _require_free_port(services: Services) -> None:
    host, port = services.settings.tracker_ui_host, services.settings.tracker_ui_port
    if not is_free(port, host):
        raise SettingsError(
            f"Port {port} of {host} is taken by another program.",
            remedy=f"Type: `TRACKER_UI_PORT={_free_port_after(port, host)} {terminal.typed('up')}`. Or set it"
            " in .env for good.",
        )


def _free_port_after(port: int, host: str) -> int:
    return next((each for each in range(port + 1, port + 100) if is_free(each, host)), port + 1)


def _ensure_worker(services: Services, database: Database, tell: Callable[[str], None]) -> None:
    record = processes.running(services.worker_file)
    if record is not None:
        if record.facts.get("fingerprint") == services.fingerprint():
            tell("worker     running")
            return
        tell("worker     settings or code have changed, it starts anew")
        _stop_worker(services, tell)
    _stop_strays(services, (*WORKER_MARKS, *RUNNING_FLOW))
    run_log.forget_stopped(database, settle_runs(services.api_url), STOPPED)
    log = services.folder / "worker.log"
    process = processes.start(
        [
            *(sys.executable, "-m", "prefect", "worker", "start"),
            *("--pool", POOL, "--type", "process", "--name", WORKER),
        ],
        file=services.worker_file,
        log=log,
        environment=services.client_environment(),
        folder=REPOSITORY,
        facts={"fingerprint": services.fingerprint()},
    )

    began = datetime.now(UTC)

    def is_settled() -> bool:
        return processes.has_ended(process) or is_worker_online(services.api_url, POOL, WORKER, since=began)

    is_ready = processes.wait_until(is_settled, timeout_s=START_TIMEOUT_S, every_s=0.5)
    if not is_ready or processes.has_ended(process):
        _stop_worker(services, tell)
        raise TrackerError(f"The worker did not start. {_last_lines(log)}", remedy=f"See {log}.")
    tell("worker     running")


def _ensure_watchdog(services: Services, tell: Callable[[str], None]) -> None:
    """Start the watchdog, or where the system runs it, let that start it anew if it is out of date."""
    record = processes.running(services.watchdog_file)
    if record is not None and record.facts.get("fingerprint") == services.fingerprint():
        tell("watchdog   running")
        return
    _stop_watchdog(services)
    if at_boot.is_installed(services.settings):
        try:
            at_boot.switch_on(services.settings, services.secrets_folder, tell)
        except TrackerError as error:
            tell(f"at boot    {error}")
        else:
            return
    _start_watchdog(services)
    tell("watchdog   running")


def _start_watchdog(services: Services) -> None:
    processes.start(
        [sys.executable, "-m", *WATCHDOG_MARKS],
        file=services.watchdog_file,
        log=services.folder / "watchdog.log",
        environment=services.client_environment(),
        folder=REPOSITORY,
        facts={"fingerprint": services.fingerprint()},
    )


def _stop_watchdog(services: Services) -> None:
    record = processes.running(services.watchdog_file)
    watchdog = record.process() if record else None
    if watchdog is not None:
        processes.stop([watchdog], patience_s=PATIENCE_S)
        services.watchdog_file.unlink(missing_ok=True)


def _stop_worker(services: Services, tell: Callable[[str], None]) -> None:
    record = processes.read_record(services.worker_file)
    worker = record.process() if record else None
    if worker is not None:
        children = processes.descendants(worker)
        processes.stop([worker], patience_s=PATIENCE_S)
        processes.wait_until(lambda: all(map(processes.has_ended, children)), timeout_s=FLOW_RUNS_END_S)
        processes.stop(children, patience_s=PATIENCE_S)
        tell("worker     stopped")
    services.worker_file.unlink(missing_ok=True)


def _stop_server(services: Services, tell: Callable[[str], None]) -> None:
    record = processes.read_record(services.server_file)
    server = record.process() if record else None
    if server is not None:
        processes.stop([server, *processes.descendants(server)], patience_s=PATIENCE_S)
        tell("server     stopped")
    services.server_file.unlink(missing_ok=True)


def _stop_strays(services: Services, marks: tuple[str, ...]) -> None:
    """Stop processes of ours that no pid file names: it was lost or damaged, or their parent died."""
    owner = str(services.settings.tracker_home)
    processes.stop(processes.orphans(owner, marks=marks), patience_s=PATIENCE_S)


def _last_lines(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines() if log.exists() else []
    return redact("\n".join(lines[-5:]))


@contextmanager
def _alone(services: Services) -> Iterator[None]:
    """Two `up` at the same time would start everything twice."""
    services.folder.mkdir(parents=True, exist_ok=True)
    with (services.folder / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
