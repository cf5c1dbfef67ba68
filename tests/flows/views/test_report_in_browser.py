"""The report in Chromium without a network: it is whole, and its switch works."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.flows.views.test_report import html_of, whole

if TYPE_CHECKING:
    from playwright.sync_api import Route

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not installed"),
]


def test_without_a_network_charts_are_drawn_and_the_period_can_be_switched(tmp_path: Path) -> None:
    from playwright.sync_api import sync_playwright

    from demo.pictures import FLAGS

    found = whole("First", "Second")
    cover = "https://i.scdn.co/image/cover"
    tracks = found.listening.tops.tracks
    tracks[:] = [type(each)(**{**vars(each), "album_image_url": cover}) for each in tracks]
    file = tmp_path / "report.html"
    file.write_text(html_of(found), encoding="utf-8")
    asked: list[tuple[str, str]] = []

    def refuse(route: Route) -> None:
        asked.append((route.request.resource_type, route.request.url))
        route.abort()

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        page = browser.new_page(viewport={"width": 390, "height": 844})
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.route(re.compile("^https?:"), refuse)
        page.goto(file.as_uri())
        page.wait_for_function("document.querySelectorAll('.chart svg').length >= 14")
        assert errors == []
        assert page.locator("section[data-period]:visible").get_attribute("data-period") == "30d"
        page.get_by_text("all time", exact=True).last.click()
        assert page.locator("section[data-period]:visible").get_attribute("data-period") == "all"
        page.locator("section[data-period=all] .cover").first.scroll_into_view_if_needed()
        page.wait_for_function("!document.querySelector('section[data-period=all] .cover img')")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        browser.close()
    assert set(asked) == {("image", cover)}
