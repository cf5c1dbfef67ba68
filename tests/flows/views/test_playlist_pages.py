"""The pages of playlists: all of them are listed, and every figure is that of its row."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from flows.views import playlists
from flows.views.playlist_rows import ChangedTrack, LastChange, Playlists, PushLine, SelectedTrack
from playlists.rules.stored_rules import StoredRule
from playlists.standing import Standing
from tests.flows.views.names import NASTY
from tests.flows.views.test_library import FRAME

PUSHED_AT = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
ON = Standing("most_played", "Most Played", "active", 1_000, "id1", PUSHED_AT, None, None)
OFF = Standing("binged", "Binged", "off", 12, None, None, None, None)
FAILING = replace(ON, slug="broken", name="Broken", state="failing", why="its model failed: no *column*")
TRACK = SelectedTrack("most_played", 1, "track1", "Song", "Artist", "Album", None, 1_234, PUSHED_AT)
EMPTY = Playlists([], {}, {}, {}, {}, {}, next_push="The next push is at 10:00.")


def change(before: list[str], after: list[str]) -> LastChange:
    def entries(uris: list[str]) -> list[dict[str, Any]]:
        return [{"uri": f"spotify:track:{uri}", "added_at": None} for uri in uris]

    return LastChange("most_played", 7, PUSHED_AT, entries(before), entries(after))


def line_with(text: str, part: str) -> str:
    [line] = [line for line in text.splitlines() if part in line]
    return line


def test_every_playlist_is_listed_those_that_are_off_too() -> None:
    found = replace(EMPTY, standings=[ON, OFF, FAILING], descriptions={"binged": "Played | often."})
    text = playlists.overview(found, FRAME).text
    assert "**2 on**, 1 off. The next push is at 10:00." in text
    assert "1,000" in line_with(text, "| Most Played ")
    assert "24 Nov 2026, 10:00" in line_with(text, "| Most Played ")
    assert "https://open.spotify.com/playlist/id1" in line_with(text, "| Most Played ")
    assert "failing: its model failed: no \\*column\\*" in line_with(text, "| Broken ")
    assert "| Binged | 12 | Played \\| often. | `binged` |" in text
    assert "tracker playlists resume" in text


def test_without_any_playlist_the_page_says_what_to_do() -> None:
    assert "run initial-sync" in playlists.overview(EMPTY, FRAME).text


def test_only_playlists_that_have_ever_been_on_have_a_page() -> None:
    paused = replace(OFF, slug="paused", state="paused", playlist_id="id9")
    assert replace(EMPTY, standings=[ON, OFF, paused]).with_page == [ON, paused]


def test_a_page_tells_what_the_last_push_added_and_removed() -> None:
    names = {"spotify:track:c": ChangedTrack("spotify:track:c", "New *one*", "A", "B", 3, PUSHED_AT)}
    found = replace(EMPTY, changes={"most_played": change(["a", "b"], ["c", "a"])}, names=names)
    text = playlists.page(ON, found, FRAME).text
    assert "## Last change: push 7, 24 Nov 2026, 10:00" in text
    assert "| added | [New \\*one\\*](https://open.spotify.com/track/c)<br>A | B | 3 |" in text
    assert "| removed | [spotify:track:b](https://open.spotify.com/track/b) |" in text
    assert "+1 −1" in playlists.overview(replace(found, standings=[ON]), FRAME).text


def test_a_push_that_only_moved_says_so() -> None:
    found = replace(EMPTY, changes={"most_played": change(["a", "b"], ["b", "a"])})
    assert "Only the order has changed." in playlists.page(ON, found, FRAME).text


def test_an_entry_that_stood_twice_and_stands_once_is_one_removed() -> None:
    assert change(["a", "a"], ["a"]).removed == ["spotify:track:a"]
    assert change(["a", "a"], ["a"]).added == []


def test_a_page_lists_its_tracks_and_says_how_many_more_there_are() -> None:
    text = playlists.page(ON, replace(EMPTY, tracks={"most_played": [TRACK]}), FRAME).text
    assert "| Album | 1,234 | 24 Nov 2026, 10:00 |" in text
    assert "… and 999 more tracks." in text


def test_an_empty_selection_is_told_in_a_sentence() -> None:
    text = playlists.page(replace(ON, selected=0), EMPTY, FRAME).text
    assert "Nothing is selected now." in text
    assert "No push has changed it yet." in text
    assert "0 tracks" in text


def test_the_history_tells_each_push_and_how_to_go_back() -> None:
    lines = [
        PushLine("most_played", 9, PUSHED_AT, "done", "by hand", None, 3, 100, 7),
        PushLine("most_played", 8, PUSHED_AT, "failed", None, "429 | later", 2, None, None),
    ]
    text = playlists.page(ON, replace(EMPTY, history={"most_played": lines}), FRAME).text
    assert "tracker playlists undo most_played --to PUSH" in text
    assert "| 9 | 24 Nov 2026, 10:00 | done | 100 | 3 | takes back push 7 |" in text
    assert "| 8 | 24 Nov 2026, 10:00 | failed: 429 \\| later | – | 2 |  |" in text


def test_a_stored_rule_is_told_in_words_and_a_broken_one_says_what_is_wrong() -> None:
    document = {"title": "Q", "conditions": [{"field": "artist", "operator": "is", "value": "Pulp"}]}
    rule = StoredRule("most_played", 3, document, PUSHED_AT, "valid", None, PUSHED_AT)
    text = playlists.page(replace(ON, rule=rule), EMPTY, FRAME).text
    assert "Version 3 of its rule" in text
    assert "Pulp" in text
    broken = replace(rule, document={"title": "Q", "conditions": []})
    assert "condition" in playlists.page(replace(ON, rule=broken), EMPTY, FRAME).text


def test_nasty_names_make_no_further_row_or_column() -> None:
    tracks = [replace(TRACK, title=each, artist=each, album=each) for each in NASTY]
    for each in NASTY:
        text = playlists.page(
            replace(ON, name=each), replace(EMPTY, tracks={"most_played": tracks}), FRAME
        ).text
        rows = [line for line in text.splitlines() if line.startswith("| 1 |")]
        assert len(rows) == len(NASTY)
        assert {row.replace("\\|", "").count("|") for row in rows} == {7}
        [heading] = [line for line in text.splitlines() if line.startswith("# ")]
        assert len(heading) < 120
