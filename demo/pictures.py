"""Pictures of the UI for the documentation: `make pictures`, on the simulated account that is up.

It drives Chromium by Playwright, which the development tools bring; Chromium itself is the machine's.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from flows.server.prefect_api import ask
from flows.views.pages import VARIABLE
from profiles.settings import REPOSITORY, load_settings

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)
FOLDER = REPOSITORY / "docs" / "pictures"
DESKTOP = (1440, 900)
SHOTS = {
    "listening": ("listening", DESKTOP, "dark"),
    "playlists": ("playlists", DESKTOP, "light"),
}
"""By file name: the page, the size of the window, and whether the UI is light or dark."""


def main() -> int:
    """Take every picture. Returns 1 where Chromium is missing, else 0."""
    if not CHROMIUM.exists():
        sys.stderr.write(f"{CHROMIUM} is needed: on Debian, `apt-get install chromium`.\n")
        return 1
    address = f"http://127.0.0.1:{load_settings().tracker_ui_port}"
    ids = ask(f"{address}/api", "GET", f"variables/name/{VARIABLE}")["value"]
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        for name, (page_name, (width, height), scheme) in SHOTS.items():
            page = browser.new_page(
                viewport={"width": width, "height": height},
                color_scheme="dark" if scheme == "dark" else "light",
            )
            _take(page, f"{address}/v2/artifacts/artifact/{ids[page_name]}", FOLDER / f"{name}.png")
        browser.close()
    return 0


def _take(page: Page, address: str, file: Path) -> None:
    page.goto(address)
    page.get_by_role("heading", level=1).last.wait_for()
    page.wait_for_load_state("networkidle")
    page.screenshot(path=file)
    page.close()
    sys.stdout.write(f"{file.relative_to(REPOSITORY)}  {file.stat().st_size / 1000:.0f} kB\n")


if __name__ == "__main__":
    sys.exit(main())
