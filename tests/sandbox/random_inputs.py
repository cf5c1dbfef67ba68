"""Random requests to every endpoint, half of them plausible and half of them invalid. A seed repeats them.

`try_all` sends them to a running sandbox, and returns the answers and those among them that are wrong.
"""

from __future__ import annotations

import base64
import http.client
import json
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote, urlencode

from sandbox.account.ids import readable_id
from sandbox.api.endpoints import ACCOUNTS, DECLARED, PRESENT, Endpoint, find_endpoint

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from sandbox.testing import RunningSandbox

ANSWERS_WITHIN_S: Final = 20.0
NOT_IMPLEMENTED: Final = 501
CONTROLS: Final = (
    ("GET", "state"),
    ("GET", "library"),
    ("GET", "playlists"),
    ("GET", "calls"),
    ("DELETE", "calls"),
    *(("POST", f"edits/{name}") for name in ("like", "unlike", "save", "unsave", "play", "nonsense")),
    *(("POST", f"edits/{name}-playlist") for name in ("create", "edit", "delete", "restore")),
    ("POST", "advance"),
    ("POST", "options"),
    ("GET", "faults"),
    ("POST", "faults"),
    ("DELETE", "faults"),
    ("DELETE", "faults/{id}"),
    ("GET", "hanging"),
    ("POST", "release"),
    ("POST", "tokens/issue"),
    ("POST", "tokens/nonsense"),
    ("POST", "export"),
    ("GET", "nonsense"),
)
TEXTS: Final = (
    "",
    " ",
    "0",
    "-1",
    "1",
    "٥",
    "1e999",
    "NaN",
    "null",
    "true",
    "9" * 5_000,
    "\u0000",
    "\ufffd",
    "🌅",
    "\u202e",
    "é" * 400,
    "'; drop table things; --",
    "<script>",
    "../../etc/passwd",
    "%00",
    "%",
    "a,b,,c",
    ",",
    "x" * 3_000,
    "\r\n",
    "http://[::1/callback",
    "(" * 2_000,
    "a." * 2_000,
    "items(track(uri)),items(item(uri)),total,!name",
    "from_token",
    "DE",
    "spotify:track:",
    "spotify:local:::::",
    "spotify:local:a:b:c:x",
    "spotify:user:",
    "2026-02-30",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
)
NUMBERS: Final = (0, 1, 2, -1, 49, 50, 51, 100, 101, 2**31, 2**63, -(2**63), 10**30, 0.5, 1e300, -0.0)
QUERY_NAMES: Final = (
    *("limit", "offset", "market", "fields", "additional_types", "ids", "uris", "after", "before"),
    *("time_range", "position", "include_groups", "q", "type"),
)
BODY_NAMES: Final = (
    *("uris", "ids", "items", "tracks", "position", "range_start", "range_length", "insert_before"),
    *("snapshot_id", "name", "public", "collaborative", "description"),
)
CONTROL_NAMES: Final = (
    *("track_id", "album_id", "playlist_id", "uri", "uris", "name", "at", "ms_played", "visible_at"),
    *("hours", "until", "kind", "method", "nth", "times", "retry_after", "status", "message", "is_text"),
    *("delay_s", "tie_order", "snapshot_lag_s", "playlist_limit", "granted_scopes", "redirect_uris"),
    *("album_order", "items_lag_s", "scope", "age_days", "path", "since", "seed", "quirks"),
)
FORM_NAMES: Final = (
    *("grant_type", "code", "refresh_token", "redirect_uri", "client_id", "client_secret", "scope"),
    *("code_verifier", "code_challenge", "code_challenge_method", "response_type", "state", "decision"),
)
RAW_BODIES: Final = (
    b"",
    b"{",
    b"[]",
    b"null",
    b"1",
    b'"x"',
    b"\xff\xfe",
    b"\xef\xbb\xbf{}",
    b'{"name": "\\ud800"}',
    b'{"\\udfff": "x"}',
    b'{"position": NaN}',
    b'{"position": ' + b"9" * 5_000 + b"}",
    b"[" * 20_000 + b"]" * 20_000,
    b'{"uris":' * 20_000 + b"1" + b"}" * 20_000,
    b'{"name": "a", "name": "b"}',
    b"a=b&c=%ff&=&&",
    b"\x00" * 100,
)


