"""Pure functions that turn a refused or failed response of Spotify into an error with its remedy."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import requests
from urllib3.exceptions import NewConnectionError

from profiles.errors import BadRequest, Forbidden, NotFound, SpotifyError
from profiles.redaction import redact

if TYPE_CHECKING:
    from collections.abc import Mapping

QUOTA_EXCEEDED = "QUOTA_EXCEEDED"
LONGEST_TEXT = 300
BAD_REQUEST, UNAUTHORIZED, FORBIDDEN, NOT_FOUND, TIMEOUT, TOO_MANY = 400, 401, 403, 404, 408, 429
SERVER_ERROR = 500


def is_transient(status: int) -> bool:
    """Return whether the same call may succeed a little later."""
    return status >= SERVER_ERROR or status == TIMEOUT


def explanation(body: str) -> tuple[str, str | None]:
    """Return (message, reason) of an error body: an error object, `{"error": "text"}`, or plain text."""
    try:
        parsed: Any = json.loads(body)
    except ValueError:
        return redact(body.strip())[:LONGEST_TEXT], None
    error = parsed.get("error", parsed) if isinstance(parsed, dict) else parsed
    if isinstance(error, dict):
        reason = error.get("reason")
        return redact(str(error.get("message") or ""))[:LONGEST_TEXT], str(reason) if reason else None
    text = str(error or "")
    if isinstance(parsed, dict) and parsed.get("error_description"):
        text = f"{text}: {parsed['error_description']}"
    return redact(text)[:LONGEST_TEXT], None


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that `Retry-After` asks for, None if it is missing or unreadable."""
    try:
        seconds = float(headers.get("Retry-After", ""))
    except ValueError:
        return None
    return max(seconds, 0.0) if math.isfinite(seconds) else None


def refusal(method: str, path: str, status: int, body: str) -> SpotifyError:
    """Return the error for a 4xx response that neither waiting nor signing in can fix."""
    message, _ = explanation(body)
    call = f"{method} {path}"
    if status == FORBIDDEN:
        return _forbidden(call, message)
    if status == NOT_FOUND:
        return NotFound(f"Spotify does not know {call}: {message}.", status=status)
    return BadRequest(f"Spotify refused {call} ({status}): {message}.", status=status)


def _forbidden(call: str, message: str) -> Forbidden:
    text = message.lower()
    if "premium" in text:
        return Forbidden(
            "Spotify refuses everything: the owner of the app has no active Premium subscription.",
            remedy="Renew Premium for the account that owns the app. Spotify may need some hours to notice; "
            "nothing collected is lost.",
            reason="premium_lapsed",
        )
    if "not registered" in text:
        return Forbidden(
            "Spotify refuses this user: the account is not on the app's list of allowed users.",
            remedy="Add its e-mail address at https://developer.spotify.com/dashboard under User Management.",
            reason="not_allow_listed",
        )
    if "scope" in text:
        return Forbidden(
            f"Spotify refused {call}: the consent does not cover it ({message}).",
            remedy="Sign in again (`tracker login`) and accept every permission asked for.",
            reason="insufficient_scope",
        )
    if text in {"forbidden", ""}:
        return Forbidden(
            f"Spotify refused {call} (403 Forbidden).",
            remedy="The endpoint is not open to this app, or the object belongs to somebody else. "
            "Signing in again does not help.",
            reason="endpoint_not_available",
        )
    return Forbidden(f"Spotify refused {call} (403): {message}.", reason="other")


def was_never_sent(error: requests.RequestException) -> bool:
    """Return whether the request surely did not reach Spotify, so that even a POST may be repeated."""
    if isinstance(error, requests.ConnectTimeout):
        return True
    cause = error.args[0] if isinstance(error, requests.ConnectionError) and error.args else None
    return isinstance(getattr(cause, "reason", None), NewConnectionError)


def describe_failure(error: requests.RequestException) -> str:
    """Return what happened to the connection, without its address, which may contain a query."""
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    if was_never_sent(error):
        return "no connection"
    if isinstance(error, requests.exceptions.SSLError):
        return "no secure connection"
    return "the connection was dropped"
