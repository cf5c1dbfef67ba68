"""Hands secrets of the environment on to processes of ours, by files that only their owner can read.

The environment of a process is inherited by all its children, shown by tools, and kept in crash reports.
"""

from __future__ import annotations

import os
from pathlib import Path

from profiles.database.private_files import draft_of, make_folder
from profiles.settings import SECRETS_FOLDER, secret_variables


def hand_on(folder: Path) -> Path:
    """Write each secret variable that is set to a file of this folder, and return the folder.

    `TRACKER_SECRETS_DIR` names it to a process that is to read them. What that variable names now is handed
    on, too; what an earlier call wrote and is no longer set goes. Raises OSError.
    """
    inherited = os.environ.get(SECRETS_FOLDER)
    make_folder(folder)
    folder.chmod(0o700)
    for name in secret_variables():
        file = folder / name.lower()
        value = os.environ.get(name) or _read(inherited, file.name)
        if not value:
            file.unlink(missing_ok=True)
            continue
        with draft_of(file) as draft:
            draft.write_text(value, encoding="utf-8")
    return folder


def _read(folder: str | None, name: str) -> str | None:
    """Return what a folder of secrets has under this name; the case of its letters does not count."""
    files = Path(folder).iterdir() if folder and Path(folder).is_dir() else ()
    found = next((file for file in files if file.name.lower() == name and file.is_file()), None)
    return None if found is None else found.read_text(encoding="utf-8").strip()
