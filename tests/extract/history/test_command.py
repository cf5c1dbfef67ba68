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


def test_the_tables_show_every_file_and_what_was_read(
    session: Session, export: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(export / "Streaming_History_Audio_0.json", [extended(1), extended(1), extended(2, ts=None)])
    (export / "Userdata.json").write_text("{}")
    assert main(["import", str(export)]) == 0
    files, totals = capsys.readouterr().out.split("\n\n")
    assert [line.split("  ")[0] for line in files.splitlines()[1:]] == [
        "Streaming_History_Audio_0.json",
        "Userdata.json",
    ]
    assert "1 rows rejected (1 × no timestamp)" in files
    table = [line.strip().split("  ", 1) for line in totals.splitlines()[1:] if line.strip()]
    shown = {what: amount.strip() for what, amount in table}
    counts = [shown[name] for name in ("rows read", "plays", "duplicates", "rejected", "repaired")]
    assert counts == ["3", "1", "1", "1", "0"]
    assert shown["first"] == "2023-05-01 12:04 UTC"


def test_the_json_has_the_same_counts_and_every_file(
    session: Session, export: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(export / "Streaming_History_Audio_0.json", [extended(1)])
    assert main(["import", str(export), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert (report["plays"], report["files"][0]["outcome"]) == (1, "loaded")


def test_a_file_that_cannot_be_read_ends_the_command_with_1_however_often(
    session: Session, export: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(export / "Streaming_History_Audio_0.json", [extended(1)])
    (export / "Streaming_History_Audio_1.json").write_bytes(b"")
    for became in ("read", "imported before"):
        assert main(["import", str(export)]) == 1
        said = capsys.readouterr().out
        [good, empty] = [line.split() for line in said.splitlines()[1:3]]
        assert " ".join(good[1:-4]) == became
        assert empty[1] == "empty"
        assert empty[-4:] == ["the", "file", "is", "empty"]


def test_what_is_not_there_is_bad_input(session: Session, export: Path) -> None:
    assert main(["import", str(export / "missing")]) == 2
    assert main(["import", str(export)]) == 2


def test_without_a_path_the_inbox_is_imported(
    session: Session, tracker_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["import"]) == 2
    write(tracker_home / "imports" / "Streaming_History_Audio_0.json", [extended(1)])
    assert main(["import"]) == 0
    assert "Streaming_History_Audio_0.json  read" in capsys.readouterr().out
