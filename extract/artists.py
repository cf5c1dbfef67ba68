"""Artists (genres, images) and their albums (newer editions of saved ones): budgeted, wanted ones first."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

from extract.loading import pipeline
from extract.loading.clean import clean, text_or_none
from extract.loading.filling import filled
from extract.loading.lookup_budget import Kind, left_today, read_checks, write_checks
from extract.loading.source_checks import read_check, write_check
from extract.loading.stored_payloads import StoredPayload, stored_payloads
from extract.loading.tables import ARTIST_ALBUMS, ARTISTS, FILLED, RawTable, Row
from extract.report import LoadReport
from profiles.clock import as_of
from profiles.database import advisory_lock
from profiles.errors import BadRequest, Forbidden, NotFound, TrackerError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from profiles.session import Session

logger = logging.getLogger(__name__)

TOP_RESOURCE = "top_artists"
TOP_RANGES = ("short_term", "medium_term", "long_term")  # about four weeks, six months, a year
TOP_EVERY = timedelta(hours=20)
ARTIST_EVERY = timedelta(days=60)  # genres hardly change: 50 a day keep 3,000 artists that fresh
ALBUMS_EVERY = timedelta(days=7)
ALBUMS_LIMIT = 10  # Spotify's most, in Development Mode
ALBUMS_PAGES = 3  # of one artist at most: some have hundreds of singles
VARIOUS_ARTISTS = "0LyfQWJT6nXafLPZqxke9C"  # "newer albums" of theirs would be every compilation there is

# First artists of what is known, most played first. analytics.plays comes with the first build.
_WANTED_ARTISTS = """
    with tracks as (
        select track_id, payload #>> '{{track,artists,0,id}}' as artist_id, 1 as likes
        from raw_spotify.liked_tracks
        union all
        select split_part(track_uri, ':', 3), payload #>> '{{track,artists,0,id}}', 0
        from raw_spotify.recently_played where track_uri like 'spotify:track:%'
        union all
        select null, payload #>> '{{album,artists,0,id}}', 0
        from raw_spotify.saved_albums
    ),
    artist_of as (
        select track_id, min(artist_id) as artist_id from tracks where track_id is not null group by track_id
    ),
    plays as ({plays}),
    artist_plays as (
        select artist_of.artist_id, sum(plays.plays) as plays
        from plays inner join artist_of on plays.track_id = artist_of.track_id
        group by artist_of.artist_id
    )
    select tracks.artist_id
    from tracks left join artist_plays on tracks.artist_id = artist_plays.artist_id
    where tracks.artist_id is not null
    group by tracks.artist_id
    order by coalesce(max(artist_plays.plays), 0) desc, sum(tracks.likes) desc, tracks.artist_id
"""
_COUNTED_PLAYS = "select track_id, count(*) as plays from analytics.plays group by track_id"
_RAW_PLAYS = (
    "select split_part(track_uri, ':', 3) as track_id, count(*) as plays"
    " from raw_spotify.recently_played group by 1"
)
_ARTISTS_OF_SAVED_ALBUMS = """
    select distinct albums.payload #>> '{album,artists,0,id}'
    from raw_spotify.saved_albums as albums
    where albums.payload #>> '{album,artists,0,id}' is not null
    and coalesce((
        select events.event from raw_spotify.library_removals as events
        where events.kind = 'album' and events.id = albums.album_id and events.added_at = albums.added_at
        order by events.noticed_at desc limit 1
    ), 'returned') = 'returned'
