"""The control endpoints under /sandbox: inspect and edit the account, set faults, move its time."""

from collections.abc import Callable, Coroutine
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute

from sandbox.account.account import real_now
from sandbox.account.export import Quirks, make_export
from sandbox.account.model import Playlist
from sandbox.api import oauth
from sandbox.api.inputs import Json, read_json, read_number
from sandbox.api.shapes import Mode, to_seconds
from sandbox.control.forms import (
    LATEST,
    AdvanceForm,
    EditForm,
    ExportForm,
    FaultForm,
    TokenForm,
    WaitForm,
    changed_options,
    explain,
)
from sandbox.core import Sandbox

SHOWN_CALLS = 1_000


class ControlRoute(APIRoute):
    """A route that answers 400 with the reason if the request is invalid."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the route's handler, wrapped to answer ValueError with status 400."""
        handle = super().get_route_handler()

        async def handle_or_refuse(request: Request) -> Response:
            try:
                return await handle(request)
            except ValueError as error:
                return JSONResponse({"ok": False, "error": explain(error)}, 400)

        return handle_or_refuse


router = APIRouter(route_class=ControlRoute)


def sandbox_of(request: Request) -> Sandbox:
    """Return the sandbox that is served."""
    sandbox: Sandbox = request.app.state.sandbox
    return sandbox


async def body_of(request: Request) -> Json:
    """Return the JSON object of the request, {} for an empty body. Raises ValueError."""
    content = read_json(await request.body())
    if not isinstance(content, dict):
        raise ValueError("the body is no JSON object")  # noqa: TRY004  handled like any other unreadable body
    return content


def ok(**content: Any) -> Response:
    """Return the response of a control that succeeded."""
    return JSONResponse({"ok": True, **content})


def state_of(sandbox: Sandbox) -> Json:
    """Return the sandbox's mode, time, options and counts as a JSON object."""
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
    """Return a playlist with all entries as a JSON object, including what the Web API does not show."""
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
    """Answer with mode, time, options, counts and totals of calls."""
    return JSONResponse(state_of(sandbox_of(request)))


@router.get("/library")
async def library(request: Request) -> Response:
    """Answer with the likes and the saved albums in order."""
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
    """Answer with every playlist and its entries, deleted playlists too."""
    return JSONResponse([playlist_truth(one) for one in sandbox_of(request).account.playlists.values()])


@router.get("/calls")
async def calls(request: Request) -> Response:
    """Answer with the totals and the latest calls (`limit`, default 1,000), oldest first."""
    accounting = sandbox_of(request).calls
    limit = read_number(request.query_params.get("limit", str(SHOWN_CALLS)))
    latest = list(accounting)[-limit:] if limit > 0 else []
    return JSONResponse({**accounting.summary(), "calls": [call.as_json() for call in latest]})


@router.delete("/calls")
async def forget_calls(request: Request) -> Response:
    """Forget all calls."""
    sandbox = sandbox_of(request)
    sandbox.calls.reset()
    if sandbox.storage is not None:
        sandbox.storage.forget_calls()
    return ok()


# -- editing as the user


def edit(sandbox: Sandbox, action: str, body: Json) -> Json:
    """Make one edit of the library or of a playlist, or add a play. Raises ValueError if it is invalid."""
    account, form = sandbox.account, EditForm.read(body)
    match action:
        case "like":
            liked = account.like(require_known(account.tracks, form.track_id), form.at)
            return {"added_at": to_seconds(liked.added_at)}
        case "unlike":
            account.unlike(require_known(account.tracks, form.track_id))
        case "save":
            saved = account.save_album(require_known(account.albums, form.album_id), form.at)
            return {"added_at": to_seconds(saved.added_at)}
        case "unsave":
            account.unsave_album(require_known(account.albums, form.album_id))
        case "play":
            return play(sandbox, form)
        case "create-playlist":
            return playlist_truth(account.add_playlist(form.name, form.uris or [], at=form.at))
        case _:
            edit_playlist(sandbox, action, form)
    return {}


def edit_playlist(sandbox: Sandbox, action: str, form: EditForm) -> None:
    """Edit, delete or restore a playlist. Raises ValueError if it is invalid."""
    account = sandbox.account
    match action:
        case "edit-playlist" if form.uris is not None:
            account.edit_playlist(require_known(account.playlists, form.playlist_id), form.uris)
        case "delete-playlist":
            account.delete_playlist(require_known(account.playlists, form.playlist_id))
        case "restore-playlist":
            account.restore_playlist(require_known(account.playlists, form.playlist_id))
        case _:
            raise ValueError(f"unknown edit {action!r}, or uris are missing")


def require_known(things: dict[str, Any], identifier: str | None) -> str:
    """Return an id that the account knows. Raises ValueError for any other."""
    if identifier not in things:
        raise ValueError(f"unknown id {identifier!r}")
    return identifier


def play(sandbox: Sandbox, form: EditForm) -> Json:
    """Add a play of a track (default: the latest like) that ends `at` (default: now). Raises ValueError."""
    account = sandbox.account
    latest = account.likes[0].track_id if account.likes else None
    item = form.uri or require_known(account.tracks, form.track_id or latest)
    done = account.play(item, form.at, ms_played=form.ms_played, visible_at=form.visible_at)
    return {"uri": done.uri, "ended_at": done.ended_at.isoformat()}


