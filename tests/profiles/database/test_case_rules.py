"""Names are compared without regard to case in every script, whatever the database's own rules are."""

from __future__ import annotations

import unicodedata
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from profiles import cli as command
from profiles.database import connection, prepare
from tests.conftest import temporary_database

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from profiles.database import Database

SPELLINGS = ["Édith Piaf", "ÉDITH PIAF", "édith piaf", unicodedata.normalize("NFD", "Édith Piaf")]
ADVICE = "select pg_import_system_collations('pg_catalog')"


@pytest.fixture
def database_of_ascii(postgres_server: Database) -> Iterator[Database]:
    """An empty database with lc_ctype C, which knows upper and lower case of ASCII only."""
    with temporary_database(postgres_server, template="template0", locale="C") as database:
        yield database


def ask(database: Database, query: str, *values: Any) -> Any:
    with closing(database.connect()) as opened, opened.cursor() as cursor:
        cursor.execute(query, values)
        return [value for (value,) in cursor.fetchall()]


def test_every_spelling_of_a_name_is_compared_as_one(database_of_ascii: Database) -> None:
    prepare(database_of_ascii)
    query = "select distinct ops.fold(name) from unnest(%s) as names (name)"
    assert ask(database_of_ascii, query, SPELLINGS) == ["édith piaf"]
    assert ask(database_of_ascii, query, ["ΟΔΟΣ", "οδος", "οδοσ"]) == ["οδοσ"]
    assert ask(database_of_ascii, query, ["İSTANBUL", "Istanbul"]) == ["istanbul"]
    found = ask(
        database_of_ascii,
        "select name from unnest(%s) as n (name) where ops.matches(name, 'ÉD.TH')",
        SPELLINGS,
    )
    assert found == SPELLINGS


def test_a_database_without_case_rules_works_and_the_doctor_says_what_to_do(
    database_of_ascii: Database,
    tracker_home: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in database_of_ascii.environment().items():
        monkeypatch.setenv(name, value)
    with monkeypatch.context() as patch:
        patch.setattr(connection, "CASE_RULES", ["of no server"])
        prepare(database_of_ascii)  # the doctor itself changes nothing
        command.main(["check"])
    assert ADVICE in capsys.readouterr().out
    assert ask(database_of_ascii, "select ops.fold('PULP')") == ["pulp"]
    # the server has been given one since
    prepare(database_of_ascii)
    command.main(["check"])
    assert ADVICE not in capsys.readouterr().out
    assert ask(database_of_ascii, "select ops.fold('ÉDITH')") == ["édith"]
