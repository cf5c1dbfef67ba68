"""Loads: empty tables, packages that a kill left, two loads at the same time, locks."""

from __future__ import annotations

import logging
import os
import re
import signal
import subprocess
import sys
import threading
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from extract.library.sync import sync_liked_tracks
from extract.loading import pipeline
from extract.loading.clean import clean, parse_time
from extract.loading.groups import GROUPS
from extract.loading.tables import LIKED_TRACKS, PLAYLIST_ITEMS
from extract.profile import sync_profile
from sandbox.account.builders import library_of
from sandbox.testing import RunningSandbox, running_sandbox
from tests.extract.conftest import LIKED_NOW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from profiles.session import Session

    Ask = Callable[..., list[Any]]

KEYS = r"""
    select count(*) from pg_indexes
    where
        schemaname in ('raw_spotify', 'raw_export') and tablename not like '\_dlt%'
        and indexdef like 'CREATE UNIQUE%' and indexdef not like '%(_dlt_id)%'
"""


@pytest.fixture
def spotify() -> Iterator[RunningSandbox]:
    """A library of some pages."""
    with running_sandbox(library_of(likes=170, albums=4, plays=5, playlists=2)) as sandbox:
        yield sandbox


def like(number: int, **payload: Any) -> dict[str, Any]:
    return {
        "track_id": f"id{number}",
        "added_at": parse_time("2026-01-01T00:00:00Z"),
        "payload": {"added_at": "2026-01-01T00:00:00Z", **payload},
    }


