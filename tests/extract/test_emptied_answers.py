"""After an answer without content the raw tables have both, that answer and the earlier content."""

from __future__ import annotations

import logging
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from extract.artists import sync_artist_albums, sync_artists
from extract.library.sync import sync_liked_tracks, sync_saved_albums
from extract.loading import pipeline
from extract.loading.clean import parse_time
from extract.loading.groups import GROUPS
from extract.loading.source_checks import write_check
from extract.loading.tables import FILLED, LIKED_TRACKS, SAVED_ALBUMS, RawTable
from extract.playlists import sync_playlists
from tests.extract.conftest import of_size, page_of, scripted

if TYPE_CHECKING:
    from collections.abc import Callable

    from profiles.session import Session
    from sandbox.testing import RunningSandbox

    Ask = Callable[..., list[Any]]

SONG = {
    "id": "t1",
    "uri": "spotify:track:t1",
    "name": "Nothing Lonely",
    "artists": [{"id": "a1", "name": "Opal"}],
}
OTHER = {"id": "t2", "uri": "spotify:track:t2", "name": "Other", "artists": [{"id": "a1", "name": "Opal"}]}


def test_a_like_keeps_its_names_until_they_come_back(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    names = """
        select payload #>> '{track,name}', filled_payload #>> '{track,name}'
        from raw_spotify.liked_tracks where track_id = %s
    """
    sync_liked_tracks(session)
    song = spotify.account.tracks[spotify.account.likes[0].track_id]
    known = song.name
    assert ask(names, song.id) == [(known, None)]
    song.name = ""
    assert sync_liked_tracks(session, full=True).rows == 1
    assert ask(names, song.id) == [("", known)]
    song.isrc = None
    assert sync_liked_tracks(session, full=True).rows == 1
    assert ask(names, song.id) == [("", known)]
    spotify.account.like(song.id)  # again, and still without a name
    sync_liked_tracks(session, full=True)
    assert ask(names, song.id) == [("", known)]
    song.name = "Back Again"
    song.isrc = "XX9999999999"
    sync_liked_tracks(session, full=True)
    assert ask(names, song.id) == [("Back Again", None)]


def test_an_unchanged_library_with_emptied_songs_writes_no_row(
    session: Session, spotify: RunningSandbox
) -> None:
    sync_liked_tracks(session)
    spotify.account.tracks[spotify.account.likes[0].track_id].name = ""
    sync_liked_tracks(session, full=True)
    assert sync_liked_tracks(session, full=True).rows == 0


@of_size(likes=10, albums=2, long_albums=1)
def test_an_album_keeps_its_tracks_where_the_rest_of_them_cannot_be_read(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    lengths = """
        select jsonb_array_length(coalesce(filled_payload, payload) #> '{album,tracks,items}')
        from raw_spotify.saved_albums order by 1
    """
    sync_saved_albums(session)
    known = ask(lengths)
    album = next(album for album in spotify.account.albums.values() if len(album.track_ids) > 50)
    spotify.account.tracks[album.track_ids[0]].name = ""
    album.name = ""
    spotify.faults.add("not_found", "GET", "/albums/{id}/tracks")
    assert sync_saved_albums(session).detail["incomplete_albums"]
    assert ask(lengths) == known
    assert "" not in ask(
        "select coalesce(filled_payload, payload) #>> '{album,name}' from raw_spotify.saved_albums"
    )


def test_artists_and_their_albums_keep_their_names(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    everything = """
        select coalesce(filled_payload, payload) ->> 'name' from raw_spotify.artists
        union all
        select coalesce(filled_payload, payload) ->> 'name' from raw_spotify.artist_albums order by 1
    """
    sync_saved_albums(session)
    for sync in (sync_artists, sync_artist_albums):
        sync(session)
    known = ask(everything)
    assert known == ["Small Hours", "The Ink & Feathers"]
    for artist in spotify.account.artists.values():
        artist.name = ""
    for album in spotify.account.albums.values():
        album.name = ""
    ask("delete from ops.catalog_checks")
    ask("delete from ops.source_checks")
    for sync in (sync_artists, sync_artist_albums):
        assert sync(session).rows > 0
    assert ask(everything) == known


def listed(session: Session, entries: list[Any], snapshot_id: str) -> Session:
    playlist = {"id": "p", "name": "Mine", "snapshot_id": snapshot_id}
    return scripted(session, me_playlists=[page_of([playlist])], playlists_p_items=[page_of(entries)])


def test_playlist_entries_keep_what_they_held_wherever_they_stand(session: Session, ask: Ask) -> None:
    titles = """
        select coalesce(filled_payload, payload) #>> '{item,name}'
        from raw_spotify.playlist_items order by position
    """
    first = {"added_at": "2026-01-01T00:00:00Z", "item": SONG}
    second = {"added_at": "2026-01-02T00:00:00Z", "item": OTHER}
    sync_playlists(listed(session, [first, second], "one"), ["p"])
    emptied = {**first, "item": {**SONG, "name": ""}}
    sync_playlists(listed(session, [second, emptied], "two"), ["p"])
    assert ask(titles) == ["Other", "Nothing Lonely"]
    hidden = {**second, "item": None}
    for snapshot in ("three", "four"):
        sync_playlists(listed(session, [emptied, hidden], snapshot), ["p"])
        assert ask(titles) == ["Nothing Lonely", "Other"]
    assert ask("select uri from raw_spotify.playlist_items order by position") == [SONG["uri"], None]


def test_where_fewer_items_are_null_than_missing_none_is_filled(session: Session, ask: Ask) -> None:
    at_once = [{"added_at": "2026-01-01T00:00:00Z", "item": thing} for thing in (SONG, OTHER)]
    sync_playlists(listed(session, at_once, "one"), ["p"])
    sync_playlists(listed(session, [{"added_at": "2026-01-01T00:00:00Z", "item": None}], "two"), ["p"])
    assert ask("select payload, filled_payload from raw_spotify.playlist_items") == [
        ({"added_at": "2026-01-01T00:00:00Z", "item": None}, None)
    ]


@pytest.mark.parametrize("is_folder_new", [False, True], ids=["its own folder", "a new folder"])
def test_a_table_of_an_earlier_version_gets_the_column_and_keeps_its_rows(
    session: Session,
    spotify: RunningSandbox,
    ask: Ask,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    *,
    is_folder_new: bool,
) -> None:
    def as_before(table: RawTable) -> RawTable:
        columns = {name: kind for name, kind in table.columns.items() if name != FILLED}
        return replace(table, columns=columns, optional=table.optional - {FILLED})

    before = {
        name: replace(group, tables=tuple(map(as_before, group.tables))) for name, group in GROUPS.items()
    }
    row = {
        "track_id": spotify.account.likes[0].track_id,
        "added_at": parse_time("2026-01-01T00:00:00Z"),
        "payload": {"added_at": "2026-01-01T00:00:00Z", "track": SONG},
    }
    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "GROUPS", before)
        pipeline.ensure_tables(session)
        pipeline.load(session, "library", {before["library"].tables[0]: [row]})
    write_check(session.database, "liked_tracks", parse_time("2026-01-01T00:00:00Z"), 1, {})
    if is_folder_new:  # as where a backup is restored on another machine
        shutil.rmtree(pipeline.pipelines_folder(session.settings, session.database))
    with caplog.at_level(logging.WARNING):
        pipeline.ensure_tables(session)
    assert "dropped" not in caplog.text
    assert ask("select count(*) from ops.source_checks where resource = 'liked_tracks'") == [1]
    for table in (LIKED_TRACKS, SAVED_ALBUMS):
        assert ask(
            "select is_nullable from information_schema.columns"
            " where table_schema = 'raw_spotify' and table_name = %s and column_name = %s",
            table.name,
            FILLED,
        ) == ["YES"]
    assert ask("select payload, filled_payload from raw_spotify.liked_tracks") == [(row["payload"], None)]
    sync_liked_tracks(session)
