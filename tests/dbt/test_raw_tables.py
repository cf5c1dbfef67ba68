"""The raw tables of these tests are those that extract makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.dbt.payloads import rows

if TYPE_CHECKING:
    from profiles.database import Database
    from profiles.session import Session
    from tests.dbt.conftest import Warehouse

COLUMNS = """
    select table_name, column_name, data_type
    from information_schema.columns
    where table_schema = 'raw_spotify'
"""


def _columns(database: Database) -> set[tuple[str, str, str]]:
    return set(rows(database, COLUMNS))


def test_the_tables_that_dbt_reads_are_the_ones_that_extract_makes(
    session: Session, warehouse: Warehouse
) -> None:
    from extract.loading.pipeline import ensure_tables

    ensure_tables(session)
    assert not _columns(warehouse.database) - _columns(session.database)
