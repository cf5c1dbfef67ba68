"""A database whose own rules know upper and lower case of ASCII alone compares names as any other does."""

from __future__ import annotations

import json
import unicodedata
from typing import TYPE_CHECKING, Any

import pytest

from profiles.database import prepare
from tests.conftest import temporary_database
from tests.dbt.conftest import Warehouse
from tests.dbt.payloads import Raw, make_raw_tables, rows

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from profiles.database import Database

PIAF = ["Édith Piaf", "ÉDITH PIAF", "édith piaf", unicodedata.normalize("NFD", "Édith Piaf")]
CONDITIONS = {
    ("is", "édith piaf"): PIAF,
    ("is", unicodedata.normalize("NFD", "ÉDITH PIAF")): PIAF,
    ("contains", "ДОРОГА"): ["Длинная дорога", "ДОРОГА"],
    ("starts with", "длин"): ["Длинная дорога"],
    ("ends with", "οδος"): ["ΟΔΟΣ", "Οδος"],
    ("contains", "istanbul"): ["İSTANBUL", "Istanbul"],
    ("matches", "^édith\\M"): PIAF,
    ("matches", "дорог.$"): ["Длинная дорога", "ДОРОГА"],
    ("in", "стрела"): ["СТРЕЛА"],
}
NAMES = sorted({*PIAF, "Длинная дорога", "ДОРОГА", "ΟΔΟΣ", "Οδος", "İSTANBUL", "Istanbul", "СТРЕЛА", "Pulp"})
ONE_SONG = {
    "édith piaf": PIAF,
    "дорога": ["Дорога", "ДОРОГА"],
    "οδος": ["ΟΔΟΣ", "Οδός"],
    "song": ["Song (feat. Édith Piaf)", "SONG (FEATURING ДОРОГА)", "Song\u3000\u2028", "Song"],
    "featured song": ["Featured Song", "(Featured) Song"],
    "!!!": ["!!!"],
    "…": ["…"],
}


@pytest.fixture(scope="module")
def warehouse(postgres_server: Database, dbt_folder: Path) -> Iterator[Warehouse]:
    """In a database of lc_ctype C, on whatever server the tests run on."""
    with temporary_database(postgres_server, template="template0", label="warehouse", locale="C") as database:
        assert rows(database, "select lower('É')") == [("É",)]
        prepare(database)
        make_raw_tables(database)
        yield Warehouse(database, Raw(database), dbt_folder)


def compiled(warehouse: Warehouse, *expressions: str) -> list[str]:
    answers = warehouse.ask(*(["compile", "--inline", expression] for expression in expressions))
    assert [answer.error for answer in answers] == [""] * len(expressions)
    return [answer.compiled for answer in answers]


def test_a_rule_finds_a_name_however_it_is_spelled(warehouse: Warehouse) -> None:
    def rule(operator: str, value: str) -> dict[str, Any]:
        wanted = [value] if operator == "in" else value
        return {"match": "all", "conditions": [{"field": "artist", "operator": operator, "value": wanted}]}

    questions = [
        f"{{{{ rule_filter({json.dumps(rule(*condition), ensure_ascii=False)}) }}}}"
        for condition in CONDITIONS
    ]
    found = {}
    for condition, where in zip(CONDITIONS, compiled(warehouse, *questions), strict=True):
        query = f"select artist from unnest(%s) as tracks (artist) where {where.replace('%', '%%')}"
        found[condition] = sorted(artist for (artist,) in rows(warehouse.database, query, [NAMES]))
    assert found == {condition: sorted(set(names) & set(NAMES)) for condition, names in CONDITIONS.items()}


def test_one_song_has_one_name_however_it_is_spelled(warehouse: Warehouse) -> None:
    (key,) = compiled(warehouse, "{{ name_key('name') }}")
    query = f"select distinct {key.replace('%', '%%')} from unnest(%s) as names (name)"
    found = {name: rows(warehouse.database, query, [spellings]) for name, spellings in ONE_SONG.items()}
    plain = {name: [(name.replace("é", "e").replace("ό", "ο"),)] for name in ONE_SONG}
    assert {**found, "οδος": [], "…": []} == {**plain, "οδος": [], "…": []}
    assert [len(keys) for keys in found.values()] == [1] * len(ONE_SONG)
