"""Liked tracks and saved albums against a simulated Spotify and a real PostgreSQL."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from extract import changes, library
from extract.library import sync_liked_tracks, sync_saved_albums
from profiles.database import advisory_lock
from profiles.errors import Deferred, Forbidden, SpotifyUnavailable
from sandbox.builders import add_simple_album, library_of
from sandbox.testing import RunningSandbox, running_sandbox
from tests.extract.conftest import LIKED_NOW, SAVED_NOW, page_of, scripted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from profiles.session import Session

    Ask = Callable[..., list[Any]]

EVENTS = "select kind, id, event from raw_spotify.library_removals order by noticed_at, id"


@pytest.fixture
def spotify(request: pytest.FixtureRequest) -> Iterator[RunningSandbox]:
    """The small account, or a library of the size that a test asks for by `@pytest.mark.parametrize`."""
    account = library_of(**request.param) if hasattr(request, "param") else None
    with running_sandbox(account) as sandbox:
        yield sandbox


def of_size(**size: int) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("spotify", [size], indirect=True, ids=str)


def liked(spotify: RunningSandbox) -> list[str]:
    return sorted(spotify.account.liked_ids)


# -- what comes


def test_a_first_sync_stores_every_like_as_spotify_sent_it(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    report = sync_liked_tracks(session)
    assert ask(LIKED_NOW) == liked(spotify)
    assert report.rows == len(liked(spotify))
    assert report.removed == 0
    (payload,) = ask("select payload from raw_spotify.liked_tracks order by added_at desc limit 1")
    assert set(payload) == {"added_at", "track"}
    assert payload["track"]["id"] == spotify.account.likes[0].track_id


def test_an_unchanged_library_writes_no_row(session: Session, ask: Ask) -> None:
    everything = """
        select track_id, _dlt_load_id, xmin::text from raw_spotify.liked_tracks
        union all select album_id, _dlt_load_id, xmin::text from raw_spotify.saved_albums order by 1
    """
    sync_liked_tracks(session)
    sync_saved_albums(session)
    before = ask(everything), ask("select count(*) from raw_spotify._dlt_loads")
    for full in (False, True):
        for sync in (sync_liked_tracks, sync_saved_albums):
            report = sync(session, full=full)
            assert (report.rows, report.removed) == (0, 0)
    assert (ask(everything), ask("select count(*) from raw_spotify._dlt_loads")) == before


def test_a_field_that_changed_is_stored_again(session: Session, spotify: RunningSandbox, ask: Ask) -> None:
    sync_liked_tracks(session)
    track = spotify.account.tracks[spotify.account.likes[3].track_id]
    track.name = "Another Name"
    assert sync_liked_tracks(session, full=True).rows == 1
    assert ask(
        "select payload #>> '{track,name}' from raw_spotify.liked_tracks where track_id = %s", track.id
    ) == ["Another Name"]


@of_size(likes=130)
def test_two_likes_saved_in_the_same_second_are_both_kept(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    sync_liked_tracks(session)
    album = add_simple_album(spotify.account, 900, ["One", "Two"])
    for track_id in album.track_ids:
        spotify.account.like(track_id, spotify.account.now)
    assert sync_liked_tracks(session).rows == 2
    assert ask(LIKED_NOW) == liked(spotify)


@of_size(likes=60, albums=3, long_albums=2)
def test_albums_over_fifty_tracks_are_stored_with_all_their_tracks(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    sync_saved_albums(session)
    assert spotify.calls.count("GET", "/albums/{id}/tracks") == 2
    lengths = ask("""
        select jsonb_array_length(payload #> '{album,tracks,items}') from raw_spotify.saved_albums order by 1
    """)
    assert lengths == [10, 75, 75]
    again = sync_saved_albums(session)
    assert (again.rows, again.calls) == (0, 1)
    asked_again = sync_saved_albums(session, full=True)
    assert (asked_again.rows, asked_again.calls) == (0, 3)


@of_size(albums=2, long_albums=1)
def test_a_long_album_whose_first_tracks_changed_is_completed_again(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    sync_saved_albums(session)
    album = next(album for album in spotify.account.albums.values() if len(album.track_ids) > 50)
    spotify.account.tracks[album.track_ids[0]].name = "New"
    spotify.account.tracks[album.track_ids[60]].name = "New, too"
    assert sync_saved_albums(session).rows == 1
    names = ask(
        "select jsonb_path_query(payload, '$.album.tracks.items[*].name') #>> '{}'"
        " from raw_spotify.saved_albums"
    )
    assert {"New", "New, too"} <= set(names)


@of_size(albums=2, long_albums=1)
def test_a_long_album_whose_rest_cannot_be_read_is_named_and_asked_for_again(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    spotify.faults.add("not_found", "GET", "/albums/{id}/tracks")
    report = sync_saved_albums(session)
    assert len(report.detail["incomplete_albums"]) == 1
    assert report.rows == 2
    assert sync_saved_albums(session).rows == 1
    assert (
        max(ask("select jsonb_array_length(payload #> '{album,tracks,items}') from raw_spotify.saved_albums"))
        == 75
    )


# -- what leaves


def test_a_removed_like_leaves_its_row_and_an_event(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    sync_liked_tracks(session)
    gone = spotify.account.likes[4].track_id
    spotify.account.unlike(gone)
    assert sync_liked_tracks(session).removed == 1
    assert ask(EVENTS) == [("track", gone, "removed")]
    assert ask(LIKED_NOW) == liked(spotify)
    assert ask("select count(*) from raw_spotify.liked_tracks") == [len(liked(spotify)) + 1]
    assert sync_liked_tracks(session, full=True).removed == 0


def test_a_like_taken_back_and_given_again_comes_out_liked(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    sync_liked_tracks(session)
    track_id = spotify.account.likes[2].track_id
    spotify.account.unlike(track_id)
    spotify.account.like(track_id)
    report = sync_liked_tracks(session)
    assert (report.rows, report.removed) == (1, 1)
    assert ask(LIKED_NOW) == liked(spotify)
    spotify.account.unlike(track_id)
    sync_liked_tracks(session)
    assert track_id not in ask(LIKED_NOW)
    assert ask(EVENTS) == [("track", track_id, "removed")] * 2
    assert ask("select count(distinct added_at) from raw_spotify.library_removals") == [2]


def test_an_entry_that_comes_back_with_its_old_date_is_returned(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    sync_liked_tracks(session)
    like = spotify.account.likes[5]
    for _ in range(2):
        spotify.account.unlike(like.track_id)
        sync_liked_tracks(session, full=True)
        assert like.track_id not in ask(LIKED_NOW)
        spotify.account.like(like.track_id, like.added_at)
        assert sync_liked_tracks(session, full=True).detail["returned"] == 1
        assert like.track_id in ask(LIKED_NOW)
    assert [event for _, _, event in ask(EVENTS)] == ["removed", "returned"] * 2


def test_all_likes_removed_is_believed_when_the_pass_is_whole(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    sync_liked_tracks(session)
    count = len(spotify.account.likes)
    spotify.account.likes.clear()
    assert sync_liked_tracks(session, full=True).removed == count
    assert ask(LIKED_NOW) == []
    assert ask("select count(*) from raw_spotify.liked_tracks") == [count]


def test_an_answer_without_a_total_is_not_taken_for_an_empty_library(session: Session, ask: Ask) -> None:
    sync_liked_tracks(session)
    report = sync_liked_tracks(scripted(session, me_tracks=[{"items": []}]))
    assert report.removed == 0
    assert report.detail["not_whole"] == "a page names no total"
    assert ask(EVENTS) == []


def test_unsaving_an_album_leaves_the_likes_of_its_songs(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    sync_liked_tracks(session)
    sync_saved_albums(session)
    spotify.account.unsave_album(spotify.account.saved_album_ids[0])
    sync_saved_albums(session)
    sync_liked_tracks(session)
    assert ask(LIKED_NOW) == liked(spotify)


def test_unsaving_the_last_album_is_an_ordinary_night(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    sync_saved_albums(session)
    spotify.account.saved_albums.clear()
    assert sync_saved_albums(session).removed == 1
    assert ask(SAVED_NOW) == []
    assert sync_saved_albums(session).removed == 0


def test_an_album_saved_again_is_saved(session: Session, spotify: RunningSandbox, ask: Ask) -> None:
    sync_saved_albums(session)
    album_id = spotify.account.saved_album_ids[0]
    spotify.account.save_album(album_id, spotify.account.now)
    report = sync_saved_albums(session)
    assert (report.rows, report.removed) == (1, 1)
    assert ask(SAVED_NOW) == [album_id]


@of_size(likes=320)
def test_one_removed_and_one_added_at_equal_totals_are_both_noticed(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    sync_liked_tracks(session)
    album = add_simple_album(spotify.account, 900, ["One"])
    spotify.account.unlike(spotify.account.likes[200].track_id)
    spotify.account.like(album.track_ids[0])
    report = sync_liked_tracks(session)
    assert report.detail["pass"] == "incremental"
    assert (report.rows, report.removed) == (1, 1)
    assert ask(LIKED_NOW) == liked(spotify)


# -- cut short, shifted, killed, twice


@of_size(likes=230)
@pytest.mark.parametrize(
    "fault",
    [
        ({"kind": "rate_limited", "retry_after": 85_771}, Deferred),
        ({"kind": "quota_exceeded", "retry_after": 85_771}, Deferred),
        ({"kind": "server_error", "times": None}, SpotifyUnavailable),
        ({"kind": "drop_before", "times": None}, SpotifyUnavailable),
        ({"kind": "premium_lapsed", "times": None}, Forbidden),
    ],
    ids=lambda fault: fault[0]["kind"],
)
@pytest.mark.parametrize("full", [True, False], ids=["full", "changes"])
def test_a_pass_cut_short_loads_what_came_and_removes_nothing(
    session: Session,
    spotify: RunningSandbox,
    ask: Ask,
    fault: tuple[dict[str, Any], type[Exception]],
    full: bool,
) -> None:
    sync_liked_tracks(session)
    album = add_simple_album(spotify.account, 900, ["One"])
    spotify.account.like(album.track_ids[0])
    for like in spotify.account.likes[60:70]:
        spotify.account.unlike(like.track_id)
    spotify.faults.add(method="GET", path="/me/tracks", nth=3, **fault[0])
    with pytest.raises(fault[1]):
        sync_liked_tracks(session, full=full)
    assert album.track_ids[0] in ask(LIKED_NOW)
    assert ask(EVENTS) == []
    spotify.faults.clear()
    ask("delete from ops.api_cooldowns")
    after = sync_liked_tracks(session)
    assert after.detail["why"] == "the pass before was not finished"
    assert after.removed == 10
    assert ask(LIKED_NOW) == liked(spotify)


@of_size(likes=2100)
def test_a_kill_during_a_full_pass_keeps_every_like_known_before(
    session: Session, spotify: RunningSandbox, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync_liked_tracks(session)

    def killed() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(session.spotify, "calls_made", session.spotify.calls_made)
    pages = session.spotify.pages

    def some_pages(*arguments: Any, **options: Any) -> Iterator[Any]:
        for number, page in enumerate(pages(*arguments, **options)):
            yield page
            if number == 5:
                killed()

    monkeypatch.setattr(session.spotify, "pages", some_pages)
    with pytest.raises(KeyboardInterrupt):
        sync_liked_tracks(session, full=True)
    assert ask(LIKED_NOW) == liked(spotify)


@of_size(likes=230)
def test_a_like_removed_while_paging_removes_nothing_until_a_whole_pass(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    sync_liked_tracks(session)
    spotify.account.unlike(spotify.account.likes[5].track_id)
    second = spotify.account.likes[20].track_id
    spotify.faults.on("GET", "/me/tracks", lambda: spotify.account.unlike(second), nth=3)
    report = sync_liked_tracks(session, full=True)
    assert "total moved" in report.detail["not_whole"]
    assert ask(EVENTS) == []
    assert sync_liked_tracks(session).removed == 2
    assert ask(LIKED_NOW) == liked(spotify)


@of_size(likes=230)
def test_a_swap_while_paging_at_equal_totals_removes_nothing(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    sync_liked_tracks(session)
    album = add_simple_album(spotify.account, 900, ["One"])

    def swap() -> None:
        spotify.account.unlike(spotify.account.likes[200].track_id)
        spotify.account.like(album.track_ids[0])

    spotify.faults.on("GET", "/me/tracks", swap, nth=3)
    report = sync_liked_tracks(session, full=True)
    assert "shifted" in report.detail["not_whole"]
    assert ask(EVENTS) == []
    sync_liked_tracks(session)
    assert ask(LIKED_NOW) == liked(spotify)


@of_size(likes=230)
def test_changes_found_while_the_total_moves_are_left_to_a_full_pass(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    sync_liked_tracks(session)
    spotify.account.unlike(spotify.account.likes[100].track_id)
    second = spotify.account.likes[20].track_id
    spotify.faults.on("GET", "/me/tracks", lambda: spotify.account.unlike(second), nth=2)
    report = sync_liked_tracks(session)
    assert report.detail["pass"] == "full"
    assert "total moved" in report.detail["why"]
    assert ask(LIKED_NOW) == liked(spotify)


@of_size(likes=120)
def test_ties_that_come_in_another_order_with_each_request_remove_nothing(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    moment = spotify.account.likes[0].added_at
    for like in spotify.account.likes:
        like.added_at = moment
    spotify.account.options.tie_order = "per_request"
    for _ in range(4):
        sync_liked_tracks(session)
    assert ask(EVENTS) == []


def test_a_twin_of_a_running_sync_leaves_it_the_work(session: Session, ask: Ask) -> None:
    with advisory_lock(session.database, "extract:liked_tracks", wait=False):
        report = sync_liked_tracks(session)
    assert report.detail["pass"] == "skipped"
    assert report.calls == 0
    assert sync_liked_tracks(session).rows > 0


# -- how often everything is listed


@of_size(likes=430)
def test_a_week_after_the_last_one_a_full_pass_is_made(session: Session, ask: Ask) -> None:
    assert sync_liked_tracks(session).detail["why"] == "it is the first"
    assert sync_liked_tracks(session).calls == 1
    ask("""
        update ops.source_checks
        set detail = jsonb_set(detail, '{full_at}', to_jsonb(now() - interval '9 days'))
    """)
    report = sync_liked_tracks(session)
    assert (report.calls, report.detail["why"]) == (9, "the last one is over a week old")
    assert sync_liked_tracks(session).calls == 1


@of_size(likes=430)
def test_likes_in_no_order_of_time_are_listed_in_full_each_time(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    random.Random(3).shuffle(spotify.account.likes)
    sync_liked_tracks(session)
    spotify.account.likes[:] = [
        like for like in spotify.account.likes if like is not spotify.account.likes[17]
    ]
    report = sync_liked_tracks(session)
    assert report.detail["pass"] == "full"
    assert "order" in report.detail["why"]
    assert ask(LIKED_NOW) == liked(spotify)


@of_size(likes=260)
def test_random_lives_of_a_library_end_in_the_truth(
    session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    chance = random.Random(11)
    account = spotify.account
    pool = list(account.tracks) + add_simple_album(account, 901, [f"Song {n}" for n in range(40)]).track_ids
    for _ in range(12):
        for _ in range(chance.choice([0, 1, 2, 9])):
            if chance.random() < 0.5 and account.likes:
                account.unlike(chance.choice(account.likes).track_id)
            else:
                account.like(chance.choice(pool))
        account.advance(chance.choice([0, 1, 30]))
        report = sync_liked_tracks(session)
        assert "not_whole" not in report.detail
        assert ask(LIKED_NOW) == liked(spotify)


# -- odd entries


def item(number: int, at: str, **track: Any) -> dict[str, Any]:
    return {"added_at": at, "track": {"id": f"id{number}", "name": f"Song {number}", **track}}


def test_a_like_without_an_id_is_counted_and_hides_no_removal(session: Session, ask: Ask) -> None:
    first = [
        item(3, "2026-01-03T00:00:00Z"),
        item(2, "2026-01-02T00:00:00Z"),
        item(1, "2026-01-01T00:00:00Z"),
    ]
    sync_liked_tracks(scripted(session, me_tracks=[page_of(first)]))
    veiled = {"added_at": "2026-01-02T00:00:00Z", "track": None}
    report = sync_liked_tracks(scripted(session, me_tracks=[page_of([first[0], veiled, first[2]])]))
    assert report.detail["without_id"] == 1
    assert ask(LIKED_NOW) == ["id1", "id2", "id3"], "the entry without an id may be the one that is missed"
    report = sync_liked_tracks(scripted(session, me_tracks=[page_of([first[0], veiled, first[2]])]))
    report = sync_liked_tracks(scripted(session, me_tracks=[page_of([first[0], veiled])]), full=True)
    assert ask(LIKED_NOW) == ["id2", "id3"]


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
    assert ask("select row_key from ops.quarantined_rows order by 1") == ["id2", "id3"]
    assert ask(LIKED_NOW) == ["id1", "id4"]


@pytest.mark.parametrize("size", [0, 1, 50, 51])
def test_libraries_at_the_edges_of_a_page_are_whole(
    size: int, session: Session, spotify: RunningSandbox, ask: Ask
) -> None:
    tracks = add_simple_album(spotify.account, 950, [f"Song {n}" for n in range(60)]).track_ids
    spotify.account.likes.clear()
    for number, track_id in enumerate(tracks[:size]):
        spotify.account.like(track_id, spotify.account.now - timedelta(minutes=number))
    report = sync_liked_tracks(session)
    assert "not_whole" not in report.detail
    assert ask(LIKED_NOW) == liked(spotify)
    assert ask("select total from ops.source_checks where resource = 'liked_tracks'") == [size]


def test_page_sizes_agree() -> None:
    assert library.PAGE_SIZE == changes.PAGE_SIZE == 50
