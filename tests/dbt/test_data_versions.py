"""A table is made anew where what made its rows has changed, and only there; the log says why."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING

import pytest

from profiles.dbt import DBT_PROJECT_DIR
from tests.dbt import data_versions
from tests.dbt.lint import manifest_of
from tests.dbt.payloads import execute, rows, track

if TYPE_CHECKING:
    from pathlib import Path

    from tests.dbt.conftest import Warehouse

SONG = track("song", isrc="GB01")
WITH_SOURCES = ("--select", "+daily_listening", "+int_recording_totals", "+int_track_listening")
OF_PLAYS = {"daily_listening", "int_recording_totals", "int_track_listening"}
OTHER_VERSION = "update ops.data_versions set data_version = 0 where relation = '{}'"
ALL = OF_PLAYS | {"int_play_reports", "int_played_tracks", "int_reported_tracks", "int_listens"}
MODELS = ("--select", *sorted(ALL), "int_plays", "int_match_groups", "int_match_versions")


@pytest.fixture(scope="module")
def built(warehouse: Warehouse) -> Warehouse:
    """Two plays, in two builds."""
    warehouse.raw.like(SONG, "2026-01-01T10:00:00Z")
    for day, models in ((1, WITH_SOURCES), (2, MODELS)):
        warehouse.raw.play(SONG, f"2026-05-0{day}T10:00:00Z")
        printed = warehouse.models(*models)
        assert reasons(printed) == {}, "no table is made anew that was not there, or that has not changed"
    return warehouse


def reasons(printed: str) -> dict[str, str]:
    """Why each table was made anew, as dbt's log says."""
    return dict(re.findall(r"(\w+) is made anew: (.*)\.$", printed, re.MULTILINE))


def test_a_var_makes_anew_what_reads_it_and_nothing_else(built: Warehouse) -> None:
    said = reasons(built.models(*MODELS, "--vars", "{play_definition: any}"))
    assert said == dict.fromkeys(OF_PLAYS, "play_definition is any and was 30_seconds")
    kept = "select split_part(relation, '.', 2), reason from ops.data_versions where reason is not null"
    assert dict(rows(built.database, kept)) == said


def test_the_zone_makes_anew_what_counts_in_days(built: Warehouse) -> None:
    vars_of_before = ("--vars", "{play_definition: any}")
    said = reasons(built.models(*MODELS, *vars_of_before, TRACKER_TIMEZONE="Asia/Tokyo"))
    assert said["int_listens"] == "TRACKER_TIMEZONE is Asia/Tokyo and was Europe/Berlin"
    assert said.keys() == OF_PLAYS | {"int_listens"}


def test_tables_of_which_nothing_is_recorded_are_made_anew_once(built: Warehouse) -> None:
    execute(built.database, "truncate ops.data_versions")
    assert reasons(built.models(*MODELS)) == dict.fromkeys(ALL, "it is not known what made it")
    assert reasons(built.models(*MODELS)) == {}


def test_another_data_version_makes_the_table_anew_and_what_takes_its_rows(built: Warehouse) -> None:
    execute(built.database, OTHER_VERSION.format("intermediate.int_play_reports"))
    said = reasons(built.models(*MODELS))
    assert re.fullmatch(r"its data version is \d+ and was 0", said.pop("int_play_reports"))
    followers = {"int_played_tracks", "int_reported_tracks", "int_listens"}
    assert {said.pop(name) for name in followers} == {"int_play_reports was made anew"}
    assert said == dict.fromkeys(OF_PLAYS, "int_listens was made anew")


def test_what_was_not_built_beside_its_source_follows_in_its_next_build(built: Warehouse) -> None:
    assert reasons(built.models("--select", "int_listens", "--full-refresh")) == {
        "int_listens": "a full refresh was asked for"
    }
    said = reasons(built.models("--select", "int_plays", "int_recording_totals"))
    assert said == {"int_recording_totals": "int_listens was made anew"}
    said = reasons(built.models("--select", "int_plays", *sorted(OF_PLAYS)))
    assert said == dict.fromkeys(OF_PLAYS - {"int_recording_totals"}, "int_listens was made anew")


def test_a_build_that_fails_records_nothing(built: Warehouse) -> None:
    execute(built.database, OTHER_VERSION.format("analytics.daily_listening"))
    execute(
        built.database,
        "create function ops.fail() returns trigger language plpgsql"
        " as $$ begin raise 'disk full'; end $$;"
        " create trigger fail before update on ops.data_versions for each row execute function ops.fail()",
    )
    code, _ = built.dbt("run", "--select", "daily_listening")
    assert code != 0
    execute(built.database, "drop trigger fail on ops.data_versions; drop function ops.fail")
    assert reasons(built.models("--select", "daily_listening")).keys() == {"daily_listening"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project, to be edited."""
    return shutil.copytree(
        DBT_PROJECT_DIR, tmp_path / "dbt_project", ignore=shutil.ignore_patterns("target", "logs")
    )


def edit(project: Path, path: str, before: str, after: str) -> None:
    file = project / path
    text = file.read_text(encoding="utf-8")
    assert before in text
    file.write_text(text.replace(before, after), encoding="utf-8")


def test_an_edited_macro_is_a_complaint_until_its_hash_is_accepted_or_the_version_raised(
    project: Path,
) -> None:
    edit(project, "macros/plays/skips.sql", "'playbtn', ", "")
    manifest = manifest_of(project)
    (said,) = data_versions.complaints(manifest, project)
    assert said.startswith(
        "models/intermediate/plays/int_play_reports.sql: the code that makes its rows has changed"
    )
    assert "python -m tests.dbt.lint accept" in said
    data_versions.accept(manifest, project)
    assert data_versions.complaints(manifest, project) == []


def test_an_edited_comment_or_line_break_is_no_complaint(project: Path) -> None:
    edit(project, "macros/plays/skips.sql", "how sure that is", "how\n certain that is")
    edit(project, "models/marts/listening/daily_listening.sql", "with\n", "-- days\n\n\nwith\n")
    assert data_versions.complaints(manifest_of(project), project) == []


def test_an_edited_view_is_a_complaint_about_the_tables_that_read_it(project: Path) -> None:
    edit(
        project,
        "models/staging/export/stg_export__streaming_history.sql",
        "offline_at < ts",
        "offline_at <= ts",
    )
    (said,) = data_versions.complaints(manifest_of(project), project)
    assert said.startswith("models/intermediate/plays/int_play_reports.sql")


def test_a_var_that_is_read_and_not_declared_is_a_complaint(project: Path) -> None:
    edit(
        project,
        "models/marts/listening/daily_listening.yml",
        "reads: [TRACKER_TIMEZONE, play_definition]",
        "reads: []",
    )
    (said,) = data_versions.complaints(manifest_of(project), project)
    assert said.endswith("its YAML needs `config.meta.reads: [TRACKER_TIMEZONE, play_definition]`.")
