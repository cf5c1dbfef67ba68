"""Artists (genres, images) and their albums (newer editions of saved ones), within daily budgets."""

from __future__ import annotations

import logging
from datetime import timedelta
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from extract.loading.clean import clean, text_or_none
from extract.loading.lookup_budget import Kind, left_today, read_checks, write_checks
from extract.loading.resources import resource_of, rows_of
from extract.loading.source_checks import read_check, write_check
from extract.loading.stored_payloads import changed_rows, stored_payloads
from extract.loading.syncing import Sync, sync
from extract.loading.tables import ARTIST_ALBUMS, ARTISTS, RawTable, Row
from profiles.errors import BadRequest, Forbidden, NotFound, TrackerError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from extract.loading.resources import Pages
    from extract.report import LoadReport
    from profiles.session import Session
    from profiles.spotify.client import SpotifyClient

logger = logging.getLogger(__name__)

TOP_RESOURCE = "top_artists"
TOP_RANGES = ("short_term", "medium_term", "long_term")  # about four weeks, six months, a year
TOP_EVERY = timedelta(hours=20)
ARTIST_EVERY = timedelta(days=60)  # genres hardly change: 50 a day keep 3,000 artists that fresh
ALBUMS_EVERY = timedelta(days=7)
ALBUMS_LIMIT = 10  # Spotify's most, in Development Mode
ALBUMS_PAGES = 3  # of one artist at most: some have hundreds of singles
VARIOUS_ARTISTS = "0LyfQWJT6nXafLPZqxke9C"  # its "newer albums" would be every compilation there is

# The first artist of each track and album, most played first. The first build makes analytics.plays.
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


@resource_of(ARTISTS)
def top_artists(client: SpotifyClient) -> Pages:
    """Yield the artists that the user hears most, at most fifty for each of three spans of time."""
    for time_range in TOP_RANGES:
        page = client.page("me/top/artists", limit=50, time_range=time_range)
        yield [{"artist_id": id_, "payload": artist} for id_, artist in _objects(page.items)]


@resource_of(ARTISTS)
def artists(client: SpotifyClient, ids: Iterable[str], is_answered: dict[str, bool]) -> Pages:
    """Yield a page of one row for each artist, and note by id whether Spotify knows it."""
    for id_ in ids:
        try:
            artist = clean(client.get(f"artists/{id_}"))
        except (NotFound, BadRequest) as error:
            logger.info("artist %s cannot be looked up: %s", id_, error)
            is_answered[id_] = False
            continue
        is_answered[id_] = True
        yield [{"artist_id": id_, "payload": artist}]


@resource_of(ARTIST_ALBUMS)
def artist_albums(
    client: SpotifyClient, artist_ids: Iterable[str], is_answered: dict[str, bool], *, max_calls: int
) -> Pages:
    """Yield albums and singles, at most thirty of each artist, and note by id whether Spotify knows it."""
    last_call = client.calls_made + max_calls
    for artist_id in artist_ids:
        if client.calls_made >= last_call:
            return
        pages = client.pages(f"artists/{artist_id}/albums", limit=ALBUMS_LIMIT, include_groups="album,single")
        try:
            for page in islice(pages, ALBUMS_PAGES):
                yield [
                    {"album_id": id_, "artist_id": artist_id, "payload": album}
                    for id_, album in _objects(page.items)
                ]
                if client.calls_made >= last_call:
                    break
        except (NotFound, BadRequest) as error:
            logger.info("albums of artist %s cannot be read: %s", artist_id, error)
            is_answered[artist_id] = False
            continue
        is_answered[artist_id] = True


def sync_artists(session: Session) -> LoadReport:
    """Bring `artists` up to date: the user's top artists (three calls a day), then single artists.

    Of single artists the most played of the library come first, at most SPOTIFY_ARTISTS_PER_DAY, and none
    that was asked for in the last sixty days. Raises Deferred or another TrackerError after loading what was
    read.
    """
    with sync(session, ARTISTS.name, "catalog", "library", "listening") as run:
        if run.has_lock:
            is_answered: dict[str, bool] = {}
            rows = chain(_top_artists(run, is_answered), _single_artists(run, is_answered))
            _load_until_error(run, ARTISTS, "artist", rows, is_answered)
    return run.report()


