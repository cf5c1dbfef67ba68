"""What goes wrong while a command runs: at Spotify, on the machine, with the database, with files of ours."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager, suppress
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING, Any

import psutil

from profiles.database import embedded

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.context import ForkServerProcess
    from pathlib import Path

    from tests.faults.schedule import Trouble
    from tests.faults.world import World

SMALL_DISK = "64k"
ANSWER_DETAILS: dict[str, dict[str, Any]] = {
    "rate_limited": {"retry_after": 0},
    "quota_exceeded": {"retry_after": 85_771, "path": "/me/*"},
    "timeout": {"delay_s": 0.2},
    "timeout_after": {"delay_s": 0.2},
}


@contextmanager
def prepared(world: World, trouble: Trouble | None) -> Iterator[dict[str, str]]:
    """Yield the environment of a command whose trouble has been prepared."""
    environment = world.environment
    if trouble is None:
        yield environment
    elif trouble.kind == "full_disk":
        with _small_disk(world.home / "dlt"):
            yield environment
    else:
        if trouble.kind == "clock_behind":
            [(latest,)] = world.query("select simulated_at from ops.installation")
            environment["TRACKER_AS_OF"] = (latest - timedelta(hours=1)).isoformat()
        PREPARATIONS.get(trouble.kind, _answer)(world, trouble)
        yield environment


def meddle(world: World, trouble: Trouble | None, child: ForkServerProcess) -> None:
    """Do to a running process what its trouble is."""
    if trouble is None or child.pid is None:
        return
    faults = world.spotify.faults
    if trouble.kind == "kill_at_any_time":
        child.join(Random(trouble.dice).uniform(0.05, 1.5))
        child.kill()
    if trouble.kind not in ("kill_before", "kill_after", "stop"):
        return
    while child.is_alive() and faults.wait_for_hang(0.2) is None:
        pass
    if not child.is_alive():
        return
    if trouble.kind == "stop":  # the answer comes, and the connection goes, while it stands still
        with suppress(psutil.NoSuchProcess):
            process = psutil.Process(child.pid)
            process.suspend()
            faults.wait_for_no_hang()
            process.resume()
    else:
        child.kill()
        child.join()
        faults.wait_for_no_hang()


def _answer(world: World, trouble: Trouble) -> None:
    details = {"nth": trouble.nth, "times": trouble.times, **ANSWER_DETAILS.get(trouble.kind, {})}
    world.spotify.faults.add(trouble.kind, **details)  # type: ignore[arg-type]  # one of ANSWERS


def _at_call(world: World, trouble: Trouble, action: Callable[[World], None]) -> None:
    world.spotify.faults.on("*", "*", lambda: action(world), nth=trouble.nth)


def _revoke(world: World, _: Trouble) -> None:
    world.spotify.tokens.expire_access_tokens()
    world.spotify.tokens.revoke_refresh_tokens()


def _kill_backends(world: World) -> None:
    """End every connection, as a restart of a given server does."""
    world.query(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where pid <> pg_backend_pid() and backend_type = 'client backend'"
    )


def _kill_server(world: World) -> None:
    """Let the database die without a word, as a machine does that runs out of memory; nobody starts it."""
    pid = int((embedded.data_folder(world.home) / "postmaster.pid").read_text().split()[0])
    server = psutil.Process(pid)
    family = [server, *server.children(recursive=True)]
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(family, timeout=5)


def _damage(folder: Path, dice: Random) -> None:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if not files:
        return
    file = dice.choice(files)
    match dice.randrange(3):
        case 0:
            file.write_bytes(b"")
        case 1:
            file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
        case _:
            file.write_bytes(bytes(range(256)))


@contextmanager
def _small_disk(folder: Path) -> Iterator[None]:
    """Put a file system without room in the place of a folder, where that is allowed; else do nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK}", "tmpfs", str(folder)],
        capture_output=True,
        check=False,
    )
    try:
        yield
    finally:
        if mounted.returncode == 0:
            subprocess.run(["umount", "-l", str(folder)], check=True)


PREPARATIONS: dict[str, Callable[[World, Trouble], object]] = {
    "kill_before": lambda world, it: world.spotify.faults.add("hang_before", nth=it.nth),
    "kill_after": lambda world, it: world.spotify.faults.add("hang_after", nth=it.nth),
    "stop": lambda world, it: world.spotify.faults.add("timeout", nth=it.nth, delay_s=1.0),
    "backends": lambda world, it: world.spotify.faults.on(
        "*", "*", lambda: _kill_backends(world), nth=it.nth
    ),
    "database": lambda world, it: world.spotify.faults.on("*", "*", lambda: _kill_server(world), nth=it.nth),
    "damage": lambda world, it: _damage(world.home / "dlt", Random(it.dice)),
    "expired_token": lambda world, _: world.spotify.tokens.expire_access_tokens(),
    "revoked_refresh_token": _revoke,
    "kill_at_any_time": lambda _world, _trouble: None,
    "twin": lambda _world, _trouble: None,
    "clock_behind": lambda _world, _trouble: None,
}
"""What is done before the command; a kind that does not stand here is an answer of Spotify."""
