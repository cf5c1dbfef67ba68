"""Spotify → raw → dbt → backup → another database: the marts are the same there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from extract.library.sync import sync_liked_tracks, sync_saved_albums
from extract.listening import poll
from extract.loading.pipeline import ensure_tables
from flows.purge import purge
from profiles import dbt
from profiles.database.backup import backup
from profiles.database.export import export
from profiles.database.restore import restore
from tests.conftest import temporary_database
from tests.support.lived_in import contents, files_with

if TYPE_CHECKING:
    from pathlib import Path

    from profiles.database import Database
    from profiles.session import Session

NOT_PERSONAL = {"ops.applied_schemas", "ops.installation", "ops.token_imports"}
TEMPORARY = ("ops.tokens", "ops.token_imports", "ops.pending_logins")


@pytest.mark.slow
def test_a_built_warehouse_is_carried_to_another_database_and_purged_here(
    session: Session, postgres_server: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure_tables(session)
    sync_liked_tracks(session)
    sync_saved_albums(session)
    poll(session)
    arguments = ["--quiet", "run", "--select", "+unified_tracks"]
    assert dbt.run(arguments, session.settings, session.database) == 0
    before = contents(session.database)
    assert len(before["analytics.unified_tracks"]) > 10
    with session.database.transaction() as cursor:
        cursor.execute("select refresh_token, access_token from ops.tokens")
        ((refresh_token, access_token),) = cursor.fetchall()

    file = tmp_path / "carried.dump"
    backup(session.settings, session.database, to=file)
    folder = export(session.database, tmp_path / "export").folder
    assert files_with(tmp_path / "export", refresh_token, access_token) == []
    assert refresh_token.encode() not in file.read_bytes()
    with temporary_database(postgres_server, template="template0") as other:
        assert restore(other, file).is_verified
        after = contents(other)
    compared = [name for name in before if "_staging." not in name and name not in TEMPORARY]
    assert {name: after[name] for name in compared} == {name: before[name] for name in compared}
    assert after["ops.tokens"] == []

    monkeypatch.setattr(dbt, "DBT_PROJECT_DIR", tmp_path / "project")
    purge(session.settings, session.database)
    left = contents(session.database)
    assert {name for name in left if not name.startswith("ops.")} == set()
    # nothing of a person: what was applied, a new random mark, and which token of the settings not to use
    assert {name for name, rows in left.items() if rows} <= NOT_PERSONAL
    assert refresh_token not in str(left["ops.token_imports"])
    assert not (session.settings.tracker_home / "dlt").exists()
    assert folder.exists()