@router.post("/edits/{action}")
async def edits(request: Request, action: str) -> Response:
    """Edit: like, unlike, save, unsave, play, create-playlist, edit-, delete- or restore-playlist."""
    return ok(**edit(sandbox_of(request), action, await body_of(request)))


@router.post("/advance")
async def advance(request: Request) -> Response:
    """Move time forward by `hours`, or `until` a time (`now` is the real time)."""
    sandbox, body = sandbox_of(request), await body_of(request)
    return JSONResponse(advance_by(sandbox, body))


def advance_by(sandbox: Sandbox, body: Json) -> Json:
    """Move time forward as the body says, and return what happened meanwhile. Raises ValueError."""
    account, form = sandbox.account, AdvanceForm.read(body)
    before = (len(account.plays), len(account.likes), len(account.saved_albums))
    until = form.until or account.now + timedelta(hours=form.hours)
    if until > LATEST:
        raise ValueError(f"the sandbox's time ends in {LATEST.year}")
    if until > account.now:
        account.advance_to(until)
    after = (len(account.plays), len(account.likes), len(account.saved_albums))
    names = ("plays", "likes", "saved_albums")
    grown = {name: now - then for name, now, then in zip(names, after, before, strict=True)}
    return {"ok": True, "now": account.now.isoformat(), "more": grown}


@router.post("/options")
async def options(request: Request) -> Response:
    """Set some of the options, or `mode`."""
    sandbox, body = sandbox_of(request), await body_of(request)
    mode = body.pop("mode", sandbox.mode)
    if mode not in get_args(Mode):
        raise ValueError(f"unknown mode {mode!r}")
    changed = changed_options(sandbox.account.options, body)
    sandbox.mode = mode
    for name in body:
        setattr(sandbox.account.options, name, getattr(changed, name))
    sandbox.account.mark_changed("options")
    sandbox.account.mark_changed("sandbox")
    return ok()


# -- faults and tokens


@router.get("/faults")
async def list_faults(request: Request) -> Response:
    """Answer with the faults that are set."""
    return JSONResponse([fault.as_json() for fault in sandbox_of(request).faults.all])


@router.post("/faults")
async def add_fault(request: Request) -> Response:
    """Set a fault: `kind`, `method`, `path`, `nth`, `times` (null: for ever), `retry_after`, `status` …"""
    form = FaultForm.read(await body_of(request))
    if form.kind == "callback":
        raise ValueError("a callback can be set from Python only")
    return ok(fault=sandbox_of(request).faults.add(**form.model_dump()).as_json())


@router.delete("/faults")
async def clear_faults(request: Request) -> Response:
    """Remove all faults. Hanging calls go on."""
    sandbox_of(request).faults.clear()
    return ok()


@router.delete("/faults/{fault_id}")
async def remove_fault(request: Request, fault_id: str) -> Response:
    """Remove one fault."""
    sandbox_of(request).faults.remove(read_number(fault_id))
    return ok()


@router.get("/hanging")
def hanging(request: Request) -> Response:
    """Answer with the calls that hang now. `wait` is how many seconds to wait for one."""
    faults = sandbox_of(request).faults
    faults.wait_for_hang(WaitForm.read(request.query_params).wait)
    return JSONResponse([hang.as_json() for hang in list(faults.hanging)])


@router.post("/release")
async def release(request: Request) -> Response:
    """Let every hanging call go on."""
    sandbox_of(request).faults.release()
    return ok()


@router.post("/tokens/{action}")
async def tokens(request: Request, action: str) -> Response:
    """Expire access tokens, or revoke, restore or issue refresh tokens (`scope`, `age_days`)."""
    held, body = sandbox_of(request).tokens, await body_of(request)
    match action:
        case "expire":
            held.expire_access_tokens()
        case "revoke":
            held.revoke_refresh_tokens()
        case "issue":
            form = TokenForm.read(body)
            return ok(refresh_token=held.issue_refresh_token(form.scope, age_days=form.age_days))
        case "restore":
            for grant in held.grants.values():
                grant.is_revoked, grant.authorized_at = False, real_now()
            held.is_changed = True
        case _:
            raise ValueError(f"unknown action {action!r}")
    return ok(client_id=oauth.CLIENT_ID)


@router.post("/export")
async def export(request: Request) -> Response:
    """Write the history export to `path` (`.zip` or folder): `kind`, `since`, `until`, `quirks`, `seed`."""
    return ok(**export_by(sandbox_of(request), await body_of(request)))


def export_by(sandbox: Sandbox, body: Json) -> Json:
    """Write an export as the body says, and return its path and summary. Raises ValueError."""
    form = ExportForm.read(body)
    made = make_export(
        sandbox.account,
        form.kind,
        since=form.since,
        until=form.until,
        quirks=form.quirks if isinstance(form.quirks, Quirks) else Quirks() if form.quirks else Quirks.none(),
        seed=form.seed,
    )
    try:
        path = made.write(Path(form.path))
    except OSError as error:
        raise ValueError(f"cannot write to {form.path}: {error.strerror}") from error
    return {"path": str(path), **made.summary()}


@router.post("/reset")
async def reset(request: Request) -> Response:
    """Forget all calls and faults. The account stays."""
    sandbox = sandbox_of(request)
    sandbox.faults.clear()
    return await forget_calls(request)