@dataclass(frozen=True)
class Asked:
    """A request to send."""

    method: str
    target: str
    headers: dict[str, bytes]
    body: bytes

    def __str__(self) -> str:
        return f"{self.method} {self.target[:200]} {self.body[:120]!r}"


@dataclass
class Tried:
    """The answers, counted by status. `wrong` has each wrong answer with its request."""

    calls: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


class Generator:
    """Makes random requests. The same seed makes the same requests."""

    def __init__(self, seed: int, running: RunningSandbox, folder: Path) -> None:
        self.rng = Random(f"random inputs {seed}")
        self.running = running
        self.folder = folder
        self.token = running.access_token().encode()
        self.ids = [
            *(readable_id("Track", number) for number in (1001, 1002, 2003, 2004)),
            *(readable_id(word, 1) for word in ("Album", "Artist", "Playlist", "Episode")),
            *(readable_id("Playlist", 2), "z" * 22, "sandbox-listener"),
        ]

    def requests(self, count: int) -> Iterator[Asked]:
        """Yield this many requests."""
        for _ in range(count):
            place = self.rng.random()
            if place < 0.08:
                yield self.accounts(self.rng.choice(ACCOUNTS))
            elif place < 0.16:
                yield self.control(*self.rng.choice(CONTROLS))
            else:
                yield self.api(self.rng.choice((*PRESENT, *PRESENT, *PRESENT, *DECLARED)))

    def api(self, endpoint: Endpoint) -> Asked:
        """Return a call to the Web API, mostly with a valid token."""
        method, path = endpoint.method, f"/v1{self.filled(endpoint.template)}"
        if self.rng.random() < 0.04:
            method = self.rng.choice(("PATCH", "HEAD", "OPTIONS", "DELETE", "PUT", "POST"))
        if self.rng.random() < 0.04:
            path += self.rng.choice(("/", "//", "/x", "%2F", "%00", "%FF", "%0A"))
        body = self.body(BODY_NAMES) if method not in ("GET", "HEAD") or self.rng.random() < 0.1 else b""
        headers = {"content-type": b"application/json", "authorization": self.authorization()}
        return Asked(method, path + self.query(QUERY_NAMES), headers, body)

    def accounts(self, endpoint: Endpoint) -> Asked:
        """Return a call to the accounts service, with valid and invalid values."""
        form = {name: self.form_value(name) for name in self.some(FORM_NAMES)}
        headers = {"content-type": b"application/x-www-form-urlencoded"}
        if self.rng.random() < 0.5:
            headers["authorization"] = self.basic()
        body = urlencode(form).encode() if self.rng.random() < 0.8 else self.rng.choice(RAW_BODIES)
        if endpoint.method == "GET":
            return Asked("GET", f"{endpoint.template}?{urlencode(form)}", headers, b"")
        return Asked(endpoint.method, endpoint.template, headers, body)

    def control(self, method: str, path: str) -> Asked:
        """Return a call to the controls.

        Exports go into `folder`, and faults are set for unused paths only.
        """
        body = self.body(CONTROL_NAMES, path=path)
        headers = {"content-type": b"application/json"}
        query = self.query(("limit",)) if method == "GET" else ""
        if path == "hanging":
            query = self.rng.choice(("", "?wait=0", "?wait=x", "?wait=nan", "?wait=-1", "?wait=1e300"))
        return Asked(method, f"/sandbox/{self.filled(path)}{query}", headers, body)

    # -- parts

    def filled(self, template: str) -> str:
        """Return an endpoint's template with ids filled in."""
        path = template.replace("{type}", self.rng.choice(("tracks", "artists", "x", "%F0%9F%8C%85")))
        while "{id}" in path:
            good = self.rng.random() < 0.8
            path = path.replace("{id}", quote(self.rng.choice(self.ids if good else TEXTS), safe=""), 1)
        return path

    def some(self, names: Iterable[str]) -> list[str]:
        """Return some of the names."""
        every = list(names)
        return self.rng.sample(every, min(len(every), self.rng.choice((0, 1, 1, 2, 3, 4, 6))))

    def query(self, names: Iterable[str]) -> str:
        """Return a query string, sometimes without the escapes that it needs."""
        pairs = [
            (name, self.likely_text(name) if self.rng.random() < 0.7 else self.text())
            for name in self.some(names)
        ]
        text = urlencode(pairs)
        if self.rng.random() < 0.05:
            text += "&limit=%FF&%ED%A0%80=%ED%A0%80&="
        return f"?{text}" if text else ""

    def likely_text(self, name: str) -> str:
        """Return a plausible query value for this name."""
        likely = {
            "market": ("DE", "from_token"),
            "fields": ("items(track(uri),item(uri)),total", "!name", "owner.id"),
            "additional_types": ("track", "track,episode"),
            "ids": (",".join(self.rng.sample(self.ids, 3)), self.ids[0]),
            "uris": (self.uri(), f"{self.uri()},{self.uri()}"),
            "time_range": ("short_term", "long_term"),
            "include_groups": ("album,single",),
            "after": ("0", "1790000000000"),
            "before": ("1790000000000", "9999999999999"),
        }
        return self.rng.choice(likely.get(name, ("0", "1", "2", "5", "10")))

    def text(self) -> str:
        """Return any value for a query."""
        return self.rng.choice(
            (
                lambda: self.rng.choice(TEXTS),
                lambda: str(self.rng.choice(NUMBERS)),
                self.uri,
                lambda: ",".join(self.uri() for _ in range(self.rng.choice((1, 2, 3, 41, 101)))),
                lambda: ",".join(self.rng.sample(self.ids, 3)),
                lambda: self.rng.choice(("short_term", "track,episode", "album,single", "items(item(uri))")),
            )
        )()

    def uri(self) -> str:
        """Return a uri of any type, mostly of something known."""
        kind = self.rng.choice(
            ("track", "track", "album", "playlist", "episode", "user", "show", "artist", "x")
        )
        return f"spotify:{kind}:{self.rng.choice(self.ids)}"

    def value(self, depth: int = 0) -> Any:
        """Return a JSON value of any type."""
        place = self.rng.randrange(10 if depth < 4 else 7)
        if place < 3:
            return self.uri()
        if place < 7:
            plain = (*TEXTS, *NUMBERS, *NUMBERS, None, True, False, self.running.refresh_token)
            return self.rng.choice(plain)
        if place < 9:
            return [self.value(depth + 1) for _ in range(self.rng.choice((0, 1, 2, 5, 101)) // (depth + 1))]
        return {self.rng.choice((*BODY_NAMES, "uri", "positions")): self.value(depth + 1) for _ in range(3)}

    def likely(self, name: str) -> Any:
        """Return a plausible body value for this name."""
        uris = [self.uri() for _ in range(self.rng.choice((1, 1, 2, 3)))]
        places = self.rng.choice(([0], [0, 1], [self.value()], self.value()))
        likely: dict[str, Any] = {
            "uris": uris,
            "ids": self.rng.sample(self.ids, 2),
            "items": [{"uri": uri} for uri in uris],
            "tracks": [{"uri": uri, "positions": places} for uri in uris],
            "name": self.rng.choice(("New", self.rng.choice(TEXTS))),
            "description": self.rng.choice(TEXTS),
            "public": self.rng.random() < 0.5,
            "collaborative": self.rng.random() < 0.5,
            "track_id": self.ids[0],
            "album_id": self.ids[4],
            "playlist_id": self.ids[6],
            "uri": self.uri(),
            "at": "2026-05-05T05:05:05Z",
            "path": str(self.folder / "export.zip"),
            "kind": self.rng.choice(("extended", "endsong", "account")),
            "hours": 1,
        }
        return likely.get(name, self.rng.choice((0, 1, 2)))

    def body(self, names: Iterable[str], path: str = "") -> bytes:
        """Return a JSON body, or bytes that are no JSON."""
        if self.rng.random() < 0.1:
            return self.rng.choice(RAW_BODIES)
        chosen = self.some(names)
        content = {name: self.likely(name) if self.rng.random() < 0.6 else self.value() for name in chosen}
        if "path" in content:
            content["path"] = str(self.folder / f"export-{self.rng.randrange(5)}.zip")
        if path == "options":
            content.pop("snapshot_lag_s", None)
        if path == "faults":
            content["path"] = "/no/call/of/ours"
        return json.dumps(content).encode()

    def authorization(self) -> bytes:
        """Return an authorization header, mostly with the valid token."""
        if self.rng.random() < 0.95:
            return b"Bearer " + self.token
        return self.rng.choice((b"", b"Bearer", b"Bearer \xff", b"Basic x", b"Bearer " + b"x" * 4_000))

    def basic(self) -> bytes:
        """Return credentials of the app, valid or not."""
        good = f"{self.running.client_id}:{self.running.client_secret}".encode()
        words = (good, good, b"", b":", b"\xff\xfe:", b"x" * 300)
        encoded = base64.b64encode(self.rng.choice(words))
        return self.rng.choice((b"Basic " + encoded, b"Basic \xc3\xa9", b"Basic =", encoded, b"\xff"))

    def form_value(self, name: str) -> str:
        """Return a value of a form."""
        good = {
            "client_id": self.running.client_id,
            "client_secret": self.running.client_secret,
            "refresh_token": self.running.refresh_token,
            "grant_type": self.rng.choice(("refresh_token", "authorization_code")),
            "redirect_uri": "http://127.0.0.1:8888/callback",
            "response_type": "code",
            "scope": "user-library-read streaming",
            "code_challenge_method": "S256",
            "code_challenge": "x" * 43,
            "decision": "agree",
        }
        return good[name] if name in good and self.rng.random() < 0.7 else self.text()


def try_all(running: RunningSandbox, requests: Iterable[Asked]) -> Tried:
    """Send the requests one after another, and return the answers with the wrong ones."""
    tried = Tried()
    connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=ANSWERS_WITHIN_S)
    for asked in requests:
        tried.calls += 1
        try:
            connection.request(asked.method, asked.target, asked.body or None, asked.headers)
            answer = connection.getresponse()
            content = answer.read()
        except TimeoutError:
            tried.wrong.append(f"no answer to {asked}")
            connection.close()
            continue
        tried.statuses[answer.status] += 1
        why = what_is_wrong(running, asked, answer.status, answer.headers.get("content-type", ""), content)
        if why is not None:
            tried.wrong.append(f"{answer.status}, {why}: {asked} → {content[:200]!r}")
    connection.close()
    return tried


def what_is_wrong(
    running: RunningSandbox, asked: Asked, status: int, kind: str, content: bytes
) -> str | None:
    """Return why an answer is wrong, None for a valid one."""
    if status == NOT_IMPLEMENTED:
        path = unquote(asked.target.partition("?")[0]).removeprefix("/v1").rstrip("/")
        endpoint = find_endpoint(asked.method, path)
        if endpoint is None or (endpoint.is_removed and running.sandbox.mode == "new-dev"):
            return "not declared"
    if status >= 500 and status != NOT_IMPLEMENTED:
        return "an error of the server"
    if asked.method == "HEAD" or (not content and status < 400):
        return None
    if kind.startswith("text/"):
        return "no error object" if asked.target.startswith("/v1") else None
    try:
        shape = json.loads(content)
    except ValueError:
        return "no JSON"
    return None if status < 400 or is_error(shape, status, asked.target) else "no error object"


def is_error(shape: Any, status: int, target: str) -> bool:
    """Whether a body is an error of the Web API, the accounts service or the controls, as `target` has it."""
    error = shape.get("error") if isinstance(shape, dict) else None
    if isinstance(error, dict):
        return error.get("status") == status and isinstance(error.get("message"), str)
    is_told = isinstance(error, str) and not target.startswith("/v1")
    return is_told and (isinstance(shape.get("error_description"), str) or shape.get("ok") is False)
