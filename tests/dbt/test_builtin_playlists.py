"""The built-in playlists on a small library: by their own unit tests, and by what every playlist promises."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest
import yaml

from playlists.block import PlaylistBlock
from profiles.dbt import DBT_PROJECT_DIR
from tests.dbt.payloads import execute, rows, track

if TYPE_CHECKING:
    from pathlib import Path

    from tests.dbt.conftest import Warehouse

SLUGS: list[str] = yaml.safe_load((DBT_PROJECT_DIR / "dbt_project.yml").read_text())["vars"]["playlists"]
ON_BY_DEFAULT = {
    *("never_played", "most_played", "heavy_rotation", "recently_added"),
    *("rediscover", "least_played_likes", "unfinished_albums", "on_this_day"),
}
PROMISES = {
    "selections_hold_each_track_once",
    "selections_hold_nothing_excluded",
    "selections_are_playable",
    "selections_are_within_limits",
    "selections_have_contiguous_positions",
    "selections_are_reproducible",
}


@pytest.fixture(scope="module")
def built(warehouse: Warehouse) -> Warehouse:
    """A warehouse of 60 likes and two albums, with a refused track, built and tested, unit tests included."""
    raw = warehouse.raw
    for number in range(60):
        liked = track(f"t{number:02}", artist=f"Artist {number % 7}", album=f"Album {number % 11}")
        raw.like(liked, f"2026-0{1 + number % 5}-{1 + number % 28:02}T10:00:00Z")
        raw.play(
            liked,
            *(
                f"2026-0{1 + n % 6}-{1 + (number + n) % 14:02}T1{n % 9}:00:{number:02}Z"
                for n in range(number % 9)
            ),
        )
    for name in ("Begun", "Untouched"):
        on_album = [track(f"{name}{n}", artist=name, number=n, is_simplified=True) for n in range(1, 7)]
        raw.save(name, on_album, "2026-03-01T10:00:00Z")
    raw.play(track("Begun1", artist="Begun", album="Begun"), "2026-06-01T10:00:00Z")
    raw.remove("track", "t00", "2026-01-01T10:00:00Z", "2026-06-10T10:00:00Z")
    execute(warehouse.database, "insert into ops.refused_uris values ('spotify:track:t59', '2026-06-01')")
    execute(warehouse.database, "insert into ops.refused_uris values ('spotify:track:t58', '2026-05-01')")
    code, output = warehouse.dbt("build")
    assert code == 0, output
    return warehouse


def verdicts(warehouse: Warehouse) -> dict[tuple[str, str], str]:
    """The latest status by slug and test."""
    found = rows(
        warehouse.database,
        "select distinct on (slug, test_name) slug, test_name, status from ops.build_results"
        " where slug is not null order by slug, test_name, finished_at desc",
    )
    return {(slug, test.removesuffix("_playlist_selections_")): status for slug, test, status in found}


def test_every_playlist_has_a_unit_test_that_holds(built: Warehouse) -> None:
    status = verdicts(built)
    proven = {slug for (slug, test), verdict in status.items() if test not in PROMISES and verdict == "pass"}
    assert proven == set(SLUGS)
    assert set(status.values()) == {"pass"}


def test_every_playlist_is_tested_for_what_all_of_them_promise(built: Warehouse) -> None:
    assert {(slug, test) for slug, test in verdicts(built) if test in PROMISES} == {
        (slug, test) for slug in SLUGS for test in PROMISES
    }


def test_eight_playlists_are_on_by_default(built: Warehouse) -> None:
    found = rows(built.database, "select slug, definition from analytics.playlist_definitions")
    assert {slug for slug, block in found if block["enabled"]} == ON_BY_DEFAULT
    assert {slug for slug, _ in found} == set(SLUGS)


def test_every_block_is_one_that_the_form_takes_too(built: Warehouse) -> None:
    for slug, block in rows(built.database, "select slug, definition from analytics.playlist_definitions"):
        read = PlaylistBlock.model_validate(block).model_dump(mode="json")
        assert read == block, slug


def test_what_spotify_refused_is_not_selected_for_thirty_days(built: Warehouse) -> None:
    selected = {id_ for (id_,) in rows(built.database, "select track_id from analytics.playlist_selections")}
    assert "t59" not in selected
    refused = rows(built.database, "select track_id from analytics.unified_tracks where is_refused")
    assert refused == [("t59",)]


def test_an_unliked_track_stands_in_recently_unliked_alone(built: Warehouse) -> None:
    assert rows(built.database, "select slug from analytics.playlist_selections where track_id = 't00'") == [
        ("recently_unliked",)
    ]


def test_two_tracks_that_changed_places_are_noticed(built: Warehouse) -> None:
    [test] = built.ask(["compile", "--select", "selections_are_reproducible_playlist_selections_"])
    assert not test.error
    assert rows(built.database, test.compiled) == []
    swap = (
        "update analytics.playlist_selections set position = %s where slug = 'most_played' and position = %s"
    )
    for swapped in ((0, 1), (1, 2), (2, 0)):
        execute(built.database, swap, swapped)
    assert {slug for slug, *_ in rows(built.database, test.compiled)} == {"most_played"}


def test_what_one_playlist_breaks_is_held_against_it_alone(built: Warehouse) -> None:
    execute(
        built.database,
        "update analytics.playlist_selections set position = position + 1000"
        " where slug = 'most_played' and position > 1",
    )
    code, output = built.dbt(
        "test", "--select", "playlist_selections", "--exclude-resource-type", "unit_test"
    )
    assert code == 0, output
    status = verdicts(built)
    broken = {(slug, test) for (slug, test), verdict in status.items() if verdict != "pass"}
    assert broken == {
        ("most_played", "selections_have_contiguous_positions"),
        ("most_played", "selections_are_reproducible"),
    }


def verdicts_on_what_stands(warehouse: Warehouse) -> set[str]:
    """The tests of `most_played` whose latest verdict is about the selections that stand."""
    return {
        name
        for (name,) in rows(
            warehouse.database,
            "select test_name from ops.build_results where slug = 'most_played'"
            " and selection_invocation_id = (select max(invocation_id) from analytics.playlist_selections)",
        )
    }


def test_a_verdict_is_about_the_selections_that_the_test_saw(built: Warehouse) -> None:
    tests = ("test", "--select", "playlist_selections", "--exclude-resource-type", "unit_test")
    code, output = built.dbt("run", "--select", "playlist_most_played", "playlist_selections")
    assert code == 0, output
    assert verdicts_on_what_stands(built) == set(), "nobody has tested them"
    code, output = built.dbt(*tests)
    assert code == 0, output
    assert len(verdicts_on_what_stands(built)) == 6
    code, output = built.dbt("run", "--select", "unified_tracks", "playlist_selections")
    assert code == 0, output
    code, output = built.dbt("run", "--select", "unified_tracks")
    assert code == 0, output
    code, output = built.dbt(*tests)
    assert code == 0, output
    # the library was made anew: an order cannot be asked of it, and that is no verdict
    [left_out] = {
        name for name in PROMISES if not any(v.startswith(name) for v in verdicts_on_what_stands(built))
    }
    assert left_out == "selections_are_reproducible"


@pytest.mark.parametrize("command", ["run", "test"])
def test_a_playlist_without_its_line_stops_every_command(
    built: Warehouse, command: str, tmp_path: Path
) -> None:
    project = shutil.copytree(DBT_PROJECT_DIR, tmp_path / "dbt_project")
    settings = project / "dbt_project.yml"
    settings.write_text(settings.read_text().replace("    - binged\n", ""))
    code, output = built.dbt(command, "--select", "playlist_selections", DBT_PROJECT_DIR=str(project))
    assert code != 0
    assert "playlist_binged is in no build: add the line '- binged' to the var playlists" in output


def test_a_playlist_with_two_lines_is_refused_while_dbt_parses(built: Warehouse) -> None:
    code, output = built.dbt("parse", "--vars", json.dumps({"playlists": [*SLUGS, "binged"]}))
    assert code != 0
    assert "The var playlists of dbt_project.yml names binged twice." in output


def test_a_forgotten_block_is_told_in_words_that_can_be_copied(built: Warehouse) -> None:
    [answer] = built.ask(["compile", "--inline", "select '{{ playlist_block_of('selections') }}'"])
    assert "Write {{ config(meta={'playlist': playlist}) }} below its set block." in answer.error
