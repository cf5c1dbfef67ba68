"""Where the parts of one TRACKER_HOME are: files, addresses, and what each part finds in its environment."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flows.server import processes
from flows.server.environment import (
    COMMON,
    authorization,
    server_environment,
    services_folder,
    without_secrets,
)
from flows.server.handed_secrets import hand_on
from profiles.settings import LOOPBACK, REPOSITORY, SECRETS_FOLDER

if TYPE_CHECKING:
    from pathlib import Path

    from profiles.settings import Settings

EVERY_ADDRESS = ("0.0.0.0", "::")  # noqa: S104  # compared with, not listened on
SERVER_AUTH_STRING = "PREFECT_SERVER_API_AUTH_STRING"
# what the processes that go on running have loaded; runs load their code each time anew
LOADED = ("requirements.txt", "flows/server/*.py", "profiles/**/*.py")


@dataclass(frozen=True)
class Services:
    """Where the parts are, for one TRACKER_HOME."""

    settings: Settings

    @property
    def folder(self) -> Path:
        """The pid files."""
        return services_folder(self.settings)

    @property
    def prefect_home(self) -> Path:
        """Prefect's own state."""
        return self.settings.tracker_home / "prefect"

    @property
    def server_file(self) -> Path:
        """The server's pid file."""
        return self.folder / "server.json"

    @property
    def worker_file(self) -> Path:
        """The worker's pid file."""
        return self.folder / "worker.json"

    @property
    def watchdog_file(self) -> Path:
        """The watchdog's pid file."""
        return self.folder / "watchdog.json"

    @property
    def secrets_folder(self) -> Path:
        """The secrets that our processes are not told by their environment."""
        return self.folder / "secrets"

    @property
    def ui_url(self) -> str:
        """Where the UI is, as this machine reaches it."""
        host = self.settings.tracker_ui_host
        reached = LOOPBACK if host in EVERY_ADDRESS else f"[{host}]" if ":" in host else host
        return f"http://{reached}:{self.settings.tracker_ui_port}"

    @property
    def api_url(self) -> str:
        """Where the API is."""
        return f"{self.ui_url}/api"

    def environment(self) -> dict[str, str]:
        """The environment of every part: ours without secrets, with Prefect's state under TRACKER_HOME."""
        return {
            **without_secrets(dict(os.environ)),
            **COMMON,
            processes.OWNER_VARIABLE: str(self.settings.tracker_home),
            "TRACKER_HOME": str(self.settings.tracker_home),
            "PREFECT_HOME": str(self.prefect_home),
            "PREFECT_API_URL": self.api_url,
            "PYTHONUNBUFFERED": "1",
        }

    def server_environment(self) -> dict[str, str]:
        """The environment of the server: it alone knows what a sign-in is compared with."""
        auth_string = self.settings.prefect_server_api_auth_string
        wanted = {} if auth_string is None else {SERVER_AUTH_STRING: auth_string.get_secret_value()}
        return {
            **self.environment(),
            **server_environment(self.settings.tracker_ui_host, self.settings.tracker_ui_port),
            **wanted,
            "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events,flow_runs",
            "PREFECT_SERVER_SERVICES_DB_VACUUM_RETENTION_PERIOD": str(90 * 86_400),
        }

    def client_environment(self) -> dict[str, str]:
        """The environment of worker, runs and watchdog, which read our secrets from files."""
        return {
            **self.environment(),
            **authorization(self.settings),
            SECRETS_FOLDER: str(hand_on(self.secrets_folder)),
            "PREFECT_WORKER_QUERY_SECONDS": "5",
        }

    def fingerprint(self) -> str:
        """Tell whether a setting or the code has changed since a part was started, without keeping any."""
        # a part is told our own server, whatever the setting is
        values = self.settings.model_dump(mode="json", exclude={"prefect_api_url"})
        shown = json.dumps({**values, "secrets": self.settings.secrets()}, sort_keys=True)
        files = [file for pattern in LOADED for file in sorted(REPOSITORY.glob(pattern))]
        parts = [str(REPOSITORY).encode(), shown.encode(), *(file.read_bytes() for file in files)]
        return hashlib.sha256(b"\0".join(parts)).hexdigest()
