"""Reads bodies, numbers and forms of requests into values that routes can rely on.

Every input of a request is read here. An input that cannot be read raises ValueError.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, NoReturn
from urllib.parse import parse_qsl

Json = dict[str, Any]
# plain digits only: `int` also takes digits of other scripts, and fails on some thousand digits
WHOLE_NUMBER: Final = re.compile(r"-?[0-9]{1,18}")


def read_json(raw: bytes) -> Any:
    """Return the JSON value of a body, {} for an empty one. Raises ValueError for invalid JSON or text."""
    if not raw:
        return {}
    try:
        content = json.loads(raw, parse_constant=_refuse)
        # half of a surrogate pair is no character: it can be neither stored nor sent
        json.dumps(content, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return content


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def read_number(text: str) -> int:
    """Return a whole number written in plain digits. Raises ValueError."""
    if WHOLE_NUMBER.fullmatch(text) is None:
        raise ValueError("no whole number")
    return int(text)


def read_form(raw: bytes) -> dict[str, str]:
    """Return a form-encoded body. The last value of a name wins. Raises ValueError if it is not UTF-8."""
    return dict(parse_qsl(raw.decode(), keep_blank_values=True))


def is_count(value: Any) -> bool:
    """Whether a JSON value is a whole number of at least 0.

    `true` is none, although Python's bool is an int.
    """
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def texts(value: Any) -> list[str] | None:
    """Return a JSON list of texts, None for anything else."""
    return value if isinstance(value, list) and all(isinstance(one, str) for one in value) else None
