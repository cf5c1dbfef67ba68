"""A web server that says what a test tells it to: answers that the simulated Spotify never gives."""

from __future__ import annotations

import json
import threading
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Answer:
    """What to say: a body (JSON unless it is text), or nothing but a closed connection."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    is_dropped: bool = False

    @property
    def content(self) -> bytes:
        """The body's bytes."""
        if self.body is None:
            return b""
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()


@dataclass
class Scripted:
    """The server: `api` and `token` are said in their order, and the last of each for ever."""

    port: int = 0
    api: deque[Answer] = field(default_factory=lambda: deque([Answer(body={"id": "me"})]))
    token: deque[Answer] = field(
        default_factory=lambda: deque([Answer(body={"access_token": "access-1234567"})])
    )
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """The settings that lead here."""
        return {
            "SPOTIFY_API_URL": f"http://127.0.0.1:{self.port}/v1",
            "SPOTIFY_ACCOUNTS_URL": f"http://127.0.0.1:{self.port}",
            "SPOTIFY_CLIENT_ID": "scripted-client-id",
            "SPOTIFY_CLIENT_SECRET": "scripted-client-secret",
            "SPOTIFY_REFRESH_TOKEN": "scripted-refresh-token",
        }

    def say(self, *answers: Answer) -> None:
        """Replace what the Web API says to everything but GET /me."""
        self.api = deque(answers)

    def calls(self, path: str) -> int:
        """How often a path was asked for."""
        return sum(1 for _, asked, _ in self.asked if asked.split("?")[0] == path)

    def answer_to(self, path: str) -> Answer:
        """The next answer for a path."""
        if path.partition("?")[0] == "/v1/me":
            return Answer(body={"id": "me", "account_id": "account-of-me", "display_name": "Me"})
        queue = self.token if path.startswith("/api/token") else self.api
        return queue.popleft() if len(queue) > 1 else queue[0]


@contextmanager
def scripted_server(port: int = 0) -> Iterator[Scripted]:
    """Run one until the block ends, on a free port where none is named."""
    script = Scripted()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
            script.asked.append((self.command, self.path, body))
            answer = script.answer_to(self.path)
            if answer.is_dropped:
                self.close_connection = True
                return
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        script.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield script
        finally:
            server.shutdown()
            thread.join()
