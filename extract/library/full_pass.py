"""Everything is listed: what comes is loaded; what left is decided where the view proves whole."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from extract.library import resume
from extract.library.albums import AlbumCompleter
from extract.library.changes import PAGE_SIZE
from extract.library.load_changes import Intake
from extract.library.stored import ALBUMS, Collection, known_entries
from extract.loading.source_checks import write_check
from extract.loading.whole_view import entries_gone
from profiles.clock import as_of
from profiles.errors import TrackerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from extract.loading.whole_view import PageFacts
    from extract.report import LoadReport, Progress
    from profiles.session import Session

logger = logging.getLogger(__name__)

SAVE_EVERY = 20  # calls: a kill costs at most so many of them


def full_pass(
    session: Session, collection: Collection, *, again: bool, progress: Progress | None
) -> LoadReport:
    """List everything; load what is new or changed; where the view proves whole, record what left.

    One that was cut short before (by an error, a quota, a kill) goes on where it stopped. `again` asks for
    the later tracks of long albums even where the first fifty are unchanged. Raises what cuts it short, a
    TrackerError, after loading what has come.
    """
    resource = collection.table.name
    noticed_at = as_of(session.settings)
    known = known_entries(session.database, collection)
    albums = AlbumCompleter(session, again=again) if collection is ALBUMS else None
    intake = Intake(session, collection, known, noticed_at, complete=albums)
    reading: resume.Reading = (
        resume.LikesReading(session, collection, intake)
        if albums is None
        else resume.AlbumsReading(session, collection, intake, albums)
    )
    try:
        saved_at = session.spotify.calls_made
        for page in reading.pages():
            intake.take(page.items)
            reading.note(page)
            _tell(collection, reading.view, progress)
            if session.spotify.calls_made - saved_at >= SAVE_EVERY:
                intake.flush()
                reading.remember()
                saved_at = session.spotify.calls_made
    except TrackerError as error:
        intake.flush()
        reading.remember()
        logger.warning(
            "%s: cut short after %d entries, nothing removed: %s", resource, intake.distinct, error
        )
        raise
    resume.forget(session.database, resource)
    detail: dict[str, Any] = {"pass": "full", "listed": intake.distinct}
    not_whole = reading.why_not_whole()
    removed = 0
    if not_whole is not None:
        intake.flush()
        logger.warning("%s: nothing removed, %s", resource, not_whole)
        detail["not_whole"] = not_whole
    else:
        present = {id_: entry.added_at for id_, entry in known.items() if entry.is_present}
        veiled = [moment for moment in intake.unidentified if moment is not None]
        removed = intake.finish(entries_gone(present, intake.listed, veiled))
        memory = {"full_at": noticed_at.isoformat(), "unstored": intake.unstored()}
        write_check(session.database, resource, noticed_at, reading.view[-1].total, memory)
    if albums is not None and albums.incomplete:
        detail["incomplete_albums"] = albums.incomplete
    return intake.report(removed, detail)


def _tell(collection: Collection, view: Sequence[PageFacts], progress: Progress | None) -> None:
    seen, total = sum(page.count for page in view), view[-1].total or 0
    if progress is not None:
        progress(seen, total)
    if seen < total and seen % (20 * PAGE_SIZE) == 0:
        logger.info("%s: %d of %d", collection.table.name, seen, total)
