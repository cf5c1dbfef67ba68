"""Reading a JSON list of any length, some megabytes at a time.

The exports are lists of flat objects, up to hundreds of megabytes long. Each block of the file is cut after
its last whole object and parsed by orjson in one piece, so memory depends on the block and not on the file. A
block that does not parse is read object by object, so one broken row costs only that row.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator

    from extract.history.export_files import BinaryStream

BLOCK_BYTES = 4 << 20
PART_BYTES = 128 << 10  # where a damaged zip member breaks, the part around the break is lost
ROW_LIMIT_BYTES = 256 << 10  # real rows are below 2 kB; a longer one lacks its closing quote

_SPACE = b" \t\r\n"
_STRING = rb'"(?:[^"\\\x00-\x1f]|\\.)*+"'
_FLAT_OBJECT = re.compile(rb'\{(?:[^{}"]|' + _STRING + rb")*+\}", re.DOTALL)
_TOKEN = re.compile(_STRING + rb"|[{}\[\]]|\"", re.DOTALL)
_NEXT_ROW = re.compile(rb'\}\s*,\s*(?=\{\s*")')
_BETWEEN_ROWS = re.compile(rb"[\s,]*")
_NEXT_LIST = re.compile(rb"(?:[\s,]|\xef\xbb\xbf)*\[")
_SURROGATE = re.compile("[\ud800-\udfff]")


class NotAListError(Exception):
    """The file is not a JSON list. The message says what it is."""


@dataclass(frozen=True)
class BadRow:
    """A row that could not be read: its number in the list (from 1), the reason, and its text."""

    row_number: int
    reason: str
    text: str


@dataclass
class Chunk:
    """Consecutive rows: the parsed values with their row numbers, and the rows that did not parse."""

    values: list[Any] = field(default_factory=list)
    row_numbers: list[int] | range = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)
    has_nul: bool = False
    repaired: int = 0


class ArrayScanner:
    """Splits one stream into chunks. `cut_short` says at the end that the list was never closed.

    A second list after the first one is read, too: files that somebody joined. A chunk is of one list.
    """

    def __init__(self, stream: BinaryStream, *, block_bytes: int = BLOCK_BYTES) -> None:
        self._stream = stream
        self._block_bytes = block_bytes
        self._row_number = 0
        self._is_closed = False
        self.cut_short = False
        self.read_error: str | None = None

    def chunks(self) -> Iterator[Chunk]:
        """Yield chunks in order.

        A stream that breaks in the middle (a damaged zip member) ends the list there and sets `read_error`.
        Raises NotAListError where the file is empty or does not begin with a list.
        """
        data = self._opening()
        while True:
            block = self._read()
            data += block
            if not block:
                yield from self._last(data)
                return
            chunk, data = self._split(data)
            if chunk.values or chunk.bad:
                yield chunk
            if (following := self._next_list(data)) is not None:
                data = following
            if self._is_closed and len(data) > ROW_LIMIT_BYTES:
                # text after the list is no row: its beginning is enough for the report
                data = data[:ROW_LIMIT_BYTES]

    def _read(self) -> bytes:
        """The next block, shorter where the stream ends or breaks."""
        parts: list[bytes] = []
        missing = 0 if self.read_error else self._block_bytes
        try:
            while missing > 0 and (part := self._stream.read1(min(missing, PART_BYTES))):
                parts.append(part)
                missing -= len(part)
        except Exception as error:  # zipfile, zlib and the file system each raise their own
            self.read_error = f"{type(error).__name__}: {error}"
        return b"".join(parts)

    def _opening(self) -> bytes:
        data = b""
        while not data:
            block = self._read()
            if not block:
                raise NotAListError(self.read_error or "the file is empty")
            if block.startswith((b"\xff\xfe", b"\xfe\xff")):
                raise NotAListError("the file is UTF-16, not UTF-8: save it as UTF-8")
            data = block.removeprefix(b"\xef\xbb\xbf").lstrip(_SPACE)
        if not data.startswith(b"["):
            raise NotAListError(_describe(data))
        return data[1:]

    def _split(self, data: bytes) -> tuple[Chunk, bytes]:
        if self._is_closed:
            return Chunk(), data
        end = _last_boundary(data)
        if end > 0 and (chunk := self._parse(data[:end])):
            return chunk, data[end:].lstrip(_SPACE).removeprefix(b",")
        return self._walk(data, at_end=False)

    def _next_list(self, data: bytes) -> bytes | None:
        """Begin another list where one follows the end of the last; return the text from its first row on."""
        opening = _NEXT_LIST.match(data) if self._is_closed else None
        if opening is None:
            return None
        self._is_closed = False
        return data[opening.end() :]

    def _end_of_list(self, data: bytes) -> tuple[Chunk, bytes]:
        """The last rows of a list, where the text ends, and the text after it."""
        if self._is_closed:
            return Chunk(), data
        body = data.rstrip(_SPACE)
        if body.endswith(b"]") and (chunk := self._parse(body[:-1])) is not None:
            self._is_closed = True
            return chunk, b""
        return self._walk(data, at_end=True)

    def _last(self, data: bytes) -> Iterator[Chunk]:
        chunk, data = self._end_of_list(data)
        while (following := self._next_list(data)) is not None:
            if chunk.values or chunk.bad:
                yield chunk
            chunk, data = self._end_of_list(following)
        self.cut_short = not self._is_closed
        if rest := data.strip(_SPACE):
            self._row_number += 1
            reason = "text after the end of the list" if self._is_closed else "the file ends inside this row"
            chunk.bad.append(BadRow(self._row_number, reason, _text(rest)))
        if chunk.values or chunk.bad:
            yield chunk

    def _parse(self, body: bytes) -> Chunk | None:
        try:
            values = orjson.loads(b"[" + body + b"]")
        except orjson.JSONDecodeError:
            return None
        numbers = range(self._row_number + 1, self._row_number + 1 + len(values))
        self._row_number += len(values)
        return Chunk(values, numbers, has_nul=b"\\u0000" in body)

    def _walk(self, data: bytes, *, at_end: bool) -> tuple[Chunk, bytes]:
        """Read object by object, as long as objects are whole. Returns the rows and the remaining text."""
        numbers: list[int] = []
        chunk = Chunk(row_numbers=numbers, has_nul=b"\\u0000" in data or b"\x00" in data)
        position = 0
        while True:
            start = _skip(data, position)
            if start >= len(data) or data[start : start + 1] == b"]":
                self._is_closed = start < len(data)
                return chunk, data[start + 1 :]
            end, reason = _object_end(data, start)
            if end is None and not at_end and len(data) - start <= ROW_LIMIT_BYTES:
                return chunk, data[start:]
            if end is None:
                following = _NEXT_ROW.search(data, start)
                if following is None and at_end:
                    return chunk, data[start:]
                end = following.start() + 1 if following else len(data)
            self._row_number += 1
            position = end
            row = data[start:end]
            value, was_repaired = (None, False) if reason else _lenient(row)
            if value is None:
                chunk.bad.append(BadRow(self._row_number, reason or "not valid JSON", _text(row)))
            else:
                chunk.values.append(value)
                chunk.repaired += was_repaired
                numbers.append(self._row_number)


def _last_boundary(data: bytes) -> int:
    """The end of the last object before another one; 0 where there is none near the end of the block."""
    end = len(data)
    for _ in range(64):
        end = data.rfind(b"}", 0, end)
        if end < 0:
            return 0
        following = data[end + 1 : end + 64].lstrip(_SPACE)
        if following.startswith(b",") and following[1:].lstrip(_SPACE)[:1] in (b"{", b""):
            return end + 1
    return 0


def _skip(data: bytes, position: int) -> int:
    match = _BETWEEN_ROWS.match(data, position)
    return match.end() if match else position


def _object_end(data: bytes, start: int) -> tuple[int | None, str | None]:
    """Where the value at `start` ends (None: after this text), and why it cannot be a row (None: it can)."""
    if data[start : start + 1] != b"{":
        following = data.find(b"{", start)
        return (following if following > 0 else None), "not an object"
    if flat := _FLAT_OBJECT.match(data, start, start + ROW_LIMIT_BYTES):
        return flat.end(), None
    depth = 0
    for token in _TOKEN.finditer(data, start, start + ROW_LIMIT_BYTES):
        text = token.group()
        if text in (b"{", b"["):
            depth += 1
        elif text in (b"}", b"]"):
            depth -= 1
            if depth == 0:
                return token.end(), None
        elif text == b'"':  # a quote that opens no string: a line break inside it, or the end of the text
            break
    return None, "not valid JSON"


def _lenient(row: bytes) -> tuple[Any, bool]:
    """The object (None: not JSON), and whether invalid bytes or escapes were replaced by U+FFFD."""
    try:
        return orjson.loads(row), False
    except orjson.JSONDecodeError:
        pass
    try:
        value = json.loads(row.decode("utf-8", "replace"), strict=False)
    except (ValueError, RecursionError):
        return None, False
    text = _SURROGATE.sub("\ufffd", json.dumps(value, ensure_ascii=False))
    return json.loads(text, strict=False), True


def _text(row: bytes) -> str:
    return row[:ROW_LIMIT_BYTES].decode("utf-8", "replace")


def _describe(data: bytes) -> str:
    if data.startswith(b"{"):
        return "a JSON object, not a list of plays"
    if data.startswith(b"PK"):
        return "a zip under another name: give its own path, or let its name end in .zip"
    if data.startswith(b"\x1f\x8b"):
        return "compressed with gzip: unpack it"
    if data.startswith(b"%PDF"):
        return "a PDF document"
    if data.lstrip(_SPACE)[:1] == b"<":
        return "a web page or XML document, not JSON"
    return "not JSON"
