"""ASGI middleware around every request: record the call, apply faults, check the token, store, answer."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from sandbox.account.account import real_now
from sandbox.api import web
from sandbox.api.endpoints import find_endpoint
from sandbox.api.errors import ApiError, bad_request, forbidden, not_found, unauthorized
from sandbox.control.faults import PREMIUM_TEXT, Fault

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from sandbox.core import Sandbox

API: Final = "/v1"
DAY_S: Final = 86_236  # a Retry-After as it was seen with QUOTA_EXCEEDED
Headers = list[tuple[bytes, bytes]]


@dataclass
class HeldResponse:
    """A whole response, held back until the account is stored."""

    status: int
    headers: Headers
    body: bytes


def error_response(error: ApiError) -> HeldResponse:
    """Return an error as Spotify sends it."""
    if error.is_text:
        body, kind = error.message.encode(), b"text/plain; charset=utf-8"
    else:
        reason = {"reason": error.reason} if error.reason else {}
        shape = {"error": {"status": error.status, "message": error.message, **reason}}
        body, kind = json.dumps(shape).encode(), b"application/json; charset=utf-8"
    headers = [(name.encode(), value.encode()) for name, value in error.headers.items()]
    return HeldResponse(error.status, [(b"content-type", kind), *headers], body)


def fault_error(fault: Fault) -> ApiError:
    """Return the error that a fault answers with."""
    if fault.kind in ("rate_limited", "quota_exceeded"):
        return limit_error(fault)
    known = {
        "premium_lapsed": ApiError(HTTPStatus.FORBIDDEN, PREMIUM_TEXT, is_text=True),
        "not_allow_listed": forbidden("User not registered in the Developer Dashboard"),
        "forbidden": forbidden(fault.message or "Forbidden"),
        "not_found": not_found(fault.message or "Resource not found"),
        "bad_request": bad_request(fault.message or "Bad request"),
        "expired_token": unauthorized("The access token expired"),
    }
    status = fault.status or HTTPStatus.SERVICE_UNAVAILABLE
    server_error = ApiError(status, fault.message or HTTPStatus(status).phrase, is_text=fault.is_text)
    return known.get(fault.kind, server_error)


def limit_error(fault: Fault) -> ApiError:
    """Return a 429: too many calls, or the day's quota used up. A negative `retry_after` omits the header."""
    is_quota = fault.kind == "quota_exceeded"
    wait_s = (DAY_S if is_quota else 1) if fault.retry_after is None else fault.retry_after
    return ApiError(
        HTTPStatus.TOO_MANY_REQUESTS,
        fault.message or ("Too many requests" if is_quota else "API rate limit exceeded"),
        reason="QUOTA_EXCEEDED" if is_quota else None,
        headers={"retry-after": str(wait_s)} if wait_s >= 0 else {},
        is_text=fault.is_text,
    )


def fault_response(fault: Fault) -> HeldResponse:
    """Return the response of a fault that replaces the call."""
    if fault.kind == "revoked_refresh_token":
        body = {"error": "invalid_grant", "error_description": fault.message or "Refresh token revoked"}
        return HeldResponse(400, [(b"content-type", b"application/json")], json.dumps(body).encode())
    return error_response(fault_error(fault))


async def read_body(receive: Receive) -> bytes:
    """Return the whole body of a request."""
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


