"""The library: liked tracks and saved albums. A row never goes; what left is an event of its own.

Both are one procedure over two listings. Likes are newest first and long: what changed is found from few
pages (`changes`), and a full pass is made weekly, on demand, and whenever the picture does not fit. Albums
come in no documented order but are few: every pass is a full one, and only what differs is written.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from extract.library import changes
from extract.library.full_pass import full_pass
from extract.library.load_changes import Intake
from extract.library.stored import ALBUMS, LIKES, Collection, known_entries
from extract.loading import pipeline
from extract.loading.clean import clean, optional_time, parse_time, text_or_none
from extract.loading.source_checks import SourceCheck, read_check, write_check
from extract.loading.whole_view import PageFacts
from extract.report import LoadReport, Progress
from profiles.clock import as_of
from profiles.database import advisory_lock
from profiles.errors import TrackerError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from profiles.session import Session

logger = logging.getLogger(__name__)

PAGE_SIZE = changes.PAGE_SIZE
FULL_PASS_EVERY = timedelta(days=8)  # a day more than the weekly flow, which then is the one that makes it


def sync_liked_tracks(
    session: Session, *, full: bool = False, progress: Progress | None = None
) -> LoadReport:
    """Bring `liked_tracks` and the events of tracks in line with GET /me/tracks.

    Reads what is needed to prove what changed (one page where nothing did); everything with `full`, the
    first time and after eight days without. Raises Deferred or another TrackerError after loading what had
    come: then, as after a pass that is not whole, nothing is removed.
    """
    return _sync(session, LIKES, full=full, progress=progress)


def sync_saved_albums(
    session: Session, *, full: bool = False, progress: Progress | None = None
) -> LoadReport:
    """Bring `saved_albums` and the events of albums in line with GET /me/albums, all tracks of each included.

    With `full` the tracks beyond the embedded fifty are asked for again too, else only where an album is
    new or its first fifty changed. Raises as `sync_liked_tracks` does. Never touches likes.
    """
    return _sync(session, ALBUMS, full=full, progress=progress)


def _sync(session: Session, collection: Collection, *, full: bool, progress: Progress | None) -> LoadReport:
    resource = collection.table.name
    calls_before = session.spotify.calls_made
    with advisory_lock(session.database, f"extract:{resource}", wait=False) as is_mine:
        if not is_mine:
            logger.info("%s: skipped, another process is syncing it", resource)
            return LoadReport.skipped(resource)
        pipeline.ensure_tables(session, "library")
        pipeline.finish_pending(session, "library")
        check = read_check(session.database, resource)
        why = _why_full(check, collection, full=full, now=as_of(session.settings))
        report = None
        if why is None and check is not None:
            try:
                report = _incremental_pass(session, collection, check)
            except changes.Unproven as reason:
                why = str(reason)
        if report is None:
            logger.info("%s: full pass, because %s", resource, why)
            report = full_pass(session, collection, again=full, progress=progress)
            report = replace(report, detail={"why": why, **report.detail})
    report = replace(report, calls=session.spotify.calls_made - calls_before)
    logger.info(
        "%s: %d rows, %d removed, %d calls %s",
        resource,
        report.rows,
        report.removed,
        report.calls,
        report.detail,
    )
    return report


def _why_full(check: SourceCheck | None, collection: Collection, *, full: bool, now: datetime) -> str | None:
    """Say why everything has to be listed, None where finding the changes will do."""
    if full:
        return "it was asked for"
    if collection is ALBUMS:
        return "albums come in no reliable order"
    if check is None:
        return "it is the first"
    if not check.is_settled:
        return "the pass before was not finished"
    last_full = optional_time(check.detail.get("full_at"))
    if last_full is None or now - last_full > FULL_PASS_EVERY:
        return "the last one is over a week old"
    return None


def _incremental_pass(session: Session, collection: Collection, check: SourceCheck) -> LoadReport:
    """Read only the pages that prove what changed. Raises changes.Unproven where that is not enough."""
    noticed_at = as_of(session.settings)
    known = known_entries(session.database, collection)
    intake = Intake(session, collection, known, noticed_at)
    came: dict[int, list[Any]] = {}

    def fetch_page(offset: int) -> changes.Page:
        page = session.spotify.page(collection.path, limit=PAGE_SIZE, offset=offset)
        came[offset] = page.items
        total = PageFacts.of(page).total
        if total is None:
            raise changes.Unproven("a page names no total")
        return changes.Page([_entry(collection, item) for item in page.items], total)

    standing = {changes.Entry(entry.added_at, id_) for id_, entry in known.items() if entry.is_present}
    unstored = {changes.Entry(parse_time(moment), id_) for id_, moment in check.detail.get("unstored", [])}
    try:
        found = changes.detect_changes(fetch_page, standing | unstored)
    except TrackerError as error:
        _take_all(intake, came)
        intake.flush()
        logger.warning("%s: cut short, nothing removed: %s", collection.table.name, error)
        raise
    _take_all(intake, came)
    # what is missed beside an entry without an id may be that entry
    veiled = {entry.added_at for entry in (unstored - found.gone) | set(found.new) if not entry.id}
    gone = {e.id: e.added_at for e in found.gone if e in standing and e.added_at not in veiled}
    removed = intake.finish(gone)
    still_unstored = sorted((entry.id, entry.added_at.isoformat()) for entry in unstored - found.gone)
    memory = {**check.detail, "unstored": [*still_unstored, *intake.unstored(but=unstored)]}
    write_check(session.database, collection.table.name, noticed_at, found.total, memory)
    return intake.report(removed, {"pass": "incremental", "pages": found.pages_read})


def _take_all(intake: Intake, came: Mapping[int, list[Any]]) -> None:
    for _, items in sorted(came.items()):
        intake.take(items, may_flush=False)


def _entry(collection: Collection, item: Any) -> changes.Entry:
    """The entry that an item stands for. One without an id is known by its moment alone."""
    item = clean(item) if isinstance(item, dict) else {}
    added_at = optional_time(item.get("added_at"))
    if added_at is None:
        raise changes.Unproven("an entry has no readable added_at")
    thing = item.get(collection.kind)
    id_ = text_or_none(thing.get("id")) if isinstance(thing, dict) else None
    return changes.Entry(added_at, id_ or "")
