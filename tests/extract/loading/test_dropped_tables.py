"""Raw tables that somebody dropped are made again, with what dlt needs, and a warning names them."""

from __future__ import annotations

import logging
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from extract.history import import_history
from extract.library.sync import sync_liked_tracks
from extract.listening import poll
from extract.loading import pipeline
from extract.loading.groups import GROUPS
from tests.extract.conftest import LIKED_NOW, of_size, warnings_in
from tests.extract.loading.test_working_folders import (
    EXPORTS,
    export_of,
    folder_of,
    killed,
    replace_by_file,
)
from tests.extract.test_listening import PLAYS, POLLS, listen

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from profiles.database import Database
    from profiles.session import Session
    from sandbox.testing import RunningSandbox

    Ask = Callable[..., list[Any]]

twenty_plays = of_size(likes=70, albums=0, plays=20)

# what is dropped, and how many plays stand after the next poll, of which two are new and all 22 are shown
DROPS = {
    "drop table raw_spotify.recently_played cascade": 22,
    "drop table raw_spotify_staging.recently_played": 22,
    "drop table raw_spotify._dlt_loads": 22,
    "drop table raw_spotify._dlt_version": 22,
    "drop table raw_spotify_staging._dlt_version": 22,
    "drop schema raw_spotify_staging cascade": 22,
    "drop schema raw_spotify cascade": 22,
    "drop schema raw_spotify cascade; drop schema raw_spotify_staging cascade": 22,
    "alter table raw_spotify.recently_played drop column payload": 22,
    "alter table raw_spotify.recently_played drop column played_at": 22,
    "alter table raw_spotify.recently_played drop column _dlt_load_id": 22,
    "alter table raw_spotify.recently_played drop column _dlt_id": 22,
    "alter table raw_spotify_staging.recently_played drop column payload": 22,
    "drop index raw_spotify.recently_played_key": 22,
}


@pytest.fixture
def database(loaded_database: Database) -> Database:
    """A database with the tables that are then dropped."""
    return loaded_database


@twenty_plays
@pytest.mark.parametrize("statement", DROPS)
def test_a_poll_makes_again_what_was_dropped_and_goes_on_after(
    statement: str, session: Session, spotify: RunningSandbox, ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    poll(session)
    ask(statement)
    listen(spotify, 2)
    with caplog.at_level(logging.WARNING):
        poll(session)
    assert ask(PLAYS) == [22]
    assert ask(PLAYS.replace("count(*)", "count(payload)")) == [22]
    assert ("made again" in caplog.text) is ("index" not in statement)
    assert [outcome for outcome, *_ in ask(POLLS)] == ["new", "new"]
    # dbt reads rows by finished loads
    orphans = "_dlt_load_id is null or _dlt_load_id not in (select load_id from raw_spotify._dlt_loads)"
    assert ask(f"{PLAYS} where {orphans}") == [0]
    caplog.clear()
    listen(spotify, 1)
    assert poll(session).new == 1
    assert warnings_in(caplog) == []


@of_size(likes=70, albums=0, plays=50)
def test_plays_lost_after_the_table_was_dropped_are_a_suspected_gap(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    poll(session)
    ask("drop table raw_spotify.recently_played")
    listen(spotify, 60)
    assert poll(session).gap_suspected


@twenty_plays
@pytest.mark.parametrize("table", ["liked_tracks", "library_removals"])
def test_a_library_table_that_was_dropped_is_filled_by_the_next_sync_and_not_pushed_from_before(
    table: str, session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    sync_liked_tracks(session)
    spotify.account.unlike(spotify.account.likes[3].track_id)
    sync_liked_tracks(session)
    ask(f"drop table raw_spotify.{table}")
    pipeline.ensure_tables(session, "library")
    assert ask("select count(*) from ops.source_checks where resource = 'liked_tracks'") == [0]
    sync_liked_tracks(session)
    assert ask(LIKED_NOW) == sorted(spotify.account.liked_ids)


def test_every_table_comes_back_alone_and_all_at_once(session: Session, ask: Ask) -> None:
    pipeline.ensure_tables(session)
    columns = """
        select table_schema, table_name, column_name, data_type from information_schema.columns
        where table_schema like 'raw_%' order by 1, 2, 3
    """
    whole = ask(columns)
    for group in GROUPS.values():
        for table in group.tables:
            ask(f"drop table {group.dataset}.{table.name}")
        pipeline.ensure_tables(session)
        assert ask(columns) == whole
    for schema in ("raw_spotify", "raw_export"):
        ask(f"drop schema {schema} cascade")
    pipeline.ensure_tables(session)
    assert ask(columns) == whole


def test_a_table_dropped_together_with_dlts_folder_comes_back(session: Session, ask: Ask) -> None:
    poll(session)
    replace_by_file(folder_of(session, "spotify_listening"))
    ask("drop table raw_spotify.recently_played")
    poll(session)
    assert ask("select count(*) > 0 from raw_spotify.recently_played") == [True]


@pytest.mark.parametrize(
    "statement",
    [
        "drop table raw_export.streaming_history",
        "drop table raw_export.import_files",
        "drop table raw_export._dlt_loads",
        "alter table raw_export.streaming_history drop column ms_played",
        "alter table raw_export.streaming_history drop column row_hash",
        "drop schema raw_export cascade",
        "drop schema raw_export_staging cascade",
    ],
)
def test_an_import_makes_again_what_was_dropped_and_goes_on_after(
    statement: str, session: Session, ask: Ask, tmp_path: Path
) -> None:
    import_history(session, export_of(tmp_path, 1, 2))
    ask(statement)
    import_history(session, export_of(tmp_path, 3))
    import_history(session, export_of(tmp_path, 1, 2))
    assert ask(EXPORTS) == [3]
    assert ask("select count(*) from raw_export.import_files") == [2]
    orphans = "_dlt_load_id is null or _dlt_load_id not in (select load_id from raw_export._dlt_loads)"
    assert ask(f"{EXPORTS} where {orphans}") == [0]


def test_a_poll_whose_load_fails_has_left_its_row(session: Session, ask: Ask) -> None:
    poll(session)
    ask("truncate raw_spotify.recently_played; truncate ops.play_polls")
    ask("alter table raw_spotify.recently_played alter column payload type integer using 1")
    with pytest.raises(pipeline.LoadFailed):
        poll(session)
    assert [outcome for outcome, *_ in ask(POLLS)] == ["new"]


def test_a_poll_that_cannot_begin_leaves_its_row(
    session: Session, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.ensure_tables(session, "listening")
    with monkeypatch.context() as patch:
        patch.setattr("dlt.Pipeline.load", killed)
        with pytest.raises(KeyboardInterrupt):
            poll(session)
    monkeypatch.setattr(pipeline, "LOCK_TIMEOUT", "200ms")
    with closing(session.database.connect()) as reader, reader.cursor() as cursor:
        cursor.execute("lock table raw_spotify.recently_played in access exclusive mode")
        with pytest.raises(pipeline.LoadFailed, match="lock timeout"):
            poll(session)
    assert [outcome for outcome, *_ in ask(POLLS)] == ["new", "failed"]
