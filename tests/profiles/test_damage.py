"""What is damaged is renamed where it lies, and never deleted."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from profiles.damage import set_aside

if TYPE_CHECKING:
    from pathlib import Path


def test_a_damaged_file_is_renamed_with_what_belongs_to_it(tmp_path: Path) -> None:
    for name in ("kept.db", "kept.db-wal", "other.db"):
        (tmp_path / name).write_text(name)
    aside = set_aside(tmp_path / "kept.db", tmp_path / "kept.db-wal", tmp_path / "kept.db-shm")
    assert re.fullmatch(r"kept\.db\.damaged-\d{8}T\d{6}Z", aside.name)
    stamp = aside.name.removeprefix("kept.db")
    assert {file.name: file.read_text() for file in tmp_path.iterdir()} == {
        aside.name: "kept.db",
        f"kept.db-wal{stamp}": "kept.db-wal",
        "other.db": "other.db",
    }


def test_a_folder_damaged_twice_within_one_second_is_kept_twice(tmp_path: Path) -> None:
    kept = []
    for content in ("first", "second", "third"):
        folder = tmp_path / "folder"
        folder.mkdir()
        (folder / "file").write_text(content)
        kept.append(set_aside(folder))
    assert [(folder / "file").read_text() for folder in kept] == ["first", "second", "third"]
