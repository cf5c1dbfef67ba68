"""Finds the files of an export in a folder, in a zip or by their own path. Nothing is unpacked to disk."""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias, cast

from extract.history.formats import is_history_name, looks_like_history
from profiles.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BinaryStream: TypeAlias = io.BufferedIOBase

BLOCK_BYTES = 1 << 20
UNPACKED_LIMIT_BYTES = 4 << 30  # a lifetime of listening is below 1 GB
_SNIFFED_BYTES = 64 << 10
_DIGITS = re.compile(r"(\d+)")


class ImportInputError(InputError):
    """There is nothing to import at the given path."""


@dataclass(frozen=True)
class SourceFile:
    """One JSON file: `name` is its path below the given one, `size` its unpacked size in bytes."""

    name: str
    size: int
    path: Path
    member: str | None = None

    @contextmanager
    def open(self) -> Iterator[BinaryStream]:
        """Open the file for reading, inside its zip where it is in one."""
        if self.member is None:
            with self.path.open("rb") as stream:
                yield stream
            return
        with zipfile.ZipFile(self.path) as archive, archive.open(self.member) as member:
            yield cast("BinaryStream", member)  # typed as IO[bytes], but it is a BufferedIOBase


@dataclass(frozen=True)
class UnreadableFile:
    """A file that cannot be opened at all, and why."""

    name: str
    path: Path
    reason: str


@dataclass
class FoundFiles:
    """What a path contains: files to read, files that cannot be opened, and names of ignored files."""

    files: list[SourceFile] = field(default_factory=list)
    unreadable: list[UnreadableFile] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Fingerprint:
    """The hash of a file's content: a copy under another name has the same one."""

    sha256: str

    @property
    def file_id(self) -> int:
        """The first 64 bits of the hash as a signed number, which every row of the file carries."""
        return int.from_bytes(bytes.fromhex(self.sha256[:16]), "big", signed=True)


def discover(path: Path) -> FoundFiles:
    """Find the listening history below a path: a JSON file, a zip, or a folder of both.

    A file given by its own path is always read. In a folder or zip a file is read if its name or its first
    bytes are those of a history.

    Raises ImportInputError where the path does not exist or holds nothing to import.
    """
    path = path.expanduser()
    found = FoundFiles()
    if path.is_dir():
        for each in sorted(path.rglob("*"), key=lambda entry: _natural_order(str(entry))):
            name = each.relative_to(path).as_posix()
            if each.is_file() and not _is_system_file(name):
                _add(found, each, name)
    elif zipfile.is_zipfile(path) or (path.is_file() and path.suffix.lower() == ".zip"):
        _add_zip(found, path, path.name)
    elif path.is_file():
        found.files.append(SourceFile(path.name, path.stat().st_size, path))
    else:
        raise ImportInputError(
            f"There is no file or folder {path.name!r} there.",
            remedy="Give the zip that Spotify sent, the folder unpacked from it, or one of its files.",
        )
    if not found.files and not found.unreadable:
        raise ImportInputError(
            f"{path.name!r} holds no listening history.",
            remedy="Look for Streaming_History_*.json, endsong_*.json or StreamingHistory*.json.",
        )
    return found


def fingerprint(source: SourceFile) -> Fingerprint:
    """Hash a file's content; where reading it fails, the part before the failure."""
    digest = hashlib.sha256()
    try:
        with source.open() as stream:
            while block := stream.read(BLOCK_BYTES):
                digest.update(block)
    except Exception as error:  # zipfile, zlib and the file system each raise their own
        digest.update(type(error).__name__.encode())
    return Fingerprint(digest.hexdigest())


def _add(found: FoundFiles, path: Path, name: str) -> None:
    suffix = path.suffix.lower()
    if suffix == ".zip":
        _add_zip(found, path, name)
    elif suffix == ".json":
        _add_if_history(found, SourceFile(name, path.stat().st_size, path))


def _add_zip(found: FoundFiles, path: Path, name: str) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
    except (zipfile.BadZipFile, OSError, NotImplementedError):
        reason = (
            "the zip is cut short or damaged: download it again"
            if path.stat().st_size
            else "the file is empty"
        )
        found.unreadable.append(UnreadableFile(name, path, reason))
        return
    before = len(found.files) + len(found.unreadable)
    for member in sorted(members, key=lambda entry: _natural_order(entry.filename)):
        inside = f"{name}/{member.filename}"
        if _is_system_file(member.filename) or not member.filename.lower().endswith(".json"):
            continue
        if member.flag_bits & 1:
            found.unreadable.append(UnreadableFile(inside, path, "the zip has a password: unpack it first"))
        elif member.file_size > UNPACKED_LIMIT_BYTES:
            found.unreadable.append(UnreadableFile(inside, path, "larger than any export when unpacked"))
        else:
            _add_if_history(found, SourceFile(inside, member.file_size, path, member.filename))
    if len(found.files) + len(found.unreadable) == before:
        found.unreadable.append(UnreadableFile(name, path, "the zip holds no listening history"))


def _add_if_history(found: FoundFiles, source: SourceFile) -> None:
    if is_history_name(source.name) or _reads_like_history(source):
        found.files.append(source)
    else:
        found.ignored.append(source.name)


def _reads_like_history(source: SourceFile) -> bool:
    try:
        with source.open() as stream:
            return looks_like_history(stream.read(_SNIFFED_BYTES))
    except Exception:  # a damaged file of another name is not ours to report
        return False


def _is_system_file(name: str) -> bool:
    parts = name.split("/")
    return parts[0] == "__MACOSX" or any(part.startswith(".") and part != ".." for part in parts)


def _natural_order(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part.lower()) for part in _DIGITS.split(name)]
