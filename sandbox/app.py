"""The application: the Web API under /v1, the accounts service, and the sandbox's own controls."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from fastapi import FastAPI, Request
from fastapi.responses import Response

from sandbox import catalog, consent, control, legacy, library, player, playlist_writes, playlists
from sandbox.door import Door, error_answer
from sandbox.errors import ApiError

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from sandbox.core import Sandbox


async def answer_error(_: Request, error: Exception) -> Response:
    """An error raised by a route, as Spotify sends it."""
    answer = error_answer(cast("ApiError", error))
    headers = {name.decode(): value.decode() for name, value in answer.headers}
    return Response(answer.body, answer.status, headers)


def create_app(sandbox: Sandbox) -> ASGIApp:
    """The ASGI application that serves this sandbox."""
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    app.state.sandbox = sandbox
    app.add_exception_handler(ApiError, answer_error)
    # the removed paths come first: GET /me/tracks/contains must not be taken for something newer
    for routes in (legacy, library, player, catalog, playlists, playlist_writes):
        app.include_router(routes.router, prefix="/v1")
    app.include_router(consent.router)
    app.include_router(control.router, prefix="/sandbox")
    return Door(app, sandbox)
