from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from playlists.recordings import Override, RecordingError, decide, forget, overrides

if TYPE_CHECKING:
    from profiles.database import Database


@pytest.fixture(autouse=True)
def known(database: Database) -> None:
    """Two tracks that a build knows, and one that has just been played."""
    with database.transaction() as cursor:
        cursor.execute(
            "create schema analytics; create table analytics.tracks as values ('a'), ('b');"
            "alter table analytics.tracks rename column1 to track_id;"
            "create schema raw_spotify;"
            "create table raw_spotify.recently_played as select 'spotify:track:c'::text as track_uri"
        )


def test_a_decision_about_a_track_that_nobody_knows_is_refused(database: Database) -> None:
    with pytest.raises(RecordingError, match=r"No track of your library or your plays has the id x or y;"):
        decide(database, "merge", "x", "y", "one song")
    with pytest.raises(RecordingError, match=r"has the id x; nothing was kept"):
        decide(database, "split", "a", "x", "a demo")
    assert overrides(database) == []
    assert decide(database, "merge", "a", "c", "one song").other_track_id == "c"


def test_a_new_decision_about_two_tracks_takes_the_place_of_the_old(database: Database) -> None:
    decide(database, "merge", "spotify:track:a", "b", "one song")
    decide(database, "split", "b", "https://open.spotify.com/track/a?si=1", "a demo")
    assert overrides(database) == [Override("split", "b", "a", "a demo")]


def test_a_deleted_decision_is_gone_whichever_track_is_named_first(database: Database) -> None:
    decide(database, "merge", "a", "b", "one song")
    assert forget(database, "b", "a")
    assert overrides(database) == []
    assert not forget(database, "b", "a")


@pytest.mark.parametrize(("other", "reason"), [("a", "same"), ("b", " "), ("b c", "why")])
def test_a_decision_needs_two_tracks_and_a_reason(database: Database, other: str, reason: str) -> None:
    with pytest.raises(RecordingError):
        decide(database, "merge", "a", other, reason)
