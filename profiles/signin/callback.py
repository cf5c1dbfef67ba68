"""The HTTP listener on this machine to which Spotify redirects the browser.

It never shows a code or a token.
"""

from __future__ import annotations

import html
import ipaddress
import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PATIENCE_S = 10  # browsers open connections in advance and then send nothing
LONGEST_TARGET = 8000
PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>body{{font:17px/1.5 system-ui,sans-serif;max-width:34em;margin:15vh auto;padding:0 1em;color:#222}}
@media(prefers-color-scheme:dark){{body{{background:#181818;color:#ddd}}}}</style></head>
<body><h1>{title}</h1>{lines}</body></html>"""


@dataclass(frozen=True)
class Page:
    """A page for the browser: a title and sentences, as plain text."""

    title: str
    lines: tuple[str, ...] = ()
    status: HTTPStatus = HTTPStatus.OK

    def html(self) -> str:
        """Return the page as HTML. Every character of the text is escaped."""
        lines = "".join(f"<p>{html.escape(line)}</p>" for line in self.lines)
        return PAGE.format(title=html.escape(self.title), lines=lines)


class CallbackServer(ThreadingHTTPServer):
    """Listens at a loopback redirect address. `page_for` returns the page for each address that arrives.

    A redirect address without a port gets a free one: Spotify allows any port for it. Raises OSError if the
    port is taken.
    """

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, redirect_uri: str) -> None:
        parts = urlsplit(redirect_uri)
        host = parts.hostname or ""
        self.address_family = (
            socket.AF_INET6 if ipaddress.ip_address(host).version == 6 else socket.AF_INET  # noqa: PLR2004
        )
        super().__init__((host, parts.port or 0), _Handler)
        shown = f"[{host}]" if ":" in host else host
        self.path = parts.path or "/"
        self.redirect_uri = f"{parts.scheme}://{shown}:{self.server_address[1]}{parts.path}"
        self.page_for: Callable[[str], Page] = lambda _address: Page("Not ready", status=HTTPStatus.NOT_FOUND)
        self.after_page: Callable[[], None] = lambda: None

    def handle_error(self, *_: object) -> None:
        """Log nothing: a browser that hangs up is no error, and the request contains the code."""


@contextmanager
def serving(
    server: CallbackServer, page_for: Callable[[str], Page], after_page: Callable[[], None]
) -> Iterator[None]:
    """Answer in the background until the block ends. `after_page` is called when a page has been sent.

    Both functions may be called from several threads.
    """
    server.page_for, server.after_page = page_for, after_page
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: CallbackServer
    timeout = PATIENCE_S
    server_version = "tracker"
    sys_version = ""

    def do_GET(self) -> None:
        target = urlsplit(self.path)
        if target.path != self.server.path or len(self.path) > LONGEST_TARGET:
            self._show(Page("Nothing here", status=HTTPStatus.NOT_FOUND))
            return
        page = self.server.page_for(f"{self.server.redirect_uri}?{target.query}")
        try:
            self._show(page)
        finally:
            self.server.after_page()

    def log_message(self, *_: object) -> None:
        """Log nothing: the request line contains the code."""

    def _show(self, page: Page) -> None:
        body = page.html().encode()
        self.send_response(page.status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
        self.end_headers()
        self.wfile.write(body)
