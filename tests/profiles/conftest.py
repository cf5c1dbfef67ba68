from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from profiles.retries import OUTAGES, Policy
from profiles.settings import Settings, load_settings
from profiles.spotify import SpotifyClient
from tests.profiles.scripted import Scripted, scripted_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from profiles.database import Database

    OpenClient = Callable[..., AbstractContextManager[SpotifyClient]]


@pytest.fixture
def script(tracker_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scripted]:
    with scripted_server() as server:
        OUTAGES.clear()
        for name, value in server.environment.items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def pauses() -> list[float]:
    """What a client would have slept."""
    return []


@pytest.fixture
def open_client(database: Database, script: Scripted, pauses: list[float]) -> OpenClient:
    """Open clients of the scripted server, one per process so to say; keywords are settings or the policy."""

    @contextmanager
    def opened(policy: Policy | None = None, **settings: Any) -> Iterator[SpotifyClient]:
        loaded: Settings = load_settings().model_copy(update=settings)
        chosen = policy or Policy(pacing_s=0, timeout_s=(1, 1))
        client = SpotifyClient(loaded, database, policy=chosen, sleep=pauses.append)
        try:
            yield client
        finally:
            client.close()

    return opened
