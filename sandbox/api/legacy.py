"""Routes that only legacy mode has.

Batch requests (`catalog`) and old playlist paths stand with their successors.
"""

from fastapi import APIRouter
from fastapi.responses import Response

from sandbox.account.ids import is_base62_id
from sandbox.api.context import Context, Ctx, empty, reply
from sandbox.api.errors import bad_request
from sandbox.api.inputs import texts
from sandbox.api.library import is_known, is_saved, set_saved
from sandbox.api.playlists import find_playlist

router = APIRouter()
MAX_IDS = 50


async def ids_of(ctx: Context) -> list[str]:
    """Return the ids of the query or the body. Raises ApiError 400 if there are none or more than 50."""
    asked = [one for one in ctx.query.get("ids", "").split(",") if one]
    ids = asked or texts((await ctx.body()).get("ids"))
    if not ids or len(ids) > MAX_IDS or not all(map(is_base62_id, ids)):
        raise bad_request("Invalid ids")
    return ids


def kind_of(ctx: Context) -> str:
    """Return `track` or `album`, from the path."""
    return "track" if "/me/tracks" in ctx.request.url.path else "album"


@router.get("/me/tracks/contains")
@router.get("/me/albums/contains")
async def contains(ctx: Ctx) -> Response:
    """Answer with one boolean per id: whether it is saved."""
    check, kind = is_saved(ctx.account), kind_of(ctx)
    return reply([check(kind, one) for one in await ids_of(ctx)])


@router.put("/me/tracks")
@router.put("/me/albums")
async def save(ctx: Ctx) -> Response:
    """Save tracks or albums by id."""
    check, kind = is_saved(ctx.account), kind_of(ctx)
    for one in await ids_of(ctx):
        if is_known(ctx.account, kind, one) and not check(kind, one):
            set_saved(ctx.account, kind, one, is_wanted=True)
    return empty()


@router.delete("/me/tracks")
@router.delete("/me/albums")
async def remove(ctx: Ctx) -> Response:
    """Remove tracks or albums by id."""
    for one in await ids_of(ctx):
        set_saved(ctx.account, kind_of(ctx), one, is_wanted=False)
    return empty()


@router.put("/playlists/{id}/followers")
async def follow(ctx: Ctx) -> Response:
    """Put a playlist into the user's list."""
    ctx.account.restore_playlist(find_playlist(ctx).id)
    return empty()


@router.delete("/playlists/{id}/followers")
async def unfollow(ctx: Ctx) -> Response:
    """Remove a playlist from the user's list."""
    ctx.account.delete_playlist(find_playlist(ctx).id)
    return empty()
