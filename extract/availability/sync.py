"""Which stored tracks can be played: the library's pages listed with `market`, and single look-ups.

For 10,000 likes and 500 albums, 220 pages answer what would take 15,000 single look-ups. Every night a
seventh of the pages is asked for, those asked longest ago first. Tracks that no page answers for are looked
up one by one within a daily budget. A track without an answer stays unknown.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from extract.availability.answers import Answers
from extract.availability.pages import MarketListing
from extract.availability.pairing import GONE, ShownTrack, availability_of
from extract.library.stored import ALBUMS, LIKES, stored_entries
from extract.loading.clean import clean
from extract.loading.lookup_budget import left_today
from extract.loading.syncing import sync
from extract.loading.tables import TRACK_AVAILABILITY
from extract.report import LoadReport
from profiles.errors import BadRequest, Deferred, NotFound

if TYPE_CHECKING:
    from extract.report import Progress
    from profiles.session import Session

logger = logging.getLogger(__name__)

NEVER = datetime.min.replace(tzinfo=UTC)
LOOK_UP_EVERY = timedelta(days=7)  # each page is asked for as often
LOOK_UP_UNLIKED = timedelta(days=90)  # how long after it was un-liked a track is still looked up

_TRACKS_OF_ALBUMS = """
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
    """Bring `track_availability` up to date: a seventh of the pages (all with `full`), then look-ups.

    Spotify's answers are compared with the stored library, so sync that first. Skipped where SPOTIFY_MARKET
    is not set. An error never makes a track unplayable: earlier answers are loaded, then it is raised. Where
    Spotify defers one family of calls, the others are still made, and Deferred is raised at the end.
    """
    market = session.settings.spotify_market
    if market is None:
        reason = "SPOTIFY_MARKET is not set"
        logger.info("track_availability: skipped, %s", reason)
        return LoadReport(TRACK_AVAILABILITY.name, 0, 0, 0, {"pass": "skipped", "why": reason})
    with sync(session, TRACK_AVAILABILITY.name, "catalog", "library") as run:
        if run.has_lock:
            answers = Answers(run, market)
            run.detail |= {"pass": "full" if full else "nightly", "market": market}
            try:
                deferred = _ask(answers, full=full, progress=progress)
            finally:
                answers.load()
            run.detail["answered"] = len(answers.answered)
            if deferred:
                raise deferred[0]
            run.record_check(len(answers.answered), {"market": market, "full": full})
    return run.report()


def _ask(answers: Answers, *, full: bool, progress: Progress | None) -> list[Deferred]:
    """Ask for pages, then look up single tracks. Returns the deferrals of Spotify."""
    detail = answers.run.detail
    deferred: list[Deferred] = []
    likes = MarketListing(answers, LIKES, "likes_page")
    albums = MarketListing(answers, ALBUMS, "albums_page")
    try:
        for listing in (likes, albums):
            listing.ask(full=full, progress=progress)
    except Deferred as error:
        deferred.append(error)
    deferred += likes.deferred + albums.deferred
    detail["pages"] = likes.pages_read + albums.pages_read
    if unpaired := likes.unpaired + albums.unpaired:
        detail["unpaired"] = unpaired
        logger.warning("track_availability: %d listed entries pair with nothing stored", unpaired)
    if differs := {each.collection.path: each.difference for each in (likes, albums) if each.difference}:
        detail["differs"] = differs
    try:
        _look_up_tracks(answers, likes, albums)
    except Deferred as error:
        deferred.append(error)
    return deferred


def _look_up_tracks(answers: Answers, likes: MarketListing, albums: MarketListing) -> None:
    """Ask one by one for tracks that no page answers for, as far as the day's budget goes."""
    session, detail = answers.run.session, answers.run.detail
    waiting = _tracks_to_look_up(answers, likes, albums)
    if not waiting:
        return
    left = left_today(session, "track", session.settings.spotify_tracks_per_day)
    detail["looked_up"] = gone = 0
    for track_id in waiting[:left]:
        try:
            track = ShownTrack.of(clean(session.spotify.get(f"tracks/{track_id}", market=answers.market)))
            answers.add(track_id, availability_of(track, track_id), track.payload)
        except NotFound:
            answers.add(track_id, GONE, None)
            gone += 1
        except BadRequest as error:
            logger.warning("track %s cannot be looked up: %s", track_id, error)
            answers.add(track_id, None, None)
        detail["looked_up"] += 1
    if gone:
        detail["gone"] = gone
    if len(waiting) > left:
        detail["waiting"] = len(waiting) - left


def _tracks_to_look_up(answers: Answers, likes: MarketListing, albums: MarketListing) -> list[str]:
    """Tracks that no page answers for and nobody asked for in a week, those asked longest ago first.

    These are tracks whose entry said nothing or did not pair, tracks un-liked lately (a playlist may hold
    them), and tracks of a selection that are not in the library.
    """
    database, now = answers.run.session.database, answers.run.started_at
    has_selections = database.relation_exists("analytics.playlist_selections")
    with database.transaction() as cursor:
        cursor.execute(_TRACKS_OF_ALBUMS, [list(albums.entries)])
        on_pages = {track_id for (track_id,) in cursor} | set(likes.entries)
        selected: set[str] = set()
        if has_selections:
            cursor.execute("select distinct track_id from analytics.playlist_selections")
            selected = {track_id for (track_id,) in cursor}
    unliked = {
        id_
        for id_, entry in stored_entries(database, LIKES).items()
        if not entry.is_present and entry.last_event_at and entry.last_event_at > now - LOOK_UP_UNLIKED
    }
    asked = answers.asked_before
    silent = {id_ for id_, check in asked.items() if check.is_unanswered and id_ in on_pages}
    wanted = (((selected | unliked) - on_pages) | silent) - answers.answered
    asked_at = {id_: asked[id_].asked_at for id_ in wanted if id_ in asked}
    due = [id_ for id_ in wanted if id_ in silent or asked_at.get(id_, NEVER) < now - LOOK_UP_EVERY]
    return sorted(due, key=lambda id_: (asked_at.get(id_, NEVER), id_))
