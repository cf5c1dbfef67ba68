"""How a load ended: the rows that were stored, those that were refused, or the failure of the whole load."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from profiles.errors import TrackerError

if TYPE_CHECKING:
    from extract.loading.clean import Rejected


class LoadFailed(TrackerError):
    """PostgreSQL or dlt refused a load. What had been loaded before stays; the next run tries again."""


@dataclass(frozen=True)
class Loaded:
    """`rows` were stored; the `rejected` ones were not, and are kept in `ops.quarantined_rows`."""

    rows: int
    rejected: tuple[Rejected, ...] = ()
