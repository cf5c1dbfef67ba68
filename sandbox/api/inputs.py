"""What comes in, made into values that the routes can rely on; what cannot be read is a `ValueError`.

Every body, number and form of a request passes here, so that no route meets what it does not expect.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final, NoReturn
from urllib.parse import parse_qsl

Json = dict[str, Any]
# plain digits: `isdecimal` and `int` also take those of other scripts, and fail over some thousand of them
WHOLE_NUMBER: Final = re.compile(r"-?[0-9]{1,18}")


def read_json(raw: bytes) -> Any:
    """The JSON value of a body, {} for none. Raises ValueError for what is none, or no whole text."""
    if not raw:
        return {}
    try:
        content = json.loads(raw, parse_constant=_refuse)
        # half of a surrogate pair is no character: it could be neither stored nor sent
        json.dumps(content, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return content


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def read_number(text: str) -> int:
    """A whole number in plain digits. Raises ValueError."""
    if WHOLE_NUMBER.fullmatch(text) is None:
        raise ValueError("no whole number")
    return int(text)


def read_form(raw: bytes) -> dict[str, str]:
    """A form-encoded body; the last value of a name counts. Raises ValueError where it is no UTF-8."""
    return dict(parse_qsl(raw.decode(), keep_blank_values=True))


def is_count(value: Any) -> bool:
    """Whether a JSON value is a whole number from 0 on: true is none, though Python counts with it."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def texts(value: Any) -> list[str] | None:
    """A JSON list of texts; None for anything else."""
    return value if isinstance(value, list) and all(isinstance(one, str) for one in value) else None
