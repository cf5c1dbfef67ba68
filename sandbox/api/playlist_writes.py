"""The routes that write playlists: create, change details, add, replace, reorder, remove."""

import html
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response

from sandbox.account.ids import split_uri
from sandbox.account.model import Entry, Playlist
from sandbox.api.context import Context, Ctx, empty, reply
from sandbox.api.errors import ApiError, bad_request, forbidden
from sandbox.api.inputs import is_count, texts
from sandbox.api.playlists import find_playlist, full_playlist
from sandbox.api.shapes import Json

router = APIRouter()
MAX_URIS = 100
MAX_NAME = 100
MAX_DESCRIPTION = 300


def own_playlist(ctx: Context) -> Playlist:
    """Return the playlist named in the path, deleted ones too.

    Raises ApiError 403 if the user may not write it.
    """
    playlist = find_playlist(ctx)
    if not ctx.shapes.is_readable(playlist):
        raise forbidden("You cannot modify a playlist you don't own.")
    ctx.require_scope(writing_scope(is_public=playlist.is_public))
    return playlist


def writing_scope(*, is_public: bool) -> str:
    """Return the scope that is needed to write a playlist."""
    return "playlist-modify-public" if is_public else "playlist-modify-private"


def checked_flags(body: Json, playlist: Playlist | None = None) -> tuple[bool, bool]:
    """Return (public, collaborative) as asked for, else as they are.

    Raises ApiError 400 for both together.
    """
    flags = [body.get("public"), body.get("collaborative")]
    if not all(flag is None or isinstance(flag, bool) for flag in flags):
        raise bad_request("Invalid public or collaborative")
    present = (True, False) if playlist is None else (playlist.is_public, playlist.is_collaborative)
    is_public, is_collaborative = (
        now if asked is None else asked for asked, now in zip(flags, present, strict=True)
    )
    if is_public and is_collaborative and any(flags):
        raise bad_request("A collaborative playlist cannot be public")
    return is_public, is_collaborative


def checked_description(body: Json) -> str | None:
    """Return the description HTML-escaped, as Spotify keeps it.

    Raises ApiError 400 for line breaks or length.
    """
    description = body.get("description")
    if description is None:
        return None
    if not isinstance(description, str) or len(description) > MAX_DESCRIPTION or "\n" in description:
        raise bad_request("Invalid description")
    return html.escape(description).replace("/", "&#x2F;")


def checked_name(body: Json) -> str:
    """Return the name, which need not be unique. Raises ApiError 400 if it is missing or wrong."""
    name = body.get("name")
    if not isinstance(name, str) or not name.strip() or len(name) > MAX_NAME:
        raise bad_request("Missing required field: name" if name is None else "Invalid name")
    return name


@router.post("/me/playlists")
@router.post("/users/{id}/playlists")
async def create(ctx: Ctx) -> Response:
    """Create a playlist. New Development Mode reports it as public even if it was asked to be private."""
    body = await ctx.body()
    name, description = checked_name(body), checked_description(body)
    is_public, is_collaborative = checked_flags(body)
    ctx.require_scope(writing_scope(is_public=is_public))
    playlist = ctx.account.add_playlist(name, is_collaborative=is_collaborative)
    playlist.description = description
    playlist.is_public = is_public or not (is_collaborative or ctx.is_legacy)
    return reply(full_playlist(ctx, playlist), 201)


@router.put("/playlists/{id}")
async def change_details(ctx: Ctx) -> Response:
    """Change the details, which makes a new snapshot.

    New Development Mode accepts `public` and does not change it.
    """
    playlist = own_playlist(ctx)
    body = await ctx.body()
    name = checked_name(body) if "name" in body else playlist.name
    description = checked_description(body) or playlist.description
    is_public, is_collaborative = checked_flags(body, playlist)
    if not (ctx.is_legacy or is_collaborative):
        is_public = playlist.is_public
    asked = (name, description, is_public, is_collaborative)
    if asked != (playlist.name, playlist.description, playlist.is_public, playlist.is_collaborative):
        playlist.name, playlist.description, playlist.is_public, playlist.is_collaborative = asked
        ctx.account.change_playlist(playlist)
    return empty()


# -- items


def uri_list(content: Any, *, may_be_empty: bool = False) -> list[str]:
    """Return the uris of a request. Raises ApiError 400 if there are none or more than 100."""
    uris = texts(content)
    if uris is None or not (uris or may_be_empty):
        raise bad_request("No uris provided")
    if len(uris) > MAX_URIS:
        raise bad_request("You can add a maximum of 100 tracks per request.")
    return uris


def check_addable(ctx: Context, uris: list[str]) -> None:
    """Raise ApiError 400 if one uri is malformed, local or unknown. Spotify then refuses all of them."""
    for uri in uris:
        pair = split_uri(uri)
        if pair is None or pair[0] not in ("track", "episode"):
            raise bad_request(f"Invalid track uri: {uri}")
        kind, identifier = pair
        track = ctx.account.tracks.get(identifier)
        is_known = (
            (track is not None and not track.is_gone)
            if kind == "track"
            else identifier in ctx.account.episodes
        )
        if not is_known:
            raise bad_request("Payload contains a non-existing ID")


def new_entries(ctx: Context, uris: list[str]) -> list[Entry]:
    """Return entries that the user adds now."""
    moment = ctx.account.now.replace(microsecond=0)
    return [Entry(uri, moment, ctx.account.profile.id) for uri in uris]


def whole_number(content: Any, name: str, default: int | None = None) -> int:
    """Return a whole number of at least 0 from a request's body. Raises ApiError 400 for anything else."""
    if content is None and default is not None:
        return default
    if not is_count(content):
        raise bad_request(f"Invalid {name}")
    number: int = content
    return number


