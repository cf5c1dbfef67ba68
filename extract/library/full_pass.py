"""A full pass: everything is listed and loaded. What left is decided only where the view proves whole."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from extract.library import resume
from extract.library.albums import AlbumCompleter
from extract.library.load_changes import ChangeLoader
from extract.library.stored import ALBUMS, Collection, stored_entries
from extract.loading.whole_view import PAGE_SIZE, entries_gone
from profiles.errors import TrackerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from extract.loading.syncing import Sync
    from extract.loading.whole_view import PageFacts
    from extract.report import Progress

logger = logging.getLogger(__name__)

SAVE_EVERY = 20  # calls: a kill costs at most so many of them
LOG_EVERY = 20 * PAGE_SIZE  # entries


def full_pass(run: Sync, collection: Collection, *, refetch_albums: bool, progress: Progress | None) -> None:
    """List everything; load what is new or changed; record what left where the view proves whole.

    A pass that was cut short before (by an error, a quota, a kill) goes on where it stopped. With
    `refetch_albums` the later tracks of long albums are asked for also where the first fifty are unchanged.
    Raises the TrackerError that cuts it short, after loading what was read.
    """
    spotify = run.session.spotify
    stored = stored_entries(run.session.database, collection)
    albums = AlbumCompleter(spotify, refetch=refetch_albums) if collection is ALBUMS else None
    loader = ChangeLoader(run, collection, stored, albums)
    listing: resume.ResumableListing = (
        resume.LikesListing(loader) if albums is None else resume.AlbumsListing(loader, albums=albums)
    )
    try:
        saved_at = spotify.calls_made
        for page in listing.pages():
            loader.add(page.items)
            listing.note(page)
            _show_progress(collection, listing.view, progress)
            if spotify.calls_made - saved_at >= SAVE_EVERY:
                loader.load_partial()
                listing.save_place()
                saved_at = spotify.calls_made
    except TrackerError as error:
        loader.load_partial()
        listing.save_place()
        logger.warning(
            "%s: cut short after %d entries, nothing removed: %s", run.resource, loader.distinct, error
        )
        raise
    resume.forget_place(run.session.database, run.resource)
    detail: dict[str, Any] = {"pass": "full", "listed": loader.distinct}
    not_whole = listing.why_not_whole()
    if not_whole is not None:
        loader.load_partial()
        logger.warning("%s: nothing removed, %s", run.resource, not_whole)
        detail["not_whole"] = not_whole
    else:
        present = {id_: entry.added_at for id_, entry in stored.items() if entry.is_present}
        loader.load_whole_pass(entries_gone(present, loader.listed, loader.unidentified_times))
        memory = {"full_at": run.started_at.isoformat(), "unstored": loader.unstored()}
        run.record_check(listing.view[-1].total, memory)
    if albums is not None and albums.incomplete:
        detail["incomplete_albums"] = albums.incomplete
    loader.add_detail(detail)


def _show_progress(collection: Collection, view: Sequence[PageFacts], progress: Progress | None) -> None:
    seen, total = sum(page.count for page in view), view[-1].total or 0
    if progress is not None:
        progress(seen, total)
    if seen < total and seen % LOG_EVERY == 0:
        logger.info("%s: %d of %d", collection.table.name, seen, total)
