"""The meta.playlist block: what it refuses, and with which words."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any, get_args

import pytest
from pydantic import ValidationError

from playlists.block import PlaylistBlock
from playlists.cli import main
from playlists.rules import model_blocks
from profiles.dbt import DBT_PROJECT_DIR

if TYPE_CHECKING:
    from pathlib import Path

    from tests.dbt.conftest import Warehouse

# a block, and a part of what is said about it; None = it is fine
BLOCKS: list[tuple[dict[str, Any], str | None]] = [
    ({"title": "A"}, None),
    (
        {
            "title": "Everything",
            "enabled": False,
            "limit": {"tracks": 10_000, "minutes": 45.5},
            "per_artist": 1,
            "per_album": 2,
            "select_by": ["last_played_at asc nulls first", "weighted(play_count)", "title"],
            "order_by": "random",
            "round_robin": "album",
            "seed": "fixed:7",
            "artist_separation": 3,
            "include_unavailable": True,
            "include_excluded": True,
            "dedupe_recordings": False,
            "mode": "append",
            "on_empty": "fail",
            "max_churn": 0.5,
            "requires": {"history_days": 30, "max_source_age_hours": None},
            "reads_playlists": ["37i9dQZF1DX0XUsuxWHRQd"],
            "public": True,
            "max_edit_calls": 5,
        },
        None,
    ),
    ({}, "meta.playlist.title: null is not possible. Write a name for people"),
    ({"title": "A", "limits": {}}, "unknown key 'limits'. Known are title, description, enabled, limit"),
    (
        {"title": "A", "limit": {"track": 5}},
        "meta.playlist.limit: unknown key 'track'. Known are tracks, minutes",
    ),
    (
        {"title": "A", "limit": 50},
        "meta.playlist.limit: 50 is not possible. Write a mapping of tracks, minutes",
    ),
    ({"title": "A", "limit": {"tracks": 10_001}}, "Write a whole number from 1 to 10000 or null"),
    ({"title": "A", "limit": {"tracks": 0}}, "Write a whole number from 1 to 10000 or null"),
    ({"title": "A", "limit": {"minutes": "45"}}, 'meta.playlist.limit.minutes: "45" is not possible'),
    ({"title": "A", "per_artist": 0}, "meta.playlist.per_artist: 0 is not possible"),
    ({"title": "A", "per_album": True}, "meta.playlist.per_album: true is not possible"),
    ({"title": "A", "artist_separation": None}, "meta.playlist.artist_separation: null is not possible"),
    (
        {"title": "A", "order_by": "play_count; drop table plays"},
        "cannot order by 'play_count; drop table plays'",
    ),
    ({"title": "A", "select_by": ["weighted(1 + 1)"]}, "cannot order by 'weighted(1 + 1)'"),
    ({"title": "A", "round_robin": "genre"}, "Write None | artist | album"),
    ({"title": "A", "seed": "year"}, "Write none | day | week | month | fixed:<n>"),
    ({"title": "A", "mode": "replace"}, "Write mirror | append | freeze"),
    ({"title": "A", "on_empty": "delete"}, "Write keep | clear | fail"),
    ({"title": "A", "max_churn": 30}, "Write a share from 0 to 1 or null"),
    (
        {"title": "A", "requires": {"history_days": -1}},
        "meta.playlist.requires.history_days: -1 is not possible",
    ),
    ({"title": "A", "public": "no"}, 'meta.playlist.public: "no" is not possible. Write true or false'),
    ({"title": "A", "reads_playlists": "37i9"}, "Write a list of playlist ids"),
    (
        {"title": "A", "reads_playlists": ["37i9"]},
        "Write the 22 letters and digits of a link to the playlist",
    ),
    ({"title": "A" * 101}, "Write a name for people, of 100 characters at most"),
    ({"title": "A", "description": "A" * 181}, "Write a text of 180 characters at most"),
    ({"title": "A", "per_artist": 1_000_001}, "Write a whole number from 1 to 1000000 or null"),
    ({"title": "A", "artist_separation": 10_001}, "Write a whole number from 0 to 10000."),
    ({"title": "A", "mode": "append", "on_empty": "clear"}, "Write keep, since mode append never removes"),
    ({"title": "A", "requires": None}, "Write a mapping of history_days, max_source_age_hours"),
    ({"title": "A", "requires": {"max_source_age_hours": 0}}, "Write a number above 0 or null"),
    ({"title": "A", "max_churn": True}, "Write a share from 0 to 1 or null"),
    ({"title": "A", "limit": {"minutes": True}}, "Write a number above 0 or null"),
    ({"title": "A", "limit": None, "seed": None, "select_by": None, "order_by": ["Play_Count  DESC"]}, None),
]
CHOICES: dict[str, tuple[Any, ...]] = {
    "mode": get_args(PlaylistBlock.model_fields["mode"].annotation),
    "on_empty": get_args(PlaylistBlock.model_fields["on_empty"].annotation),
    "round_robin": (None, "artist", "album"),
    "seed": ("none", "day", "week", "month", "fixed:1", "fixed:a b"),
    "order_by": ("random", "weighted(play_count)", "title", "title desc", "liked_at asc nulls first"),
}
BLOCKS += [({"title": "A", key: value}, None) for key, values in CHOICES.items() for value in values]


@pytest.fixture(scope="module")
def answers(warehouse: Warehouse) -> list[str]:
    """What validated_playlist says to each block."""
    questions = [
        ["run-operation", "validated_playlist", "--args", json.dumps({"block": block})] for block, _ in BLOCKS
    ]
    return [answer.error for answer in warehouse.ask(*questions)]


@pytest.mark.parametrize("number", range(len(BLOCKS)), ids=lambda number: json.dumps(BLOCKS[number][0])[:60])
def test_a_block_is_refused_with_what_to_write_instead(answers: list[str], number: int) -> None:
    expected, answer = BLOCKS[number][1], answers[number]
    if expected is None:
        assert answer == ""
    else:
        assert expected in answer


@pytest.mark.parametrize("number", range(len(BLOCKS)), ids=lambda number: json.dumps(BLOCKS[number][0])[:60])
def test_the_form_refuses_what_the_macros_refuse(number: int) -> None:
    block, refused = BLOCKS[number]
    if refused is None:
        PlaylistBlock.model_validate(block)
    else:
        with pytest.raises(ValidationError):
            PlaylistBlock.model_validate(block)


def test_macros_and_form_know_the_same_keys_with_the_same_defaults(warehouse: Warehouse) -> None:
    [answer] = warehouse.ask(["compile", "--inline", "{{ tojson(playlist_defaults()) }}"])
    assert json.loads(answer.compiled) == {**PlaylistBlock(title="A").model_dump(mode="json"), "title": None}


def test_a_model_that_no_build_selects_for_is_named() -> None:
    found = model_blocks.problems({"a": {"title": "A"}, "b": {"title": "B", "limits": 1}}, {"b", "c"})
    assert "add it to the var playlists" in found["a"]
    assert "'limits' is not known" in found["b"]
    assert "no model playlist_c has a block" in found["c"]


def test_blocks_are_checked_without_a_database(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TRACKER_HOME", str(tmp_path))
    assert main(["check", "--blocks"]) == 0
    assert not (tmp_path / "postgres").exists()


def test_an_unknown_key_fails_while_dbt_parses(warehouse: Warehouse, tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(DBT_PROJECT_DIR, project, ignore=shutil.ignore_patterns("target", "logs"))
    model = project / "models/marts/playlists/playlist_most_played.sql"
    model.write_text(model.read_text().replace("'limit':", "'limits':"))
    code, output = warehouse.dbt(
        "parse", DBT_PROJECT_DIR=str(project), DBT_TARGET_PATH=str(tmp_path / "target")
    )
    assert code != 0
    assert "meta.playlist: unknown key 'limits'" in output
