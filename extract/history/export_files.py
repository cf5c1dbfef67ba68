"""Finds the files of an export in a folder, in a zip or by their own path. Nothing is unpacked to disk."""

from __future__ import annotations

import hashlib
import io
import re
import zipfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, TypeAlias, cast

from extract.history.formats import is_history_name, looks_like_history
from profiles.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from profiles.settings import Settings

BinaryStream: TypeAlias = io.BufferedIOBase

BLOCK_BYTES = 1 << 20
DEEPEST_ZIP = 3
UNPACKED_LIMIT_BYTES = 4 << 30  # a lifetime of listening is below 1 GB
_SNIFFED_BYTES = 64 << 10
_DIGITS = re.compile(r"(\d+)")


class ImportInputError(InputError):
    """There is nothing to import at the given path."""


@dataclass(frozen=True)
class SourceFile:
    """One file: `name` is its path below the given one, `size` its unpacked size in bytes.

    `members` are the names inside a zip: the file's own, after those of the zips that it lies in. `checksum`
    is what the zip says of its content.
    """

    name: str
    size: int
    path: Path
    members: tuple[str, ...] = ()
    checksum: int | None = None

    @contextmanager
    def open(self) -> Iterator[BinaryStream]:
        """Open the file for reading, inside its zips where it is in some."""
        with ExitStack() as stack:
            stream = cast("BinaryStream", stack.enter_context(self.path.open("rb")))
            for member in self.members:
                archive = stack.enter_context(zipfile.ZipFile(cast("IO[bytes]", stream)))
                # typed as IO[bytes], but it is a BufferedIOBase
                stream = cast("BinaryStream", stack.enter_context(archive.open(member)))
            yield stream

    def inside(self, member: zipfile.ZipInfo) -> SourceFile:
        """Return the file that lies in this one, a zip."""
        return SourceFile(
            f"{self.name}/{member.filename}",
            member.file_size,
            self.path,
            (*self.members, member.filename),
            member.CRC,
        )


@dataclass(frozen=True)
class UnreadableFile:
    """A file that cannot be opened at all, and why."""

    source: SourceFile
    reason: str


@dataclass
class FoundFiles:
    """What a path contains: files to read, files that cannot be opened, and names of ignored files."""

    files: list[SourceFile] = field(default_factory=list)
    unreadable: list[UnreadableFile] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """Return the names of all files that are a history, or may be one."""
        return [each.source.name for each in self.unreadable] + [each.name for each in self.files]


@dataclass(frozen=True)
class Fingerprint:
    """The hash of a file's content: a copy under another name has the same one."""

    sha256: str

    @property
    def file_id(self) -> int:
        """The first 64 bits of the hash as a signed number, which every row of the file carries."""
        return int.from_bytes(bytes.fromhex(self.sha256[:16]), "big", signed=True)


def inbox(settings: Settings) -> Path:
    """Make and return the folder whose content is imported where no path is named: TRACKER_HOME/imports."""
    folder = settings.tracker_home / "imports"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def discover(path: Path) -> FoundFiles:
    """Find the listening history below a path: a file, a zip, or a folder of both.

    A file given by its own path is always read. In a folder or zip a file is read if its name or its first
    bytes are those of a history; a zip inside is looked into. Every other file is named as ignored.

    Raises ImportInputError where the path does not exist or holds nothing to import.
    """
    path = path.expanduser()
    found = FoundFiles()
    if path.is_dir():
        for each in sorted(path.rglob("*"), key=lambda entry: _natural_order(str(entry))):
            name = each.relative_to(path).as_posix()
            if each.is_file() and not _is_system_file(name):
                _add(found, SourceFile(name, each.stat().st_size, each))
    elif path.is_file():
        given = SourceFile(path.name, path.stat().st_size, path)
        if zipfile.is_zipfile(path) or _is_zip_name(path.name):
            _add_zip(found, given)
        else:
            found.files.append(given)
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
    """Hash a file's content.

    Where reading it fails, the part before the failure, and what else tells it from other files: a hash of
    the failure alone would be the same for all that cannot be opened.
    """
    digest = hashlib.sha256()
    try:
        with source.open() as stream:
            while block := stream.read(BLOCK_BYTES):
                digest.update(block)
    except Exception as error:  # zipfile, zlib and the file system each raise their own
        own = source.members[-1:] or (source.name,)
        digest.update(f"{type(error).__name__} {own[0]} {source.size} {source.checksum}".encode())
    return Fingerprint(digest.hexdigest())


def _add(found: FoundFiles, source: SourceFile) -> None:
    if _is_zip_name(source.name):
        _add_zip(found, source)
    # a program may have added a suffix to the name: history.json.txt
    elif (".json" in _last_part(source.name).lower() and is_history_name(source.name)) or _reads_like_history(
        source
    ):
        found.files.append(source)
    else:
        found.ignored.append(source.name)


def _add_zip(found: FoundFiles, source: SourceFile) -> None:
    if len(source.members) >= DEEPEST_ZIP:
        found.unreadable.append(UnreadableFile(source, "a zip in a zip in a zip: unpack it first"))
        return
    try:
        with source.open() as stream, zipfile.ZipFile(cast("IO[bytes]", stream)) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
    except Exception:  # zipfile, zlib and the file system each raise their own
        reason = "the zip is cut short or damaged: download it again" if source.size else "the file is empty"
        found.unreadable.append(UnreadableFile(source, reason))
        return
    before = len(found.files) + len(found.unreadable)
    for member in sorted(members, key=lambda entry: _natural_order(entry.filename)):
        inside = source.inside(member)
        if _is_system_file(member.filename):
            continue
        if member.flag_bits & 1:
            found.unreadable.append(UnreadableFile(inside, "the zip has a password: unpack it first"))
        elif member.file_size > UNPACKED_LIMIT_BYTES:
            found.unreadable.append(UnreadableFile(inside, "larger than any export when unpacked"))
        else:
            _add(found, inside)
    if len(found.files) + len(found.unreadable) == before:
        found.unreadable.append(UnreadableFile(source, "the zip holds no listening history"))


def _reads_like_history(source: SourceFile) -> bool:
    try:
        with source.open() as stream:
            return looks_like_history(stream.read(_SNIFFED_BYTES))
    except Exception:  # a damaged file of another name is not ours to report
        return False


def _is_zip_name(name: str) -> bool:
    return name.lower().endswith(".zip")


def _last_part(name: str) -> str:
    return name.rsplit("/", 1)[-1]


def _is_system_file(name: str) -> bool:
    parts = name.split("/")
    return parts[0] == "__MACOSX" or any(part.startswith(".") and part != ".." for part in parts)


def _natural_order(name: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part.lower()) for part in _DIGITS.split(name)]
