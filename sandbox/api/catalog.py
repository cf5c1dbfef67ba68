"""The routes of the catalogue: tracks, albums and artists by id, and by many ids in legacy mode only."""

from fastapi import APIRouter
from fastapi.responses import Response

from sandbox.account.model import Album, Artist, Track
from sandbox.api.context import Context, Ctx, reply
from sandbox.api.errors import bad_request, not_found

router = APIRouter()
MAX_BATCH = {"tracks": 50, "albums": 20, "artists": 50}


def find_track(ctx: Context) -> Track:
    """Return the track named in the path. Raises ApiError 404."""
    track = ctx.account.tracks.get(ctx.identifier())
    if track is None or track.is_gone:
        raise not_found()
    return track


def find_album(ctx: Context) -> Album:
    """Return the album named in the path. Raises ApiError 404."""
    album = ctx.account.albums.get(ctx.identifier())
    if album is None:
        raise not_found()
    return album


def find_artist(ctx: Context) -> Artist:
    """Return the artist named in the path. Raises ApiError 404."""
    artist = ctx.account.artists.get(ctx.identifier())
    if artist is None:
        raise not_found()
    return artist


@router.get("/tracks/{id}")
async def track(ctx: Ctx) -> Response:
    """Answer with one track."""
    return reply(ctx.shapes.track(find_track(ctx)))


@router.get("/albums/{id}")
async def album(ctx: Ctx) -> Response:
    """Answer with one album and its first 50 tracks."""
    return reply(ctx.shapes.album(find_album(ctx)))


@router.get("/albums/{id}/tracks")
async def album_tracks(ctx: Ctx) -> Response:
    """Answer with a page of an album's tracks."""
    found = find_album(ctx)
    return reply(ctx.shapes.album_tracks_page(found, ctx.limit(), ctx.offset()))


@router.get("/artists/{id}")
async def artist(ctx: Ctx) -> Response:
    """Answer with one artist."""
    return reply(ctx.shapes.artist(find_artist(ctx)))


@router.get("/artists/{id}/albums")
async def artist_albums(ctx: Ctx) -> Response:
    """Answer with a page of an artist's albums, newest first. New Development Mode allows 10 a page."""
    found = find_artist(ctx)
    limit = ctx.limit(20, 50) if ctx.is_legacy else ctx.limit(5, 10)
    offset = ctx.offset()
    groups = ctx.query.get("include_groups", "album,single,appears_on,compilation").split(",")
    albums = [
        one for one in ctx.account.albums.values() if found.id in one.artist_ids and one.album_type in groups
    ]
    albums.sort(key=lambda one: (one.release_date, one.id), reverse=True)
    items = [ctx.shapes.artist_album(one) for one in albums[offset : offset + limit]]
    return ctx.page(f"/artists/{found.id}/albums", items, len(albums), limit, offset)


# -- legacy mode


def ids_of(ctx: Context, kind: str) -> list[str]:
    """Return the ids of a batch request. Raises ApiError 400 if there are none or too many."""
    ids = [one for one in ctx.query.get("ids", "").split(",") if one]
    if not ids:
        raise bad_request("invalid id")
    if len(ids) > MAX_BATCH[kind]:
        raise bad_request("Too many ids requested")
    return ids


@router.get("/tracks")
async def tracks(ctx: Ctx) -> Response:
    """Answer with up to 50 tracks, null for an unknown id."""
    found = [ctx.account.tracks.get(one) for one in ids_of(ctx, "tracks")]
    return reply({"tracks": [ctx.shapes.track(one) if one and not one.is_gone else None for one in found]})


@router.get("/albums")
async def albums(ctx: Ctx) -> Response:
    """Answer with up to 20 albums, null for an unknown id."""
    found = [ctx.account.albums.get(one) for one in ids_of(ctx, "albums")]
    return reply({"albums": [ctx.shapes.album(one) if one else None for one in found]})


@router.get("/artists")
async def artists(ctx: Ctx) -> Response:
    """Answer with up to 50 artists, null for an unknown id."""
    found = [ctx.account.artists.get(one) for one in ids_of(ctx, "artists")]
    return reply({"artists": [ctx.shapes.artist(one) if one else None for one in found]})
