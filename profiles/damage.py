"""What can be made again and is damaged is set aside: renamed where it lies, never deleted."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from profiles.clock import real_now

if TYPE_CHECKING:
    from pathlib import Path

MARK = ".damaged-"


def set_aside(path: Path, *companions: Path) -> Path:
    """Rename a damaged file or folder to NAME.damaged-TIME (UTC) beside its place; return the new path.

    `companions` belong to it (such as an SQLite file's `-wal`) and go with it under the same time; those that
    do not exist are passed over. Raises OSError where the file system refuses.
    """
    stamp = f"{MARK}{real_now():%Y%m%dT%H%M%SZ}"
    for number in itertools.count(1):
        suffix = stamp if number == 1 else f"{stamp}-{number}"
        if not any(_renamed(each, suffix).exists() for each in (path, *companions)):
            break
    for companion in companions:
        if companion.exists():
            companion.rename(_renamed(companion, suffix))
    return path.rename(_renamed(path, suffix))


def _renamed(path: Path, suffix: str) -> Path:
    return path.with_name(f"{path.name}{suffix}")
