"""The routes of the library: profile, likes, saved albums, and /me/library for saving by uri."""

import random
from collections.abc import Callable
from itertools import groupby

from fastapi import APIRouter
from fastapi.responses import Response

from sandbox.account.account import Account
from sandbox.account.ids import split_uri
from sandbox.account.model import Like, SavedAlbum
from sandbox.api.context import Context, Ctx, empty, reply
from sandbox.api.errors import bad_request

router = APIRouter()
MAX_LIBRARY_URIS = 40
WRITE_SCOPES: dict[str, tuple[str, ...]] = {
    "user": ("user-follow-modify",),
    "artist": ("user-follow-modify",),
    "playlist": ("playlist-modify-public", "playlist-modify-private"),
}
READ_SCOPES: dict[str, tuple[str, ...]] = {
    "user": ("user-follow-read",),
    "artist": ("user-follow-read",),
    "playlist": ("playlist-read-private",),
}
SAVABLE = ("track", "album", "episode", "show", "audiobook", "user", "playlist")


@router.get("/me")
async def profile(ctx: Ctx) -> Response:
    """Answer with the account's owner."""
    return reply(ctx.shapes.profile())


@router.get("/me/tracks")
async def saved_tracks(ctx: Ctx) -> Response:
    """Answer with a page of likes, newest first. The key is `track` in both modes."""
    limit, offset = ctx.limit(), ctx.offset()
    account = ctx.account
    items = [
        {
            "added_at": like.added_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "track": ctx.shapes.track(account.tracks[like.track_id], "playability"),
        }
        for like in page_of_likes(account, offset, limit)
    ]
    return ctx.page("/me/tracks", items, len(account.likes), limit, offset)


def page_of_likes(account: Account, offset: int, limit: int) -> list[Like]:
    """Return a slice of the likes.

    The order of likes that share an `added_at` follows `Options.tie_order`.
    """
    likes = account.likes
    page = likes[offset : offset + limit]
    if not page or account.options.tie_order == "stable":
        return page
    # a group of ties may reach beyond the page: it is shuffled as a whole, so that all pages agree
    start, end = offset, offset + len(page)
    while start > 0 and likes[start - 1].added_at == likes[start].added_at:
        start -= 1
    while end < len(likes) and likes[end].added_at == likes[end - 1].added_at:
        end += 1
    is_new_each_time = account.options.tie_order == "per_request"
    shuffled: list[Like] = []
    for added_at, ties in groupby(likes[start:end], key=lambda like: like.added_at):
        group = list(ties)
        if len(group) > 1:
            seed = random.random() if is_new_each_time else account.library_version
            random.Random(f"{seed} {added_at}").shuffle(group)
        shuffled += group
    return shuffled[offset - start : offset - start + len(page)]


@router.get("/me/albums")
async def saved_albums(ctx: Ctx) -> Response:
    """Answer with a page of saved albums and their first 50 tracks, in the order of `Options.album_order`."""
    limit, offset = ctx.limit(), ctx.offset()
    albums = ctx.account.saved_albums
    if ctx.account.options.album_order == "listened":
        albums = by_last_listened(ctx.account)
    items = [ctx.shapes.saved_album(saved) for saved in albums[offset : offset + limit]]
    return ctx.page("/me/albums", items, len(albums), limit, offset)


def by_last_listened(account: Account) -> list[SavedAlbum]:
    """Return the saved albums, the ones listened to last first, and those never listened to last."""
    last: dict[str, float] = {}
    for report in account.reports:
        last[account.tracks[report.track_id].album_id] = report.played_at.timestamp()
    return sorted(account.saved_albums, key=lambda saved: -last.get(saved.album_id, 0))


# -- /me/library


def uris_of(ctx: Context, kinds: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return the (type, id) pairs of the query parameter `uris`. Raises ApiError 400 if one uri is wrong."""
    text = ctx.query.get("uris")
    if not text:
        raise bad_request("Missing required field: uris")
    uris = text.split(",")
    if len(uris) > MAX_LIBRARY_URIS:
        raise bad_request(f"Too many uris: at most {MAX_LIBRARY_URIS}")
    pairs = []
    for uri in uris:
        pair = split_uri(uri.strip())
        if pair is None or pair[0] not in kinds:
            raise bad_request(f"Invalid uri: {uri}")
        pairs.append(pair)
    return pairs


def check_scopes(
    ctx: Context, pairs: list[tuple[str, str]], scopes: dict[str, tuple[str, ...]], default: str
) -> None:
    """Raise ApiError 403 if the token lacks the scope of one of the types."""
    for kind in {kind for kind, _ in pairs}:
        ctx.require_scope(*scopes.get(kind, (default,)))


def is_saved(account: Account) -> Callable[[str, str], bool]:
    """Return a function that says whether a (type, id) is in the library."""
    likes, albums = set(account.liked_ids), set(account.saved_album_ids)
    others = {saved.uri for saved in account.saved_others}

    def check(kind: str, identifier: str) -> bool:
        playlist = account.playlists.get(identifier)
        return {
            "track": identifier in likes,
            "album": identifier in albums,
            "playlist": playlist is not None and playlist.is_in_library,
        }.get(kind, f"spotify:{kind}:{identifier}" in others)

    return check


@router.get("/me/library/contains")
async def contains(ctx: Ctx) -> Response:
    """Answer with one boolean per uri, in order: whether it is saved."""
    pairs = uris_of(ctx, (*SAVABLE, "artist"))
    check_scopes(ctx, pairs, READ_SCOPES, "user-library-read")
    check = is_saved(ctx.account)
    return reply([check(kind, identifier) for kind, identifier in pairs])


@router.put("/me/library")
async def save(ctx: Ctx) -> Response:
    """Save by uri. Something that is saved already keeps its date."""
    pairs = uris_of(ctx, SAVABLE)
    check_scopes(ctx, pairs, WRITE_SCOPES, "user-library-modify")
    check = is_saved(ctx.account)
    for kind, identifier in pairs:
        if not is_known(ctx.account, kind, identifier):
            raise bad_request(f"Invalid uri: spotify:{kind}:{identifier}")
    for kind, identifier in pairs:
        if not check(kind, identifier):
            set_saved(ctx.account, kind, identifier, is_wanted=True)
    return empty()


@router.delete("/me/library")
async def remove(ctx: Ctx) -> Response:
    """Remove by uri. A playlist leaves the user's list and stays readable by id."""
    pairs = uris_of(ctx, SAVABLE)
    check_scopes(ctx, pairs, WRITE_SCOPES, "user-library-modify")
    for kind, identifier in pairs:
        set_saved(ctx.account, kind, identifier, is_wanted=False)
    return empty()


def is_known(account: Account, kind: str, identifier: str) -> bool:
    """Whether the catalogue knows this id. Ids of types that the account does not model count as known."""
    if kind == "track":
        return identifier in account.tracks and not account.tracks[identifier].is_gone
    if kind == "album":
        return identifier in account.albums
    return kind != "playlist" or identifier in account.playlists


def set_saved(account: Account, kind: str, identifier: str, *, is_wanted: bool) -> None:
    """Save or remove one item."""
    if kind == "track":
        account.like(identifier) if is_wanted else account.unlike(identifier)
    elif kind == "album":
        account.save_album(identifier) if is_wanted else account.unsave_album(identifier)
    elif kind != "playlist":
        uri = f"spotify:{kind}:{identifier}"
        account.save_other(uri) if is_wanted else account.unsave_other(uri)
    elif identifier in account.playlists:
        account.restore_playlist(identifier) if is_wanted else account.delete_playlist(identifier)
