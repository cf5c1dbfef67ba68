"""Starting with the machine: a unit of systemd's user manager, or an agent of launchd.

Both run the watchdog in the foreground and start it again when it dies; the watchdog starts everything else.
"""

from __future__ import annotations

import os
import platform
import plistlib
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from flows.server.environment import without_secrets
from profiles.errors import TrackerError
from profiles.settings import ENV_FILE, REPOSITORY, SECRETS_FOLDER, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

WATCH = (sys.executable, "-m", "flows.server.watchdog")
STOP = (sys.executable, "-m", "flows", "down")
UNIT = """[Unit]
Description=Spotify Tracker ({home})

[Service]
WorkingDirectory={repository}
{environment}
ExecStart={watch}
ExecStop={stop}
# what it has started is stopped by `down`, in its order
KillMode=process
TimeoutStopSec=180
Restart=on-failure
RestartSec=5

[Install]
WantedBy=default.target
"""
UNTRIED_ON_MACOS = "This agent of launchd has not been tried on a Mac yet: please tell us how it went."


@dataclass(frozen=True)
class Manager:
    """What starts programs at boot here: the file that tells it, and the commands that switch it on."""

    file: Path
    content: bytes
    switch_on: tuple[tuple[str, ...], ...]
    restart: tuple[str, ...]
    remark: str = ""


def manager_for(settings: Settings, secrets: Path) -> Manager | None:
    """Return the manager of this system, None where there is neither systemd nor launchd."""
    variables = _variables(settings, secrets)
    if platform.system() == "Darwin":
        return _launchd(settings, variables)
    if shutil.which("systemctl"):
        return _systemd(settings, variables)
    return None


def is_installed(settings: Settings) -> bool:
    """Say whether `switch_on` was done for this TRACKER_HOME before."""
    manager = manager_for(settings, Path())
    return manager is not None and manager.file.exists()


def switch_on(settings: Settings, secrets: Path, tell: Callable[[str], None]) -> None:
    """Write the file and let the manager read it. Raises TrackerError with what is left to be typed."""
    manager = manager_for(settings, secrets)
    if manager is None:
        raise TrackerError(
            "There is neither systemd nor launchd here; nothing was set up.",
            remedy=f"With cron, `crontab -e`: `@reboot cd {REPOSITORY} && {sys.executable} -m flows up`.",
        )
    manager.file.parent.mkdir(parents=True, exist_ok=True)
    manager.file.write_bytes(manager.content)
    for command in manager.switch_on:
        done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip().splitlines()
            raise TrackerError(
                f"{manager.file} is written, but not switched on: {' '.join(said[-1:])}",
                remedy="Type: `" + " && ".join(" ".join(each) for each in manager.switch_on) + "`.",
            )
    tell(f"at boot    {manager.file}")
    if manager.remark:
        tell(f"           {manager.remark}")


def _systemd(settings: Settings, variables: Mapping[str, str]) -> Manager:
    configured = os.environ.get("XDG_CONFIG_HOME")
    folder = (Path(configured) if configured else Path.home() / ".config") / "systemd" / "user"
    content = UNIT.format(
        home=_escaped(str(settings.tracker_home)),
        repository=_escaped(str(REPOSITORY)),
        environment="\n".join(f"Environment={_quoted(f'{k}={v}')}" for k, v in sorted(variables.items())),
        # in commands, unlike in variables, a dollar means something
        watch=" ".join(map(_quoted, WATCH)).replace("$", "$$"),
        stop=" ".join(map(_quoted, STOP)).replace("$", "$$"),
    )
    user, unit = ("systemctl", "--user"), f"{settings.label}.service"
    return Manager(
        folder / unit,
        content.encode(),
        (
            (*user, "daemon-reload"),
            (*user, "enable", unit),
            (*user, "restart", unit),
            # without it the units of a user begin when he logs in, and end with his last session
            ("loginctl", "enable-linger"),
        ),
        (*user, "restart", unit),
    )


def _launchd(settings: Settings, variables: Mapping[str, str]) -> Manager:
    label = f"org.{settings.label}"
    file = Path.home() / "Library" / "LaunchAgents" / f"{label}.plist"
    log = str(settings.tracker_home / "services" / "watchdog.log")
    content = plistlib.dumps(
        {
            "Label": label,
            "ProgramArguments": list(WATCH),
            "WorkingDirectory": str(REPOSITORY),
            "EnvironmentVariables": dict(variables),
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            "AbandonProcessGroup": True,
            "StandardOutPath": log,
            "StandardErrorPath": log,
        }
    )
    domain = f"gui/{os.getuid()}"
    restart = ("launchctl", "kickstart", "-k", f"{domain}/{label}")
    bootstrap = ("launchctl", "bootstrap", domain, str(file))
    return Manager(file, content, (bootstrap, restart), restart, UNTRIED_ON_MACOS)


def _variables(settings: Settings, secrets: Path) -> dict[str, str]:
    """Return what a process started by the system must be told: our settings, without the secret ones."""
    named = {*(name.upper() for name in Settings.model_fields), ENV_FILE, "TRACKER_CODE_FOLDER"}
    given = {name: value for name, value in os.environ.items() if name in named and value}
    return {
        **without_secrets(given),
        "TRACKER_HOME": str(settings.tracker_home),
        SECRETS_FOLDER: str(secrets),
        "PATH": os.environ.get("PATH", os.defpath),
    }


def _quoted(text: str) -> str:
    """Return a text as one word of a unit file."""
    inner = _escaped(text).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{inner}"'


def _escaped(text: str) -> str:
    return text.replace("%", "%%")
