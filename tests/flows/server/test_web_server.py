"""Prefect's server as we start it: closed to pages of other origins, to names of others, to forged forms."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute

from flows.server.environment import prefect_server, wait_for
from flows.server.prefect_api import ask
from flows.server.web_server import closed
from profiles.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.requests import Request
    from starlette.types import ASGIApp
    from starlette.websockets import WebSocket

OURS = "127.0.0.1:4200"


async def answer(_: Request) -> PlainTextResponse:
    return PlainTextResponse("done")


async def talk(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_text("done")
    await socket.close()


def app(host: str = "127.0.0.1") -> ASGIApp:
    methods = ["GET", "POST", "OPTIONS"]
    routes = [Route("/", answer, methods=methods), WebSocketRoute("/events", talk)]
    return closed(Starlette(routes=routes), host)


def asked(method: str, headers: dict[str, str], host: str = "127.0.0.1") -> httpx.Response:
    async def ask_once() -> httpx.Response:
        transport = httpx.ASGITransport(app=app(host))
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{OURS}") as client:
            return await client.request(method, "/", headers=headers)

    return asyncio.run(ask_once())


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("port", ["", ":4200", ":5000"])
def test_our_own_pages_and_programs_are_answered(name: str, port: str) -> None:
    host = f"{name}{port}"
    assert asked("GET", {"Host": host}).text == "done"
    assert asked("POST", {"Host": host, "Origin": f"http://{host}"}).text == "done"


@pytest.mark.parametrize("host", ["evil.example", "evil.example:4200", "127.0.0.1.evil.example:4200"])
def test_a_name_that_leads_here_is_not_ours(host: str) -> None:
    # a page lets its own name point to 127.0.0.1: for the browser it is of the same origin then
    assert asked("POST", {"Host": host, "Origin": f"http://{host}"}).status_code == 400
    assert asked("GET", {"Host": host}).status_code == 400


@pytest.mark.parametrize("origin", ["http://evil.example", "http://127.0.0.1:8000", "null", "https://"])
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_a_page_of_another_origin_is_refused(origin: str, method: str) -> None:
    refused = asked(method, {"Host": OURS, "Origin": origin})
    assert refused.status_code == 403
    assert "done" not in refused.text
    assert "access-control-allow-origin" not in refused.headers


@pytest.mark.parametrize(("origin", "is_open"), [(f"http://{OURS}", True), ("http://evil.example", False)])
def test_a_web_socket_opens_for_our_own_pages_alone(origin: str, is_open: bool) -> None:
    headers = [(b"host", OURS.encode()), (b"origin", origin.encode())]
    scope = {
        "type": "websocket",
        "path": "/events",
        "headers": headers,
        "subprotocols": [],
        "query_string": b"",
    }
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None:
        sent.append(message)

    async def talk_once() -> None:
        await app()(scope, receive, send)

    asyncio.run(talk_once())
    assert (sent[0]["type"] == "websocket.accept") is is_open
    assert ("done" in str(sent)) is is_open


def test_no_other_page_shows_ours_in_a_frame() -> None:
    assert "frame-ancestors 'self'" in asked("GET", {}).headers["content-security-policy"]


def test_other_machines_reach_it_by_any_name_because_they_sign_in() -> None:
    assert asked("GET", {"Host": "nas.local:4200"}, host="0.0.0.0").text == "done"
    foreign = {"Host": "nas.local:4200", "Origin": "http://evil.example"}
    assert asked("POST", foreign, host="0.0.0.0").status_code == 403


@pytest.fixture(scope="module")
def api_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real server of Prefect's, started as for a command."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRACKER_HOME", str(tmp_path_factory.mktemp("home")))
        patch.setenv("PREFECT_API_URL", "")
        patch.setenv("PREFECT_HOME", "")
        with prefect_server(load_settings()) as address:
            wait_for(address)
            yield address


@pytest.mark.slow
def test_a_forged_form_changes_nothing_and_our_own_question_does(api_url: str) -> None:
    form = {"name": "forged", "type": "process"}
    for headers in ({}, {"Content-Type": "text/plain"}, {"Prefect-Csrf-Token": "x"}):
        said = httpx.post(f"{api_url}/work_pools/", json=form, headers=headers)
        assert said.status_code == 403
    assert ask(api_url, "POST", "work_pools/filter", {}) == []
    assert ask(api_url, "POST", "work_pools/", form)["name"] == "forged"
    assert ask(api_url, "GET", "work_pools/forged")["type"] == "process"


@pytest.mark.slow
def test_the_token_of_one_origin_is_not_shown_to_another(api_url: str) -> None:
    token = f"{api_url}/csrf-token?client=forged"
    assert httpx.get(token, headers={"Origin": "http://evil.example"}).status_code == 403
    assert httpx.get(token, headers={"Host": "evil.example"}).status_code == 400
    assert "access-control-allow-origin" not in httpx.get(token).headers
