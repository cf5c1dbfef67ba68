"""Can it be played? The library's pages listed again with `market`, and single look-ups for what they lack.

Two hundred and twenty calls tell of 10,000 likes and 500 albums what 15,000 single look-ups would. Every
night a seventh of the pages is asked, those that waited longest first; tracks that no list tells of are
looked up one by one within a daily budget. What no answer is known of stays unknown.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from extract.availability.answers import Answers
from extract.availability.pages import Pages
from extract.availability.pairing import GONE, Seen, answer_of
from extract.library.stored import ALBUMS, LIKES, known_entries
from extract.loading import pipeline
from extract.loading.clean import clean
from extract.loading.lookup_budget import left_today
from extract.loading.source_checks import write_check
from extract.loading.tables import TRACK_AVAILABILITY
from extract.report import LoadReport
from profiles.clock import as_of
from profiles.database import advisory_lock
from profiles.errors import BadRequest, Deferred, NotFound

if TYPE_CHECKING:
    from extract.report import Progress
    from profiles.session import Session

logger = logging.getLogger(__name__)

NEVER = datetime.min.replace(tzinfo=UTC)
LOOK_UP_EVERY = timedelta(days=7)  # as often as the pages come round
UNLIKED_SINCE = timedelta(days=90)  # how long a track that was un-liked is worth looking up

_ON_ALBUMS = """
    select distinct entries.track ->> 'id'
    from raw_spotify.saved_albums as albums
    cross join jsonb_array_elements(
        case
            when jsonb_typeof(albums.payload #> '{album,tracks,items}') = 'array'
                then albums.payload #> '{album,tracks,items}'
            else '[]'
        end
    ) as entries (track)
    where albums.album_id = any(%s) and entries.track ->> 'id' is not null
"""


def check_availability(
    session: Session, *, full: bool = False, progress: Progress | None = None
) -> LoadReport:
    """Bring `track_availability` up to date: a seventh of the pages, with `full` all of them; then look-ups.

    Compares with what is stored, so the library is to be synced first. Skipped where SPOTIFY_MARKET is not
    set. An error never makes a track unplayable: what came before it is loaded, then it is raised. A family
    that has to rest does not keep the others from being asked; its Deferred is raised at the end.
    """
    market = session.settings.spotify_market
    if market is None:
        why = "SPOTIFY_MARKET is not set"
        logger.info("track_availability: skipped, %s", why)
        return LoadReport(TRACK_AVAILABILITY.name, 0, 0, 0, {"pass": "skipped", "why": why})
    calls_before = session.spotify.calls_made
    with advisory_lock(session.database, f"extract:{TRACK_AVAILABILITY.name}", wait=False) as is_mine:
        if not is_mine:
            return LoadReport.skipped(TRACK_AVAILABILITY.name)
        pipeline.ensure_tables(session, "library", "catalog")
        pipeline.finish_pending(session, "catalog")
        answers = Answers(session, market, as_of(session.settings))
        detail: dict[str, Any] = {"pass": "full" if full else "nightly", "market": market}
        try:
            deferred = _review(session, answers, detail, full=full, progress=progress)
        finally:
            answers.flush()
        detail["answered"] = len(answers.heard)
        calls = session.spotify.calls_made - calls_before
        logger.info("track_availability: %d rows, %d calls %s", answers.rows_written, calls, detail)
        if deferred:
            raise deferred[0]
        write_check(
            session.database,
            TRACK_AVAILABILITY.name,
            answers.moment,
            len(answers.heard),
            {"market": market, "full": full},
        )
    return LoadReport(TRACK_AVAILABILITY.name, answers.rows_written, 0, calls, detail)


def _review(
    session: Session, answers: Answers, detail: dict[str, Any], *, full: bool, progress: Progress | None
) -> list[Deferred]:
    """Pages first, then look-ups. Returns who asked for patience."""
    deferred: list[Deferred] = []
    lists = (
        Pages(session, answers, LIKES, "likes_page"),
        Pages(session, answers, ALBUMS, "albums_page"),
    )
    try:
        for pages in lists:
            pages.review(full=full, progress=progress)
    except Deferred as error:
        deferred.append(error)
    deferred += [error for pages in lists for error in pages.deferred]
    detail["pages"] = sum(pages.pages_read for pages in lists)
    if unpaired := sum(pages.unpaired for pages in lists):
        detail["unpaired"] = unpaired
        logger.warning("track_availability: %d listed entries pair with nothing stored", unpaired)
    if differs := {pages.collection.path: pages.differs for pages in lists if pages.differs}:
        detail["differs"] = differs
    try:
        _look_up(session, answers, lists[0], lists[1], detail)
    except Deferred as error:
        deferred.append(error)
    return deferred


def _look_up(session: Session, answers: Answers, likes: Pages, albums: Pages, detail: dict[str, Any]) -> None:
    """Ask one by one for what no page tells of, stalest first, as far as the day's budget goes."""
    waiting = _uncovered(session, answers, likes, albums)
    if not waiting:
        return
    left = left_today(session, "track", session.settings.spotify_tracks_per_day)
    detail["looked_up"] = gone = 0
    for track_id in waiting[:left]:
        try:
            track = Seen.of(clean(session.spotify.get(f"tracks/{track_id}", market=answers.market)))
            answers.take(track_id, answer_of(track, track_id), track.shown)
        except NotFound:
            answers.take(track_id, GONE, None)
            gone += 1
        except BadRequest as error:
            logger.warning("track %s cannot be looked up: %s", track_id, error)
            answers.take(track_id, None, None)
        detail["looked_up"] += 1
    if gone:
        detail["gone"] = gone
    if len(waiting) > left:
        detail["waiting"] = len(waiting) - left


def _uncovered(session: Session, answers: Answers, likes: Pages, albums: Pages) -> list[str]:
    """Tracks that no page tells of and nobody asked for in a week, those asked longest ago first.

    Three kinds: those whose entry said nothing or did not pair, those un-liked of late (a playlist may hold
    them), and those in a selection without being in the library.
    """
    now = answers.moment
    with session.database.transaction() as cursor:
        cursor.execute(_ON_ALBUMS, [list(albums.standing)])
        covered = {track_id for (track_id,) in cursor} | set(likes.standing)
        selected: set[str] = set()
        cursor.execute("select to_regclass('analytics.playlist_selections') is not null")
        if cursor.fetchone() == (True,):
            cursor.execute("select distinct track_id from analytics.playlist_selections")
            selected = {track_id for (track_id,) in cursor}
    unliked = {
        id_
        for id_, entry in known_entries(session.database, LIKES).items()
        if not entry.is_present and entry.last_event_at and entry.last_event_at > now - UNLIKED_SINCE
    }
    asked = answers.asked_before
    silent = {id_ for id_, check in asked.items() if check.is_unanswered and id_ in covered}
    wanted = (((selected | unliked) - covered) | silent) - answers.heard
    asked_at = {id_: asked[id_].asked_at for id_ in wanted if id_ in asked}
    due = [id_ for id_ in wanted if id_ in silent or asked_at.get(id_, NEVER) < now - LOOK_UP_EVERY]
    return sorted(due, key=lambda id_: (asked_at.get(id_, NEVER), id_))
