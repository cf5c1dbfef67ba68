"""Damaged working folders of dlt: loads go on, and no fetched row is lost."""

from __future__ import annotations

import gzip
import json
import logging
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from extract.history import import_history
from extract.library.sync import sync_liked_tracks
from extract.listening import poll
from extract.loading import pipeline
from extract.loading.tables import LIKED_TRACKS
from extract.profile import sync_profile
from profiles.doctor import examine
from tests.extract.conftest import LIKED_NOW, of_size, scripted, warnings_in
from tests.extract.loading.test_pipeline import like
from tests.extract.test_listening import PLAYS, POLLS, listen, play

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from profiles.session import Session
    from sandbox.testing import RunningSandbox

    Ask = Callable[..., list[Any]]
    Damage = Callable[[Path], object]

twenty_plays = of_size(likes=70, albums=0, plays=20)


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def replace_by_file(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.write_text("not a folder")


def replace_by_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def set_key(file: Path, key: str, value: Any) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), key: value}))


JUNK = bytes(range(256)) * 4
STATE = "state.json"
SCHEMA = "schemas/listening.schema.json"
DAMAGES: dict[str, Damage] = {
    "its state is empty": lambda folder: (folder / STATE).write_bytes(b""),
    "its state is cut": lambda folder: cut(folder / STATE),
    "its state is junk": lambda folder: (folder / STATE).write_bytes(JUNK),
    "its state is an empty object": lambda folder: (folder / STATE).write_text("{}"),
    "its state is a list": lambda folder: (folder / STATE).write_text("[]"),
    "its state is gone": lambda folder: (folder / STATE).unlink(),
    "its state is a folder": lambda folder: replace_by_folder(folder / STATE),
    "its state is of a later version": lambda folder: set_key(folder / STATE, "_state_engine_version", 999),
    "its schema is empty": lambda folder: (folder / SCHEMA).write_bytes(b""),
    "its schema is cut": lambda folder: cut(folder / SCHEMA),
    "its schema is junk": lambda folder: (folder / SCHEMA).write_bytes(JUNK),
    "its schema is an empty object": lambda folder: (folder / SCHEMA).write_text("{}"),
    "its schema is gone": lambda folder: (folder / SCHEMA).unlink(),
    "its schema is of a later version": lambda folder: set_key(folder / SCHEMA, "engine_version", 999),
    "its schema has lost its tables": lambda folder: set_key(folder / SCHEMA, "tables", {}),
    "its folder of loads is a file": lambda folder: replace_by_file(folder / "load"),
    "its folder of schemas is a file": lambda folder: replace_by_file(folder / "schemas"),
    "its storage is of a later version": lambda folder: (folder / "load/.version").write_text("99.0.0"),
    "its storage's version is empty": lambda folder: (folder / "normalize/.version").write_text(""),
    "it is a file": replace_by_file,
    "the folder around it is a file": lambda folder: replace_by_file(folder.parent),
    "dlt's folder is a file": lambda folder: replace_by_file(folder.parent.parent),
}


def folder_of(session: Session, name: str) -> Path:
    return pipeline.pipelines_folder(session.settings, session.database) / name


def set_aside(session: Session) -> list[Path]:
    return sorted(path for path in session.settings.tracker_home.rglob("*.damaged-*"))


