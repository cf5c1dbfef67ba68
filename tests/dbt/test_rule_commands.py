"""Preview, explain and eject: dbt compiles the rule and builds nothing; a build then selects the same."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from jinja2.nativetypes import NativeEnvironment

from playlists.cli import main
from playlists.rules import stored_rules
from playlists.rules.check import check_rules
from playlists.rules.eject import eject, jinja, properties_text
from playlists.rules.explain import explain
from playlists.rules.preview import preview
from playlists.rules.rule import read_rule
from playlists.slugs import LONGEST_SLUG
from profiles import dbt
from profiles.dbt import DBT_PROJECT_DIR
from profiles.dbt import output_of as output_of_a_program
from profiles.errors import TrackerError
from profiles.session import session_for
from profiles.settings import load_settings
from tests.dbt.rule_evaluator import chosen
from tests.dbt.rule_library import THEIRS, fill, library, selected
from tests.dbt.test_rule_semantics import NEEDED
from tests.support.dbt_in_memory import output_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from profiles.session import Session
    from tests.dbt.conftest import Warehouse

HOSTILE = "'; drop table tracks; -- {{ 1/0 }} {% endset %} \\ 100% \" é 🎸 #}"
RULE: dict[str, Any] = {
    "match": "any",
    "not": False,
    "conditions": [
        {"field": "title", "operator": "is", "value": HOSTILE},
        {"field": "last_played_at", "operator": "not in the last", "value": "30 days"},
        {
            "match": "all",
            "not": True,
            "conditions": [{"field": "artists", "operator": "contains", "value": "%"}],
        },
        {"operator": "in playlist", "value": THEIRS},
    ],
}
DOCUMENT = {
    "title": "Mine " + HOSTILE,
    "limit": {"tracks": 5},
    "per_artist": 1,
    "select_by": "track_id",
    **RULE,
}


@pytest.fixture(scope="module")
def session(warehouse: Warehouse, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """A session on a warehouse with the library made by hand. Nothing here needs Spotify."""
    fill(warehouse.database)
    code, output = warehouse.dbt("run", "--quiet", "--select", *NEEDED)
    assert code == 0, output[-3000:]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in warehouse.database.environment().items():
            patch.setenv(name, value)
        patch.setenv("TRACKER_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("TRACKER_AS_OF", "2026-06-15T12:00:00+00:00")
        patch.setenv("TRACKER_TIMEZONE", "Europe/Berlin")
        patch.setattr(dbt, "output_of", output_of)
        with session_for(load_settings(), warehouse.database) as opened:
            yield opened


def rows_of(session: Session, table: str) -> int:
    """Rows of a table of ours."""
    with session.database.transaction() as cursor:
        cursor.execute(f"select count(*) from {table}")
        [(rows,)] = cursor.fetchall()
        return int(rows)


def test_a_preview_shows_what_would_be_selected_and_stores_nothing(session: Session) -> None:
    found = preview(session, read_rule(DOCUMENT), tracks=3)
    assert found.matched == len(chosen(RULE, library()))
    assert found.count == 5
    assert [track["position"] for track in found.tracks] == [1, 2, 3]
    assert rows_of(session, "ops.playlist_rules") == 0
    assert rows_of(session, "ops.playlists") == 1  # the one of the library made by hand


def test_the_command_previews_a_file_as_json(
    session: Session, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dbt, "output_of", output_of_a_program)
    file = tmp_path / "rule.json"
    file.write_text(json.dumps(DOCUMENT), encoding="utf-8")
    assert main(["preview", "--rule", str(file), "--json", "--tracks", "2"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["count"], len(told["tracks"]), told["title"]) == (5, 2, DOCUMENT["title"])


def test_a_preview_of_an_impossible_rule_is_bad_input(
    session: Session, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "rule.json"
    file.write_text(json.dumps({**DOCUMENT, "conditions": []}), encoding="utf-8")
    assert main(["preview", "--rule", str(file)]) == 2
    assert "a group has no condition" in capsys.readouterr().err


def kept(session: Session, slug: str, document: dict[str, Any]) -> None:
    """Store a rule, new or edited."""
    is_new = slug not in stored_rules.load_all(session.database)
    stored_rules.save(session.database, slug, read_rule(document), is_new=is_new)


def test_a_rule_is_explained_condition_by_condition(session: Session) -> None:
    kept(session, "mine", DOCUMENT)
    track = next(t for t in library() if t["title"] == "Pulp")
    found = explain(session, "mine", track["track_id"])
    assert [(judged.level, judged.text) for judged in found.conditions] == [
        (0, "any of"),
        (1, f"title is {HOSTILE}"),
        (1, "last_played_at not in the last 30 days"),
        (1, "not all of"),
        (2, "artists contains %"),
        (1, f"in playlist {THEIRS}"),
    ]
    parts = [{**RULE, "conditions": [part]} for part in RULE["conditions"]]
    meant = [track["track_id"] in chosen(part, [track]) for part in parts]
    assert [judged.holds for judged in found.conditions if judged.level == 1] == meant
    assert found.conditions[0].holds is any(meant)


def test_the_gate_that_kept_a_track_out_is_named(session: Session) -> None:
    everything = {"conditions": [{"field": "track_id", "operator": "is present"}], "select_by": "track_id"}
    kept(session, "gates", {"title": "Gates", **everything, "limit": {"tracks": 3}})
    tracks = library()
    taken = [t for t in tracks if t["is_excluded"] is not True and t["is_playable"] is not False]
    excluded = next(t for t in tracks if t["is_excluded"])
    unplayable = next(t for t in tracks if t["is_playable"] is False and not t["is_excluded"])
    reasons = {
        name: explain(session, "gates", track["track_id"])
        for name, track in {
            "in": taken[0],
            "limit": taken[-1],
            "excluded": excluded,
            "unplayable": unplayable,
        }.items()
    }
    assert reasons["in"].standing == "in"
    assert (reasons["in"].position, reasons["in"].rank) == (1, 1)
    assert "past the limit" in reasons["limit"].reason
    assert "It is excluded" in reasons["excluded"].reason
    assert "does not play it" in reasons["unplayable"].reason
    assert "not in your library" in explain(session, "gates", "spotify:track:" + "z" * 22).reason


def test_another_edition_and_a_cap_are_named(session: Session) -> None:
    twins = [t["track_id"] for t in library() if t["recording_id"] == "recording 4"]
    block = {"include_excluded": True, "include_unavailable": True, "select_by": "track_id"}
    rule = {"conditions": [{"field": "track_id", "operator": "in", "value": twins}]}
    kept(session, "twins", {"title": "Twins", **rule, **block})
    said = [explain(session, "twins", track_id) for track_id in twins]
    assert sorted(each.standing for each in said) == ["in", "out"]
    winner = next(each.track_id for each in said if each.standing == "in")
    assert f"Another edition of the same recording stands for it: {winner}" in "".join(e.reason for e in said)


def test_a_model_is_explained_by_its_gates(session: Session) -> None:
    track = next(t for t in library() if t["is_excluded"])
    found = explain(session, "recently_added", track["track_id"])
    assert (found.standing, found.conditions) == ("out", ())
    assert "It is excluded" in found.reason


def test_a_track_is_found_by_a_title_that_only_it_has(
    session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["explain", "gates", "beyoncé", "--json"]) == 0
    assert "Beyoncé" in json.loads(capsys.readouterr().out)["title"]
    assert main(["explain", "gates", "u"]) == 2
    assert "Several tracks are called so" in capsys.readouterr().err


def test_an_ejected_rule_is_a_model_that_selects_the_same(
    session: Session, warehouse: Warehouse, tmp_path: Path
) -> None:
    slug = "m" * LONGEST_SLUG  # the names of its tables are as long as PostgreSQL takes them
    project = tmp_path / "project"
    shutil.copytree(DBT_PROJECT_DIR, project, ignore=shutil.ignore_patterns("target", "logs"))
    kept(session, slug, DOCUMENT)
    assert [each.verdict for each in check_rules(session.database) if each.slug == slug] == ["valid"]
    code, output = warehouse.dbt("run", "--quiet", "--select", *NEEDED)
    assert code == 0, output[-3000:]
    before = selected(warehouse.database)[slug]

    ejected = eject(session, slug, project=project)

    assert [file.name for file in ejected.files] == [
        f"playlist_{slug}.sql",
        f"playlist_{slug}.yml",
        "dbt_project.yml",
    ]
    listed = yaml.safe_load((project / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]["playlists"]
    assert listed[-1] == slug
    assert slug not in stored_rules.load_all(session.database)
    assert stored_rules.versions(session.database, slug)  # nothing is forgotten
    code, output = warehouse.dbt(
        "run", "--quiet", "--select", f"playlist_{slug}",
        DBT_PROJECT_DIR=str(project), DBT_TARGET_PATH=str(tmp_path / "target"),
    )  # fmt: skip
    assert code == 0, output[-3000:]
    with session.database.transaction() as cursor:
        cursor.execute(f"select track_id from analytics.playlist_{slug}")
        assert {track_id for (track_id,) in cursor.fetchall()} == before
    assert len(before) == 5


def test_a_slug_too_long_for_a_model_is_refused_before_anything_is_written(
    session: Session, tmp_path: Path
) -> None:
    project = tmp_path / "project"
    shutil.copytree(DBT_PROJECT_DIR, project, ignore=shutil.ignore_patterns("target", "logs"))
    before = (project / "dbt_project.yml").read_text(encoding="utf-8")
    long_ago = "m" * (LONGEST_SLUG + 1)  # stored by a version that took up to 60 characters
    with session.database.transaction() as cursor:
        cursor.execute(
            "insert into ops.playlist_rules (slug, version, rule) values (%s, 1, %s)",
            [long_ago, json.dumps(DOCUMENT)],
        )
    with pytest.raises(TrackerError, match="too long for a model"):
        eject(session, long_ago, project=project)
    assert (project / "dbt_project.yml").read_text(encoding="utf-8") == before
    assert not list(project.rglob(f"playlist_{long_ago}.*"))
    assert long_ago in stored_rules.load_all(session.database)


def test_a_model_that_dbt_refuses_leaves_the_rule_where_it_was(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "project"
    shutil.copytree(DBT_PROJECT_DIR, project, ignore=shutil.ignore_patterns("target", "logs"))
    kept(session, "stays", DOCUMENT)
    monkeypatch.setattr("playlists.rules.eject.model_text", lambda _: "{% if %}")
    with pytest.raises(TrackerError, match="playlist_stays"):
        eject(session, "stays", project=project)
    assert not list(project.rglob("playlist_stays.*"))
    assert "- stays" not in (project / "dbt_project.yml").read_text(encoding="utf-8")
    assert "stays" in stored_rules.load_all(session.database)


def test_text_in_an_ejected_model_is_never_read_as_jinja() -> None:
    value = {"a": [HOSTILE, None, True, 1.5], "b": [{"c": "\n{%"}], "d": {}}
    written = jinja(value)
    assert not any(mark in written.replace("{}", "") for mark in ("{{", "{%", "{#", "%}", "}}"))
    read: Any = NativeEnvironment().from_string("{{ " + written + " }}").render()
    assert read == value


@pytest.mark.parametrize("title", ["a\x07bell", "line\n---\nbreak", "del\x7fete", HOSTILE, "ends in \\"])
def test_the_properties_of_an_ejected_model_are_yaml_whatever_its_title(title: str) -> None:
    rule = read_rule({**DOCUMENT, "title": title})
    (model,) = yaml.safe_load(properties_text("mine", rule))["models"]
    assert model["name"] == "playlist_mine"
    assert model["description"].startswith("Grain: one track per position. ")
