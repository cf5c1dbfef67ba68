"""A running sandbox with a small account, and a plain HTTP client for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import requests

from sandbox.account.ids import readable_id
from sandbox.testing import RunningSandbox, running_sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator


def track_uri(number: int) -> str:
    return f"spotify:track:{readable_id('Track', number)}"


MIXED = readable_id("Playlist", 1)
LATER = readable_id("Playlist", 2)


class Api:
    """Calls the Web API of a sandbox with a valid token."""

    def __init__(self, running: RunningSandbox) -> None:
        self.running = running
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {running.access_token()}"

    def call(self, method: str, path: str, body: Any = None, **params: Any) -> requests.Response:
        return self.session.request(method, self.running.api_url + path, json=body, params=params, timeout=20)

    def get(self, path: str, **params: Any) -> Any:
        answer = self.call("GET", path, **params)
        answer.raise_for_status()
        return answer.json()

    def status(self, method: str, path: str, body: Any = None, **params: Any) -> tuple[int, str]:
        answer = self.call(method, path, body, **params)
        error = answer.json().get("error", {}) if answer.content else {}
        return answer.status_code, error.get("message", "")

    def close(self) -> None:
        self.session.close()


@pytest.fixture
def running() -> Iterator[RunningSandbox]:
    with running_sandbox() as one:
        yield one


@pytest.fixture
def api(running: RunningSandbox) -> Iterator[Api]:
    client = Api(running)
    yield client
    client.close()


@pytest.fixture
def legacy() -> Iterator[Api]:
    with running_sandbox(mode="legacy") as one:
        client = Api(one)
        yield client
        client.close()