@twenty_plays
@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES.keys())
def test_a_poll_goes_on_with_a_fresh_folder_when(
    damage: Damage, session: Session, spotify: RunningSandbox, ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    poll(session)
    before = ask("select ctid::text, recently_played::text from raw_spotify.recently_played")
    damage(folder_of(session, "spotify_listening"))
    listen(spotify, 2)
    with caplog.at_level(logging.WARNING):
        assert poll(session).new == 2
    assert ask(POLLS) == [("new", 20, 20, False), ("new", 22, 2, False)]
    assert ask(PLAYS) == [22]
    after = ask("select ctid::text, recently_played::text from raw_spotify.recently_played")
    assert set(before) <= set(after)
    assert len(set_aside(session)) == 1
    assert set_aside(session)[0].name in caplog.text
    caplog.clear()
    listen(spotify, 1)
    assert poll(session).new == 1
    assert (len(set_aside(session)), warnings_in(caplog)) == (1, [])


def killed(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


PACKAGE_STATE = "load_package_state.json"


def in_package(folder: Path, name: str) -> Path:
    (file,) = folder.rglob(name)
    return file


PENDING: dict[str, Damage] = {
    "state is empty": DAMAGES["its state is empty"],
    "state is gone": DAMAGES["its state is gone"],
    "schema is cut": DAMAGES["its schema is cut"],
    "storage is of a later version": DAMAGES["its storage is of a later version"],
    "package's schema is cut": lambda folder: cut(in_package(folder, "schema.json")),
    "package's schema is gone": lambda folder: in_package(folder, "schema.json").unlink(),
    "package's schema is of a later version": lambda folder: set_key(
        in_package(folder, "schema.json"), "engine_version", 999
    ),
    "package's state is empty": lambda folder: in_package(folder, PACKAGE_STATE).write_bytes(b""),
    "package's state is junk": lambda folder: in_package(folder, PACKAGE_STATE).write_bytes(JUNK),
}


@of_size(likes=1, albums=0, plays=0)
@pytest.mark.parametrize("step", ["normalize", "load"])
@pytest.mark.parametrize("damage", PENDING.values(), ids=PENDING.keys())
def test_plays_that_a_killed_poll_had_fetched_are_loaded_though_its(
    damage: Damage, step: str, session: Session, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.ensure_tables(session, "listening")
    items = [play(f"2026-01-01T10:00:0{n}.000Z", id=f"t{n}", uri=f"spotify:track:t{n}") for n in range(3)]
    with monkeypatch.context() as patch:
        patch.setattr(f"dlt.Pipeline.{step}", killed)
        with pytest.raises(KeyboardInterrupt):
            poll(scripted(session, me_player_recently__played=[{"items": items}]))
    assert ask(PLAYS) == [0]
    damage(folder_of(session, "spotify_listening"))
    poll(scripted(session, me_player_recently__played=[{"items": []}]))
    assert ask("select payload -> 'track' ->> 'id' from raw_spotify.recently_played order by 1") == [
        "t0",
        "t1",
        "t2",
    ]
    assert len(set_aside(session)) == 1


def test_a_poll_killed_while_it_sets_a_folder_aside_leaves_its_plays_to_the_next(
    session: Session, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.ensure_tables(session, "listening")
    item = play("2026-01-01T10:00:01.000Z", id="t1", uri="spotify:track:t1")
    with monkeypatch.context() as patch:
        patch.setattr("dlt.Pipeline.load", killed)
        with pytest.raises(KeyboardInterrupt):
            poll(scripted(session, me_player_recently__played=[{"items": [item]}]))
    cut(folder_of(session, "spotify_listening") / STATE)
    with monkeypatch.context() as patch:
        patch.setattr("dlt.Pipeline.run", killed)
        with pytest.raises(KeyboardInterrupt):
            poll(session)
    assert len(set_aside(session)) == 1
    poll(scripted(session, me_player_recently__played=[{"items": []}]))
    assert ask(PLAYS) == [1]


UNREADABLE: dict[str, Damage] = {
    "cut": cut,
    "emptied": lambda file: file.write_bytes(b""),
    "junk": lambda file: file.write_bytes(JUNK),
    "packed junk": lambda file: file.write_bytes(gzip.compress(JUNK)),
    "packed and cut": lambda file: file.write_bytes(gzip.compress(gzip.decompress(file.read_bytes())[:-20])),
}


@pytest.mark.parametrize("step", ["normalize", "load"])
@pytest.mark.parametrize("damage", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_rows_of_a_killed_load_whose_file_is_unreadable_are_kept_aside_and_stop_nothing_when(
    damage: Damage,
    step: str,
    session: Session,
    ask: Ask,
    caplog: pytest.LogCaptureFixture,
) -> None:
    pipeline.ensure_tables(session, "library")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"dlt.Pipeline.{step}", killed)
        with pytest.raises(KeyboardInterrupt):
            pipeline.load(session, "library", {LIKED_TRACKS: [like(1)]})
    (file,) = folder_of(session, "spotify_library").rglob("new_jobs/liked_tracks.*")
    damage(file)
    with caplog.at_level(logging.WARNING):
        assert pipeline.load(session, "library", {LIKED_TRACKS: [like(2)]}).rows == 1
    assert ask("select track_id from raw_spotify.liked_tracks") == ["id2"]
    (aside,) = set_aside(session)
    assert [each.name for each in aside.rglob("liked_tracks.*")] == [file.name]
    assert aside.name in caplog.text
    caplog.clear()
    assert pipeline.load(session, "library", {LIKED_TRACKS: [like(3)]}).rows == 1
    assert (set_aside(session), warnings_in(caplog)) == ([aside], [])


def test_a_sync_of_likes_and_of_the_profile_go_on_too(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    sync_liked_tracks(session)
    sync_profile(session)
    for group in ("library", "account"):
        cut(folder_of(session, f"spotify_{group}") / "schemas" / f"{group}.schema.json")
    spotify.account.unlike(spotify.account.likes[0].track_id)
    spotify.account.profile.display_name = "Someone Renamed"
    sync_liked_tracks(session)
    assert sync_profile(session).rows == 1
    assert ask(LIKED_NOW) == sorted(spotify.account.liked_ids)


def export_of(folder: Path, *numbers: int) -> Path:
    rows = [
        {
            "ts": f"2024-01-0{number}T10:00:00Z",
            "ms_played": 200_000,
            "spotify_track_uri": f"spotify:track:{number:022}",
            "master_metadata_track_name": f"Song {number}",
            "master_metadata_album_artist_name": "Someone",
        }
        for number in numbers
    ]
    file = folder / f"Streaming_History_Audio_{numbers[0]}.json"
    file.write_text(json.dumps(rows))
    return file


EXPORTS = "select count(*) from raw_export.streaming_history"


@pytest.mark.parametrize(
    "name", ["its state is empty", "its schema is cut", "its state is gone", "it is a file"]
)
def test_an_import_goes_on_with_a_fresh_folder_when(
    name: str, session: Session, ask: Ask, tmp_path: Path
) -> None:
    import_history(session, export_of(tmp_path, 1, 2))
    folder = folder_of(session, "spotify_exports")
    if "schema" in name:
        cut(folder / "schemas/exports.schema.json")
    else:
        DAMAGES[name](folder)
    import_history(session, export_of(tmp_path, 3))
    import_history(session, export_of(tmp_path, 1, 2))
    assert ask(EXPORTS) == [3]
    assert len(set_aside(session)) == 1


@pytest.mark.parametrize("step", ["normalize", "load"])
def test_what_a_killed_import_had_read_is_loaded_though_its_folder_is_damaged(
    step: str, session: Session, ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_history(session, export_of(tmp_path, 1))
    with monkeypatch.context() as patch:
        patch.setattr(f"dlt.Pipeline.{step}", killed)
        with pytest.raises(KeyboardInterrupt):
            import_history(session, export_of(tmp_path, 2, 3))
    cut(folder_of(session, "spotify_exports") / STATE)
    import_history(session, export_of(tmp_path, 4))
    assert ask(EXPORTS) == [4]
    import_history(session, export_of(tmp_path, 2, 3))
    assert ask(EXPORTS) == [4]


def test_the_doctor_reports_a_damaged_folder_and_what_was_set_aside(session: Session) -> None:
    def findings() -> list[tuple[str, str]]:
        found = [each for each in examine(session.settings).findings if each.subject == "dlt"]
        return [(each.state, each.message) for each in found]

    poll(session)
    assert [state for state, _ in findings()] == ["ok"]
    cut(folder_of(session, "spotify_listening") / STATE)
    ((state, message),) = findings()
    assert (state, "spotify_listening" in message) == ("note", True)
    poll(session)
    ((state, message),) = findings()
    assert (state, set_aside(session)[0].name in message) == ("note", True)
