"""The routes of the accounts service: the consent page and the token endpoint."""

import html
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from sandbox.account.model import ALL_SCOPES
from sandbox.api.inputs import read_form
from sandbox.api.oauth import TokenError, is_registered
from sandbox.core import Sandbox

router = APIRouter()
CHALLENGE_LENGTH = 43
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Sandbox sign-in</title>
<style>body{{font:16px sans-serif;max-width:32em;margin:4em auto}}</style>
</head><body>
<h1>Sandbox sign-in</h1>
<p>This page stands in for Spotify's. The app asks <b>{name}</b> for:</p>
<ul>{scopes}</ul>
<form method="post" action="/authorize">
{hidden}
<button id="auth-accept" name="decision" value="agree">Agree</button>
<button id="auth-cancel" name="decision" value="cancel">Cancel</button>
</form></body></html>"""


def refusal(sandbox: Sandbox, params: dict[str, str]) -> str | None:
    """Return why a request is refused without a redirect, None if it is valid."""
    if params.get("client_id") != sandbox.tokens.client_id:
        return "INVALID_CLIENT: Invalid client"
    if not is_registered(params.get("redirect_uri", ""), sandbox.account.options.redirect_uris):
        return "INVALID_CLIENT: Invalid redirect URI"
    if params.get("response_type") != "code":
        return "response_type must be code"
    if not set(params.get("scope", "").split()) <= set(ALL_SCOPES.split()):
        return "INVALID_SCOPE: Invalid scope"
    challenge = params.get("code_challenge")
    if challenge is not None and (
        params.get("code_challenge_method") != "S256" or len(challenge) != CHALLENGE_LENGTH
    ):
        return "code_challenge_method must be S256"
    return None


@router.get("/authorize")
async def ask(request: Request) -> Response:
    """Show the consent page."""
    sandbox: Sandbox = request.app.state.sandbox
    params = dict(request.query_params)
    reason = refusal(sandbox, params)
    if reason:
        return Response(reason, 400, media_type="text/plain")
    hidden = "\n".join(
        f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
        for name, value in params.items()
    )
    scopes = "".join(f"<li>{html.escape(scope)}</li>" for scope in params.get("scope", "").split())
    name = html.escape(sandbox.account.profile.display_name)
    return HTMLResponse(PAGE.format(name=name, scopes=scopes, hidden=hidden))


@router.post("/authorize")
async def decide(request: Request) -> Response:
    """Redirect with a code, or with `access_denied`. `state` is returned as it was sent."""
    sandbox: Sandbox = request.app.state.sandbox
    try:
        params = read_form(await request.body())
    except ValueError:
        return Response("The form is no UTF-8", 400, media_type="text/plain")
    reason = refusal(sandbox, params)
    if reason:
        return Response(reason, 400, media_type="text/plain")
    answer = {"error": "access_denied"}
    if params.get("decision") == "agree":
        granted = sandbox.account.options.granted_scopes
        scope = params.get("scope", "") if granted is None else " ".join(granted)
        code = sandbox.tokens.issue_code(scope, params["redirect_uri"], params.get("code_challenge"))
        answer = {"code": code}
    if "state" in params:
        answer["state"] = params["state"]
    return RedirectResponse(f"{params['redirect_uri']}?{urlencode(answer)}", 303)


@router.post("/api/token")
async def token(request: Request) -> Response:
    """Exchange a code or a refresh token for an access token."""
    sandbox: Sandbox = request.app.state.sandbox
    try:
        form = read_form(await request.body())
    except ValueError:
        return JSONResponse({"error": "invalid_request", "error_description": "The form is no UTF-8"}, 400)
    try:
        return JSONResponse(sandbox.tokens.exchange(form, request.headers.get("authorization")))
    except TokenError as error:
        return JSONResponse({"error": error.error, "error_description": error.description}, 400)
