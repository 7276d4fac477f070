"""Compare a video stream with its Transfer Syntax and with the attributes beside it (PS3.5 8.2.5 to 8.2.11)."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction

from mediacreator.model import Attributes, Finding, Severity
from mediacreator.rules.tables import transfer_syntaxes
from mediacreator.rules.video_tables import ABSENT, ANY, Picture, VideoSyntax, video_syntaxes
from mediacreator.video.facts import VideoFacts, chroma_name, level_name, profile_name, rate_name
from mediacreator.video.inspecting import UNREAD_CONTAINERS

_ENCODE_AGAIN = "Have it encoded as its Transfer Syntax says by the system that made it, or leave it out."
_CORRECT = "Correct the attributes where the instance comes from, or leave it out."
_PLAYED = "Nothing need be done: players go by the stream. Correct the attribute where the instance comes from."
_LOOK = "Look whether the viewers that will read it play it."

REMEDIES: Mapping[str, str] = {
    "video-unknown": "Fetch the instance again from where it came, or leave it out.",
    "video-malformed": "Fetch the instance again from where it came, or leave it out.",
    "video-codec": "Have the Transfer Syntax corrected to that of the stream where it comes from, or leave it out.",
    "video-profile": _ENCODE_AGAIN,
    "video-level": _ENCODE_AGAIN,
    "video-container": _ENCODE_AGAIN,
    "video-chroma": _ENCODE_AGAIN,
    "video-aspect": _ENCODE_AGAIN,
    "video-picture-size": _ENCODE_AGAIN,
    "video-frame-rate": _ENCODE_AGAIN,
    "video-stereo": _ENCODE_AGAIN,
    "video-changes": _LOOK,
    "video-attribute": _CORRECT,
    "video-size-differs": _CORRECT,
    "video-frames-differ": _PLAYED,
    "video-timing-differs": _PLAYED,
    "video-fragmentable": "Nothing need be done where the profile takes any Transfer Syntax.",
    "not-checked": "Play it if it matters.",
}

_SAME = 5e-4
"""Relative difference of frame rates that are the same; 29.97 and 30 are not."""
_ROUNDED = 0.02
"""Relative difference of a Frame Time that was rounded: 33 ms for 33.367 ms."""
_BY_MAIN = 0x40  # constraint_set1_flag: the stream conforms to Main Profile too (ISO/IEC 14496-10 A.2.2)
_MAIN = 77
_SIMPLER = (66, 88)  # Baseline, Extended
_STEREO_HIGH = 128


def check(facts: VideoFacts, attributes: Attributes, transfer_syntax_uid: str, location: str) -> tuple[Finding, ...]:
    """Return what is wrong with a video stream: errors where the standard forbids it, warnings where it is odd.

    Args:
        facts: Of the stream, from ``inspect``.
        attributes: Of the instance; those of tables/video_attributes.csv, Rows, Columns, NumberOfFrames, CineRate,
            FrameTime, FrameTimeVector.
        transfer_syntax_uid: Of the instance; one that is no video gives no Finding.
        location: What Findings call the instance.

    Source: PS3.5 8.2.5 to 8.2.11.
    """
    syntax = video_syntaxes().get(transfer_syntax_uid)
    if syntax is None:
        return ()
    return tuple(_Checker(facts, attributes, syntax, transfer_syntax_uid, location).findings())


class _Checker:
    """What the checks of one stream share."""

    def __init__(self, facts: VideoFacts, attributes: Attributes, syntax: VideoSyntax, uid: str, location: str) -> None:
        self.facts = facts
        self.attributes = attributes
        self.syntax = syntax
        self.uid = uid
        self.location = location

    def findings(self) -> Iterator[Finding]:
        """Yield every Finding."""
        yield from self._form()
        if self.facts.codec == self.syntax.codec:
            yield from self._coding()
            yield from self._container()
            if self.facts.columns:
                yield from self._format()
                yield from self._size()
                yield from self._rate()
            yield from self._stereo()
            yield from self._consistency()
            yield from self._not_told()
        else:
            yield from self._another()
        yield from self._attributes()

    def _finding(
        self, code: str, what: str, expected: str, clause: str = "", severity: Severity = Severity.ERROR
    ) -> Finding:
        clause = clause or self.syntax.clause
        remedy = _LOOK if severity is Severity.WARNING and REMEDIES[code] == _ENCODE_AGAIN else REMEDIES[code]
        return Finding(code, severity, self.location, what, expected, clause, remedy)

    def _form(self) -> Iterator[Finding]:
        """A fragmentable form is no error by itself: a profile that takes any Transfer Syntax takes it."""
        if self.uid == self.syntax.fragmentable_uid:
            yield self._finding(
                "video-fragmentable",
                f"TransferSyntaxUID (0002,0010) is {self.uid}, the fragmentable form",
                f"{self.syntax.uid} in profiles that name video Transfer Syntaxes",
                "PS3.5 A.4",
                Severity.NOTE,
            )

    def _another(self) -> Iterator[Finding]:
        """The stream is none, or none of this codec."""
        facts = self.facts
        expected = _names(self.syntax)
        if facts.codec:
            yield self._finding("video-codec", f"the stream is {facts}", expected)
        elif self.syntax.takes_any_container and facts.other in UNREAD_CONTAINERS:
            what = f"Pixel Data (7FE0,0010) is {facts.other}, which is not looked into"
            yield self._finding("not-checked", what, expected, severity=Severity.NOTE)
        elif facts.problem:
            yield self._finding("video-malformed", f"{facts.problem}, in {facts.container_name}", expected)
        elif facts.container:
            yield self._finding("video-codec", f"the stream is {facts.other} in {facts.container_name}", expected)
        else:
            yield self._finding("video-unknown", f"Pixel Data (7FE0,0010) is {facts.other}", expected)

    def _coding(self) -> Iterator[Finding]:
        """Profile and level, and whether they could be read."""
        facts, syntax = self.facts, self.syntax
        if facts.problem:
            yield self._finding("video-malformed", facts.problem, "a stream whose headers are whole")
        if not facts.profile and not facts.level:
            return
        main_too = facts.codec == "h264" and facts.profile in _SIMPLER and facts.constraints & _BY_MAIN
        profiles = {facts.profile, _MAIN} if main_too else {facts.profile}
        if not profiles & syntax.profiles:
            expected = " or ".join(profile_name(syntax.codec, number) for number in sorted(syntax.profiles))
            odd = Severity.WARNING if profiles & syntax.odd_profiles else Severity.ERROR
            yield self._finding("video-profile", f"the stream is {facts}", expected, severity=odd)
        if facts.level not in syntax.levels:
            odd = Severity.WARNING if facts.level in syntax.odd_levels else Severity.ERROR
            yield self._finding("video-level", f"the stream is {facts}", self._levels(), severity=odd)
        if facts.changes:
            what = "profile, level or size change within the stream"
            yield self._finding("video-changes", what, "one of each, as the attributes say", severity=Severity.WARNING)

    def _levels(self) -> str:
        levels = self.syntax.levels
        highest = level_name(self.syntax.codec, max(levels))
        return highest if len(levels) == 1 else f"{highest} or lower"

    def _container(self) -> Iterator[Finding]:
        facts, syntax = self.facts, self.syntax
        if syntax.takes_any_container or facts.container in syntax.containers:
            return
        odd = Severity.WARNING if facts.container in syntax.odd_containers else Severity.ERROR
        expected = "an MPEG-2 Transport Stream or an MP4 file"
        yield self._finding("video-container", f"the stream is {facts}", expected, severity=odd)

    def _format(self) -> Iterator[Finding]:
        """Chroma format, bit depth and aspect ratio."""
        facts, syntax = self.facts, self.syntax
        if facts.chroma is not None and (facts.chroma != 1 or facts.bits != 8):
            found = f"{chroma_name(facts.chroma)} with {facts.bits} bits"
            yield self._finding("video-chroma", f"the samples of the stream are {found}", "4:2:0 with 8 bits")
        if not syntax.aspect or facts.aspect is None or facts.aspect in syntax.aspect:
            return
        odd = facts.aspect in syntax.odd_aspect and facts.square is not False
        name = "aspect_ratio_information" if syntax.codec == "mpeg2" else "aspect_ratio_idc"
        expected = f"{min(syntax.aspect)}: a display of 16:9" if syntax.codec == "mpeg2" else "1: square pixels"
        severity = Severity.WARNING if odd else Severity.ERROR
        yield self._finding("video-aspect", f"{name} of the stream is {facts.aspect}", expected, severity=severity)

    def _size(self) -> Iterator[Finding]:
        """The size of a picture: listed, and within the level."""
        facts, syntax = self.facts, self.syntax
        size = f"{facts.columns} x {facts.rows}"
        macroblocks = _macroblocks(facts)
        if syntax.pictures and not any(picture.fits(facts.rows, facts.columns) for picture in syntax.pictures):
            expected = _alternatives(_size_name(picture) for picture in syntax.pictures)
            clause = syntax.pictures[0].clause
            yield self._finding("video-picture-size", f"a picture of the stream is {size}", expected, clause)
        elif syntax.frame_macroblocks and macroblocks > syntax.frame_macroblocks:
            what = f"a picture of the stream is {size}: {macroblocks:,} macroblocks"
            expected = f"at most {syntax.frame_macroblocks:,}, the limit of {self._limit()}"
            yield self._finding("video-picture-size", what, expected)

    def _limit(self) -> str:
        return level_name(self.syntax.codec, max(self.syntax.levels))

    def _rate(self) -> Iterator[Finding]:
        """The frame rate: within the level, and listed with the scan where the clause lists them for the size."""
        facts, rate, syntax = self.facts, self.facts.rate, self.syntax
        if rate is None:
            return
        second = int(_macroblocks(facts) * rate)
        if syntax.second_macroblocks and second > syntax.second_macroblocks * (1 + _SAME):
            what = f"the stream is {_motion(facts, rate)}: {second:,} macroblocks"
            expected = f"at most {syntax.second_macroblocks:,} in a second, the limit of {self._limit()}"
            yield self._finding("video-frame-rate", what, expected)
            return
        listed = [picture for picture in syntax.pictures if picture.fits(facts.rows, facts.columns)]
        at_rate = [picture for picture in listed if any(_same(rate, known) for known in picture.rates)]
        scan = facts.scan_name
        if not listed or any(not scan or picture.scan in (ANY, scan) for picture in at_rate):
            return
        # A stream that may have interlaced pictures need not: what is listed as progressive can be.
        maybe = at_rate and scan == "i"
        severity = Severity.WARNING if maybe or syntax.other_rates is None else syntax.other_rates
        expected = _alternatives(map(_rate_list, listed))
        yield self._finding(
            "video-frame-rate", f"the stream is {_motion(facts, rate)}", expected, listed[0].clause, severity
        )

    def _stereo(self) -> Iterator[Finding]:
        """One view, two in a frame, or two of Stereo High Profile (PS3.5 Table 8-8)."""
        facts, syntax = self.facts, self.syntax
        if not syntax.stereo:
            return
        if syntax.stereo == "views":
            yield from self._views()
        elif facts.views:
            what = f"the stream has a second view of {profile_name('h264', facts.views[0])}"
            yield self._finding("video-stereo", what, "one view")
        if syntax.stereo == "none" and facts.packed:
            what = "the stream has a frame packing arrangement: two views in each frame"
            yield self._finding("video-stereo", what, "none", f"{syntax.clause} Table 8-8")
        if syntax.stereo == "packed" and not facts.packed:
            what = "no frame packing arrangement was found in the stream"
            yield self._finding("video-stereo", what, "two views in each frame", f"{syntax.clause} Table 8-8")

    def _views(self) -> Iterator[Finding]:
        views = self.facts.views
        if views is None:
            what, expected = "the stream has one view", "a second view, with a subset Sequence Parameter Set"
            yield self._finding("video-stereo", what, expected)
            return
        if views[0] != _STEREO_HIGH:
            what = f"the second view is {profile_name('h264', views[0])}"
            yield self._finding("video-stereo", what, profile_name("h264", _STEREO_HIGH))
        if views[1] not in self.syntax.levels:
            yield self._finding("video-level", f"the second view is {level_name('h264', views[1])}", self._levels())

    def _consistency(self) -> Iterator[Finding]:
        """Attributes that say what the stream says too."""
        yield from self._same_size()
        yield from self._same_frames()
        if self.facts.rate:
            yield from self._same_timing(self.facts.rate)

    def _same_size(self) -> Iterator[Finding]:
        facts = self.facts
        rows, columns = (int.from_bytes(self.attributes.get(k, b"")[:2], "little") for k in ("Rows", "Columns"))
        if facts.columns and (columns, rows) not in ((facts.columns, facts.rows), facts.display):
            what = f"Columns (0028,0011) x Rows (0028,0010) are {columns} x {rows}"
            yield self._finding("video-size-differs", what, f"{facts.columns} x {facts.rows}, the size of the stream")

    def _same_frames(self) -> Iterator[Finding]:
        """Say where frames are another number: a pair of fields or of views may be one frame or two."""
        facts, stated = self.facts, _decimal(self.attributes.get("NumberOfFrames", b""))
        if not facts.frames:
            return
        twice = facts.progressive is False or facts.views is not None
        if stated == facts.frames or (twice and stated in (2 * facts.frames, facts.frames / 2)):
            return
        what = f"NumberOfFrames (0028,0008) is {_shown(self.attributes.get('NumberOfFrames', b''))}"
        expected = f"{facts.frames}, as counted in the stream"
        yield self._finding("video-frames-differ", what, expected, "PS3.3 C.7.6.6", Severity.WARNING)

    def _same_timing(self, rate: Fraction) -> Iterator[Finding]:
        times = [_decimal(value) for value in self.attributes.get("FrameTimeVector", b"").split(b"\\")[1:]]
        found = {
            "CineRate (0018,0040)": _decimal(self.attributes.get("CineRate", b"")),
            "FrameTime (0018,1063)": _decimal(self.attributes.get("FrameTime", b"")),
            "FrameTimeVector (0018,1065), on average,": math.fsum(times) / len(times) if times else 0.0,
        }
        for name, value in found.items():
            is_rate = name.startswith("CineRate")
            right = float(rate) if is_rate else float(1000 / rate)
            # Cine Rate is a whole number, a Frame Time is often rounded to one.
            near = abs(value - right) < 1 if is_rate else abs(value - right) <= max(_ROUNDED * right, 0.01)
            if value and not near:
                unit = "frames a second" if is_rate else "ms"
                expected = f"{right:.3f} {unit}, as the stream says"
                what = f"{name} is {value:g} {unit}"
                yield self._finding("video-timing-differs", what, expected, severity=Severity.WARNING)

    def _not_told(self) -> Iterator[Finding]:
        """Say what could not be checked, rather than pass over it."""
        facts = self.facts
        missing = [
            name
            for name, unknown in (
                ("size of the pictures", not facts.columns),
                ("frame rate", not facts.rate),
                ("number of frames", not facts.frames),
            )
            if unknown
        ]
        if missing and not facts.problem:
            what = f"of the stream, {', '.join(missing)} could not be found out by reading its beginning"
            expected = "a stream that says it"
            yield self._finding("not-checked", what, expected, severity=Severity.NOTE)

    def _attributes(self) -> Iterator[Finding]:
        for rule in self.syntax.attributes:
            found = _value(self.attributes.get(rule.keyword, b""), rule.vr) or ABSENT
            if found in rule.allowed:
                continue
            severity = Severity.WARNING if found in rule.odd else Severity.ERROR
            name = f"{rule.keyword} ({rule.tag >> 16:04X},{rule.tag & 0xFFFF:04X})"
            what = f"{name} is {found[:64]}"
            yield self._finding("video-attribute", what, " or ".join(rule.allowed), rule.clause, severity)


def _names(syntax: VideoSyntax) -> str:
    return f"{transfer_syntaxes()[syntax.uid].name}, as TransferSyntaxUID (0002,0010) says"


def _macroblocks(facts: VideoFacts) -> int:
    return math.ceil(facts.columns / 16) * math.ceil(facts.rows / 16)


def _motion(facts: VideoFacts, rate: Fraction) -> str:
    scan = {True: " progressive", False: " interlaced", None: ""}[facts.progressive]
    return f"{facts.columns} x {facts.rows}{scan} at {rate_name(rate)} frames a second"


def _size_name(picture: Picture) -> str:
    size = f"{picture.columns} x {picture.rows}"
    return size if picture.exact else f"at most {size}"


def _rate_list(picture: Picture) -> str:
    scan = {"p": " progressive", "i": " interlaced"}.get(picture.scan, "")
    return f"{_size_name(picture)}{scan} at {_alternatives(map(rate_name, picture.rates))}"


def _alternatives(names: Iterable[str]) -> str:
    return " or ".join(dict.fromkeys(names))


def _same(one: Fraction, other: Fraction) -> bool:
    return math.isclose(one, other, rel_tol=_SAME)


def _value(value: bytes, vr: str) -> str:
    """Return a value as the table writes it: numbers in decimal, values joined with a backslash."""
    if vr == "US":
        return "\\".join(str(int.from_bytes(value[at : at + 2], "little")) for at in range(0, len(value), 2))
    return "\\".join(_shown(part) for part in value.split(b"\\"))


def _shown(value: bytes) -> str:
    return value.decode("ascii", "replace").strip(" \0")


def _decimal(value: bytes) -> float:
    """Return a DS or IS as a number, 0 where it is none."""
    try:
        number = float(_shown(value))
    except ValueError:
        return 0.0
    return number if math.isfinite(number) else 0.0