"""

Work: TypeAlias = "Callable[[_Fetch], None]"


@dataclass
class _Fetch:
    """One run: rows and questions gather here and are loaded at its end, also where it is cut short."""

    session: Session
    table: RawTable
    kind: Kind
    now: datetime
    stored: dict[str, StoredPayload] = field(default_factory=dict)
    rows: dict[str, Row] = field(default_factory=dict)
    asked: dict[tuple[Kind, str], bool] = field(default_factory=dict)
    detail: dict[str, Any] = field(default_factory=dict)

    def keep(self, key: str, payload: dict[str, Any], **columns: str) -> None:
        """Keep one object where it differs from the stored one."""
        stored = self.stored.get(key)
        if stored is None or stored.latest != payload:
            row = {self.table.key[0]: key, **columns, "payload": payload, "fetched_at": self.now}
            self.rows[key] = {**row, FILLED: filled(payload, stored and stored.best)}


def sync_artists(session: Session) -> LoadReport:
    """Bring `artists` up to date: the user's top artists (three calls a day), then single look-ups.

    Look-ups take the most played artists of the library first, within SPOTIFY_ARTISTS_PER_DAY, and none that
    was asked for in the last sixty days. Raises Deferred or another TrackerError after loading what came.
    """
    return _sync(session, ARTISTS, "artist", _fetch_artists)


def sync_artist_albums(session: Session) -> LoadReport:
    """Bring `artist_albums` up to date, for artists of saved albums, those asked longest ago first.

    Albums and singles, at most thirty of an artist, within SPOTIFY_ARTIST_ALBUMS_PER_DAY, each artist once
    a week at most. Raises Deferred or another TrackerError after loading what came.
    """
    return _sync(session, ARTIST_ALBUMS, "artist_albums", _fetch_artist_albums)


def _sync(session: Session, table: RawTable, kind: Kind, work: Work) -> LoadReport:
    calls_before = session.spotify.calls_made
    with advisory_lock(session.database, f"extract:{table.name}", wait=False) as is_mine:
        if not is_mine:
            return LoadReport.skipped(table.name)
        pipeline.ensure_tables(session, "library", "listening", "catalog")
        pipeline.finish_pending(session, "catalog")
        fetch = _Fetch(
            session, table, kind, as_of(session.settings), stored_payloads(session.database, table)
        )
        try:
            work(fetch)
        except TrackerError as error:
            logger.warning("%s: cut short, what came is loaded: %s", table.name, error)
            _load(fetch)
            raise
        rows = _load(fetch)
        write_check(session.database, table.name, fetch.now, len(fetch.asked), {})
    calls = session.spotify.calls_made - calls_before
    logger.info("%s: %d rows, %d calls %s", table.name, rows, calls, fetch.detail)
    return LoadReport(table.name, rows, 0, calls, fetch.detail)


def _load(fetch: _Fetch) -> int:
    loaded = pipeline.load(fetch.session, "catalog", {fetch.table: list(fetch.rows.values())})
    for refused in loaded.rejected:
        fetch.asked.pop((fetch.kind, refused.key), None)
    write_checks(fetch.session.database, fetch.asked, fetch.now)
    return loaded.rows


# -- artists


def _fetch_artists(fetch: _Fetch) -> None:
    _fetch_top(fetch)
    session = fetch.session
    left = left_today(session, "artist", session.settings.spotify_artists_per_day)
    checks = read_checks(session.database, "artist")
    wanted = [
        id_
        for id_ in _wanted_artists(session)
        if ("artist", id_) not in fetch.asked
        and (id_ not in checks or checks[id_].asked_at < fetch.now - ARTIST_EVERY)
    ]
    # nobody knows them yet, then those whose turn it is again; each in the order of their plays
    wanted.sort(key=lambda id_: id_ in checks)
    for id_ in wanted[:left]:
        _fetch_artist(fetch, id_)
    fetch.detail["looked_up"] = min(left, len(wanted))
    if len(wanted) > left:
        fetch.detail["waiting"] = len(wanted) - left


def _fetch_artist(fetch: _Fetch, id_: str) -> None:
    try:
        artist = clean(fetch.session.spotify.get(f"artists/{id_}"))
    except (NotFound, BadRequest) as error:
        logger.info("artist %s cannot be looked up: %s", id_, error)
        fetch.asked["artist", id_] = False
        return
    fetch.asked["artist", id_] = True
    fetch.keep(id_, artist)


def _fetch_top(fetch: _Fetch) -> None:
    """Take in the artists that the user hears most: fifty at a call, and they are those that matter."""
    session = fetch.session
    check = read_check(session.database, TOP_RESOURCE)
    if check is not None and check.checked_at > fetch.now - TOP_EVERY:
        return
    try:
        for time_range in TOP_RANGES:
            page = session.spotify.page("me/top/artists", limit=50, time_range=time_range)
            for id_, artist in _objects(page.items):
                fetch.asked["artist", id_] = True
                fetch.keep(id_, artist)
    except Forbidden as error:
        # a consent without user-top-read is a choice: single look-ups do without
        logger.warning("top artists cannot be read: %s", error)
        fetch.detail["top"] = "not allowed"
        return
    fetch.detail["top"] = len(fetch.asked)
    write_check(session.database, TOP_RESOURCE, fetch.now, len(fetch.asked), {})


def _wanted_artists(session: Session) -> list[str]:
    with session.database.transaction() as cursor:
        cursor.execute("select to_regclass('analytics.plays') is not null")
        plays = _COUNTED_PLAYS if cursor.fetchone() == (True,) else _RAW_PLAYS
        cursor.execute(_WANTED_ARTISTS.format(plays=plays))
        return [artist_id for (artist_id,) in cursor]


# -- their albums


def _fetch_artist_albums(fetch: _Fetch) -> None:
    session = fetch.session
    left = left_today(session, "artist_albums", session.settings.spotify_artist_albums_per_day)
    checks = read_checks(session.database, "artist_albums")
    waiting = sorted(
        (checks[id_].asked_at.timestamp() if id_ in checks else 0.0, id_)
        for id_ in _artists_of_saved_albums(session)
        if id_ not in checks or checks[id_].asked_at < fetch.now - ALBUMS_EVERY
    )
    last_call = session.spotify.calls_made + left
    for _, artist_id in waiting:
        if session.spotify.calls_made >= last_call:
            break
        _fetch_albums_of(fetch, artist_id, last_call)
    fetch.detail["artists"] = len(fetch.asked)
    if len(waiting) > len(fetch.asked):
        fetch.detail["waiting"] = len(waiting) - len(fetch.asked)


def _fetch_albums_of(fetch: _Fetch, artist_id: str, last_call: int) -> None:
    spotify = fetch.session.spotify
    try:
        pages = spotify.pages(
            f"artists/{artist_id}/albums", limit=ALBUMS_LIMIT, include_groups="album,single"
        )
        for number, page in enumerate(pages, start=1):
            for id_, album in _objects(page.items):
                fetch.keep(id_, album, artist_id=artist_id)
            if number == ALBUMS_PAGES or spotify.calls_made >= last_call:
                break
    except (NotFound, BadRequest) as error:
        logger.info("albums of artist %s cannot be read: %s", artist_id, error)
        fetch.asked["artist_albums", artist_id] = False
        return
    fetch.asked["artist_albums", artist_id] = True


def _artists_of_saved_albums(session: Session) -> list[str]:
    with session.database.transaction() as cursor:
        cursor.execute(_ARTISTS_OF_SAVED_ALBUMS)
        return [artist_id for (artist_id,) in cursor if artist_id != VARIOUS_ARTISTS]


def _objects(items: Sequence[Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for came in items:
        thing = clean(came) if isinstance(came, dict) else {}
        if id_ := text_or_none(thing.get("id")):
            yield id_, thing
