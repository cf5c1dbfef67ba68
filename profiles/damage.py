"""Finds damaged files that can be made again, and sets them aside: they are renamed, never deleted."""

from __future__ import annotations

import itertools
import json
import sqlite3
import tomllib
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from profiles.clock import real_now

MARK = ".damaged-"
HELD_BY_DATABASE = "It held past runs and what was set up in the UI; it did not hold your music."
HELD_BY_PROFILES = "It held the settings of Prefect's own command."
BESIDE_SQLITE = ("-wal", "-shm", "-journal")
# errors about the file's content; a locked file, a full disk or missing rights are no damage
IN_THE_FILE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


@dataclass(frozen=True)
class Damage:
    """A file that cannot be read any more: why, what it held, and the files that belong to it."""

    file: Path
    why: str
    held: str
    companions: tuple[Path, ...] = ()

    def set_aside(self) -> Path:
        """Rename the file and its companions, and return the new path. Raises OSError."""
        return set_aside(self.file, *self.companions)


def damage_of_dlt_folder(folder: Path) -> str | None:
    """Return which file in a working folder of dlt cannot be read, and why. None if all can be read."""
    try:
        if not folder.is_dir():
            return "it is a file"
        if any(folder.iterdir()) and not (folder / "state.json").is_file():
            return "state.json is missing"
        for file in (*folder.glob("*.json"), *folder.glob("schemas/*.json")):
            if not isinstance(json.loads(file.read_bytes()), dict):
                return f"{file.name} holds no object"
    except (OSError, ValueError) as error:
        return f"{type(error).__name__}: {error}"
    return None


def set_aside(path: Path, *companions: Path) -> Path:
    """Rename a damaged file or folder to NAME.damaged-TIME (UTC) in its folder, and return the new path.

    `companions` belong to it, such as the `-wal` of an SQLite file. They get the same suffix; missing ones
    are skipped. Raises OSError.
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


def damage_of_prefect_home(folder: Path) -> list[Damage]:
    """Return the damaged files among those that Prefect keeps in its home. Changes nothing."""
    database, profiles = folder / "prefect.db", folder / "profiles.toml"
    found = []
    if why := damage_of_sqlite(database):
        beside = tuple(Path(f"{database}{suffix}") for suffix in BESIDE_SQLITE)
        found.append(Damage(database, why, HELD_BY_DATABASE, beside))
    if why := damage_of_toml(profiles):
        found.append(Damage(profiles, why, HELD_BY_PROFILES))
    return found


def damage_of_sqlite(file: Path) -> str | None:
    """Return what is wrong with an SQLite file. None if it is whole, is missing, or cannot be opened now."""
    if not file.is_file():
        return None
    if file.stat().st_size == 0:
        return "it is empty"
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            ((verdict,),) = connection.execute("pragma quick_check(1)").fetchall()
    except sqlite3.Error as error:
        primary_code = error.sqlite_errorcode & 0xFF
        return str(error) if primary_code in IN_THE_FILE else None
    return None if verdict == "ok" else " ".join(str(verdict).split())


def damage_of_toml(file: Path) -> str | None:
    """Return what is wrong with a TOML file. None if it is whole, is missing, or cannot be opened now."""
    try:
        tomllib.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:  # not UTF-8, or not TOML
        return str(error)
    except OSError:
        return None
    return None
