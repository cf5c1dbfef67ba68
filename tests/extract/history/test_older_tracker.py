"""Importing an older tracker's database, which is never written to."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from extract.cli import main
from extract.history import TrackerUnreachableError, import_tracker
from profiles.errors import SettingsError
from tests.conftest import temporary_database
from tests.extract.history.rows import stored

if TYPE_CHECKING:
    from collections.abc import Iterator

    from profiles.database import Database
    from profiles.session import Session

PLAYS = (
    "select track_id, played_at, track_name, duration_ms, payload from raw_export.tracker_plays order by 2, 1"
)
WHOLE = """
create table plays (id serial, track_id text, played_at timestamp, track_name text, artist_name text,
                    album_name text, duration_ms int, user_email text, device text);
insert into plays (track_id, played_at, track_name, artist_name, album_name, duration_ms, user_email, device)
values ('a', '2020-01-01 23:30:00.5', 'A', 'X', 'Y', 1000, 'someone@example.org', 'phone'),
       ('a', '2020-01-01 23:30:00.5', 'A', 'X', 'Y', 1000, null, 'phone'),
       (null, '2020-01-02 00:00:00', 'Local', 'X', null, null, null, null),
       ('b', null, 'B', 'X', 'Y', 1, null, null);
create table playlist_mappings (slug text, name text, playlist_id text, rules jsonb, created_at timestamp);
insert into playlist_mappings values ('deep', 'Deep', 'p1', '{"match": "all"}', '2020-01-01'),
                                     ('old', 'Old', 'p2', null, null);
create table excluded_tracks (track_id text, reason text);
insert into excluded_tracks values ('x', 'no'), (null, 'no');
"""


@pytest.fixture
def old(postgres_server: Database) -> Iterator[Database]:
    with temporary_database(postgres_server, template="template0") as database:
        yield database


def run(database: Database, script: str) -> None:
    with closing(database.connect(autocommit=True)) as connection, connection.cursor() as cursor:
        cursor.execute(script)


def address(database: Database) -> SecretStr:
    return SecretStr(database.dsn)


@pytest.mark.fault(17, "database")
def test_plays_rules_and_exclusions_come_over_with_naive_times_as_utc(
    session: Session, old: Database
) -> None:
    run(old, WHOLE + f"alter database \"{old.name}\" set timezone to 'Asia/Kolkata'")
    report = import_tracker(session, url=address(old))
    assert [(file.name, file.rows_read, sum(file.new.values()), file.rejected) for file in report.files] == [
        ("plays", 4, 2, 1),
        ("playlist_mappings", 2, 2, 0),
        ("excluded_tracks", 2, 1, 1),
    ]
    assert stored(session, PLAYS) == [
        ("a", datetime(2020, 1, 1, 23, 30, 0, 500_000, tzinfo=UTC), "A", 1000, {"id": 1, "device": "phone"}),
        (None, datetime(2020, 1, 2, tzinfo=UTC), "Local", None, {"id": 3, "device": None}),
    ]
    assert stored(session, "select slug, rules from raw_export.tracker_playlists order by 1") == [
        ("deep", {"match": "all"}),
        ("old", None),
    ]
    assert stored(session, "select track_id from raw_export.tracker_exclusions") == [("x",)]


def test_a_second_import_adds_only_what_is_new_there(session: Session, old: Database) -> None:
    run(old, WHOLE)
    import_tracker(session, url=address(old))
    tables = ("tracker_plays", "tracker_playlists", "tracker_exclusions")
    before = [stored(session, f"select * from raw_export.{table} order by 1") for table in tables]
    assert import_tracker(session, url=address(old)).new_rows == 0
    assert before == [stored(session, f"select * from raw_export.{table} order by 1") for table in tables]
    run(old, "insert into plays (track_id, played_at) values ('c', '2021-01-01')")
    run(old, "update playlist_mappings set rules = '{}' where slug = 'old'")
    report = import_tracker(session, url=address(old))
    assert report.new == {"track": 1}
    assert "1 changed" in str(report.files[1].reason)
    assert stored(session, "select rules from raw_export.tracker_playlists where slug = 'old'") == [({},)]


def test_missing_tables_and_columns_are_named_and_tolerated(session: Session, old: Database) -> None:
    run(
        old,
        "create table plays (track_id text, played_at timestamptz); insert into plays values ('a', now())",
    )
    report = import_tracker(session, url=address(old))
    assert report.plays == 1
    assert [file.reason for file in report.files] == [
        "it has no column track_name, artist_name, album_name, duration_ms",
        "it has no such table",
        "it has no such table",
    ]


def test_nothing_is_written_to_the_older_database(session: Session, old: Database) -> None:
    run(old, WHOLE)
    trap = "insert into plays default values; select ''"
    run(old, f"create function spy() returns text language sql as $$ {trap} $$")
    run(old, "alter table plays rename to really; create view plays as select *, spy() as spied from really")
    with pytest.raises(TrackerUnreachableError, match="read-only transaction"):
        import_tracker(session, url=address(old))


def test_an_address_is_asked_for_and_its_password_never_shown(session: Session) -> None:
    with pytest.raises(SettingsError, match="TRACKER_IMPORT_URL"):
        import_tracker(session)
    with pytest.raises(TrackerUnreachableError) as raised:
        import_tracker(session, url=SecretStr("postgresql://me:hunter2@127.0.0.1:1/none"))
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize("text", ["postgresql://me:hunter2@host/db", "host=x password=hunter2"])
def test_an_address_as_an_argument_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", text]) == 2
    said = capsys.readouterr().err
    assert "TRACKER_IMPORT_URL" in said
    assert "hunter2" not in said
