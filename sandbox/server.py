"""The HTTP server on 127.0.0.1. It runs in the foreground, or in a thread of a test."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from typing import TYPE_CHECKING, Any, Final

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from sandbox.api.app import create_app

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from sandbox.core import Sandbox

HOST: Final = "127.0.0.1"
STARTS_WITHIN_S: Final = 10.0
ENDS_WITHIN_S: Final = 2.0


class CuttableProtocol(H11Protocol):
    """HTTP/1.1 that hands its transport to the application, so that a fault can cut the connection."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wrap the application so that each request carries the transport in `scope["sandbox.transport"]`."""
        super().connection_made(transport)
        served: Any = self.app

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            await served({**scope, "sandbox.transport": transport}, receive, send)

        self.app = app


class SandboxServer(uvicorn.Server):
    """A uvicorn server that tells when it is ready, and stops at once even while calls hang."""

    def __init__(self, sandbox: Sandbox) -> None:
        config = uvicorn.Config(
            create_app(sandbox),
            http=CuttableProtocol,
            ws="none",
            lifespan="off",
            loop="asyncio",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            timeout_keep_alive=120,
        )
        super().__init__(config)
        self.ready = threading.Event()
        self._stop: asyncio.Event | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def main_loop(self) -> None:
        """Run until stopped. uvicorn's own loop would notice a stop up to 0.1 s later."""
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self.ready.set()
        counter = 0
        while not await self.on_tick(counter):
            counter += 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), 0.1)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Close every connection now, so that a test does not wait for calls that it left hanging."""
        for server in self.servers:
            server.close()
        for one in sockets or []:
            one.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        # a hanging call notices that its client is gone, and ends by itself
        if self.server_state.tasks:
            _, stuck = await asyncio.wait(self.server_state.tasks, timeout=ENDS_WITHIN_S)
            for task in stuck:
                task.cancel()
        for server in self.servers:
            await server.wait_closed()

    def stop(self) -> None:
        """Ask the server to stop. Any thread may call this."""
        self.should_exit = True
        if self._loop is not None and self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)


def listen(port: int = 0) -> socket.socket:
    """Return a socket that listens on 127.0.0.1 only. Port 0 means any free port.

    Raises OSError if it is taken.
    """
    # asyncio sets TCP_NODELAY only if the protocol is named here; without it each answer takes 40 ms more
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener


class ThreadedServer:
    """A sandbox server in a thread of this process."""

    def __init__(self, sandbox: Sandbox, port: int = 0) -> None:
        self.listener = listen(port)
        self.port: int = self.listener.getsockname()[1]
        self.server = SandboxServer(sandbox)
        self.thread = threading.Thread(target=self._run, name=f"sandbox-{self.port}", daemon=True)

    def _run(self) -> None:
        self.server.run(sockets=[self.listener])

    def start(self) -> None:
        """Start the server, and return when it answers. Raises RuntimeError if it does not."""
        self.thread.start()
        if not self.server.ready.wait(STARTS_WITHIN_S):
            raise RuntimeError("the sandbox did not start")

    def stop(self) -> None:
        """Stop the server, and return when its port is free."""
        self.server.stop()
        self.thread.join(STARTS_WITHIN_S)
