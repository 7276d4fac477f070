"""Check the icons of a DICOMDIR: PS3.3 F.7 for every one, and what a profile asks for besides (PS3.11 X.3.3)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from mediacreator.dicomio.elements import MalformedElement, parse_items
from mediacreator.dicomio.walker import DirectoryRecord
from mediacreator.model import Finding
from mediacreator.rules.profile import ApplicationProfile, IconRule
from mediacreator.validate.rows import finding

ICON = 0x00880200
_KEYWORD = "IconImageSequence (0088,0200)"
_SAMPLES, _PHOTOMETRIC, _PLANAR = 0x00280002, 0x00280004, 0x00280006
_ROWS, _COLUMNS, _ASPECT = 0x00280010, 0x00280011, 0x00280034
_ALLOCATED, _STORED, _HIGH_BIT, _SIGNED = 0x00280100, 0x00280101, 0x00280102, 0x00280103
_PALETTE = (0x00281101, 0x00281102, 0x00281103, 0x00281201, 0x00281202, 0x00281203)
_PIXEL_DATA = 0x7FE00010
_MAY_BE = ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR")

Icon = Mapping[int, bytes]
"""The elements of the one item, by tag."""


def check_icon(
    record: DirectoryRecord, values: Mapping[int, bytes], profiles: Sequence[ApplicationProfile], *, required: bool
) -> Iterator[Finding]:
    """Yield what is wrong with the icon of a record, or that it should have one.

    Args:
        record: Any record.
        values: Of its elements, by tag.
        profiles: Those that cover its instance; all of the claim for a record above instances.
        required: A key table asks for it.

    Source: PS3.3 F.7, PS3.11 X.3.3.
    """
    rules = [rule for profile in profiles for rule in profile.directory.icons if record.type in rule.records]
    value = values.get(ICON)
    asking = [rule for rule in rules if rule.required]
    if not value:
        if asking or required or value is not None:
            found = "absent" if value is None else "empty"
            clause = asking[0].clause if asking else ""
            yield finding("icon-missing", record.location, f"{_KEYWORD} is {found}", clause=clause)
        return
    try:
        items = parse_items(value)
    except MalformedElement as exc:
        yield finding("icon-malformed", record.location, f"{_KEYWORD}: {exc}")
        return
    if len(items) != 1:
        yield finding("icon-malformed", record.location, f"{_KEYWORD} has {len(items)} items")
        return
    yield from (finding("icon-malformed", record.location, f"{_KEYWORD}: {what}") for what in _faults(items[0]))
    for rule in rules:
        yield from _check_rule(record, items[0], rule)


def _faults(icon: Icon) -> Iterator[str]:
    """Yield what is not as PS3.3 F.7 says."""
    photometric = _text(icon, _PHOTOMETRIC)
    allocated, stored = _number(icon, _ALLOCATED), _number(icon, _STORED)
    if _number(icon, _SAMPLES) != 1:
        yield f"Samples per Pixel is {_shown(icon, _SAMPLES)}, not 1"
    if photometric not in _MAY_BE:
        yield f"Photometric Interpretation is {photometric or 'absent'}, not {', '.join(_MAY_BE)}"
    if _PLANAR in icon:
        yield "Planar Configuration is present"
    if allocated not in (1, 8) or stored != allocated:
        yield f"Bits Allocated and Stored are {_shown(icon, _ALLOCATED)} and {_shown(icon, _STORED)}, not 1 or 8 both"
    elif _number(icon, _HIGH_BIT) != allocated - 1:
        yield f"High Bit is {_shown(icon, _HIGH_BIT)}, not one less than Bits Stored"
    if _number(icon, _SIGNED) != 0:
        yield f"Pixel Representation is {_shown(icon, _SIGNED)}, not 0"
    if photometric == "PALETTE COLOR" and (allocated != 8 or any(not icon.get(tag) for tag in _PALETTE)):
        yield "its palette is not whole, or Bits Allocated is not 8"
    aspect = _text(icon, _ASPECT).split("\\")
    if len(set(aspect)) > 1:
        yield "Pixel Aspect Ratio is not 1:1"
    rows, columns = _number(icon, _ROWS) or 0, _number(icon, _COLUMNS) or 0
    size = (rows * columns * (allocated or 0) + 7) // 8
    found = len(icon.get(_PIXEL_DATA, b""))
    if not rows or not columns or found != size + size % 2:
        yield f"Pixel Data has {found} bytes for {rows} rows and {columns} columns"


def _check_rule(record: DirectoryRecord, icon: Icon, rule: IconRule) -> Iterator[Finding]:
    """Yield what a profile asks for besides."""
    rows, columns = _number(icon, _ROWS), _number(icon, _COLUMNS)
    if (rule.rows and rows != rule.rows) or (rule.columns and columns != rule.columns):
        what, expected = f"an icon of {rows} rows and {columns} columns", f"{rule.rows} and {rule.columns}"
        yield finding("icon-size", record.location, what, expected=expected, clause=rule.clause)
    allocated, stored = _number(icon, _ALLOCATED), _number(icon, _STORED)
    if rule.bits and (allocated, stored) != (rule.bits, rule.bits):
        what = f"an icon with {allocated} bits allocated and {stored} stored"
        yield finding("icon-bits", record.location, what, expected=f"{rule.bits} and {rule.bits}", clause=rule.clause)
    photometric = _text(icon, _PHOTOMETRIC)
    if rule.photometric and photometric not in rule.photometric:
        what, expected = f"an icon that is {photometric or 'of no kind'}", " or ".join(rule.photometric)
        yield finding("icon-photometric", record.location, what, expected=expected, clause=rule.clause)


def _number(icon: Icon, tag: int) -> int | None:
    value = icon.get(tag, b"")
    return int.from_bytes(value, "little") if len(value) == 2 else None


def _shown(icon: Icon, tag: int) -> str:
    number = _number(icon, tag)
    return "absent" if number is None else str(number)


def _text(icon: Icon, tag: int) -> str:
    return icon.get(tag, b"").decode("ascii", "replace").strip(" \0")
