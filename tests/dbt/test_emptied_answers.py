"""Songs that Spotify takes down: it goes on listing them, with empty names. What was known of them stays."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from extract.history import import_history
from extract.library.sync import sync_liked_tracks
from extract.loading.pipeline import ensure_tables
from sandbox.account.builders import add_simple_album
from tests.dbt.conftest import Warehouse
from tests.dbt.payloads import Raw, execute, rows, track

if TYPE_CHECKING:
    from pathlib import Path

    from profiles.session import Session
    from sandbox.account.model import Album
    from sandbox.testing import RunningSandbox

SONGS = "select title, artist, album, isrc, play_count from analytics.unified_tracks where track_id = %s"
PLAYED = """
    select title, artist, artists, album, isrc, duration_ms, recording_id
    from intermediate.int_tracks
    inner join intermediate.int_track_recordings using (track_id)
    where track_id = 'song'
"""


def account_data(folder: Path, title: str, artist: str) -> Path:
    """One-year data of five plays: it has names and no uris."""
    streams = [
        {"endTime": f"2025-03-0{day} 10:00", "artistName": artist, "trackName": title, "msPlayed": 200_000}
        for day in range(1, 6)
    ]
    path = folder / "StreamingHistory_music_0.json"
    path.write_text(json.dumps(streams), encoding="utf-8")
    return path


def liked_album(spotify: RunningSandbox, number: int) -> Album:
    """An album of one song, which is liked."""
    album = add_simple_album(spotify.account, number, [f"Song {number}"])
    spotify.account.like(album.track_ids[0])
    return album


def build(session: Session, dbt_folder: Path) -> None:
    Warehouse(session.database, Raw(session.database), dbt_folder).models(
        "--select", "+unified_tracks", TRACKER_AS_OF=""
    )


def test_a_like_whose_names_are_emptied_keeps_them_and_its_plays(
    session: Session, spotify: RunningSandbox, dbt_folder: Path, tmp_path: Path
) -> None:
    """Each song of these loses something else, and all come back with what they had."""
    ensure_tables(session)
    albums = [liked_album(spotify, number) for number in range(71, 77)]
    songs = [spotify.account.tracks[album.track_ids[0]] for album in albums]
    artists = [spotify.account.artists[album.artist_ids[0]] for album in albums]
    import_history(session, account_data(tmp_path, songs[0].name, artists[0].name))
    sync_liked_tracks(session)
    build(session, dbt_folder)
    known = [rows(session.database, SONGS, [song.id])[0] for song in songs]
    assert known[0] == ("Song 71", "Artist 71", "Album 71", songs[0].isrc, 5)

    songs[0].name = artists[0].name = albums[0].name = ""
    songs[0].isrc, songs[0].duration_ms = None, 0
    songs[1].name = ""
    songs[2].artist_ids = []
    artists[3].name = ""
    albums[4].name = ""
    songs[5].isrc = None
    sync_liked_tracks(session, full=True)
    build(session, dbt_folder)
    assert [rows(session.database, SONGS, [song.id])[0] for song in songs] == known
    replay(session, dbt_folder)
    assert [rows(session.database, SONGS, [song.id])[0] for song in songs] == known

    songs[0].name, artists[0].name = "Song 71", "Artist 71 and Others"
    sync_liked_tracks(session, full=True)
    build(session, dbt_folder)
    assert rows(session.database, SONGS, [songs[0].id])[0][:3] == (
        "Song 71",
        "Artist 71 and Others",
        "Album 71",
    )


def replay(session: Session, dbt_folder: Path) -> None:
    for schema in ("staging", "intermediate", "analytics"):
        execute(session.database, f"drop schema {schema} cascade")
    build(session, dbt_folder)


def test_a_played_track_keeps_the_last_names_that_were_not_empty(warehouse: Warehouse) -> None:
    """Whatever order the answers came in, a build from raw gives the same."""

    def play(hour: int, **changes: Any) -> list[tuple[Any, ...]]:
        song = {**track("song", "Do You Remember", isrc="GB01"), **changes}
        warehouse.raw.play(song, f"2026-05-01T{hour:02}:00:00Z")
        warehouse.models("--select", "+int_track_recordings")
        return rows(warehouse.database, PLAYED)

    first = play(10, external_ids={}, album=None)
    assert first == [("Do You Remember", "Pulp", ["Pulp"], None, None, 200_000, "track:song")]
    known = (
        "Do You Remember the First Time",
        "Pulp",
        ["Pulp"],
        "Different Class",
        "GB01",
        200_000,
        "isrc:GB01",
    )
    assert play(11, name=known[0]) == [known]
    emptied = {
        "name": "",
        "artists": [{"id": "artist-Pulp", "name": ""}],
        "duration_ms": 0,
        "external_ids": {},
    }
    assert play(12, **emptied, album={"id": "album-Different Class", "name": ""}) == [known]
    # heard before, told late
    assert play(9, **emptied, album=None) == [known]
    execute(warehouse.database, "drop schema intermediate cascade")
    warehouse.models("--select", "+int_track_recordings")
    assert rows(warehouse.database, PLAYED) == [known]
