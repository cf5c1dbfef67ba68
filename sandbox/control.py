"""The sandbox's own controls under /sandbox: see everything, edit as the user, set faults, move time on."""

from dataclasses import asdict, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response

from sandbox import oauth
from sandbox.account import real_now
from sandbox.core import Sandbox
from sandbox.export import ExportKind, Quirks, make_export
from sandbox.faults import Fault, FaultKind
from sandbox.model import ALL_SCOPES, Playlist
from sandbox.shapes import Json, Mode, to_seconds

router = APIRouter()
SHOWN_CALLS = 1_000


class BadControl(Exception):
    """What was asked of the sandbox makes no sense."""


def sandbox_of(request: Request) -> Sandbox:
    """The sandbox that is served."""
    sandbox: Sandbox = request.app.state.sandbox
    return sandbox


async def body_of(request: Request) -> Json:
    """The JSON object that was sent, {} for none."""
    raw = await request.body()
    content: Json = await request.json() if raw else {}
    return content


def moment_of(text: str | None) -> datetime | None:
    """A time as ISO 8601 (UTC unless it says otherwise); `now` is the real one."""
    if text is None:
        return None
    if text == "now":
        return real_now()
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def ok(**content: Any) -> Response:
    """An answer of the controls."""
    return JSONResponse({"ok": True, **content})


def state_of(sandbox: Sandbox) -> Json:
    """The sandbox at a glance."""
    account = sandbox.account
    return {
        "mode": sandbox.mode,
        "is_live": sandbox.is_live,
        "now": account.now.isoformat(),
        "profile": asdict(account.profile),
        "options": asdict(account.options),
        "likes": len(account.likes),
        "saved_albums": len(account.saved_albums),
        "playlists": sum(playlist.is_in_library for playlist in account.playlists.values()),
        "plays": len(account.plays),
        "last_played_at": account.plays[-1].ended_at.isoformat() if account.plays else None,
        "catalogue": {
            "artists": len(account.artists),
            "albums": len(account.albums),
            "tracks": len(account.tracks),
        },
        "calls": sandbox.calls.summary(),
        "faults": len(sandbox.faults.all),
    }


def playlist_truth(playlist: Playlist) -> Json:
    """A playlist with all that there is to know about it."""
    return {
        "id": playlist.id,
        "name": playlist.name,
        "description": playlist.description,
        "owner_id": playlist.owner_id,
        "is_in_library": playlist.is_in_library,
        "is_collaborative": playlist.is_collaborative,
        "snapshot_id": playlist.snapshot_id,
        "entries": [
            {"uri": one.uri, "added_at": to_seconds(one.added_at), "added_by": one.added_by}
            for one in playlist.entries
        ],
    }


# -- seeing


@router.get("/state")
async def state(request: Request) -> Response:
    """Counts, time, options, totals of calls."""
    return JSONResponse(state_of(sandbox_of(request)))


@router.get("/library")
async def library(request: Request) -> Response:
    """The ordered likes and saved albums."""
    account = sandbox_of(request).account
    return JSONResponse(
        {
            "likes": [
                {"track_id": one.track_id, "added_at": to_seconds(one.added_at)} for one in account.likes
            ],
            "saved_albums": [
                {"album_id": one.album_id, "added_at": to_seconds(one.added_at)}
                for one in account.saved_albums
            ],
        }
    )


@router.get("/playlists")
async def playlists(request: Request) -> Response:
    """Every playlist with its entries, deleted ones too."""
    return JSONResponse([playlist_truth(one) for one in sandbox_of(request).account.playlists.values()])


@router.get("/calls")
async def calls(request: Request) -> Response:
    """Totals, and the latest calls (`limit`, default 1,000), oldest first."""
    accounting = sandbox_of(request).calls
    limit = int(request.query_params.get("limit", SHOWN_CALLS))
    latest = list(accounting)[-limit:] if limit else []
    return JSONResponse({**accounting.summary(), "calls": [call.as_json() for call in latest]})