def test_every_table_stands_with_its_columns_and_a_unique_key_before_the_first_row(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    pipeline.ensure_tables(session)
    tables = [(group.dataset, table) for group in GROUPS.values() for table in group.tables]
    for dataset, table in tables:
        columns = ask(
            "select column_name from information_schema.columns where table_schema = %s"
            " and table_name = %s order by ordinal_position",
            dataset,
            table.name,
        )
        own = ["_dlt_load_id"] if table.is_copied else ["_dlt_load_id", "_dlt_id"]
        assert columns == [*table.columns, *own]
        assert ask(f"select count(*) from {dataset}.{table.name}") == [0]
    assert ask(KEYS) == [len(tables)]
    assert spotify.calls.total == 0


def test_tables_that_are_made_for_the_first_time_are_no_load_of_an_earlier_run(
    session: Session, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    pipeline.ensure_tables(session)
    assert [line for line in caplog.messages if "earlier run" in line] == []


def test_making_the_tables_again_is_cheap_and_starts_no_load(
    session: Session, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.ensure_tables(session)

    def no_load(*_: Any) -> None:
        raise AssertionError("dlt was started")

    monkeypatch.setattr(pipeline, "open_loader", no_load)
    pipeline.ensure_tables(session)


def test_no_personal_row_stays_in_dlts_folder_or_staging(
    session: Session, ask: Ask, tracker_home: Path
) -> None:
    sync_liked_tracks(session)
    assert ask("select count(*) from raw_spotify_staging.liked_tracks") == [0]
    left = [
        path
        for path in tracker_home.rglob("*")
        if path.is_file() and "Liked song" in path.read_text("latin-1")
    ]
    assert left == []
    assert not [path for path in tracker_home.rglob("*") if path.name.startswith("liked_tracks.")]


def test_a_package_that_a_kill_left_is_loaded_before_anything_new(
    session: Session, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.ensure_tables(session, "library")

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("dlt.Pipeline.load", killed)
        with pytest.raises(KeyboardInterrupt):
            pipeline.load(session, "library", {LIKED_TRACKS: [like(1)]})
    assert ask("select track_id from raw_spotify.liked_tracks") == []
    loaded = pipeline.load(session, "library", {LIKED_TRACKS: [like(2)]})
    assert loaded.rows == 1
    assert ask("select track_id from raw_spotify.liked_tracks order by 1") == ["id1", "id2"]


def test_a_package_that_cannot_be_loaded_is_dropped_and_does_not_stop_the_next(
    session: Session, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.ensure_tables(session, "library")

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    for broken in ("normalize", "load"):
        poisoned = {LIKED_TRACKS: [like(1, name="nul \u0000")]}
        with monkeypatch.context() as patch:
            patch.setattr(f"dlt.Pipeline.{broken}", killed)
            with pytest.raises(KeyboardInterrupt):
                pipeline.load(session, "library", poisoned)
        assert pipeline.load(session, "library", {LIKED_TRACKS: [like(2)]}).rows == 1
        assert ask("select track_id from raw_spotify.liked_tracks") == ["id2"]


def test_one_bad_row_among_many_is_named_and_the_others_are_loaded(session: Session, ask: Ask) -> None:
    rows = [like(number) for number in range(40)]
    rows[17] = like(17, weight=10**30)
    rows[33] = like(33, name="nul \u0000")
    loaded = pipeline.load(session, "library", {LIKED_TRACKS: rows})
    assert loaded.rows == 38
    assert sorted(row.key for row in loaded.rejected) == ["id17", "id33"]
    assert ask("select count(*) from raw_spotify.liked_tracks") == [38]
    assert ask("select reason from ops.quarantined_rows where row_key = 'id33'")[0].startswith(
        "UntranslatableCharacter"
    )


def test_a_load_waits_for_a_locked_table_and_rejects_no_row_because_of_it(
    session: Session, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.ensure_tables(session, "library")
    monkeypatch.setattr(pipeline, "LOCK_TIMEOUT", "200ms")
    with closing(session.database.connect()) as reader, reader.cursor() as cursor:
        cursor.execute("lock table raw_spotify.liked_tracks in access exclusive mode")
        with pytest.raises(pipeline.LoadFailed, match="lock timeout"):
            pipeline.load(session, "library", {LIKED_TRACKS: [like(1)]})
    assert ask("select count(*) from ops.quarantined_rows") == [0]
    pipeline.finish_pending(session, "library")
    assert ask("select track_id from raw_spotify.liked_tracks") == ["id1"]


def test_two_loads_at_the_same_time_take_turns(session: Session, ask: Ask) -> None:
    pipeline.ensure_tables(session, "library")
    failures: list[BaseException] = []

    def load(first: int) -> None:
        try:
            pipeline.load(session, "library", {LIKED_TRACKS: [like(first + n) for n in range(50)]})
        except BaseException as error:  # a thread's error has to reach the test
            failures.append(error)

    threads = [threading.Thread(target=load, args=[first]) for first in (0, 25, 1000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert ask("select count(*) from raw_spotify.liked_tracks") == [125]


def test_a_row_marked_gone_leaves_and_its_mark_is_not_stored(session: Session, ask: Ask) -> None:
    def entry(position: int, **more: Any) -> dict[str, Any]:
        return {"playlist_id": "p", "position": position, "uri": "u", "payload": {}, **more}

    pipeline.load(session, "playlists", {PLAYLIST_ITEMS: [entry(n) for n in range(3)]})
    for _ in range(2):
        pipeline.load(
            session, "playlists", {PLAYLIST_ITEMS: [entry(1, is_gone=True), entry(9, is_gone=True)]}
        )
        assert ask("select position from raw_spotify.playlist_items order by 1") == [0, 2]


def test_the_profile_is_stored_once_and_again_when_it_changes(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    assert [sync_profile(session).rows for _ in range(2)] == [1, 0]
    spotify.account.profile.display_name = "Someone Renamed"
    assert sync_profile(session).rows == 1
    assert ask("select account_id, payload ->> 'display_name' from raw_spotify.profile") == [
        (spotify.account.profile.account_id, "Someone Renamed")
    ]


def test_what_jsonb_cannot_hold_is_cleaned_and_everything_else_stays() -> None:
    whole = {"a": ["é", "🌅", "שיר", "\u2028", 1, 1.5, None, True], "b": {"c'": 'd"\\'}}
    assert clean(whole) == whole
    assert clean({"a\u0000": ["\u0000x", "\ud83d"]}) == {"a": ["x", "\ufffd"]}


def run_extract(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "extract", "sync", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_command_line_loads_everything_and_reports_it(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    done = run_extract()
    assert done.returncode == 0, done.stderr
    [likes] = [line.split(maxsplit=2) for line in done.stdout.splitlines() if line.startswith("likes")]
    assert likes[:2] == ["likes", "done"]
    assert likes[2].startswith("170 rows")
    assert ask(LIKED_NOW) == sorted(spotify.account.liked_ids)
    assert ask("select count(*) from raw_spotify.saved_albums") == [4]
    as_json = run_extract("likes", "--json")
    assert '"rows": 0' in as_json.stdout


def test_the_command_lines_exit_status_tells_bad_input_deferral_and_failure(
    session: Session, spotify: RunningSandbox
) -> None:
    assert run_extract("liked_tracks").returncode == 2
    spotify.faults.add("quota_exceeded", "GET", "/me/tracks", retry_after=40_000)
    deferred = run_extract("likes", "plays")
    assert deferred.returncode == 3
    assert re.search(r"^plays +done +[1-9][0-9]* new of", deferred.stdout, re.MULTILINE)
    spotify.faults.add("premium_lapsed", "GET", "/me")
    assert run_extract("profile", "likes").returncode == 1


@pytest.mark.fault(3)
@pytest.mark.parametrize("nth", [1, 2, 4])
def test_a_sync_killed_while_it_pages_is_made_good_by_the_next(
    session: Session, spotify: RunningSandbox, ask: Ask, nth: int
) -> None:
    sync_liked_tracks(session)
    spotify.account.unlike(spotify.account.likes[100].track_id)
    spotify.faults.add("hang_before", "GET", "/me/tracks", nth=nth)
    child = subprocess.Popen(
        [sys.executable, "-m", "extract", "sync", "likes", "--full"], stderr=subprocess.DEVNULL
    )
    assert spotify.faults.wait_for_hang(60) is not None
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    assert ask("select count(*) from raw_spotify.liked_tracks") == [170]
    assert ask("select count(*) from raw_spotify.library_removals") == [0]
    spotify.faults.clear()
    sync_liked_tracks(session)
    assert ask(LIKED_NOW) == sorted(spotify.account.liked_ids)
