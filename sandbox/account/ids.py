"""Makes and checks ids that look like Spotify's: 22 characters of base62."""

from __future__ import annotations

import hashlib
import re
from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
LENGTH: Final = 22
BASE62_ID: Final = re.compile(r"[0-9A-Za-z]{22}")
URI: Final = re.compile(r"spotify:(track|episode|album|artist|playlist|user|show|audiobook):([^:]+)")


def opaque_id(*parts: object) -> str:
    """Return an id as Spotify makes them. The same parts give the same id."""
    number = int.from_bytes(hashlib.blake2b(repr(parts).encode(), digest_size=16).digest(), "big")
    digits = []
    for _ in range(LENGTH):
        number, digit = divmod(number, 62)
        digits.append(ALPHABET[digit])
    return "".join(digits)


def readable_id(word: str, number: int) -> str:
    """Return an id that a test can read, such as `Track00000000000000042`."""
    return f"{word}{number:0{LENGTH - len(word)}d}"


def is_base62_id(text: str) -> bool:
    """Whether the text has the form of a Spotify id."""
    return BASE62_ID.fullmatch(text) is not None


def split_uri(uri: str) -> tuple[str, str] | None:
    """Return (type, id) of a well-formed uri, None for anything else and for `spotify:local:` uris."""
    match = URI.fullmatch(uri)
    if match is None:
        return None
    kind, identifier = match.groups()
    return (kind, identifier) if kind == "user" or is_base62_id(identifier) else None
