"""The library: liked tracks and saved albums. Rows are never deleted; a removal is an event in its own table.

Both are one procedure over two listings. Likes are many and come newest first: a few pages show what changed
(`changes`). A full pass is made weekly, on request, and whenever those pages prove nothing. Albums come in no
documented order but are few: every pass is a full one, and only rows that differ are written.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from extract.library import changes
from extract.library.full_pass import full_pass
from extract.library.load_changes import ChangeLoader
from extract.library.stored import ALBUMS, LIKES, Collection, stored_entries
from extract.loading.clean import clean, optional_time, parse_time
from extract.loading.source_checks import SourceCheck, read_check
from extract.loading.syncing import Sync, sync
from extract.loading.whole_view import PAGE_SIZE, PageFacts
from profiles.errors import TrackerError

if TYPE_CHECKING:
    from extract.report import LoadReport, Progress
    from profiles.session import Session

logger = logging.getLogger(__name__)

FULL_PASS_EVERY = timedelta(days=8)  # a day more than the weekly flow, which then is the one that makes it


def sync_liked_tracks(
    session: Session, *, full: bool = False, progress: Progress | None = None
) -> LoadReport:
    """Bring `liked_tracks` and the events of tracks in line with GET /me/tracks.

    Reads what is needed to prove what changed: one page where nothing did. Reads everything with `full`, the
    first time, and after eight days without a full pass. Raises Deferred or another TrackerError after
    loading what was read; then, as after a pass that is not whole, nothing is removed.
    """
    return _sync(session, LIKES, full=full, progress=progress)


def sync_saved_albums(
    session: Session, *, full: bool = False, progress: Progress | None = None
) -> LoadReport:
    """Bring `saved_albums` and the events of albums in line with GET /me/albums, with all tracks of each.

    With `full` the tracks beyond the embedded fifty are asked for again too, otherwise only where an album is
    new or its first fifty changed. Raises as `sync_liked_tracks` does. Never touches likes.
    """
    return _sync(session, ALBUMS, full=full, progress=progress)


def _sync(session: Session, collection: Collection, *, full: bool, progress: Progress | None) -> LoadReport:
    with sync(session, collection.table.name, "library") as run:
        if run.has_lock:
            check = read_check(session.database, run.resource)
            reason = _why_full_pass(check, collection, full=full, now=run.started_at)
            if reason is None and check is not None:
                try:
                    _incremental_pass(run, collection, check)
                except changes.Unproven as error:
                    reason = str(error)
            if reason is not None:
                logger.info("%s: full pass, because %s", run.resource, reason)
                run.detail["why"] = reason
                full_pass(run, collection, refetch_albums=full, progress=progress)
    return run.report()


def _why_full_pass(
    check: SourceCheck | None, collection: Collection, *, full: bool, now: datetime
) -> str | None:
    """Say why everything has to be listed, None where it is enough to find the changes."""
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


def _incremental_pass(run: Sync, collection: Collection, check: SourceCheck) -> None:
    """Read only the pages that prove what changed. Raises changes.Unproven where they prove nothing."""
    stored = stored_entries(run.session.database, collection)
    loader = ChangeLoader(run, collection, stored)
    pages: dict[int, list[Any]] = {}

    def fetch_page(offset: int) -> changes.ListedPage:
        page = run.session.spotify.page(collection.path, limit=PAGE_SIZE, offset=offset)
        pages[offset] = page.items
        total = PageFacts.of(page).total
        if total is None:
            raise changes.Unproven("a page names no total")
        return changes.ListedPage([_entry_of(collection, item) for item in page.items], total)

    present = {changes.LibraryEntry(entry.added_at, id_) for id_, entry in stored.items() if entry.is_present}
    unstored = {
        changes.LibraryEntry(parse_time(moment), id_) for id_, moment in check.detail.get("unstored", [])
    }
    try:
        found = changes.detect_changes(fetch_page, present | unstored)
    except TrackerError as error:
        _add_pages(loader, pages)
        loader.load_partial()
        logger.warning("%s: cut short, nothing removed: %s", run.resource, error)
        raise
    _add_pages(loader, pages)
    # an entry without an id may be any that was added at its time, so none of that time counts as removed
    hidden_times = {entry.added_at for entry in (unstored - found.gone) | set(found.new) if not entry.id}
    loader.load_whole_pass(
        {
            entry.id: entry.added_at
            for entry in found.gone
            if entry in present and entry.added_at not in hidden_times
        }
    )
    still_unstored = sorted((entry.id, entry.added_at.isoformat()) for entry in unstored - found.gone)
    unstored_now = [*still_unstored, *loader.unstored(but=unstored)]
    run.record_check(found.total, {**check.detail, "unstored": unstored_now})
    loader.add_detail({"pass": "incremental", "pages": found.pages_read})


def _add_pages(loader: ChangeLoader, pages: dict[int, list[Any]]) -> None:
    for _, items in sorted(pages.items()):
        loader.add(items, may_load=False)


def _entry_of(collection: Collection, item: Any) -> changes.LibraryEntry:
    """The entry that a listed item is. One without an id has its time alone."""
    item = clean(item) if isinstance(item, dict) else {}
    added_at = optional_time(item.get("added_at"))
    if added_at is None:
        raise changes.Unproven("an entry has no readable added_at")
    return changes.LibraryEntry(added_at, collection.id_in(item) or "")
