"""Read the bits of a parameter set, and cut a byte stream at its start codes; nothing is trusted, memory is bounded."""

from __future__ import annotations

from collections.abc import Callable

START_CODE = b"\x00\x00\x01"
MOST_UNIT = 8192
"""Bytes kept of what follows a start code; parameter sets and the headers of slices are far shorter."""

MOST_UNITS = 1 << 20
"""Units that are looked at; a real stream that is read whole has far fewer."""

_MOST_ZEROS = 32  # leading zeros of ue(v) (ISO/IEC 14496-10 9.1)


class Malformed(Exception):
    """A stream does not hold what its syntax demands; the message says what and where."""


class Bits:
    """Reads bits from the first to the last; ``Malformed`` behind the end."""

    __slots__ = ("_data", "_end", "_position")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._end = 8 * len(data)
        self._position = 0

    def u(self, count: int) -> int:
        """Read an unsigned number of ``count`` bits, 0 to 64."""
        start, stop = self._position, self._position + count
        if stop > self._end:
            raise Malformed("it is cut short")
        last = (stop + 7) // 8
        value = int.from_bytes(self._data[start // 8 : last], "big") >> (8 * last - stop)
        self._position = stop
        return value & ((1 << count) - 1)

    def flag(self) -> bool:
        """Read one bit."""
        return bool(self.u(1))

    def ue(self, most: int = (1 << 32) - 2) -> int:
        """Read an unsigned Exp-Golomb number of at most ``most`` (ISO/IEC 14496-10 9.1)."""
        zeros = 0
        while not self.u(1):
            zeros += 1
            if zeros > _MOST_ZEROS:
                raise Malformed("a number has no end")
        value = (1 << zeros) - 1 + self.u(zeros)
        if value > most:
            raise Malformed(f"a number is {value}, more than {most}")
        return value

    def se(self) -> int:
        """Read a signed Exp-Golomb number (ISO/IEC 14496-10 9.1.1)."""
        value = self.ue()
        return (value + 1) // 2 if value & 1 else -(value // 2)


class StartCodes:
    """Cuts a byte stream, fed piece by piece, into what stands between start codes.

    Each unit is given to ``take`` without its start code, and no more of it than ``MOST_UNIT`` bytes.
    """

    def __init__(self, take: Callable[[bytes], None]) -> None:
        self._take = take
        self._tail = b""
        self._unit: bytearray | None = None  # None before the first start code
        self.units = 0

    @property
    def overflowed(self) -> bool:
        """Whether there are more units than are looked at: the rest of the stream is passed over."""
        return self.units >= MOST_UNITS

    def feed(self, piece: bytes) -> None:
        """Go on with the next piece of the stream."""
        if self.overflowed:
            return
        data = self._tail + piece
        position = 0
        while not self.overflowed and (found := data.find(START_CODE, position)) >= 0:
            self._extend(data, position, found)
            self._give()
            self._unit = bytearray()
            position = found + len(START_CODE)
        end = max(position, len(data) - 2)  # a start code may begin in the last two bytes
        self._extend(data, position, end)
        self._tail = data[end:]

    def close(self) -> None:
        """Give the last unit."""
        self._extend(self._tail, 0, len(self._tail))
        self._give()
        self._tail, self._unit = b"", None

    def _extend(self, data: bytes, start: int, end: int) -> None:
        if self._unit is not None and len(self._unit) < MOST_UNIT:
            self._unit += data[start : min(end, start + MOST_UNIT - len(self._unit))]

    def _give(self) -> None:
        self.units += 1
        if self._unit:
            self._take(bytes(self._unit))
