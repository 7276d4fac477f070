"""Native frames of one Pixel Data, one at a time, whether they lie native or coded in the source (PS3.5 8.1.1, A.4)."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from mediacreator.transcode.codecs import FrameFacts, decode_frame, inspect_frame
from mediacreator.transcode.dataset import Coding, DataSetReader, Element
from mediacreator.transcode.fragments import FrameIndex, read_frame
from mediacreator.transcode.image import Image
from mediacreator.transcode.refusal import Refusal

_BY_PLANE = ("native", "deflate")
"""Codecs whose frames lie as Planar Configuration says; all others decode to samples that are interleaved."""


class FrameSource(Protocol):
    """Where frames come from."""

    def frame(self, number: int) -> tuple[bytes, FrameFacts]:
        """Return a frame, native, little endian and interleaved by pixel, and what its source says of it.

        Args:
            number: From 0.

        Raises:
            Refusal: It cannot be had; the number of the frame is in it.
        """


class NativeFrames:
    """Frames that lie side by side in native Pixel Data."""

    def __init__(self, reader: DataSetReader, pixel_data: Element, image: Image, coding: Coding, planar: bool) -> None:
        self._reader = reader
        self._start = pixel_data.offset
        self._end = pixel_data.offset + pixel_data.length
        self._image = image
        self._planar = planar
        # In Big Endian, words of 16 bits are swapped whatever a cell has (PS3.5 7.3, 8.1.1).
        self._swapped = coding.big_endian and pixel_data.vr == "OW"

    def frame(self, number: int) -> tuple[bytes, FrameFacts]:
        """Return a frame as ``FrameSource`` says."""
        size = self._image.frame_size
        first = number * size
        if self._swapped:
            even = first & ~1
            words = array("H")
            start, end = self._start + even, min(self._start + even + size + 2 & ~1, self._end)
            words.frombytes(self._reader.bytes_at(start, end - start))
            words.byteswap()
            data = words.tobytes()[first - even : first - even + size]
        else:
            data = self._reader.bytes_at(self._start + first, size)
        frame = _interleaved(data, self._image) if self._planar else data
        return frame, FrameFacts(self._image.photometric, lossy=False)


class CodedFrames:
    """Frames that are decoded from fragments."""

    def __init__(self, reader: DataSetReader, index: FrameIndex, image: Image, codec: str, planar: bool) -> None:
        self._reader = reader
        self._index = index
        self._image = image
        self._codec = codec
        self._planar = planar and codec in _BY_PLANE

    def facts(self, number: int) -> FrameFacts:
        """Return what a frame says of itself, without decoding it."""
        with numbered(number, self._image.frames):
            return inspect_frame(self._codec, read_frame(self._reader, self._index.frames[number]), self._image)

    def frame(self, number: int) -> tuple[bytes, FrameFacts]:
        """Return a frame as ``FrameSource`` says."""
        with numbered(number, self._image.frames):
            data = read_frame(self._reader, self._index.frames[number])
            facts = inspect_frame(self._codec, data, self._image)
            frame = decode_frame(self._codec, data, self._image)
        return _interleaved(frame, self._image) if self._planar else frame, facts


@contextmanager
def numbered(number: int, of: int) -> Iterator[None]:
    """Add the number of a frame, from 0, to a Refusal."""
    try:
        yield
    except Refusal as refusal:
        what = f"{refusal.what}, frame {number + 1} of {of}"
        raise Refusal(refusal.code, what, refusal.expected, refusal.clause) from refusal


def _interleaved(frame: bytes, image: Image) -> bytes:
    """Return a frame of planes with its samples side by side (Planar Configuration 0, PS3.3 C.7.6.3.1.3)."""
    import numpy as np

    if image.samples == 1 or image.allocated % 8:
        return frame
    planes = np.frombuffer(frame, dtype=f"V{image.allocated // 8}").reshape(image.samples, -1)
    return planes.T.tobytes()
