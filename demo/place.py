"""The folder of the demo: a TRACKER_HOME below the real one, with its own database and account."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from profiles.errors import TrackerError
from profiles.settings import REPOSITORY, load_settings

EXPORT = re.compile(r"export (SPOTIFY_[A-Z_]+)=(.*)")
# settings of the real account, database and server, which the demo must never use
NOT_INHERITED = (
    *("DB_HOST", "DB_PORT", "DB_NAME", "DB_USER", "DB_PASSWORD", "DB_SSLMODE"),
    *("TRACKER_SECRETS_DIR", "TRACKER_BACKUP_DIR"),
    *("TRACKER_SECRET_KEY", "TRACKER_AS_OF", "PREFECT_API_URL", "PREFECT_API_KEY", "PREFECT_HOME"),
)
MARKER = "TRACKER_DEMO_HOME"


@dataclass(frozen=True)
class Place:
    """The demo's folder."""

    home: Path

    @property
    def account(self) -> Path:
        """The simulated account's folder."""
        return self.home / "spotify"

    @property
    def diary(self) -> Path:
        """The file that records how far the demo has come."""
        return self.home / "demo.json"

    def environment(self) -> dict[str, str]:
        """Return the settings with which the product uses the simulated account.

        Raises TrackerError if the account has never been served.
        """
        settings = load_settings()
        return {
            MARKER: str(self.home),
            "TRACKER_HOME": str(self.home),
            "TRACKER_ENV_FILE": os.devnull,
            "TRACKER_TIMEZONE": settings.tracker_timezone,
            "TRACKER_UI_PORT": str(settings.tracker_ui_port),
            "TRACKER_POLL_SECONDS": str(settings.tracker_poll_seconds),
            "SPOTIFY_PACING_S": "0",  # nobody else's server has to be spared
            **self._spotify(),
        }

    def shell(self) -> str:
        """Return these settings as lines for a shell to evaluate.

        If there is no account, the lines end the shell.
        """
        try:
            variables = self.environment()
        except TrackerError as error:
            return f"echo {shlex.quote(str(error))} >&2; exit 2"
        lines = [f"unset {' '.join(NOT_INHERITED)}"]
        return "\n".join(
            [*lines, *(f"export {name}={shlex.quote(value)}" for name, value in variables.items())]
        )

    def _spotify(self) -> dict[str, str]:
        done = sandbox(self, "env", check=False)
        found = {name: shlex.split(value)[0] for name, value in EXPORT.findall(done.stdout)}
        if done.returncode != 0 or not found:
            raise TrackerError(
                "There is no simulated account yet.",
                remedy="Make one: `tracker demo`, or `tracker --sandbox up`.",
            )
        return found


def find_place() -> Place:
    """Return the demo's folder below TRACKER_HOME. Within the demo's environment it is the same one."""
    own = os.environ.get(MARKER)
    return Place(Path(own) if own else load_settings().tracker_home / "sandbox")


def enter(variables: dict[str, str]) -> None:
    """Make this process use the simulated account."""
    for name in NOT_INHERITED:
        os.environ.pop(name, None)
    os.environ.update(variables)


def sandbox(
    place: Place, command: str, *options: str, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run a command of the sandbox. With `check`, raises TrackerError with its output if it fails."""
    done = subprocess.run(
        [sys.executable, "-m", "sandbox", command, "--home", str(place.account), *options],
        cwd=REPOSITORY,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if check and done.returncode != 0:
        raise TrackerError(f"The sandbox: {(done.stderr or done.stdout).strip()}")
    return done