class RequestMiddleware:
    """ASGI middleware around the routes."""

    def __init__(self, app: ASGIApp, sandbox: Sandbox) -> None:
        self.app = app
        self.sandbox = sandbox

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        # spotipy calls "me/" and "albums/x/tracks/"
        path = scope["path"].rstrip("/") or "/"
        scope = {**scope, "path": path, "raw_path": path.encode(), "state": {}}
        body = await read_body(receive)
        self.sandbox.follow_real_time()
        if path.startswith(("/sandbox", *web.PATHS)) or path == "/":
            answer = await self.run(scope, body)
            self.sandbox.store()
            await self.send(answer, send)
            return
        await self.serve(scope, body, receive, send)

    async def serve(self, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
        """Serve a call of the Web API or of the accounts service, with the fault that strikes it, if any."""
        method, path = scope["method"], scope["path"].removeprefix(API) or "/"
        call = self.sandbox.open_call(method, path, scope["query_string"].decode("latin-1"))
        fault = self.sandbox.faults.fault_for(method, path)
        call.fault = fault.kind if fault else None
        connection = Connection(scope, receive)
        answer: HeldResponse | None = None
        if fault is not None and not fault.is_after:
            answer = await self.before(fault, scope, connection)
        if answer is None and not connection.is_lost:
            answer = await self.checked(scope, body)
        self.sandbox.store()
        if fault is not None and fault.is_after and answer is not None:
            answer = await self.after(fault, answer, scope, connection)
        call.status = None if connection.is_lost or answer is None else answer.status
        self.sandbox.store(call)
        if connection.is_lost or answer is None:
            await connection.drop()
        elif fault is not None and fault.kind == "drop_midway":
            await self.send(answer, send, is_cut=True)
            await connection.drop()
        else:
            await self.send(answer, send)

    async def before(self, fault: Fault, scope: Scope, connection: Connection) -> HeldResponse | None:
        """Apply a fault that strikes first. None: the call goes on, or `connection.is_lost` was set."""
        if fault.is_hang:
            await self.hold(fault, scope, connection)
        elif fault.kind == "drop_before":
            connection.is_lost = True
        elif fault.kind == "stale_snapshot":
            scope["state"]["is_stale"] = True
        elif fault.kind == "callback":
            if fault.action is not None:
                fault.action()
        else:
            return fault_response(fault)
        return None

    async def after(
        self, fault: Fault, answer: HeldResponse, scope: Scope, connection: Connection
    ) -> HeldResponse:
        """Apply a fault that strikes after the call was applied and stored."""
        if fault.is_hang:
            await self.hold(fault, scope, connection)
        elif fault.kind == "drop_after":
            connection.is_lost = True
        elif fault.kind == "server_error_after":
            return fault_response(fault)
        return answer

    async def hold(self, fault: Fault, scope: Scope, connection: Connection) -> None:
        """Hold a call. If it is not released, its connection is lost."""
        path = scope["path"].removeprefix(API)
        is_released = await self.sandbox.faults.hold(fault, scope["method"], path, connection.gone)
        connection.is_lost = not is_released

    async def checked(self, scope: Scope, body: bytes) -> HeldResponse:
        """Check token, mode and scope, then run the call. A refusal becomes an error response."""
        try:
            if scope["path"].startswith(API):
                self.check(scope)
            return await self.run(scope, body)
        except ApiError as error:
            return error_response(error)

    def check(self, scope: Scope) -> None:
        """Refuse a call without a good token, to a removed endpoint, or without the scope it needs."""
        header = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
        kind, _, value = header.partition(" ")
        if not header:
            raise unauthorized("No token provided")
        if kind.lower() != "bearer":
            raise bad_request("Only valid bearer authentication supported")
        token = self.sandbox.tokens.access.get(value)
        if token is None:
            raise unauthorized("Invalid access token")
        if token.expires_at <= real_now():
            raise unauthorized("The access token expired")
        endpoint = find_endpoint(scope["method"], scope["path"].removeprefix(API))
        if endpoint is None:
            raise not_found("Service not found")
        if endpoint.is_removed and self.sandbox.mode == "new-dev":
            raise not_found() if endpoint.is_unknown else forbidden()
        granted = token.scope.split()
        if endpoint.scopes and not any(needed in granted for needed in endpoint.scopes):
            raise forbidden("Insufficient client scope")
        scope["state"]["scopes"] = granted

    async def run(self, scope: Scope, body: bytes) -> HeldResponse:
        """Let the routes answer, and return their response without sending it."""
        answer = HeldResponse(500, [], b"")

        async def receive_body() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def hold_back(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.status, answer.headers = message["status"], list(message["headers"])
            else:
                answer.body += message.get("body", b"")

        await self.app(scope, receive_body, hold_back)
        return answer

    async def send(self, answer: HeldResponse, send: Send, *, is_cut: bool = False) -> None:
        """Send a response, or with `is_cut` only half of its body."""
        length = [(b"content-length", str(len(answer.body)).encode())]
        headers = [pair for pair in answer.headers if pair[0] != b"content-length"] + length
        body = answer.body[: len(answer.body) // 2] if is_cut else answer.body
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": body, "more_body": is_cut})


class Connection:
    """The client's connection. Faults cut it."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.transport: Any = scope.get("sandbox.transport")
        self.receive: Callable[[], Awaitable[Message]] = receive
        self.is_lost = False

    async def gone(self) -> None:
        """Return when the client has disconnected."""
        while (await self.receive())["type"] != "http.disconnect":
            pass

    async def drop(self) -> None:
        """Reset the connection, and wait until the server has noticed it."""
        if self.transport is not None:
            await asyncio.sleep(0)  # lets the data that was sent go out first
            self.transport.abort()
        await self.gone()
