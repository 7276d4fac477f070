"""Where things stand on each kind of label, in millimetres from the top left corner of the label."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

PAPERS: Mapping[str, tuple[float, float]] = {"a4": (210.0, 297.0), "letter": (215.9, 279.4)}
"""Width and height of a sheet, upright."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle that one block of text, or the QR code, has for itself."""

    block: str  # name of a block, see ``blocks``
    x: float
    y: float
    width: float
    height: float
    align: str = "L"  # L, C or R
    turn: int = 0  # degrees counter-clockwise; the text runs along the longer side
    middle: bool = False  # in its height; else from the top
    scale: float = 1.0  # of all sizes: a sheet has more room than a disc


@dataclass(frozen=True, slots=True)
class Ring:
    """What a disc lets be printed: from the hub to near its edge."""

    inner: float  # diameter
    outer: float


@dataclass(frozen=True, slots=True)
class Part:
    """One piece that is cut out, or the disc itself."""

    name: str
    width: float
    height: float
    boxes: tuple[Box, ...]
    folds: tuple[float, ...] = ()  # distances from the left
    ring: Ring | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """A kind of label: its parts one below the other on a sheet; a disc is a page of its own size."""

    parts: tuple[Part, ...]
    landscape: bool = False

    @property
    def on_sheet(self) -> bool:
        """Whether it is printed on a sheet and cut out."""
        return self.parts[0].ring is None


DISC = Part(
    "disc",
    120,
    120,
    (
        # The corners of each lie inside the printable ring; a test measures it.
        Box("institution", 37, 6, 46, 13.5, "C", middle=True),
        Box("patient", 17, 20.5, 86, 25.5, "C", middle=True),
        Box("medium", 4.5, 47.5, 41, 25, middle=True),
        Box("qr", 78, 48, 24, 24),
        Box("studies", 17, 74, 86, 25.5, "C", middle=True),
        Box("contact", 37, 100.5, 46, 13, "C", middle=True),
    ),
    ring=Ring(22, 118),
)

JEWEL_FRONT = Part(
    "front",
    120,
    120,
    (
        Box("institution", 7, 7, 106, 19, scale=1.15),
        Box("patient", 7, 29, 106, 27, scale=1.2),
        Box("studies", 7, 59, 106, 27, scale=1.15),
        Box("medium", 7, 89, 74, 24, scale=1.15),
        Box("qr", 87, 87, 26, 26),
    ),
)

JEWEL_INLAY = Part(
    "inlay",
    151,
    118,
    (
        # Seen from the side of the closed case, both spines stand upright: the letters' heads point outwards.
        Box("spine", 1, 5, 4.5, 108, "C", 90, middle=True),
        Box("spine", 145.5, 5, 4.5, 108, "C", 270, middle=True),
        Box("patient", 12, 7, 127, 27),
        Box("studies", 12, 36, 127, 49, scale=1.15),
        Box("contact", 12, 88, 62, 24, scale=1.1),
        Box("medium", 78, 88, 61, 24, scale=1.1),
    ),
    folds=(6.5, 144.5),
)

DVD_INSERT = Part(
    "insert",
    273,
    183,
    (
        Box("studies", 8, 10, 113, 128, scale=1.3),
        Box("contact", 8, 146, 80, 28, scale=1.2),
        Box("qr", 93, 145, 28, 28),
        Box("spine", 131.5, 10, 10, 163, "C", 270, middle=True),
        Box("institution", 152, 10, 113, 26, scale=1.5),
        Box("patient", 152, 42, 113, 40, scale=1.5),
        Box("studies", 152, 88, 113, 46, scale=1.3),
        Box("medium", 152, 142, 113, 32, scale=1.4),
    ),
    folds=(129.5, 143.5),
)

LAYOUTS: Mapping[str, Layout] = {
    "disc": Layout((DISC,)),
    "jewel": Layout((JEWEL_FRONT, JEWEL_INLAY)),
    "dvd": Layout((DVD_INSERT,), landscape=True),
}
"""By the name that ``--layout`` takes."""
