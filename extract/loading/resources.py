"""Spotify's simple lists as dlt resources: a page of the Web API in, a page of rows out."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import dlt
from dlt.extract.exceptions import ResourceExtractionError

from extract.loading.loader import CONTRACT, MERGE
from profiles.errors import TrackerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import ParamSpec

    from dlt.extract import DltResource

    from extract.loading.tables import RawTable, Row

    Arguments = ParamSpec("Arguments")

Pages: TypeAlias = "Iterator[list[Row]]"


def resource_of(
    table: RawTable,
) -> Callable[[Callable[Arguments, Pages]], Callable[Arguments, DltResource]]:
    """Decorate a generator of pages as the dlt resource of a table, with its key, columns and contract."""
    return dlt.resource(
        name=table.name,
        primary_key=table.key,
        write_disposition=MERGE,
        columns=table.hints(),
        schema_contract=CONTRACT,
    )


def rows_of(resource: DltResource) -> Iterator[Row]:
    """Yield the rows of a resource as its pages come. Raises the TrackerError that cuts it short."""
    try:
        yield from resource
    except ResourceExtractionError as error:
        if isinstance(error.__cause__, TrackerError):
            raise error.__cause__ from None
        raise
