"""What can be made again and is damaged is set aside: renamed where it lies, never deleted."""

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
IN_DATABASE = "Past runs and what was set up in the UI stood in it; your music does not."
IN_PROFILES = "Settings of Prefect's own command stood in it."
BESIDE_SQLITE = ("-wal", "-shm", "-journal")
# what SQLite says of the file's content; a locked file, a full disk or missing rights are other matters
IN_THE_FILE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


@dataclass(frozen=True)
class Damage:
    """A file that cannot be read any more, why, what it held, and the files that belong to it."""

    file: Path
    why: str
    held: str
    companions: tuple[Path, ...] = ()

    def set_aside(self) -> Path:
        """Rename the file and what belongs to it; return the new path. Raises OSError."""
        return set_aside(self.file, *self.companions)


def damage_of_dlt_folder(folder: Path) -> str | None:
    """Say which of the JSON files in a working folder of dlt's cannot be read, and why; None: all can."""
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


def in_prefect_home(folder: Path) -> list[Damage]:
    """Return what is damaged of the files that Prefect keeps below its home. Changes nothing."""
    database, profiles = folder / "prefect.db", folder / "profiles.toml"
    found = []
    if why := in_sqlite(database):
        beside = tuple(Path(f"{database}{suffix}") for suffix in BESIDE_SQLITE)
        found.append(Damage(database, why, IN_DATABASE, beside))
    if why := in_toml(profiles):
        found.append(Damage(profiles, why, IN_PROFILES))
    return found


def in_sqlite(file: Path) -> str | None:
    """Return what is wrong with an SQLite file; None where it is whole or missing, or does not open now."""
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


def in_toml(file: Path) -> str | None:
    """Return what is wrong with a TOML file; None where it is whole or missing, or does not open now."""
    try:
        tomllib.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:  # no UTF-8, or no TOML
        return str(error)
    except OSError:
        return None
    return None
