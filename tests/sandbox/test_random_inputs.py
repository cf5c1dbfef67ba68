from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, get_args

import pytest

from sandbox.api.shapes import Mode
from sandbox.testing import running_sandbox
from tests.sandbox.conftest import Api
from tests.sandbox.random_inputs import Generator, try_all

if TYPE_CHECKING:
    from pathlib import Path

CALLS = 600
SEED = 20_261_125


@pytest.mark.parametrize("mode", get_args(Mode))
def test_no_input_breaks_the_server_and_all_it_acknowledged_is_stored(tmp_path: Path, mode: Mode) -> None:
    home = tmp_path / "home"
    with running_sandbox(mode=mode, home=home) as running:
        tried = try_all(running, Generator(SEED, running, tmp_path).requests(CALLS))
        assert tried.wrong == []
        assert tried.calls == sum(tried.statuses.values()) == CALLS
        api = Api(running)
        for path in ("me", "me/tracks", "me/albums", "me/playlists", "me/player/recently-played"):
            assert api.call("GET", path).status_code == 200, path
        api.close()
        account = running.account
    with running_sandbox(home=home) as again:
        for name in ("likes", "saved_albums", "plays", "reports", "playlists", "options"):
            assert getattr(again.account, name) == getattr(account, name), name
        assert asdict(again.account.profile) == asdict(account.profile)
