"""prefect.yaml onto a server, when there is something new to tell it."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from typing import TYPE_CHECKING

from flows.server import deploy_step
from flows.server.prefect_api import ask, deployments_on
from flows.server.prefect_yaml import PREFECT_YAML, listed_flows
from flows.views.frame import LIBRARY, MENU
from flows.views.markdown import link
from profiles.errors import TrackerError
from profiles.settings import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from flows.views.pages import Addresses

TIMEOUT_S = 300
TO_PAGES = "../../artifacts/artifact/"
"""From a deployment's page, in either of Prefect's UIs."""
LINKS_BEGIN = f"[{MENU[LIBRARY]}]({TO_PAGES}"


def deploy(api_url: str, mark: Path, environment: Mapping[str, str], tell: Callable[[str], None]) -> None:
    """Deploy every flow, unless the server has them all and neither code nor settings have changed.

    `mark` is the file that remembers what was deployed last. Raises TrackerError with what Prefect said.
    """
    wanted, names = fingerprint(), {flow.name for flow in listed_flows(deploy_step.settings())}
    if (
        mark.exists()
        and mark.read_bytes() == wanted.encode()
        and names <= {each["name"] for each in deployments_on(api_url)}
    ):
        tell(f"deployed   {len(names)} flows with their schedules (unchanged)")
        return
    done = subprocess.run(
        [sys.executable, "-m", "prefect", "--no-prompt", "deploy", "--all"],
        cwd=REPOSITORY,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
    )
    if done.returncode != 0:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-15:])
        raise TrackerError(f"The flows could not be deployed:\n{said}")
    mark.write_text(wanted)
    tell(f"deployed   {len(names)} flows with their schedules")


def link_pages(api_url: str, pages: Addresses) -> None:
    """Begin each deployment's description with links to the pages: Prefect's menu has none to them."""
    links = " · ".join(link(title, pages.of(name, folder=TO_PAGES)) for name, title in MENU.items())
    ours = {flow.name for flow in listed_flows({})}
    for each in deployments_on(api_url):
        about = each["description"] or ""
        first, _, rest = about.partition("\n\n")
        if each["name"] in ours and first != links:
            kept = rest if first.startswith(LINKS_BEGIN) else about
            ask(api_url, "PATCH", f"deployments/{each['id']}", {"description": f"{links}\n\n{kept}"})


def fingerprint() -> str:
    """Return what changes when deployments may: their file, settings, and the code that forms are made of."""
    folders = ("flows", "extract", "playlists", "profiles")
    files = [PREFECT_YAML, *sorted(file for name in folders for file in (REPOSITORY / name).rglob("*.py"))]
    settings = json.dumps(deploy_step.settings(), sort_keys=True)
    return hashlib.sha256(b"\0".join([settings.encode(), *(file.read_bytes() for file in files)])).hexdigest()
