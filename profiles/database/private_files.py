"""Writes files with personal data: readable by their owner only, and complete or absent."""

from __future__ import annotations

import hashlib
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHUNK_BYTES = 1 << 20


def make_folder(folder: Path) -> Path:
    """Make a folder (and its parents) that only its owner may enter, and return it.

    An existing one is left as it is.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


@contextmanager
def draft_of(target: Path) -> Iterator[Path]:
    """Yield a new file beside `target`, mode 0600.

    It becomes `target` at the end, and is deleted on an exception.
    """
    draft = target.with_name(f".{target.name}.unfinished")
    with suppress(FileNotFoundError):
        draft.unlink()
    os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    try:
        yield draft
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        draft.replace(target)
    finally:
        with suppress(FileNotFoundError):
            draft.unlink()


def sha256(file: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal text. It is read in chunks of one megabyte."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
