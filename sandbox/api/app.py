"""The ASGI application: Web API under /v1, accounts service, pages to look at, controls under /sandbox."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final, cast

from fastapi import FastAPI, Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from sandbox.api import catalog, consent, legacy, library, player, playlist_writes, playlists, web
from sandbox.api.endpoints import find_endpoint
from sandbox.api.errors import ApiError, not_found
from sandbox.api.middleware import API, RequestMiddleware, error_response
from sandbox.control import controls

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from sandbox.core import Sandbox


NOT_SIMULATED: Final = "The simulated Spotify does not simulate this endpoint"


async def answer_error(_: Request, error: Exception) -> Response:
    """Return an error that a route raised, as Spotify sends it."""
    answer = error_response(cast("ApiError", error))
    headers = {name.decode(): value.decode() for name, value in answer.headers}
    return Response(answer.body, answer.status, headers)


async def answer_without_route(request: Request, error: Exception) -> Response:
    """Answer a request without a route with an error object, not with the framework's own page.

    An endpoint that Spotify has, but that is not simulated, answers 501: a 404 would tell a client that
    Spotify has removed it.
    """
    status = cast("HTTPException", error).status_code
    if find_endpoint(request.method, request.url.path.removeprefix(API)) is not None:
        return await answer_error(request, ApiError(HTTPStatus.NOT_IMPLEMENTED, NOT_SIMULATED))
    if status == HTTPStatus.NOT_FOUND:
        return await answer_error(request, not_found("Service not found"))
    return await answer_error(request, ApiError(status, HTTPStatus(status).phrase))


def create_app(sandbox: Sandbox) -> ASGIApp:
    """Return the ASGI application that serves this sandbox."""
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    app.state.sandbox = sandbox
    app.add_exception_handler(ApiError, answer_error)
    app.add_exception_handler(HTTPException, answer_without_route)
    # removed paths come first: GET /me/tracks/contains must not match a newer route
    for routes in (legacy, library, player, catalog, playlists, playlist_writes):
        app.include_router(routes.router, prefix="/v1")
    app.include_router(consent.router)
    app.include_router(controls.router, prefix="/sandbox")
    app.include_router(web.router)
    return RequestMiddleware(app, sandbox)
