"""Bars of long work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from prefect import flow
from prefect.settings import PREFECT_API_URL

from flows.run import progress
from flows.run.progress import LONG, progress_bar
from flows.server import prefect_api

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.usefixtures("prefect_server")


@pytest.fixture(autouse=True)
def always_due(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "TELL_EVERY_S", 0.0)


def shown(key: str) -> list[tuple[float, str]]:
    where = {"artifacts": {"key": {"any_": [key]}}}
    found: list[dict[str, Any]] = prefect_api.ask(
        str(PREFECT_API_URL.value()), "POST", "artifacts/filter", where
    )
    return [(one["data"], one["description"]) for one in found]


def in_a_run(work: Callable[[], None]) -> bool:
    """Run it as a flow; says whether it completed."""
    return bool(flow(work)(return_state=True).is_completed())


def test_work_of_a_moment_shows_no_bar() -> None:
    def work() -> None:
        with progress_bar("short", "likes listed") as bar:
            bar(LONG - 1, LONG - 1)

    assert in_a_run(work)
    assert shown("short") == []


def test_long_work_moves_one_bar_to_its_end() -> None:
    seen = []

    def work() -> None:
        with progress_bar("long", "likes listed") as bar:
            for done in (1_000, 2_000):
                bar(done, 4_000)
                seen.append(shown("long"))

    assert in_a_run(work)
    assert seen == [[(25, "likes listed: 1,000 of 4,000")], [(50, "likes listed: 2,000 of 4,000")]]
    assert shown("long") == [(100, "likes listed: done")]


def test_work_that_fails_leaves_its_bar_where_it_was() -> None:
    def work() -> None:
        with progress_bar("broken", "likes listed") as bar:
            bar(1_000, 4_000)
            raise ValueError("cut short")

    assert not in_a_run(work)
    assert shown("broken") == [(25, "likes listed: 1,000 of 4,000")]


def test_a_server_that_is_away_does_not_stop_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise httpx.ConnectError("connection refused")

    monkeypatch.setattr(progress, "create_progress_artifact", refuse)
    with progress_bar("away", "likes listed") as bar:
        bar(1_000, 4_000)
