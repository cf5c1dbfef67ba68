"""unified_tracks and the selections over a small hand-made library. One module, one story, few builds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from tests.dbt.payloads import Json, execute, rows, track

if TYPE_CHECKING:
    from tests.dbt.conftest import Warehouse

JANUARY, MARCH, MAY = "2026-01-01T10:00:00Z", "2026-03-01T10:00:00Z", "2026-05-01T10:00:00Z"
Library = dict[str, dict[str, Any]]
LOCAL_FILE: Json = {
    "uri": "spotify:local:Pulp:Demos:Babies:200",
    "id": None,
    "name": "Babies",
    "is_local": True,
}
EPISODE: Json = {"uri": "spotify:episode:ep1", "id": "ep1", "name": "An episode", "type": "episode"}


class Built(NamedTuple):
    """What stands in the warehouse after a build."""

    tracks: Library
    selections: dict[str, list[str]]


def look(warehouse: Warehouse) -> Built:
    """Read unified_tracks by id, and the track ids of each selection in their order."""
    found = rows(warehouse.database, "select to_jsonb(t) from analytics.unified_tracks as t")
    selected = rows(
        warehouse.database,
        "select slug, array_agg(track_id order by position) from analytics.playlist_selections group by slug",
    )
    return Built({row["track_id"]: row for (row,) in found}, dict(selected))


@pytest.fixture(scope="module")
def first(warehouse: Warehouse) -> Built:
    """The library after the first build."""
    raw = warehouse.raw
    raw.like(track("liked", isrc="GB01", album="A"), JANUARY)
    raw.like(track("unliked", isrc="GB02"), JANUARY)
    raw.remove("track", "unliked", JANUARY, MARCH)
    raw.like(track("reliked", isrc="GB03"), MAY)
    raw.remove("track", "reliked", JANUARY, MARCH)
    raw.like(track("returned", isrc="GB04"), JANUARY)
    raw.remove("track", "returned", JANUARY, MARCH)
    raw.remove("track", "returned", JANUARY, MAY, event="returned")
    # the same recording as a single and on an album, where tracks come without ISRC
    raw.like(track("single", "Babies", isrc="GB05", album="Babies", duration_ms=240_000), MARCH)
    on_album = [
        track("edition", "Babies", duration_ms=241_000, is_simplified=True, number=1),
        track("live", "Babies - Live", duration_ms=241_000, is_simplified=True, number=2),
        track("quiet", "Pencil Skirt", is_simplified=True, number=3),
        track("both", "Common People", is_simplified=True, number=4),
    ]
    raw.save("His 'n' Hers", on_album, JANUARY)
    raw.like(track("both", "Common People", isrc="GB06", album="His 'n' Hers", number=4, total_tracks=4), MAY)
    # un-saved: its tracks go, the like of one of them stays
    raw.save("Gone", [track("went", is_simplified=True), track("kept", is_simplified=True)], JANUARY)
    raw.remove("album", "album-Gone", JANUARY, MARCH)
    raw.like(track("kept", isrc="GB07", album="Gone"), JANUARY)
    # one play on each edition, one at night: 15 June in Berlin, 14 June in UTC
    raw.play(track("single", "Babies", isrc="GB05", duration_ms=240_000), "2026-06-14T22:30:00.123Z")
    raw.play(track("edition", "Babies", duration_ms=241_000), "2025-06-15T09:00:00Z")
    raw.play(
        track("liked", isrc="GB01"), "2026-06-10T09:00:00Z", "2026-06-10T10:00:00Z", "2026-06-01T10:00:00Z"
    )
    raw.play(track("stranger", isrc="GB99", artist="Blur"), "2026-06-10T12:00:00Z")
    raw.play(EPISODE, "2026-06-10T13:00:00Z")
    # ties: eight likes of one moment, equal in everything
    for letter in "hgfedcba":
        raw.like(track(f"tie-{letter}", artist=f"Artist {letter}", album=f"Tie {letter}"), JANUARY)
    # the exclusions: doubled, a local file, an episode, a hidden entry, another edition of a track we have
    excluded = track("excluded", isrc="GB08")
    raw.like(excluded, JANUARY)
    raw.like(track("re-edition", isrc="GB09", album="B"), JANUARY)
    raw.playlist(
        "exclusions",
        "p1",
        [excluded, excluded, LOCAL_FILE, EPISODE, None, track("other-edition", isrc="GB09", album="C")],
    )
    raw.like(track("excluded-before", isrc="GB10"), JANUARY)
    execute(
        warehouse.database,
        "insert into raw_export.tracker_exclusions values ('excluded-before', '{}', now(), '1'),"
        " ('excluded', '{}', now(), '1')",
    )
    warehouse.build()
    return look(warehouse)


def test_an_unlike_leaves_the_library(first: Built) -> None:
    assert "unliked" not in first.tracks


def test_a_relike_stands_with_its_new_date(first: Built) -> None:
    assert first.tracks["reliked"]["liked_at"] == "2026-05-01T10:00:00+00:00"


def test_a_like_that_was_missed_and_returned_stands(first: Built) -> None:
    assert first.tracks["returned"]["is_liked"]


@pytest.mark.fault(4)
def test_unsaving_an_album_takes_its_tracks_and_no_like(first: Built) -> None:
    assert "went" not in first.tracks
    kept = first.tracks["kept"]
    assert (kept["is_liked"], kept["is_album_saved"], kept["album_completion"]) == (True, False, None)


def test_a_track_both_liked_and_on_a_saved_album_was_added_by_the_earlier(first: Built) -> None:
    both = first.tracks["both"]
    assert (both["added_via"], both["added_at"]) == ("album", "2026-01-01T10:00:00+00:00")
    assert (both["is_liked"], both["is_album_saved"]) == (True, True)
    assert both["isrc"] == "GB06"


@pytest.mark.fault(16, "editions")
def test_one_play_on_each_of_two_editions_counts_twice_for_both_and_once_for_each(first: Built) -> None:
    single, edition = first.tracks["single"], first.tracks["edition"]
    assert single["recording_id"] == edition["recording_id"] == "isrc:GB05"
    assert (single["play_count"], edition["play_count"]) == (2, 2)
    assert (single["track_play_count"], edition["track_play_count"]) == (1, 1)


def test_a_live_version_is_another_recording(first: Built) -> None:
    assert first.tracks["live"]["recording_id"] != first.tracks["edition"]["recording_id"]
    assert first.tracks["live"]["play_count"] == 0


def test_windows_are_local_days(first: Built) -> None:
    liked = first.tracks["liked"]
    windows = [liked[name] for name in ("plays_7d", "plays_30d", "plays_90d", "plays_365d")]
    assert windows == [2, 3, 3, 3]
    assert (liked["days_played"], liked["max_plays_in_a_day"]) == (2, 2)
    assert first.tracks["single"]["plays_7d"] == 1
    # the play of 15 June 2025 is 365 days old, and the window holds 365 days with today
    assert first.tracks["single"]["plays_365d"] == 1


def test_a_play_in_the_night_belongs_to_the_local_day(warehouse: Warehouse, first: Built) -> None:
    found = rows(warehouse.database, "select local_date::text from analytics.plays where track_id = 'single'")
    assert found == [("2026-06-15",)]


def test_a_track_that_is_not_in_the_library_has_its_plays_only(warehouse: Warehouse, first: Built) -> None:
    assert "stranger" not in first.tracks
    assert rows(warehouse.database, "select count(*) from analytics.plays where track_id = 'stranger'") == [
        (1,)
    ]


def test_an_episode_is_no_listen(warehouse: Warehouse, first: Built) -> None:
    query = "select count(*) from analytics.listens where track_uri like 'spotify:episode:%'"
    assert rows(warehouse.database, query) == [(0,)]


def test_album_columns_sum_the_plays_of_its_recordings(first: Built) -> None:
    quiet = first.tracks["quiet"]
    assert (quiet["album_track_count"], quiet["album_play_count"]) == (4, 2)
    assert quiet["album_completion"] == 0.25


def test_artist_columns_count_a_recording_once(first: Built) -> None:
    assert first.tracks["liked"]["artist_play_count"] == 5
    assert first.tracks["tie-a"]["artist_play_count"] == 0
    assert first.tracks["tie-a"]["artist_track_count"] == 1


def test_what_an_imported_tracker_had_excluded_stays_out(first: Built) -> None:
    assert first.tracks["excluded-before"]["exclusion_reason"] == "excluded"
    assert not any("excluded-before" in selected for selected in first.selections.values())


@pytest.mark.fault(6)
def test_exclusions_survive_doubles_local_files_episodes_and_hidden_entries(first: Built) -> None:
    assert first.tracks["excluded"]["exclusion_reason"] == "excluded"
    assert first.tracks["re-edition"]["exclusion_reason"] == "another edition is excluded"
    assert not first.tracks["liked"]["is_excluded"]
    selected = {id_ for ids in first.selections.values() for id_ in ids}
    assert not selected & {"excluded", "re-edition"}


def test_one_edition_of_a_recording_stands_in_a_playlist(first: Built) -> None:
    assert first.selections["most_played"] == ["liked", "single"]


@pytest.mark.fault(13)
def test_ties_are_broken_by_the_track_id(first: Built) -> None:
    ties = [id_ for id_ in first.selections["never_played"] if id_.startswith("tie-")]
    assert ties == sorted(ties)
    assert len(ties) == 8


def test_unfinished_albums_hold_what_is_unheard(first: Built) -> None:
    assert first.selections["unfinished_albums"] == ["live", "quiet", "both"]


def test_this_day_a_year_ago_returns(first: Built) -> None:
    assert first.selections["on_this_day"] == ["single"]


def test_every_playlist_has_a_definition_and_a_verdict_of_this_build(
    warehouse: Warehouse, first: Built
) -> None:
    query = """
        select d.slug, count(*), array_agg(distinct r.status), min(d.selected_count),
            bool_and(d.definition ? 'max_edit_calls')
        from analytics.playlist_definitions as d
        inner join ops.build_results as r on r.slug = d.slug and r.invocation_id = d.invocation_id
        group by d.slug
    """
    found = {slug: rest for slug, *rest in rows(warehouse.database, query)}
    assert len(found) == 35
    for slug, (tests, statuses, count, is_whole) in found.items():
        assert (tests, statuses, is_whole) == (6, ["pass"], True), slug
        assert count == len(first.selections.get(slug, []))


@pytest.fixture(scope="module")
def elsewhere(warehouse: Warehouse, first: Built) -> Built:
    """The same raw data, built again by a session that is in Kolkata."""
    warehouse.models(PGTZ="Asia/Kolkata", PGDATESTYLE="German")
    return look(warehouse)


def test_a_second_build_in_another_session_zone_changes_nothing(first: Built, elsewhere: Built) -> None:
    assert elsewhere.selections == first.selections
    assert elsewhere.tracks == first.tracks


@pytest.fixture(scope="module")
def later(warehouse: Warehouse, elsewhere: Built) -> Built:
    """After late plays, an un-like, and the last album un-saved."""
    raw = warehouse.raw
    # an offline play that arrives days late, older than all that was known, with a load whose clock went back
    raw.play(track("liked", isrc="GB01"), "2026-05-02T09:00:00Z")
    # the poll repeats what is known: nothing doubles
    raw.play(track("liked", isrc="GB01"), "2026-06-10T09:00:00Z", "2026-06-10T10:00:00Z")
    execute(
        warehouse.database,
        "update raw_spotify.recently_played set _dlt_load_id = '1600000000.1' where played_at = %s",
        ["2026-05-02T09:00:00Z"],
    )
    execute(
        warehouse.database,
        "insert into raw_spotify._dlt_loads (load_id, schema_name, status, inserted_at)"
        " values ('1600000000.1', 'test', 0, now())",
    )
    raw.remove("track", "liked", JANUARY, MAY)
    raw.remove("album", "album-His 'n' Hers", JANUARY, MAY)
    raw.playlist("exclusions", "p1", [])
    execute(warehouse.database, "delete from raw_export.tracker_exclusions where track_id = 'excluded'")
    playlists = ("playlist_most_played", "playlist_never_played", "playlist_unfinished_albums")
    warehouse.models("--select", "+unified_tracks", "plays", *playlists, "playlist_selections")
    return look(warehouse)


@pytest.mark.fault(21)
def test_a_late_play_lands_in_its_own_day(warehouse: Warehouse, later: Built) -> None:
    query = """
        select local_date::text, count(*) from analytics.plays where track_id = 'liked' group by 1 order by 1
    """
    assert rows(warehouse.database, query) == [("2026-05-02", 1), ("2026-06-01", 1), ("2026-06-10", 2)]


@pytest.mark.fault(5)
def test_unsaving_the_last_album_breaks_nothing(later: Built) -> None:
    assert not any(found["is_album_saved"] for found in later.tracks.values())
    assert later.selections.get("unfinished_albums", []) == []
    assert later.tracks["both"]["is_liked"]


def test_a_track_that_left_leaves_every_selection(later: Built) -> None:
    assert "liked" not in later.tracks
    assert later.selections["most_played"] == ["single"]


def test_an_emptied_exclusions_playlist_lets_its_tracks_back_in(later: Built) -> None:
    assert "excluded" in later.selections["never_played"]


def test_another_zone_moves_the_days_of_old_plays_too(warehouse: Warehouse, later: Built) -> None:
    warehouse.models("--select", "+plays", TRACKER_TIMEZONE="America/New_York")
    query = "select local_date::text from analytics.plays where track_id = 'single'"
    assert rows(warehouse.database, query) == [("2026-06-14",)]
