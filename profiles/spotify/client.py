"""The only client of the Web API: spotipy makes single requests, and this module judges their responses.

With its own session spotipy would sleep through a `Retry-After` of hours, repeat POSTs, report 5xx as 429,
and lose the reason of a refusal.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import requests
import spotipy  # type: ignore[import-untyped]  # it comes without types

from profiles.clock import real_now
from profiles.errors import AuthorizationLost, Deferred, SpotifyUnavailable, TrackerError
from profiles.signin.refresh import Tokens
from profiles.signin.scopes import PLAYLIST_SCOPES
from profiles.spotify import responses
from profiles.spotify.budget import ApiBudget, family_of
from profiles.spotify.retry import OUTAGES, Policy, Repeat, repeating

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from profiles.database import Database
    from profiles.settings import Settings

Method = Literal["GET", "POST", "PUT", "DELETE"]
NO_CONTENT = 204
QUOTA_COOLDOWN_S = (
    3600  # if QUOTA_EXCEEDED has no Retry-After: the window rolls, so part of the quota is free again
)
RATE_COOLDOWN_S = 60  # if short waits did not help


@dataclass(frozen=True)
class Page:
    """One page of a list. `items` may contain None. `offset` and `limit` are those that Spotify used."""

    items: list[Any]
    total: int
    offset: int
    limit: int
    raw: dict[str, Any]


@dataclass
class _Call:
    """One call, with the state of its attempts."""

    method: Method
    path: str
    payload: dict[str, Any] | None
    params: dict[str, Any]
    is_repeatable: bool
    api: spotipy.Spotify
    trial_token: str | None = None
    was_renewed: bool = False
    may_have_been_applied: bool = False

    @property
    def family(self) -> str:
        return family_of(self.method, self.path)


class SpotifyClient:
    """Calls the Web API for one account, one call at a time. `calls_made` counts every attempt."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        *,
        policy: Policy | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.calls_made = 0
        self.budget = ApiBudget(database)
        self.tokens = Tokens(settings, database, who_am_i=self._who_am_i)
        self._policy = policy or Policy(
            first_delay_s=settings.spotify_backoff_s, pacing_s=settings.spotify_pacing_s
        )
        self._sleep = sleep
        self._base = settings.spotify_api_url
        self._http = requests.Session()
        self._http.auth = _keep_our_header  # requests would replace it by a login from .netrc
        self._http.hooks["response"].append(self._record_response)
        self._api = self._spotipy(auth_manager=self.tokens)
        self._responses: list[requests.Response] = []
        self._lock = threading.RLock()
        self._last_call_at = 0.0

    def get(self, path: str, **params: Any) -> dict[str, Any]:
        """Return one JSON object, {} for status 204. Parameters that are None are left out."""
        result = self._call("GET", path, params=params, is_repeatable=True)
        if result is None:
            return {}
        if not isinstance(result, dict):
            raise SpotifyUnavailable(f"Spotify answered GET {path} with something that is no object.")
        return result

    def get_list(self, path: str, **params: Any) -> list[Any]:
        """Return a JSON list, as `me/library/contains` answers it."""
        result = self._call("GET", path, params=params, is_repeatable=True)
        if not isinstance(result, list):
            raise SpotifyUnavailable(f"Spotify answered GET {path} with something that is no list.")
        return result

    def page(self, path: str, *, limit: int = 50, offset: int = 0, **params: Any) -> Page:
        """Return one page of a list that is paged by offset."""
        raw = self.get(path, limit=limit, offset=offset, **params)
        items = raw.get("items")
        if not isinstance(items, list):
            raise SpotifyUnavailable(f"Spotify answered GET {path} with something that is no page.")
        used = raw.get("limit") or limit
        return Page(items, int(raw.get("total") or 0), int(raw.get("offset") or offset), int(used), raw)

    def pages(self, path: str, *, limit: int = 50, offset: int = 0, **params: Any) -> Iterator[Page]:
        """Yield pages until `total` is reached or a page is empty. Each page is one call."""
        while True:
            page = self.page(path, limit=limit, offset=offset, **params)
            yield page
            # by position, not by number of items: Spotify may leave items out of a page
            offset += page.limit
            if not page.items or offset >= page.total:
                return

    def scopes_hiding_playlists(self) -> list[str]:
        """Return the permissions without which GET me/playlists leaves private and shared playlists out.

        Spotify does not say that it leaves any out, so such a listing is no complete view. Makes no call.
        """
        missing = self.tokens.status().missing_scopes
        return [scope for scope in PLAYLIST_SCOPES if scope in missing]

    def post(self, path: str, payload: dict[str, Any]) -> dict[str, Any] | None:
        """Create or append. A failed POST is not repeated: see SpotifyUnavailable.may_have_been_applied."""
        return self._write("POST", path, payload, {}, is_repeatable=False)

    def put(
        self, path: str, payload: dict[str, Any] | None = None, *, idempotent: bool, **params: Any
    ) -> dict[str, Any] | None:
        """Replace or reorder.

        With `idempotent` a failed call is repeated like a read, else never, like a POST.
        """
        return self._write("PUT", path, payload, params, is_repeatable=idempotent)

    def delete(
        self, path: str, payload: dict[str, Any] | None = None, **params: Any
    ) -> dict[str, Any] | None:
        """Remove by uri. A failed call is repeated like a read, because removing twice changes nothing."""
        return self._write("DELETE", path, payload, params, is_repeatable=True)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()
        self.budget.close()

    def _write(
        self,
        method: Method,
        path: str,
        payload: dict[str, Any] | None,
        params: dict[str, Any],
        *,
        is_repeatable: bool,
    ) -> dict[str, Any] | None:
        result = self._call(method, path, payload=payload, params=params, is_repeatable=is_repeatable)
        return result if isinstance(result, dict) else None

    def _who_am_i(self, access_token: str) -> dict[str, Any]:
        """Return GET /me for a token that is not stored yet."""
        trial = self._spotipy(auth=access_token)
        result = self._run(_Call("GET", "me", None, {}, True, trial, trial_token=access_token))
        return result if isinstance(result, dict) else {}

    def _spotipy(self, **auth: Any) -> spotipy.Spotify:
        api = spotipy.Spotify(requests_session=self._http, requests_timeout=self._policy.timeout_s, **auth)
        api.prefix = self._base
        return api

    def _record_response(self, response: requests.Response, **_: Any) -> None:
        self._responses.append(response)

    def _call(
        self,
        method: Method,
        path: str,
        *,
        is_repeatable: bool,
        payload: dict[str, Any] | None = None,
        params: dict[str, Any] | None = None,
    ) -> Any:
        return self._run(_Call(method, path.strip("/"), payload, params or {}, is_repeatable, self._api))

    def _run(self, call: _Call) -> Any:
        """Try a call as often as the policy allows. Raises the errors of `profiles.errors`."""
        policy = OUTAGES.adapted(self._policy, self._base)
        call.api.requests_timeout = policy.timeout_s
        retrying = repeating(policy, self._sleep)
        with self._lock:
            try:
                return retrying(self._attempt, call)
            except Repeat as last:
                if last.kind == "rate":
                    cooldown_s = max(last.delay_s or 0, RATE_COOLDOWN_S)
                    raise self.budget.start_cooldown(
                        call.family, cooldown_s, "too many calls in a short time"
                    ) from None
                if last.kind == "outage":
                    OUTAGES.note(self._base)
                raise last.error from None

    def _attempt(self, call: _Call) -> Any:
        self.budget.check(call.family)
        token = call.trial_token or self.tokens.get_access_token()
        self._pace()
        self.budget.count(call.family)
        self.calls_made += 1
        result, failure = self._send(call)
        answer = self._responses[-1] if self._responses else None  # after a redirect, the last one
        if failure is not None or answer is None:
            raise self._outage(
                call, responses.describe_failure(failure) if failure else "no request was made", failure
            )
        if responses.is_transient(answer.status_code):
            raise self._outage(call, f"status {answer.status_code}")
        OUTAGES.forget(self._base)
        if answer.status_code == responses.TOO_MANY:
            raise self._too_many(call, answer)
        if answer.status_code == responses.UNAUTHORIZED:
            raise self._unauthorized(call, token)
        if answer.status_code >= responses.BAD_REQUEST:
            raise responses.refusal(call.method, call.path, answer.status_code, answer.text)
        if result is None and answer.content and not (call.method != "GET" and call.is_repeatable):
            raise self._outage(call, "an answer that cannot be read")
        if result is None and call.method == "GET" and answer.status_code != NO_CONTENT:
            raise self._outage(call, "an empty answer")
        return result

    def _send(self, call: _Call) -> tuple[Any, requests.RequestException | None]:
        """Make one request. `_responses` has Spotify's response, whatever spotipy made of it."""
        self._responses.clear()
        send = {
            "GET": call.api._get,
            "POST": call.api._post,
            "PUT": call.api._put,
            "DELETE": call.api._delete,
        }
        try:
            return send[call.method](call.path, payload=call.payload, **call.params), None
        except requests.RequestException as failure:
            return None, failure
        except (spotipy.SpotifyException, AttributeError):
            # AttributeError: spotipy cannot read {"error": "text"}
            if not self._responses:
                raise
            return None, None
        finally:
            self._last_call_at = time.monotonic()

    def _outage(
        self, call: _Call, why: str, failure: requests.RequestException | None = None
    ) -> Repeat | SpotifyUnavailable:
        never_sent = failure is not None and responses.was_never_sent(failure)
        call.may_have_been_applied |= call.method != "GET" and not never_sent
        error = SpotifyUnavailable(
            f"Spotify does not answer {call.method} {call.path}: {why}.",
            status=self._responses[-1].status_code if self._responses else None,
            may_have_been_applied=call.may_have_been_applied,
        )
        if call.is_repeatable or never_sent:
            return Repeat("outage", f"{call.method} {call.path}: {why}", error)
        return error

    def _too_many(self, call: _Call, answer: requests.Response) -> Repeat | Deferred:
        self.budget.count_429(call.family)
        wait_s = responses.retry_after_s(answer.headers)
        message, reason = responses.explanation(answer.text)
        if reason == responses.QUOTA_EXCEEDED:
            return self.budget.start_cooldown(
                call.family, QUOTA_COOLDOWN_S if wait_s is None else wait_s, reason
            )
        if wait_s is not None and wait_s > self._policy.longest_wait_s:
            return self.budget.start_cooldown(call.family, wait_s, reason or f"Retry-After {wait_s:.0f} s")
        repeat = Repeat(
            "rate", f"{call.method} {call.path}: {message or 'too many calls'}", Deferred("", real_now())
        )
        repeat.delay_s = wait_s
        return repeat

    def _unauthorized(self, call: _Call, token: str) -> TrackerError | Repeat:
        lost = AuthorizationLost(
            f"Spotify refuses a new access token at {call.method} {call.path} (401).",
            remedy="Sign in again: `tracker login`, or a new SPOTIFY_REFRESH_TOKEN.",
            status=responses.UNAUTHORIZED,
        )
        if call.trial_token is not None or call.was_renewed:
            return lost
        call.was_renewed = True
        self.tokens.renew(token)
        return Repeat("token", f"{call.method} {call.path}: the access token had expired", lost)

    def _pace(self) -> None:
        wait_s = self._last_call_at + self._policy.pacing_s - time.monotonic()
        if wait_s > 0:
            self._sleep(wait_s)


def _keep_our_header(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _demote_to_debug(record: logging.LogRecord) -> bool:
    """Make spotipy's error record of a refused attempt a debug record: we report real errors ourselves."""
    if record.levelno == logging.ERROR:
        record.levelno, record.levelname = logging.DEBUG, "DEBUG"
        return logging.getLogger(record.name).isEnabledFor(logging.DEBUG)
    return True


logging.getLogger("spotipy.client").addFilter(_demote_to_debug)