@router.delete("/calls")
async def forget_calls(request: Request) -> Response:
    """Begin to count again."""
    sandbox = sandbox_of(request)
    sandbox.calls.reset()
    if sandbox.storage is not None:
        sandbox.storage.forget_calls()
    return ok()


# -- editing as the user


def edit(sandbox: Sandbox, action: str, body: Json) -> Json:
    """One edit of the library, of a playlist, or a play."""
    account = sandbox.account
    at = moment_of(body.get("at"))
    match action:
        case "like":
            return {
                "added_at": to_seconds(account.like(known(account.tracks, body, "track_id"), at).added_at)
            }
        case "unlike":
            account.unlike(known(account.tracks, body, "track_id"))
        case "save":
            return {
                "added_at": to_seconds(
                    account.save_album(known(account.albums, body, "album_id"), at).added_at
                )
            }
        case "unsave":
            account.unsave_album(known(account.albums, body, "album_id"))
        case "play":
            return play(sandbox, body, at)
        case "create-playlist":
            return playlist_truth(
                account.add_playlist(body.get("name", "untitled"), body.get("uris", []), at=at)
            )
        case "edit-playlist":
            account.edit_playlist(known(account.playlists, body, "playlist_id"), body["uris"])
        case "delete-playlist":
            account.delete_playlist(known(account.playlists, body, "playlist_id"))
        case "restore-playlist":
            account.restore_playlist(known(account.playlists, body, "playlist_id"))
        case _:
            raise BadControl(f"unknown edit {action!r}")
    return {}


def known(things: dict[str, Any], body: Json, name: str) -> str:
    """An id from the body that the account knows."""
    identifier = str(body.get(name))
    if identifier not in things:
        raise BadControl(f"unknown {name} {identifier!r}")
    return identifier


def play(sandbox: Sandbox, body: Json, at: datetime | None) -> Json:
    """Play a track (default: the latest like), ending `at` (default: now)."""
    account = sandbox.account
    item = body.get("uri") or body.get("track_id") or account.likes[0].track_id
    done = account.play(
        item, at, ms_played=body.get("ms_played"), visible_at=moment_of(body.get("visible_at"))
    )
    return {"uri": done.uri, "ended_at": done.ended_at.isoformat()}


@router.post("/edits/{action}")
async def edits(request: Request, action: str) -> Response:
    """`like`, `unlike`, `save`, `unsave`, `play`, `create-`, `edit-`, `delete-` and `restore-playlist`."""
    try:
        return ok(**edit(sandbox_of(request), action, await body_of(request)))
    except (BadControl, KeyError, ValueError) as error:
        return JSONResponse({"ok": False, "error": str(error)}, 400)


@router.post("/advance")
async def advance(request: Request) -> Response:
    """Live on for `hours`, or `until` a time (`now`: the real one)."""
    sandbox, body = sandbox_of(request), await body_of(request)
    return JSONResponse(advance_by(sandbox, body))


def advance_by(sandbox: Sandbox, body: Json) -> Json:
    """Move time on as the body says; returns what has happened meanwhile."""
    account = sandbox.account
    before = (len(account.plays), len(account.likes), len(account.saved_albums))
    until = moment_of(body.get("until")) or account.now + timedelta(hours=float(body.get("hours", 1)))
    if until > account.now:
        account.advance_to(until)
    after = (len(account.plays), len(account.likes), len(account.saved_albums))
    names = ("plays", "likes", "saved_albums")
    grown = {name: now - then for name, now, then in zip(names, after, before, strict=True)}
    return {"ok": True, "now": account.now.isoformat(), "more": grown}


@router.post("/options")
async def options(request: Request) -> Response:
    """Set any of the options, or `mode`."""
    sandbox, body = sandbox_of(request), await body_of(request)
    names = {field.name for field in fields(sandbox.account.options)}
    unknown = set(body) - names - {"mode"}
    if unknown or body.get("mode", sandbox.mode) not in get_args(Mode):
        return JSONResponse({"ok": False, "error": f"unknown {sorted(unknown) or 'mode'}"}, 400)
    sandbox.mode = body.pop("mode", sandbox.mode)
    for name, value in body.items():
        setattr(sandbox.account.options, name, value)
    sandbox.account.touch("options")
    sandbox.account.touch("sandbox")
    return ok()


