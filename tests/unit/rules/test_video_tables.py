"""The tables of video Transfer Syntaxes against PS3.5 8.2.5 to 8.2.11 restated, and against the limits of ISO/IEC."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
from pydicom.datadict import dictionary_VR, keyword_for_tag

from mediacreator.errors import InternalError
from mediacreator.rules import tables, video_tables
from mediacreator.rules.video_tables import ABSENT, VideoSyntax, video_syntaxes
from tests.witness import facts

BY_KEY = {syntax.key: syntax for syntax in video_syntaxes().values()}
NOT_IN_A_LIST = {"LossyImageCompression", "StereoPairsPresent"}  # PS3.3 C.7.6.1.1.5, PS3.5 Table 8-8
RATES = {"23.976": Fraction(24000, 1001), "29.97": Fraction(30000, 1001), "59.94": Fraction(60000, 1001)}


def clause_of(syntax: VideoSyntax) -> str:
    """Return the clause that lists the attributes: 8.2.9 says that they are those of 8.2.8."""
    clause = syntax.clause.removeprefix("PS3.5 ")
    return "8.2.8" if clause == "8.2.9" else clause


@pytest.mark.parametrize("syntax", BY_KEY.values(), ids=lambda syntax: syntax.key)
def test_attributes_are_those_of_the_clause(syntax: VideoSyntax) -> None:
    standard = {
        (tag, frozenset(values.split(" or ")))
        for clause, tag, values in facts("video_attributes")
        if clause == clause_of(syntax)
    }
    ours = {
        (f"{rule.tag:08X}", frozenset(rule.allowed)) for rule in syntax.attributes if rule.keyword not in NOT_IN_A_LIST
    }
    assert ours == standard


def rates(text: str) -> list[Fraction]:
    return [RATES.get(part.strip()) or Fraction(part.strip()) for part in text.split(",")]


def test_pictures_are_those_of_tables_8_3_and_8_4() -> None:
    for number, key in (("8-3", "M2HL"), ("8-4", "H41BD")):
        standard = {
            (int(row[1]), int(row[2]), rate)
            for row in facts("video_pictures")
            if row[0] == number
            for rate in rates(row[3])
        }
        pictures = BY_KEY[key].pictures
        assert {(p.rows, p.columns, rate) for p in pictures for rate in p.rates} == standard
        assert all(picture.exact for picture in pictures)


def test_the_scan_of_table_8_4() -> None:
    standard = {
        (int(r[1]), rate, r[4].lower()) for r in facts("video_pictures") if r[0] == "8-4" for rate in rates(r[3])
    }
    assert {(p.rows, rate, p.scan) for p in BY_KEY["H41BD"].pictures for rate in p.rates} == standard


def test_the_limits_of_table_8_1() -> None:
    standard = {(int(row[1]), int(row[2]), Fraction(row[3])) for row in facts("video_pictures") if row[0] == "8-1"}
    pictures = BY_KEY["M2ML"].pictures
    assert {(p.rows, p.columns, rate) for p in pictures for rate in p.rates if rate.denominator == 1} == standard
    assert not any(picture.exact for picture in pictures)


def test_stereo_is_that_of_table_8_8() -> None:
    pairs = [row[1:] for row in facts("video_pictures") if row[0] == "8-8"]
    assert pairs == [["NO or absent", "absent"], ["YES", "present"]]
    for key, (stated, packing) in zip(("H42-2D", "H42-3D"), pairs, strict=True):
        (rule,) = (rule for rule in BY_KEY[key].attributes if rule.keyword == "StereoPairsPresent")
        assert set(rule.allowed) == {value if value != "absent" else ABSENT for value in stated.split(" or ")}
        assert BY_KEY[key].stereo == {"absent": "none", "present": "packed"}[packing]


def test_the_limits_of_levels() -> None:
    """ISO/IEC 13818-2 Tables 8-12 and 8-13 (luma samples a second), ISO/IEC 14496-10 Table A-1 (MaxFS, MaxMBPS)."""
    assert BY_KEY["M2ML"].second_macroblocks * 256 == 10_368_000
    assert BY_KEY["M2HL"].second_macroblocks * 256 == 62_668_800
    assert {(s.frame_macroblocks, s.second_macroblocks) for s in BY_KEY.values() if 42 in s.levels} == {(8704, 522240)}
    assert {
        (s.frame_macroblocks, s.second_macroblocks) for s in BY_KEY.values() if s.codec == "h264" and 42 not in s.levels
    } == {(8192, 245760)}
    assert {max(s.levels) for s in BY_KEY.values() if s.codec == "hevc"} == {153}  # 5.1, thirty times


def test_tags_and_vrs_are_those_of_the_dictionary() -> None:
    for syntax in BY_KEY.values():
        for rule in syntax.attributes:
            assert (rule.keyword, rule.vr) == (keyword_for_tag(rule.tag), dictionary_VR(rule.tag))


def test_every_video_transfer_syntax_is_there_with_its_fragmentable_form() -> None:
    known = {uid for uid, syntax in tables.transfer_syntaxes().items() if syntax.codec == "video"}
    assert video_syntaxes().keys() == known
    assert {uid for uid in known if uid.endswith(".1")} == {s.fragmentable_uid for s in BY_KEY.values()} - {""}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for path in Path(tables._FOLDER).iterdir():
        if path.suffix == ".csv":
            (tmp_path / path.name).write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.setattr(tables, "_FOLDER", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("name", "old", "new", "why"),
    [
        ("video_syntaxes.csv", ",mpeg2,", ",mpeg3,", "codec"),
        ("video_syntaxes.csv", ",packed,", ",packet,", "stereo"),
        ("video_syntaxes.csv", "4.104,", "4.109,", "4.109"),
        ("video_syntaxes.csv", ",,error,1", ",,,1", "other_rates"),
        ("video_syntaxes.csv", "\nH41BD,", "\nH41,", "twice"),
        ("video_pictures.csv", "M2ML,max", "M2ML,most", "size"),
        ("video_pictures.csv", "H41BD,", "H41B,", "H41B"),
        ("video_attributes.csv", "SH42,Stereo", "SH43,Stereo", "SH43"),
        ("video_attributes.csv", "all,PlanarConfiguration", "all,SamplesPerPixel", "twice"),
        ("video_attributes.csv", "01,absent,PS3.3 C.7.6.1.1.5", "01,absent,", "clause"),
    ],
)
def test_a_slip_is_refused(folder: Path, name: str, old: str, new: str, why: str) -> None:
    load: Callable[[], object] = video_tables.video_syntaxes.__wrapped__
    path = folder / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(InternalError, match=why):
        load()
