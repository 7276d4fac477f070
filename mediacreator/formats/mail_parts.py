"""Find the parts of a message without reading it into memory and without trusting it (RFC 2045, RFC 2046 5.1).

A message is read in pieces: its parts are places in the file, and what they hold is decoded where it lies.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from email.message import Message

_HEAD = 64 << 10  # bytes of headers of a part, at most
_PIECE = 1 << 20  # bytes that are looked through at once
_LINE = 256  # bytes of a delimiter with its ends of line, at most; a boundary has 70 (RFC 2046 5.1.1)
_MAX_BOUNDARY = 200
_MAX_DEPTH = 16  # parts inside parts
_MAX_PARTS = 500_000

_SIGNATURES = frozenset(("application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature"))
_FIRST_LINE = re.compile(rb"(?:From [^\r\n]*\r?\n)?[!-9;-~]+[ \t]*:")
_VERSION = re.compile(rb"^mime-version[ \t]*:", re.IGNORECASE | re.MULTILINE)
_CARRIES = re.compile(rb"^content-type[ \t]*:\s*(?:multipart|message|application)/", re.IGNORECASE | re.MULTILINE)
_BLANK_LINE = re.compile(rb"\r?\n\r?\n")


@dataclass(frozen=True, slots=True)
class Names:
    """What the headers of a part call it, each as it stands there; may be those of a patient."""

    id: str = ""  # parameter of Content-Type (RFC 3240 2)
    name: str = ""  # parameter of Content-Type
    filename: str = ""  # parameter of Content-Disposition


@dataclass(frozen=True, slots=True)
class Part:
    """A part that has no parts, as its headers tell; their values come from whoever wrote the message."""

    number: int  # from 1, in the order of the message
    content_type: str  # lower case
    encoding: str  # Content-Transfer-Encoding, lower case
    disposition: str  # lower case, "" where there is none
    path: tuple[str, ...]  # from id, Content-Location or a name; () where nothing names it
    start: int  # bytes, of its content
    stop: int
    problem: str = ""  # code of a Finding: why it is not read
    names: Names = Names()

    @property
    def is_text(self) -> bool:
        """Tell what the message says, or its receipts and signatures, from what is attached to it."""
        main = self.content_type.partition("/")[0]
        said = main in ("text", "message") and not self.path and self.disposition != "attachment"
        return said or self.content_type in _SIGNATURES


@dataclass(frozen=True, slots=True)
class _Delimiter:
    """A line between parts."""

    level: int  # whose boundary it has: index among those that are open
    closing: bool
    start: int  # bytes: here ends what stands before it
    stop: int


def is_mail(handle: int) -> bool:
    """Tell whether a file begins with the headers of a MIME message that carries something else than text."""
    return begins_mail(os.pread(handle, _HEAD, 0))


def begins_mail(head: bytes) -> bool:
    """Tell a MIME message by its first 64 KiB, or as many of them as are at hand."""
    if not _FIRST_LINE.match(head):
        return False
    end = _BLANK_LINE.search(head)
    headers = head[: end.start()] if end else head
    return bool(_VERSION.search(headers) and _CARRIES.search(headers))


def find_parts(handle: int, size: int) -> tuple[Part, ...]:
    """Return every part that has no parts, in order; a message that breaks off ends with one that has a problem.

    Args:
        handle: Of the file.
        size: Of it, bytes.
    """
    scan = _Scan(handle, size)
    scan.entity(0, (), 0)
    return tuple(scan.parts)


def message_headers(handle: int) -> tuple[str, str]:
    """Return the content type of a message in lower case, and its subject, decoded."""
    from email.parser import BytesHeaderParser

    head = os.pread(handle, _HEAD, 0)
    end = _BLANK_LINE.search(head)
    headers = BytesHeaderParser().parsebytes(head[: end.start()] if end else head)
    return _asked(headers.get_content_type), _decoded(_asked(lambda: str(headers.get("Subject", ""))))


class _Scan:
    """One walk over a message, from its first byte to its last."""

    def __init__(self, handle: int, size: int) -> None:
        self.parts: list[Part] = []
        self._handle = handle
        self._size = size

    def entity(self, start: int, open_boundaries: tuple[bytes, ...], depth: int) -> _Delimiter | None:
        """Read one entity; return the delimiter that ended it, None for the end of the file.

        Source: RFC 2046 5.1.1 (a delimiter of an outer multipart ends the inner ones too), 5.2.1.
        """
        headers, body = self._headers(start, open_boundaries)
        kind, boundary = headers.content_type, headers.boundary
        if depth >= _MAX_DEPTH or len(self.parts) >= _MAX_PARTS:
            return self._leaf(headers, body, open_boundaries, "mail-too-deep")
        if kind == "message/rfc822":
            return self.entity(body, open_boundaries, depth + 1)
        if kind in _UNREADABLE or not (kind.startswith("multipart/") and boundary):
            return self._leaf(headers, body, open_boundaries, _UNREADABLE.get(kind, ""))
        inner = (*open_boundaries, boundary)
        found = self._delimiter(body, inner)
        while found is not None and found.level == len(open_boundaries) and not found.closing:
            found = self.entity(found.stop, inner, depth + 1)
        if found is not None and found.level == len(open_boundaries):
            found = self._delimiter(found.stop, open_boundaries)
        return found

    def _leaf(
        self, headers: _Headers, body: int, open_boundaries: tuple[bytes, ...], problem: str
    ) -> _Delimiter | None:
        found = self._delimiter(body, open_boundaries)
        if found is None and open_boundaries:
            problem = problem or "mail-truncated"
        stop = max(body, found.start) if found is not None else self._size
        self.parts.append(
            Part(
                number=len(self.parts) + 1,
                content_type=headers.content_type,
                encoding=headers.encoding,
                disposition=headers.disposition,
                path=headers.path,
                start=body,
                stop=stop,
                names=headers.names,
                problem=problem,
            )
        )
        return found

    def _headers(self, start: int, open_boundaries: tuple[bytes, ...]) -> tuple[_Headers, int]:
        """Read the headers of an entity and find where its body begins."""
        head = os.pread(self._handle, min(_HEAD, self._size - start), start)
        if head[:1] == b"\n" or head[:2] == b"\r\n":
            return _Headers(), start + head.index(b"\n") + 1
        end = _BLANK_LINE.search(head)
        stop, body = (end.start(), end.end()) if end else (len(head), len(head))
        cut = _pattern(open_boundaries).search(head) if open_boundaries else None
        if cut is not None and cut.start() < stop:  # no blank line: there is no body
            stop, body = cut.start(), cut.start()
        return _parsed(head[:stop]), start + body

    def _delimiter(self, position: int, open_boundaries: tuple[bytes, ...]) -> _Delimiter | None:
        """Find the next delimiter of any multipart that is open."""
        if not open_boundaries:
            return None
        pattern = _pattern(open_boundaries)
        for start, piece, is_last in self._pieces(max(position - 2, 0)):
            found = pattern.search(piece)
            if found is not None and (is_last or found.start() <= _PIECE):
                end = found.start() - piece.endswith(b"\r", 0, found.start())
                level = open_boundaries.index(found[1])
                return _Delimiter(level, bool(found[2]), start + end, start + found.end())
        return None

    def _pieces(self, position: int) -> Iterator[tuple[int, bytes, bool]]:
        """Yield the file from a position on, in pieces that overlap by more than a delimiter."""
        while position < self._size:
            piece = os.pread(self._handle, _PIECE + _LINE, position)
            is_last = position + len(piece) >= self._size or not piece
            yield position, piece, is_last
            if is_last:
                return
            position += _PIECE - 1  # so that the end of line before a delimiter is in the piece


_UNREADABLE = {
    "application/pkcs7-mime": "mail-encrypted",
    "application/x-pkcs7-mime": "mail-encrypted",
    "multipart/encrypted": "mail-encrypted",
    "message/partial": "mail-partial",
}
"""Content types that hide what they carry, and the code of the Finding."""


@lru_cache(16)
def _pattern(boundaries: tuple[bytes, ...]) -> re.Pattern[bytes]:
    """Return what finds a delimiter, with the end of line before it, which belongs to it (RFC 2046 5.1.1).

    Of two boundaries one of which begins the other the longer is tried first. That it begins with what never varies
    makes the search ten times as fast.
    """
    names = b"|".join(re.escape(name) for name in sorted(set(boundaries), key=len, reverse=True))
    return re.compile(rb"\n--(" + names + rb")(--)?[ \t]*(?:\r?\n|\Z)")


@dataclass(frozen=True, slots=True)
class _Headers:
    """What the headers of a part say, as far as they make sense."""

    content_type: str = "text/plain"  # lower case
    encoding: str = "7bit"  # lower case
    disposition: str = ""  # lower case
    boundary: bytes = b""
    path: tuple[str, ...] = ()
    names: Names = Names()


def _parsed(block: bytes) -> _Headers:
    from email.parser import BytesHeaderParser

    headers = BytesHeaderParser().parsebytes(block)
    return _Headers(
        content_type=_asked(headers.get_content_type) or "text/plain",
        encoding=_asked(lambda: str(headers.get("Content-Transfer-Encoding", "7bit"))).strip().lower(),
        disposition=_asked(lambda: headers.get_content_disposition() or ""),
        boundary=_asked(lambda: headers.get_boundary() or "").encode("utf-8", "replace")[:_MAX_BOUNDARY],
        path=_path(headers),
        names=Names(
            id=_asked(lambda: _parameter(headers, "id")),
            name=_asked(lambda: _parameter(headers, "name")),
            filename=_asked(lambda: _parameter(headers, "filename", "Content-Disposition")),
        ),
    )


def _asked(question: Callable[[], str]) -> str:
    """Ask the email package; it fails in many ways on headers that were made to harm, which then say nothing."""
    try:
        return question().encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    except Exception:  # noqa: BLE001  see above: headers of strangers
        return ""


def _path(headers: Message) -> tuple[str, ...]:
    """Return the File ID of a part, or what else names it. Source: PS3.12 K.1.2, RFC 3240, RFC 2557 4.2, RFC 2183.

    The names lead nowhere: nothing is ever opened under them.
    """
    location = _asked(lambda: str(headers.get("Content-Location", ""))).strip()
    names = (
        _decoded(_asked(lambda: _parameter(headers, "id"))),
        "" if ":" in location else location,  # a URI of its own is no name
        _decoded(_asked(lambda: headers.get_filename() or "")),
    )
    name = next(filter(None, names), "").replace("\\", "/")
    return tuple(part for part in name.split("/") if part not in ("", ".", ".."))


def _parameter(headers: Message, name: str, header: str = "Content-Type") -> str:
    from email.utils import collapse_rfc2231_value

    value = headers.get_param(name, header=header)
    return collapse_rfc2231_value(value) if value else ""


def _decoded(value: str) -> str:
    """Decode what mail programs do to names that are not ASCII. Source: RFC 2047."""
    from email.header import decode_header, make_header

    return _asked(lambda: str(make_header(decode_header(value)))) or value
