"""Decode the content of a part of a message where it lies: any byte of it can be read without those before it."""

from __future__ import annotations

import binascii
import io
import os
import string
from array import array
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass

from mediacreator.formats.mail_parts import Part
from mediacreator.formats.positioned import ExtentReader, PositionedReader
from mediacreator.formats.tree import Extent

_TEXT = 256 << 10  # bytes of text between two places whose position in the content is known
_MAX_QUOTED = 64 << 20  # bytes of quoted-printable, which is decoded as a whole: it is for text
_ALPHABET = (string.ascii_letters + string.digits + "+/").encode("ascii")
_NO_TEXT = bytes(set(range(256)) - set(_ALPHABET))
_NO_TEXT_NOR_PAD = bytes(set(_NO_TEXT) - set(b"="))


@dataclass(frozen=True, slots=True)
class Content:
    """What a part holds."""

    size: int  # bytes
    open: Callable[[], io.RawIOBase]  # seekable; with a descriptor of its own, which outlives that of the mail
    problem: str = ""  # code of a Finding: why it is not read


def content_of(handle: int, part: Part) -> Content:
    """Look through a part and say how large its content is; the handle must be open when that is opened.

    Source: RFC 2045 6.
    """
    if part.problem:
        return Content(0, _nothing, part.problem)
    if part.encoding in ("7bit", "8bit", "binary"):
        extent = Extent(part.start, part.stop - part.start)
        return Content(extent.size, lambda: ExtentReader(os.dup(handle), (extent,), close=True))
    if part.encoding == "base64":
        return _base64(handle, part)
    if part.encoding == "quoted-printable" and part.stop - part.start <= _MAX_QUOTED:
        data = binascii.a2b_qp(os.pread(handle, part.stop - part.start, part.start))
        return Content(len(data), lambda: _quoted(handle, part))
    return Content(0, _nothing, "mail-encoding-unsupported")


def _quoted(handle: int, part: Part) -> io.RawIOBase:
    return _Bytes(binascii.a2b_qp(os.pread(handle, part.stop - part.start, part.start)))


def _nothing() -> io.RawIOBase:
    return _Bytes(b"")


class _Bytes(PositionedReader):
    """Bytes in memory."""

    def __init__(self, data: bytes) -> None:
        super().__init__(len(data))
        self._data = data

    def _at(self, position: int, count: int) -> bytes:
        return self._data[position : position + count]


def _base64(handle: int, part: Part) -> Content:
    """Count the characters of a part, so that its size is exact and each place in it can be found again.

    What is no character of base64 is passed over (RFC 2045 6.8); nothing may follow the padding.
    """
    marks = array("Q")
    count = 0
    padded = False
    for start in range(part.start, part.stop, _TEXT):
        marks.append(count)
        text = os.pread(handle, min(_TEXT, part.stop - start), start).translate(None, _NO_TEXT_NOR_PAD)
        body, pad, rest = text.partition(b"=")
        if (padded and body) or rest.strip(b"="):
            return Content(0, _nothing, "mail-part-damaged")
        padded = padded or bool(pad)
        count += len(body)
    if count % 4 == 1:
        return Content(0, _nothing, "mail-part-damaged")
    return Content(count * 3 // 4, lambda: _Base64Reader(handle, part, marks, count))


class _Base64Reader(PositionedReader):
    """A file whose bytes stand in a message as base64."""

    def __init__(self, handle: int, part: Part, marks: array[int], count: int) -> None:
        super().__init__(count * 3 // 4)
        self._handle = os.dup(handle)
        self._part = part
        self._marks = marks
        self._count = count  # characters
        self._first, self._data = 0, b""  # what was decoded last

    def close(self) -> None:
        """Close the descriptor."""
        if not self.closed:
            os.close(self._handle)
        super().close()

    def _at(self, position: int, count: int) -> bytes:
        """Return what one piece of the text gives."""
        if not self._first <= position < self._first + len(self._data):
            self._decode(position)
        start = position - self._first
        return self._data[start : start + count]

    def _decode(self, position: int) -> None:
        """Decode the piece of text that holds the position, from the group of four characters that it is in."""
        character = position // 3 * 4
        piece = bisect_right(self._marks, character) - 1
        text = self._characters(piece)[character - self._marks[piece] :]
        while len(text) < 4 and piece + 1 < len(self._marks):
            piece += 1
            text += self._characters(piece)
        left = self._count - character
        text = text[:left] if len(text) >= left else text[: len(text) // 4 * 4]
        if not text:
            raise OSError(5, "the message was cut short while it was read")
        self._first, self._data = character // 4 * 3, binascii.a2b_base64(text + b"=" * (-len(text) % 4))

    def _characters(self, piece: int) -> bytes:
        start = self._part.start + piece * _TEXT
        return os.pread(self._handle, min(_TEXT, self._part.stop - start), start).translate(None, _NO_TEXT)
