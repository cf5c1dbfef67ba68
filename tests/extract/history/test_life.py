"""Compares exports of the simulated account, of every kind and overlapping, with its true plays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from extract.history import import_history
from sandbox.account.builders import small_account
from sandbox.account.export import Quirks, make_export
from tests.extract.history.rows import stored

if TYPE_CHECKING:
    from pathlib import Path

    from profiles.session import Session
    from sandbox.account.export import ExportKind


@pytest.mark.parametrize("kind", ["extended", "endsong", "account", "account-old"])
def test_an_export_with_its_oddities_is_counted_to_the_row(
    session: Session, export: Path, kind: ExportKind
) -> None:
    made = make_export(small_account(), kind)
    report = import_history(session, made.write(export / "my_spotify_data.zip"))
    assert (report.rows_read, report.rejected) == (made.rows, 0)
    assert report.new_rows + report.duplicates == made.rows
    assert report.duplicates >= made.doubled_rows
    assert not any(file.unknown_keys for file in report.files)


def test_the_same_history_in_two_export_formats_is_loaded_once(session: Session, export: Path) -> None:
    account = small_account()
    older = make_export(account, "endsong", quirks=Quirks.none())
    newer = make_export(account, "extended", quirks=Quirks.none())
    first = import_history(session, older.write(export / "older.zip"))
    second = import_history(session, newer.write(export / "newer.zip"))
    assert (first.new_rows, first.duplicates) == (older.rows, 0)
    assert (second.new_rows, second.duplicates) == (0, newer.rows)
    assert stored(session) == [(older.true_plays,)]
