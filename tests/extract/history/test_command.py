"""`tracker import` in a terminal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from extract.cli import main
from tests.extract.history.rows import extended, write

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from profiles.session import Session


def test_the_table_shows_what_was_read(
    session: Session, export: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(export / "Streaming_History_Audio_0.json", [extended(1), extended(1), extended(2, ts=None)])
    assert main(["import", str(export)]) == 0
    table = [line.strip().split("  ", 1) for line in capsys.readouterr().out.splitlines()[1:12]]
    shown = {what: amount.strip() for what, amount in table}
    counts = [shown[name] for name in ("rows read", "plays", "duplicates", "rejected")]
    assert counts == ["3", "1", "1", "1"]
    assert shown["first"] == "2023-05-01 12:04 UTC"


def test_the_json_has_the_same_counts_and_every_file(
    session: Session, export: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(export / "Streaming_History_Audio_0.json", [extended(1)])
    assert main(["import", str(export), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["plays"], report["files"][0]["outcome"]) == (1, "loaded")


def test_what_cannot_be_read_at_all_is_bad_input(
    session: Session, export: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (export / "Streaming_History_Audio_0.json").write_bytes(b"")
    assert main(["import", str(export)]) == 2
    assert main(["import", str(export / "missing")]) == 2
    assert "the file is empty" in capsys.readouterr().out
