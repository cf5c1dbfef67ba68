"""Keeps tokens, codes, secrets and passwords out of every log line, whichever library writes it.

A filter on a logger does not see the records of other loggers, and a filter on a handler does not see those
of other handlers. So records are cleaned where they are made, and spotipy and urllib3 may log at DEBUG.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

HIDDEN = "[hidden]"
SHORTEST_SECRET = 8  # a shorter value would also hide ordinary words

_NAMES = r"access_token|refresh_token|client_secret|code_verifier|password|secret_key|api_key"
_NAMED = rf"\b({_NAMES})(['\"]?\s*[:=]\s*['\"]?)(?!None\b|null\b|\[hidden\])[^\s'\",&}}]+"
_PATTERNS = (
    (re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{6,}"), rf"\1 {HIDDEN}"),
    (re.compile(_NAMED, re.IGNORECASE), rf"\1\2{HIDDEN}"),
    (re.compile(r"([?&]code=)[^\s'\"&]+"), rf"\1{HIDDEN}"),
    (re.compile(r"(['\"]code['\"]\s*:\s*['\"])[^'\"]{20,}"), rf"\1{HIDDEN}"),
    (re.compile(r"(\w+://[^\s:/@]+:)[^\s@/]+@"), rf"\1{HIDDEN}@"),
)
_known: set[str] = set()
_formatter = logging.Formatter()


def hide(secrets: Iterable[str | None]) -> None:
    """Remember secret values, so that `redact` hides them."""
    _known.update(secret for secret in secrets if secret and len(secret) >= SHORTEST_SECRET)


def redact(text: str) -> str:
    """Return the text with each secret replaced by `HIDDEN`."""
    for secret in _known:
        if secret in text:
            text = text.replace(secret, HIDDEN)
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def install(secrets: Iterable[str | None] = ()) -> None:
    """Clean every log record that this process makes from now on. May be called repeatedly."""
    hide(secrets)
    make = logging.getLogRecordFactory()
    if getattr(make, "is_redacting", False):
        return

    def make_clean(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = make(*args, **kwargs)
        _clean(record)
        return record

    make_clean.is_redacting = True  # type: ignore[attr-defined]  # marks the function, so that it wraps once
    logging.setLogRecordFactory(make_clean)


def _clean(record: logging.LogRecord) -> None:
    try:
        message = record.getMessage()
    except (TypeError, ValueError):  # logging itself reports a wrong format string
        message = f"{record.msg} {record.args}"
    clean = redact(message)
    if clean != message:
        record.msg, record.args = clean, ()
    if record.exc_info and record.exc_info[0] is not None:
        # formatters use this text instead of formatting the exception again
        record.exc_text = redact(_formatter.formatException(record.exc_info))
