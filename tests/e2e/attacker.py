"""A page of somebody else's, in a browser on the tracker's machine, that tries to use its Prefect server."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.support.scripted_server import Answer, scripted_server

if TYPE_CHECKING:
    from playwright.sync_api import Browser

NAME = "evil.example"
"""A name that the browser resolves to 127.0.0.1, as its owner may let it."""

MAP = f"--host-resolver-rules=MAP {NAME} 127.0.0.1"
PAGE = "<html><body><form method=post enctype=text/plain></form></body></html>"
ASK = """async ([url, method, body, mode]) => {
    // a body of no type needs no preflight
    const blind = mode === 'no-cors', headers = body && !blind ? {'Content-Type': 'application/json'} : {};
    const options = {method, mode, headers, body: body && blind ? new Blob([body]) : body};
    try { const answer = await fetch(url, options); return [answer.status, await answer.text()]; }
    catch (error) { return [0, String(error)]; }
}"""
ASK_SOCKET = """url => new Promise(resolve => {
    const socket = new WebSocket(url);
    socket.onopen = () => resolve('open');
    socket.onerror = () => resolve('refused');
})"""
SEND_FORM = """([url, name, value]) => {
    const [form] = document.forms, field = document.createElement('input');
    form.action = url; field.name = name; field.value = value; form.append(field); form.submit();
}"""
NEW_POOL = '{"type": "process", "name": "forged"}'


@dataclass(frozen=True)
class Attempts:
    """What the pages got: status and text of each question (status 0: the browser hides the answer)."""

    listed: list[Any]
    read: list[Any]
    made: list[Any]
    made_blindly: list[Any]
    socket: str
    form: int
    renamed_list: list[Any]
    renamed_make: list[Any]


def attack(browser: Browser, server: str) -> Attempts:
    """Try to list, read and make things on `server` from another origin, by a form, and by a name."""
    with scripted_server() as script:
        script.say(Answer(body=PAGE, headers={"Content-Type": "text/html"}))
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{script.port}/")
        filters = f"{server}/api/work_pools/filter"
        listed = page.evaluate(ASK, [filters, "POST", "{}", "cors"])
        read = page.evaluate(ASK, [f"{server}/api/csrf-token?client=forged", "GET", None, "cors"])
        made = page.evaluate(ASK, [f"{server}/api/work_pools/", "POST", NEW_POOL, "cors"])
        made_blindly = page.evaluate(ASK, [f"{server}/api/work_pools/", "POST", NEW_POOL, "no-cors"])
        socket = page.evaluate(ASK_SOCKET, f"{server.replace('http', 'ws')}/api/events/out")
        with page.expect_navigation() as navigation:
            name, _, value = NEW_POOL.partition("forged")  # a form sends name=value: JSON, with this name
            page.evaluate(SEND_FORM, [f"{server}/api/work_pools/", name, value])
        form = navigation.value.status if navigation.value else 0
        page.close()
    renamed = server.replace("127.0.0.1", NAME)
    page = browser.new_page()
    page.goto(f"{renamed}/api/health")  # whatever stands there has the origin that the page had before
    renamed_list = page.evaluate(ASK, [f"{renamed}/api/work_pools/filter", "POST", "{}", "same-origin"])
    renamed_make = page.evaluate(ASK, [f"{renamed}/api/work_pools/", "POST", NEW_POOL, "same-origin"])
    page.close()
    return Attempts(listed, read, made, made_blindly, socket, form, renamed_list, renamed_make)