def snapshot_reply(ctx: Context, playlist: Playlist, entries: list[Entry], status: int = 200) -> Response:
    """Set the playlist's entries, and answer with the new snapshot id."""
    return reply({"snapshot_id": ctx.account.change_playlist(playlist, entries)}, status)


def with_query_uris(ctx: Context, body: Json) -> Json:
    """Return the body. If it has no uris, those of the query are added."""
    if "uris" not in ctx.query:
        return body
    return {"uris": [one for one in ctx.query["uris"].split(",") if one], **body}


@router.post("/playlists/{id}/items")
@router.post("/playlists/{id}/tracks")
async def add_items(ctx: Ctx) -> Response:
    """Add at most 100 uris at a position (default: the end)."""
    playlist = own_playlist(ctx)
    body = with_query_uris(ctx, await ctx.body())
    uris = uri_list(body.get("uris"))
    check_addable(ctx, uris)
    entries = playlist.entries
    asked_at = ctx.number("position", len(entries), 0, None)
    at = whole_number(body.get("position"), "position", asked_at)
    if at > len(entries):
        raise bad_request("Index out of bounds.")
    if len(entries) + len(uris) > ctx.account.options.playlist_limit:
        raise ApiError(403, "Playlist size limit reached")
    return snapshot_reply(ctx, playlist, [*entries[:at], *new_entries(ctx, uris), *entries[at:]], 201)


@router.put("/playlists/{id}/items")
@router.put("/playlists/{id}/tracks")
async def replace_or_reorder(ctx: Ctx) -> Response:
    """Replace all entries (local files are lost, dates are new), or move a range."""
    playlist = own_playlist(ctx)
    body = await ctx.body()
    if "range_start" in body:
        if "uris" in body:
            raise bad_request("Replace and reorder are mutually exclusive")
        return snapshot_reply(ctx, playlist, reordered(playlist, body))
    uris = uri_list(with_query_uris(ctx, body).get("uris"), may_be_empty=True)
    check_addable(ctx, uris)
    return snapshot_reply(ctx, playlist, new_entries(ctx, uris))


def entries_at(playlist: Playlist, snapshot_id: Any) -> list[Entry]:
    """Return the entries to which a request's positions refer: those of its snapshot, or the present."""
    if snapshot_id is None:
        return playlist.entries
    for version in reversed(playlist.versions):
        if version.snapshot_id == snapshot_id:
            return version.entries
    if snapshot_id == playlist.snapshot_id or is_former_snapshot(playlist, snapshot_id):
        return playlist.entries
    raise bad_request("Invalid playlist snapshot id")


def is_former_snapshot(playlist: Playlist, snapshot_id: Any) -> bool:
    """Whether the playlist ever had this snapshot id. Only the last 24 versions keep their entries."""
    return any(playlist.snapshot_of(version) == snapshot_id for version in range(1, playlist.version + 1))


def reordered(playlist: Playlist, body: Json) -> list[Entry]:
    """Return the entries after a move. With an older snapshot, that snapshot's entries are moved."""
    meant = entries_at(playlist, body.get("snapshot_id"))
    if body.get("insert_before") is None:
        raise bad_request("Missing insert_before parameter")
    start = whole_number(body.get("range_start"), "range_start")
    length = whole_number(body.get("range_length"), "range_length", 1)
    before = whole_number(body.get("insert_before"), "insert_before")
    if length < 1 or start + length > len(meant) or before > len(meant):
        raise bad_request("Given positions are out of bounds")
    if start <= before <= start + length:
        return list(playlist.entries)
    moved_ids = {id(entry) for entry in meant[start : start + length]}
    moved = [entry for entry in playlist.entries if id(entry) in moved_ids]
    rest = [entry for entry in playlist.entries if id(entry) not in moved_ids]
    places = {id(entry): place for place, entry in enumerate(rest)}
    anchors = [places[id(entry)] for entry in meant[before:] if id(entry) in places]
    at = anchors[0] if anchors else len(rest)
    return [*rest[:at], *moved, *rest[at:]]


def positions_of(named: Json, length: int) -> list[int]:
    """Return the positions that a removal names. Raises ApiError 400 if one is out of bounds."""
    positions = named.get("positions", [])
    if not isinstance(positions, list) or not all(is_count(one) and one < length for one in positions):
        raise bad_request("Given positions are out of bounds")
    return positions


@router.delete("/playlists/{id}/items")
@router.delete("/playlists/{id}/tracks")
async def remove_items(ctx: Ctx) -> Response:
    """Remove every copy of each uri.

    Only the old path obeys `positions`, which the new schema does not have.
    """
    playlist = own_playlist(ctx)
    body = await ctx.body()
    is_old_path = ctx.request.url.path.rstrip("/").endswith("/tracks")
    named = body.get("tracks" if is_old_path else "items")
    if not isinstance(named, list) or not all(isinstance(one, dict) for one in named):
        raise bad_request("No uris provided")
    uris = uri_list([one.get("uri") for one in named])
    for uri in uris:
        pair = split_uri(uri)
        if pair is None or pair[0] not in ("track", "episode"):
            raise bad_request(f"JSON body contains an invalid track uri: {uri}")
    meant = entries_at(playlist, body.get("snapshot_id"))
    if is_old_path and any("positions" in one for one in named):
        gone = {id(meant[place]) for one in named for place in positions_of(one, len(meant))}
        return snapshot_reply(ctx, playlist, [entry for entry in playlist.entries if id(entry) not in gone])
    wanted = set(uris)
    kept = [entry for entry in playlist.entries if entry.uri not in wanted]
    if len(kept) == len(playlist.entries):
        return reply({"snapshot_id": playlist.snapshot_id})
    return snapshot_reply(ctx, playlist, kept)
