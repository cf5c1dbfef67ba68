"""Where a full pass over the likes was cut short, so that the next one goes on from there.

A list that shows the same first page and the same total as then is unchanged: what is added comes first, what
is removed lowers the total, one of each changes the first page. Only then does a pass resume, so that its
pages, old and new, are one view of one list; else everything is listed from the start.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from psycopg2.extras import Json

from extract.guards import PageFacts
from extract.rows import parse_time

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from extract.intake import Intake
    from profiles.database import Database

KEPT = timedelta(days=3)

Entries = list[list[str]]  # [id, added_at] as ISO text


@dataclass(frozen=True)
class CutPass:
    """What a pass had seen when it was cut short."""

    pages: list[PageFacts]
    listed: dict[str, datetime]
    unidentified: list[datetime]
    first_page: Entries


def remember(
    database: Database, resource: str, intake: Intake, pages: Sequence[PageFacts], first_page: Entries
) -> None:
    """Keep the place of a pass that was cut short. One with entries that could not be stored starts anew."""
    moments = [moment for moment in intake.unidentified if moment is not None]
    is_plain = not (intake.has_held or intake.undated or intake.refused or intake.rejected)
    if not is_plain or len(moments) < len(intake.unidentified) or len(pages) < 2:  # noqa: PLR2004  # nothing won
        return
    detail = {
        "pages": [[page.offset, page.count, page.total] for page in pages],
        "listed": {id_: added_at.isoformat() for id_, added_at in intake.listed.items()},
        "unidentified": [moment.isoformat() for moment in moments],
        "first_page": first_page,
    }
    with closing(database.connect()) as connection, connection, connection.cursor() as cursor:
        cursor.execute(
            """
            insert into ops.source_checks (resource, checked_at, is_complete, total, detail)
            values (%s, %s, false, %s, %s)
            on conflict (resource) do update
                set checked_at = excluded.checked_at, total = excluded.total, detail = excluded.detail
            """,
            [_name(resource), intake.noticed_at, pages[0].total, Json(detail)],
        )


def recall(database: Database, resource: str, now: datetime) -> CutPass | None:
    """Return where the last pass was cut short, None where it was not, or long ago."""
    with closing(database.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(
            "select checked_at, detail from ops.source_checks where resource = %s", [_name(resource)]
        )
        row: tuple[datetime, dict[str, Any]] | None = cursor.fetchone()
    if row is None or now - row[0] > KEPT:
        return None
    detail = row[1]
    return CutPass(
        [PageFacts(*facts) for facts in detail["pages"]],
        {id_: parse_time(added_at) for id_, added_at in detail["listed"].items()},
        [parse_time(moment) for moment in detail["unidentified"]],
        detail["first_page"],
    )


def forget(database: Database, resource: str) -> None:
    """Forget the place: the pass was finished, or the list has changed."""
    with closing(database.connect()) as connection, connection, connection.cursor() as cursor:
        cursor.execute("delete from ops.source_checks where resource = %s", [_name(resource)])


def entries_of(items: Sequence[Any], kind: str) -> Entries:
    """Return what tells one page of a list from another."""
    found = []
    for came in items:
        item = came if isinstance(came, dict) else {}
        thing = item.get(kind)
        id_ = thing.get("id") if isinstance(thing, dict) else None
        found.append([str(id_), str(item.get("added_at"))])
    return found


def _name(resource: str) -> str:
    return f"{resource}:cut_short"
