"""The person in front of the consent page: over plain HTTP, as a browser would send it."""

from __future__ import annotations

from typing import Literal
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

import requests


def decide(address: str, decision: Literal["agree", "cancel"] = "agree") -> str:
    """Open the consent page, press a button; return the address that the browser is sent to."""
    assert requests.get(address, timeout=10).status_code == 200
    parts = urlsplit(address)
    form = {**dict(parse_qsl(parts.query)), "decision": decision}
    page = urlunsplit(parts._replace(query=""))
    answer = requests.post(page, data=form, timeout=10, allow_redirects=False)
    return answer.headers["Location"]


def with_values(address: str, **values: str) -> str:
    """Return the address with other values in its query."""
    parts = urlsplit(address)
    return urlunsplit(parts._replace(query=urlencode({**dict(parse_qsl(parts.query)), **values})))