# -- faults and tokens


@router.get("/faults")
async def list_faults(request: Request) -> Response:
    """The faults that are set."""
    return JSONResponse([fault.as_json() for fault in sandbox_of(request).faults.all])


@router.post("/faults")
async def add_fault(request: Request) -> Response:
    """Set a fault: `kind`, `method`, `path`, `nth`, `times` (null: for ever), `retry_after`, `status`, …"""
    body = await body_of(request)
    allowed = {field.name for field in fields(Fault)} - {"action", "id", "matched", "fired"}
    if set(body) - allowed or body.get("kind") not in get_args(FaultKind) or body["kind"] == "callback":
        return JSONResponse({"ok": False, "error": "unknown kind or field of a fault"}, 400)
    return ok(fault=sandbox_of(request).faults.add(**body).as_json())


@router.delete("/faults")
async def clear_faults(request: Request) -> Response:
    """Take all faults away; calls that hang go on."""
    sandbox_of(request).faults.clear()
    return ok()


@router.delete("/faults/{fault_id}")
async def remove_fault(request: Request, fault_id: int) -> Response:
    """Take one fault away."""
    sandbox_of(request).faults.remove(fault_id)
    return ok()


@router.get("/hanging")
def hanging(request: Request, wait: float = 0.0) -> Response:
    """The calls that hang now; `wait` waits up to so many seconds until there is one."""
    faults = sandbox_of(request).faults
    faults.wait_for_hang(wait)
    return JSONResponse([hang.as_json() for hang in list(faults.hanging)])


@router.post("/release")
async def release(request: Request) -> Response:
    """Let every call that hangs go on."""
    sandbox_of(request).faults.release()
    return ok()


@router.post("/tokens/{action}")
async def tokens(request: Request, action: str) -> Response:
    """`expire` access tokens, `revoke` refresh tokens, `restore` them, `issue` one (`scope`, `age_days`)."""
    held, body = sandbox_of(request).tokens, await body_of(request)
    match action:
        case "expire":
            held.expire_access_tokens()
        case "revoke":
            held.revoke_refresh_tokens()
        case "issue":
            scope, age = body.get("scope", ALL_SCOPES), float(body.get("age_days", 0))
            return ok(refresh_token=held.issue_refresh_token(scope, age_days=age))
        case "restore":
            for grant in held.grants.values():
                grant.is_revoked, grant.authorized_at = False, real_now()
            held.is_changed = True
        case _:
            return JSONResponse({"ok": False, "error": f"unknown action {action!r}"}, 400)
    return ok(client_id=oauth.CLIENT_ID)


@router.post("/export")
async def export(request: Request) -> Response:
    """Write the history export to `path` (`.zip` or folder): `kind`, `since`, `until`, `quirks`, `seed`."""
    try:
        return ok(**export_by(sandbox_of(request), await body_of(request)))
    except (KeyError, TypeError, ValueError, OSError) as error:
        return JSONResponse({"ok": False, "error": str(error)}, 400)


def export_by(sandbox: Sandbox, body: Json) -> Json:
    """Write an export as the body says; returns its path and summary. Raises ValueError: unknown kind."""
    kind = body.get("kind", "extended")
    if kind not in get_args(ExportKind):
        raise ValueError(f"unknown kind of export {kind!r}")
    made = make_export(
        sandbox.account,
        kind,
        since=moment_of(body.get("since")),
        until=moment_of(body.get("until")),
        quirks=Quirks() if body.get("quirks", True) else Quirks.none(),
        seed=int(body.get("seed", 1)),
    )
    return {"path": str(made.write(Path(body["path"]))), **made.summary()}


@router.post("/reset")
async def reset(request: Request) -> Response:
    """Forget calls and faults; the account stays."""
    sandbox = sandbox_of(request)
    sandbox.faults.clear()
    return await forget_calls(request)
