"""Load what PS3.5 8.2.5 to 8.2.11 say of video Transfer Syntaxes: streams, pictures, and the attributes beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache

from mediacreator.errors import InternalError
from mediacreator.model import Severity
from mediacreator.rules.tables import _rows, _unique, transfer_syntaxes

ABSENT = "absent"
"""Stands in a table for an attribute that is absent or empty."""

ANY = "any"
"""Stands in a table for a container that is not constrained."""

_CODECS = ("mpeg2", "h264", "hevc")
_STEREO = ("", "none", "packed", "views")
_SYNTAX_COLUMNS = (
    *("key", "uid", "fragmentable_uid", "codec", "profiles", "odd_profiles", "levels", "odd_levels"),
    *("frame_macroblocks", "second_macroblocks", "stereo", "other_rates", "aspect", "odd_aspect"),
    *("containers", "odd_containers", "offset_table", "clause"),
)
_PICTURE_COLUMNS = ("syntax", "size", "rows", "columns", "rates", "scan", "clause")
_ATTRIBUTE_COLUMNS = ("syntaxes", "keyword", "tag", "vr", "allowed", "odd", "clause")


@dataclass(frozen=True, slots=True)
class Picture:
    """A size with its frame rates that a video Transfer Syntax lists."""

    exact: bool  # otherwise rows and columns are the most there may be
    rows: int
    columns: int
    rates: tuple[Fraction, ...]  # frames a second
    scan: str  # p, i or any
    clause: str

    def fits(self, rows: int, columns: int) -> bool:
        """Tell whether a picture has this size."""
        if self.exact:
            return (rows, columns) == (self.rows, self.columns)
        return rows <= self.rows and columns <= self.columns


@dataclass(frozen=True, slots=True)
class AttributeRule:
    """What an attribute beside a video stream shall be."""

    keyword: str
    tag: int  # group << 16 | element
    vr: str
    allowed: tuple[str, ...]
    odd: tuple[str, ...]  # tolerated with a warning
    clause: str


@dataclass(frozen=True, slots=True)
class VideoSyntax:
    """What the stream in a video Transfer Syntax may be; ``odd_...`` is tolerated with a warning."""

    key: str
    uid: str  # of the form that has one fragment
    fragmentable_uid: str  # "" where fragments are allowed anyway
    codec: str
    profiles: frozenset[int]
    odd_profiles: frozenset[int]
    levels: frozenset[int]
    odd_levels: frozenset[int]
    frame_macroblocks: int  # at most; 0: not limited
    second_macroblocks: int  # at most; 0: not limited
    stereo: str  # none, packed, views, or "" where nothing is said
    other_rates: Severity | None  # of a frame rate that is not listed; None where none is
    aspect: frozenset[int]  # empty: any
    odd_aspect: frozenset[int]
    containers: frozenset[str]
    odd_containers: frozenset[str]
    offset_table: Severity  # of a Basic Offset Table that is not empty
    clause: str
    pictures: tuple[Picture, ...]
    attributes: tuple[AttributeRule, ...]

    @property
    def takes_any_container(self) -> bool:
        """Whether the container is not constrained."""
        return ANY in self.containers


@cache
def video_syntaxes() -> Mapping[str, VideoSyntax]:
    """Return every video Transfer Syntax by its UID, the fragmentable forms too."""
    name = "video_syntaxes.csv"
    rows = tuple(_rows(name, _SYNTAX_COLUMNS))
    known = _unique(name, ((row["key"], row) for row in rows))
    pictures = _pictures(known)
    attributes = _attributes(known)
    syntaxes = [_syntax(row, pictures[key], attributes[key]) for key, row in known.items()]
    table = _unique(name, ((uid, one) for one in syntaxes for uid in (one.uid, one.fragmentable_uid) if uid))
    others = {uid for uid, syntax in transfer_syntaxes().items() if syntax.codec == "video"} ^ table.keys()
    if others:
        raise InternalError(f"tables/{name}: not those of transfer_syntaxes.csv: {sorted(others)}")
    return table


def _syntax(row: dict[str, str], pictures: list[Picture], attributes: list[AttributeRule]) -> VideoSyntax:
    if row["codec"] not in _CODECS or row["stereo"] not in _STEREO:
        raise InternalError(f"tables/video_syntaxes.csv: {row['key']}: unknown codec or kind of stereo")
    if bool(pictures) != bool(row["other_rates"]):
        raise InternalError(f"tables/video_syntaxes.csv: {row['key']}: other_rates goes with video_pictures.csv")
    return VideoSyntax(
        key=row["key"],
        uid=row["uid"],
        fragmentable_uid=row["fragmentable_uid"],
        codec=row["codec"],
        profiles=_numbers(row["profiles"]),
        odd_profiles=_numbers(row["odd_profiles"]),
        levels=_numbers(row["levels"]),
        odd_levels=_numbers(row["odd_levels"]),
        frame_macroblocks=int(row["frame_macroblocks"]),
        second_macroblocks=int(row["second_macroblocks"]),
        stereo=row["stereo"],
        other_rates=Severity(row["other_rates"]) if row["other_rates"] else None,
        aspect=_numbers(row["aspect"]),
        odd_aspect=_numbers(row["odd_aspect"]),
        containers=frozenset(_split(row["containers"])),
        odd_containers=frozenset(_split(row["odd_containers"])),
        offset_table=Severity(row["offset_table"]),
        clause=row["clause"],
        pictures=tuple(pictures),
        attributes=tuple(attributes),
    )


def _pictures(known: Mapping[str, dict[str, str]]) -> dict[str, list[Picture]]:
    found: dict[str, list[Picture]] = {key: [] for key in known}
    for row in _rows("video_pictures.csv", _PICTURE_COLUMNS):
        if row["syntax"] not in known or row["size"] not in ("exact", "max") or row["scan"] not in ("p", "i", "any"):
            raise InternalError(f"tables/video_pictures.csv: {row}: unknown syntax, size or scan")
        rates = tuple(map(Fraction, _split(row["rates"])))
        found[row["syntax"]].append(
            Picture(row["size"] == "exact", int(row["rows"]), int(row["columns"]), rates, row["scan"], row["clause"])
        )
    return found


def _attributes(known: Mapping[str, dict[str, str]]) -> dict[str, list[AttributeRule]]:
    name = "video_attributes.csv"
    found: dict[str, list[AttributeRule]] = {key: [] for key in known}
    for row in _rows(name, _ATTRIBUTE_COLUMNS):
        for key in known if row["syntaxes"] == "all" else _split(row["syntaxes"]):
            if key not in known or any(rule.keyword == row["keyword"] for rule in found[key]):
                raise InternalError(f"tables/{name}: {key} {row['keyword']}: unknown, or there twice")
            found[key].append(
                AttributeRule(
                    keyword=row["keyword"],
                    tag=int(row["tag"], 16),
                    vr=row["vr"],
                    allowed=_split(row["allowed"]),
                    odd=_split(row["odd"]),
                    clause=row["clause"],
                )
            )
    return found


def _split(text: str) -> tuple[str, ...]:
    return tuple(filter(None, text.split(";")))


def _numbers(text: str) -> frozenset[int]:
    return frozenset(map(int, _split(text)))