def sync_artist_albums(session: Session) -> LoadReport:
    """Bring `artist_albums` up to date, for artists of saved albums, those asked longest ago first.

    At most SPOTIFY_ARTIST_ALBUMS_PER_DAY calls, and each artist once a week at most. Raises Deferred or
    another TrackerError after loading what was read.
    """
    with sync(session, ARTIST_ALBUMS.name, "catalog", "library", "listening") as run:
        if run.has_lock:
            is_answered: dict[str, bool] = {}
            waiting = _artists_whose_albums_are_due(run)
            left = left_today(session, "artist_albums", session.settings.spotify_artist_albums_per_day)
            rows = rows_of(artist_albums(session.spotify, waiting, is_answered, max_calls=left))
            _load_until_error(run, ARTIST_ALBUMS, "artist_albums", rows, is_answered)
            run.detail["artists"] = len(is_answered)
            if len(waiting) > len(is_answered):
                run.detail["waiting"] = len(waiting) - len(is_answered)
    return run.report()


def _load_until_error(
    run: Sync, table: RawTable, kind: Kind, rows: Iterable[Row], is_answered: dict[str, bool]
) -> None:
    """Load the rows that come before the end or before an error, remember what was asked, raise the error."""
    read: list[Row] = []
    failure: TrackerError | None = None
    try:
        read.extend(rows)  # keeps the rows that come before an error
    except TrackerError as error:
        failure = error
    database = run.session.database
    changed = changed_rows(table, read, stored_payloads(database, table))
    loaded = run.load({table: [{**row, "fetched_at": run.started_at} for row in changed]})
    for refused in loaded.rejected:
        is_answered.pop(refused.key, None)
    write_checks(database, {(kind, id_): hit for id_, hit in is_answered.items()}, run.started_at)
    if failure is not None:
        logger.warning("%s: cut short, what was read is loaded: %s", table.name, failure)
        raise failure
    run.record_check(len(is_answered))


def _top_artists(run: Sync, is_answered: dict[str, bool]) -> Iterator[Row]:
    database = run.session.database
    check = read_check(database, TOP_RESOURCE)
    if check is not None and check.checked_at > run.started_at - TOP_EVERY:
        return
    try:
        for row in rows_of(top_artists(run.session.spotify)):
            is_answered[row["artist_id"]] = True
            yield row
    except Forbidden as error:
        # a consent without user-top-read is the user's choice: single artists can be read without it
        logger.warning("top artists cannot be read: %s", error)
        run.detail["top"] = "not allowed"
        return
    run.detail["top"] = len(is_answered)
    write_check(database, TOP_RESOURCE, run.started_at, len(is_answered), {})


def _single_artists(run: Sync, is_answered: dict[str, bool]) -> Iterator[Row]:
    session = run.session
    left = left_today(session, "artist", session.settings.spotify_artists_per_day)
    checks = read_checks(session.database, "artist")
    due = [
        id_
        for id_ in _library_artists(session)
        if id_ not in is_answered
        and (id_ not in checks or checks[id_].asked_at < run.started_at - ARTIST_EVERY)
    ]
    # first those never asked for, then those asked for long ago; each in the order of their plays
    due.sort(key=lambda id_: id_ in checks)
    run.detail["looked_up"] = min(left, len(due))
    if len(due) > left:
        run.detail["waiting"] = len(due) - left
    yield from rows_of(artists(session.spotify, due[:left], is_answered))


def _library_artists(session: Session) -> list[str]:
    """The artists of likes, plays and saved albums, most played first."""
    has_plays = session.database.relation_exists("analytics.plays")
    with session.database.transaction() as cursor:
        cursor.execute(_WANTED_ARTISTS.format(plays=_COUNTED_PLAYS if has_plays else _RAW_PLAYS))
        return [artist_id for (artist_id,) in cursor]


def _artists_whose_albums_are_due(run: Sync) -> list[str]:
    """The artists of saved albums whose albums nobody asked for in a week, asked longest ago first."""
    database = run.session.database
    checks = read_checks(database, "artist_albums")
    with database.transaction() as cursor:
        cursor.execute(_ARTISTS_OF_SAVED_ALBUMS)
        ids = [artist_id for (artist_id,) in cursor if artist_id != VARIOUS_ARTISTS]
    due = [id_ for id_ in ids if id_ not in checks or checks[id_].asked_at < run.started_at - ALBUMS_EVERY]
    return sorted(due, key=lambda id_: (checks[id_].asked_at.timestamp() if id_ in checks else 0.0, id_))


def _objects(items: Sequence[Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The objects with an id, each with its id, cleaned."""
    for item in items:
        thing = clean(item) if isinstance(item, dict) else {}
        if id_ := text_or_none(thing.get("id")):
            yield id_, thing
