"""The routes that read playlists: the user's list, one playlist, its items."""

import time

from fastapi import APIRouter
from fastapi.responses import Response

from sandbox.account.model import Entry, Options, Playlist
from sandbox.api import fields
from sandbox.api.context import MAX_OFFSET, Context, Ctx, reply
from sandbox.api.errors import bad_request, forbidden, not_found
from sandbox.api.shapes import Json

router = APIRouter()
EMBEDDED_ENTRIES = 100
SPOTIFY = "spotify"


def find_playlist(ctx: Context) -> Playlist:
    """Return the playlist named in the path, deleted ones too.

    Raises ApiError 404, also for Spotify's own.
    """
    playlist = ctx.account.playlists.get(ctx.identifier())
    if playlist is None or playlist.owner_id == SPOTIFY:
        raise not_found()
    return playlist


def reading_scopes(playlist: Playlist) -> tuple[str, ...]:
    """Return the scopes of which a token needs one to see a playlist. A public one needs none."""
    if playlist.is_collaborative:
        return ("playlist-read-collaborative",)
    return () if playlist.is_public else ("playlist-read-private",)


def shown_snapshot(ctx: Context, playlist: Playlist) -> str:
    """Return the snapshot id that a read shows. After a write it may be an old or an odd one (`Options`)."""
    options: Options = ctx.account.options
    if ctx.request.scope["state"].get("is_stale") and len(playlist.versions) > 1:
        return playlist.versions[-2].snapshot_id
    settled_before = time.monotonic() - options.snapshot_lag_s
    if (
        not playlist.versions
        or playlist.versions[-1].written_at <= settled_before
        or len(playlist.versions) == 1
    ):
        return playlist.snapshot_id
    if options.has_intermediate_snapshots:
        return playlist.snapshot_of(playlist.version, f"intermediate {time.monotonic_ns()}")
    for version in reversed(playlist.versions):
        if version.written_at <= settled_before:
            return version.snapshot_id
    return playlist.versions[0].snapshot_id


def shown_entries(ctx: Context, playlist: Playlist) -> list[Entry]:
    """Return the entries that a read shows: after a write they may still be the old ones (`Options`)."""
    settled_before = time.monotonic() - ctx.account.options.items_lag_s
    versions = playlist.versions
    if len(versions) < 2 or versions[-1].written_at <= settled_before:  # noqa: PLR2004
        return playlist.entries
    settled = [version for version in versions if version.written_at <= settled_before]
    return (settled[-1] if settled else versions[0]).entries


def full_playlist(ctx: Context, playlist: Playlist) -> Json:
    """Return a playlist with its first 100 entries, if the user may see them."""
    entries = shown_entries(ctx, playlist)
    shapes = ctx.shapes
    shape = shapes.simple_playlist(playlist, shown_snapshot(ctx, playlist), len(entries))
    if "items" in shape:
        items = [shapes.entry(entry) for entry in entries[:EMBEDDED_ENTRIES]]
        for key in shapes.items_keys:
            path = f"/playlists/{playlist.id}/{key}"
            shape[key] = shapes.page(
                path, items, len(entries), EMBEDDED_ENTRIES, 0, {}, linked_limit=longest_page(ctx)
            )
    return {**shape, "followers": {"href": None, "total": 0}}


def longest_page(ctx: Context) -> int:
    """Return how many entries a page of a playlist's items may have."""
    return 100 if ctx.is_legacy else 50


def filtered(ctx: Context, shape: Json) -> Response:
    """Return the part of a JSON object that the parameter `fields` selects, as the response."""
    wanted = ctx.query.get("fields")
    return reply(fields.select(shape, fields.parse(wanted)) if wanted else shape)


@router.get("/me/playlists")
async def own_playlists(ctx: Ctx) -> Response:
    """Answer with the user's playlists, owned and followed, newest first, without deleted ones.

    Private and collaborative playlists are listed only if the token covers them. The answer does not say that
    any were left out.
    """
    limit, offset = ctx.limit(), ctx.offset(MAX_OFFSET)
    playlists = [
        one
        for one in reversed(ctx.account.playlists.values())
        if one.is_in_library and (not reading_scopes(one) or ctx.has_scope(*reading_scopes(one)))
    ]
    items = [
        None
        if one.is_null_in_list
        else ctx.shapes.simple_playlist(one, shown_snapshot(ctx, one), len(shown_entries(ctx, one)))
        for one in playlists[offset : offset + limit]
    ]
    return ctx.page("/me/playlists", items, len(playlists), limit, offset)


@router.get("/playlists/{id}")
async def playlist(ctx: Ctx) -> Response:
    """Answer with one playlist. Of other people's playlists only legacy mode shows the entries."""
    found = find_playlist(ctx)
    if reading_scopes(found):
        ctx.require_scope(*reading_scopes(found), "playlist-read-private")
    return filtered(ctx, full_playlist(ctx, found))


@router.get("/playlists/{id}/items")
@router.get("/playlists/{id}/tracks")
async def playlist_items(ctx: Ctx) -> Response:
    """Answer with a page of a playlist's entries, at most 50 (100 in legacy mode)."""
    found = find_playlist(ctx)
    is_old_path = ctx.request.url.path.rstrip("/").endswith("/tracks")
    limit, offset = ctx.limit(20, longest_page(ctx)), ctx.offset()
    if not ctx.is_legacy and not ctx.shapes.is_readable(found):
        raise forbidden()
    kinds = ctx.query.get("additional_types", "track").split(",")
    if not set(kinds) <= {"track", "episode"}:
        raise bad_request("Invalid additional types")
    entries = shown_entries(ctx, found)
    items = [with_kinds(ctx, ctx.shapes.entry(entry), kinds) for entry in entries[offset : offset + limit]]
    others = {name: ctx.query[name] for name in ("additional_types", "fields") if name in ctx.query}
    path = f"/playlists/{found.id}/{'tracks' if is_old_path else 'items'}"
    return filtered(ctx, ctx.shapes.page(path, items, len(entries), limit, offset, others))


def with_kinds(ctx: Context, shape: Json, kinds: list[str]) -> Json:
    """Return an entry for a client that did not ask for episodes: an episode is shown as a track."""
    item = shape["item"]
    if item is not None and item["type"] == "episode" and "episode" not in kinds:
        show = item["show"]["name"]
        as_track = {
            **{key: item[key] for key in ("id", "uri", "href", "name", "duration_ms", "explicit")},
            "type": "track",
            "episode": True,
            "track": True,
            "is_local": False,
            "artists": [{"name": show, "type": "artist", "id": None, "uri": None}],
            "album": {"name": show, "type": "album", "id": None, "uri": None, "images": item["images"]},
            "external_ids": {},
        }
        return {**shape, **dict.fromkeys(ctx.shapes.item_keys, as_track)}
    return shape
