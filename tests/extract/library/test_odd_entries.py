"""An entry that cannot be stored does not affect the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from extract.library.sync import sync_liked_tracks
from tests.extract.conftest import EVENTS, LIKED_NOW, page_of, scripted

if TYPE_CHECKING:
    from collections.abc import Callable

    from profiles.session import Session

    Ask = Callable[..., list[Any]]


def item(number: int, at: str, **track: Any) -> dict[str, Any]:
    return {"added_at": at, "track": {"id": f"id{number}", "name": f"Song {number}", **track}}


def test_a_like_without_an_id_is_counted_and_hides_no_removal(session: Session, ask: Ask) -> None:
    first = [
        item(3, "2026-01-03T00:00:00Z"),
        item(2, "2026-01-02T00:00:00Z"),
        item(1, "2026-01-01T00:00:00Z"),
    ]
    sync_liked_tracks(scripted(session, me_tracks=[page_of(first)]))
    without_track = {"added_at": "2026-01-02T00:00:00Z", "track": None}
    report = sync_liked_tracks(scripted(session, me_tracks=[page_of([first[0], without_track, first[2]])]))
    assert report.detail["without_id"] == 1
    assert ask(LIKED_NOW) == ["id1", "id2", "id3"], "the entry without an id may be the one that is missed"
    report = sync_liked_tracks(scripted(session, me_tracks=[page_of([first[0], without_track, first[2]])]))
    report = sync_liked_tracks(scripted(session, me_tracks=[page_of([first[0], without_track])]), full=True)
    assert ask(LIKED_NOW) == ["id2", "id3"]


def test_an_answer_without_a_total_is_not_taken_for_an_empty_library(session: Session, ask: Ask) -> None:
    sync_liked_tracks(session)
    report = sync_liked_tracks(scripted(session, me_tracks=[{"items": []}]))
    assert report.removed == 0
    assert report.detail["not_whole"] == "a page names no total"
    assert ask(EVENTS) == []


def test_characters_that_jsonb_refuses_do_not_stop_a_load(session: Session, ask: Ask) -> None:
    odd = [
        item(1, "2026-01-03T00:00:00Z", name="nul \u0000 here", **{"k\u0000": 1}),
        item(2, "2026-01-02T00:00:00Z", name="half \ud83d pair"),
        item(3, "2026-01-01T00:00:00Z", name="whole 🌅, 'quote', \\, \n, \u2028"),
    ]
    answer = [page_of(odd)]
    assert sync_liked_tracks(scripted(session, me_tracks=answer)).rows == 3
    names = ask("select payload #>> '{track,name}' from raw_spotify.liked_tracks order by track_id")
    assert names == ["nul  here", "half \ufffd pair", odd[2]["track"]["name"]]
    assert sync_liked_tracks(scripted(session, me_tracks=answer), full=True).rows == 0


def test_a_row_that_postgresql_refuses_is_quarantined_and_the_rest_is_loaded(
    session: Session, ask: Ask
) -> None:
    items = [
        item(1, "2026-01-03T00:00:00Z"),
        item(2, "2026-01-02T00:00:00Z", weight=10**30),
        item(3, "no date at all"),
        item(4, "2026-01-01T00:00:00Z"),
    ]
    report = sync_liked_tracks(scripted(session, me_tracks=[page_of(items)]))
    assert report.rows == 2
    assert len(report.detail["quarantined"]) == 2
    assert report.summary.startswith("2 rows, 2 not stored (2 refused, see ops.quarantined_rows), ")
    assert ask("select row_key from ops.quarantined_rows order by 1") == ["id2", "id3"]
    assert ask(LIKED_NOW) == ["id1", "id4"]
