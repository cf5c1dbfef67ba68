"""What brings back what died, and what starts it with the machine."""

from __future__ import annotations

import platform
import plistlib
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from flows.server import at_boot, watchdog
from flows.server.layout import Services
from flows.server.upgrade import back_up_before
from flows.server.watchdog import JUMP_S, Clock
from profiles.errors import TrackerError
from profiles.settings import load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from profiles.database import Database

NIGHT_S = 8 * 3600.0


def moved(wall_s: float, running_s: float, *, expected_s: float = 5.0) -> float:
    """How far the clock jumped while it moved so far, and the time that counts as running so far."""
    walls, runnings = iter([1000.0, 1000.0 + wall_s]), iter([10.0, 10.0 + running_s])
    clock = Clock(lambda: next(walls), lambda: next(runnings))
    clock.begin()
    return clock.jump_s(expected_s)


def test_time_that_passes_is_no_jump() -> None:
    assert moved(5, 5) == 0
    assert moved(40, 40) == 0  # a busy machine


def test_a_machine_that_slept_is_seen_whether_its_running_clock_stood_or_not() -> None:
    assert moved(NIGHT_S, 5) == pytest.approx(NIGHT_S - 5)
    assert moved(NIGHT_S, NIGHT_S) > NIGHT_S - 2 * JUMP_S  # as on systems where it goes on, or after SIGSTOP


def test_a_clock_that_was_set_is_seen_in_both_directions() -> None:
    assert moved(3600, 5) > 0
    assert moved(-3600, 5) < 0


def test_a_watchdog_ends_with_its_home_and_begins_nothing_anew_there(tmp_path: Path) -> None:
    watchdog.watch(tmp_path / "deleted" / "watchdog.json")
    assert list(tmp_path.iterdir()) == []


def test_one_watchdog_per_home(tracker_home: Path) -> None:
    parts = Services(load_settings())
    with watchdog.alone(parts) as is_first, watchdog.alone(parts) as is_second:
        assert (is_first, is_second) == (True, False)


def test_the_unit_of_systemd_starts_the_watchdog_of_this_home_and_holds_no_secret(
    tracker_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(shutil, "which", lambda _: "/usr/bin/systemctl")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("SPOTIFY_CLIENT_SECRET", "hidden-from-the-unit")
    monkeypatch.setenv("SPOTIFY_CLIENT_ID", '50% "of $HOME')
    manager = at_boot.manager_for(load_settings(), tmp_path / "secrets")
    assert manager is not None
    unit = manager.content.decode()
    assert "hidden-from-the-unit" not in unit
    assert f'Environment="TRACKER_HOME={tracker_home}"' in unit
    assert 'Environment="SPOTIFY_CLIENT_ID=50%% \\"of $HOME"' in unit
    assert "flows.server.watchdog" in unit
    assert "Restart=on-failure" in unit
    assert manager.file.parent == tmp_path / "systemd" / "user"


def test_systemd_understands_the_unit(tracker_home: Path, tmp_path: Path) -> None:
    verify = shutil.which("systemd-analyze")
    manager = at_boot.manager_for(load_settings(), tmp_path)
    if verify is None or manager is None:
        pytest.skip("no systemd here")
    file = tmp_path / "tracker.service"
    file.write_bytes(manager.content)
    done = subprocess.run([verify, "verify", str(file)], capture_output=True, text=True, check=False)
    assert "tracker.service" not in done.stderr  # nothing to say about ours


def test_the_agent_of_launchd_starts_the_watchdog_and_is_said_to_be_untried(
    tracker_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    manager = at_boot.manager_for(load_settings(), tracker_home)
    assert manager is not None
    agent = plistlib.loads(manager.content)
    assert agent["ProgramArguments"] == list(at_boot.WATCH)
    assert agent["EnvironmentVariables"]["TRACKER_HOME"] == str(tracker_home)
    assert agent["RunAtLoad"]
    assert "not been tried" in manager.remark


def test_without_systemd_and_launchd_the_line_for_cron_is_named(
    tracker_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Linux")
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(TrackerError, match=r"crontab -e.*@reboot"):
        at_boot.switch_on(load_settings(), tracker_home, print)


def test_another_version_is_backed_up_before_it_touches_anything(
    database: Database, tracker_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in database.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("TRACKER_BACKUP_DIR", str(tmp_path / "elsewhere"))
    said: list[str] = []
    settings, mark = load_settings(), tracker_home / "data_version"
    mark.write_text("an older version")
    back_up_before(settings, mark, said.append)
    [dump] = (tmp_path / "elsewhere").glob("*/*.dump")
    assert str(dump) in said[-1]
    back_up_before(settings, mark, said.append)
    assert len(list((tmp_path / "elsewhere").glob("*/*.dump"))) == 1


def test_a_new_database_has_nothing_to_back_up(tracker_home: Path) -> None:
    said: list[str] = []
    back_up_before(load_settings(), tracker_home / "data_version", said.append)
    assert said == []
    assert not (tracker_home / "postgres").exists()
