"""The Prefect server of `tracker up` and of single commands: Prefect's own app, closed to other pages.

Prefect's API runs code for whoever may create a deployment, and a browser carries out what any page asks of
127.0.0.1. So a request is answered only if it names us in its Host (a page may let its own name point to
127.0.0.1) and if no page of another origin makes it. Prefect's own CSRF protection stands behind that.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse

from profiles.settings import LOOPBACK_NAMES

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

ANY_HOST = ("*",)
# no frame of another page in which clicks could be stolen; and Prefect's UI reports to nobody
POLICY = "frame-ancestors 'self'; connect-src 'self'"


class OwnPages:
    """Refuses what pages of another origin ask, WebSockets included, which no CORS rule covers.

    It also keeps other pages from showing ours in a frame, where clicks could be stolen.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 403 to a foreign page, a closed connection to its WebSocket; pass on everything else."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != headers.get("host"):
            refusal = PlainTextResponse("Pages of another origin are not answered.", status_code=403)
            await refusal(scope, receive, send)
            return

        async def send_unframed(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["Content-Security-Policy"] = POLICY
            await send(message)

        await self.app(scope, receive, send_unframed)


def closed(app: ASGIApp, host: str) -> ASGIApp:
    """Return the app, closed to other pages, for a server that listens on this host.

    On loopback it answers to loopback's names alone. Elsewhere any name may lead to it; there a sign-in is
    required, which no page has that let its own name lead to it.
    """
    hosts = LOOPBACK_NAMES if is_loopback(host) else ANY_HOST
    return TrustedHostMiddleware(OwnPages(app), allowed_hosts=list(hosts), www_redirect=False)


def is_loopback(host: str) -> bool:
    """Say whether only this machine reaches a server that listens there."""
    return host in LOOPBACK_NAMES


def serve(host: str, port: int) -> None:
    """Serve Prefect as the environment says, until the process is asked to end."""
    import uvicorn  # noqa: PLC0415  # these take seconds
    from prefect.server.api.server import create_app  # noqa: PLC0415  # as above

    # uvicorn directly: `prefect server start` imports the whole command line first, two seconds more
    uvicorn.run(closed(create_app(), host), host=host, port=port, log_level="error", lifespan="on")


if __name__ == "__main__":
    serve(sys.argv[1], int(sys.argv[2]))
