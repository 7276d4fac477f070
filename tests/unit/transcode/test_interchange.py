"""JPEG frames that rely on the tables of another frame (PS3.11 H.3.4.2, PS3.5 8.2.1, ISO/IEC 10918-1 B.4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate, generate_frames

from mediacreator.model import Body, EncodedInstance, Header, Outcome, Silent, SOPInstance
from mediacreator.rules.claim import Claim, load_claim
from mediacreator.rules.library import load_profile
from mediacreator.scan import scan
from mediacreator.transcode.interchange import frames_without_tables, refuse_abbreviated
from tests import profiles_corpus as corpus
from tests.discs import source_of
from tests.unit.validate.checked import check, file_set, only

DQT, DHT, SOS, FILL = b"\xff\xdb", b"\xff\xc4", b"\xff\xda", b"\xff\xff"
SYNTAXES = (corpus.JPEG_BASELINE, corpus.JPEG_EXTENDED, corpus.JPEG_LOSSLESS)


def instance(syntax: str = corpus.JPEG_BASELINE) -> Dataset:
    """Return an image of three frames."""
    profile = load_profile("STD-GEN-USB-JPEG")
    rule = next(rule for rule in profile.objects if syntax in rule.transfer_syntaxes)
    dataset = corpus.image(profile, rule, corpus.US_MULTI, "MONOCHROME2", syntax)
    corpus._number(dataset, 1)
    return dataset


def frames_of(dataset: Dataset) -> list[bytes]:
    return list(generate_frames(dataset.PixelData, number_of_frames=int(dataset.NumberOfFrames)))


def with_frames(dataset: Dataset, frames: list[bytes], fragments: int = 1) -> Dataset:
    dataset.PixelData = encapsulate(frames, fragments_per_frame=fragments)
    dataset["PixelData"].is_undefined_length = True
    return dataset


def header_of(dataset: Dataset, tmp_path: Path) -> Header:
    path = corpus.save(dataset, tmp_path / "F")
    (header,) = scan((source_of(path),), (), workers=1, progress=Silent()).headers
    return header


def segments(frame: bytes) -> list[bytes]:
    """Return the marker segments before the first scan, and then all the rest."""
    found, position = [frame[:2]], 2
    while frame[position : position + 2] != SOS:
        end = position + 2 + int.from_bytes(frame[position + 2 : position + 4], "big")
        found.append(frame[position:end])
        position = end
    return [*found, frame[position:]]


def without(marker: bytes) -> Callable[[bytes], bytes]:
    return lambda frame: b"".join(one for one in segments(frame) if one[:2] != marker)


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_interchange_format_has_its_tables(syntax: str, tmp_path: Path) -> None:
    assert frames_without_tables(header_of(instance(syntax), tmp_path)) == ()


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("marker", [DQT, DHT])
def test_a_frame_without_a_table_is_named(syntax: str, marker: bytes, tmp_path: Path) -> None:
    """Lossless processes have no quantization (ISO/IEC 10918-1 H.1): nothing is asked for."""
    dataset = instance(syntax)
    first, second, third = frames_of(dataset)
    with_frames(dataset, [first, without(marker)(second), third])

    needed = not (marker == DQT and syntax == corpus.JPEG_LOSSLESS)
    assert frames_without_tables(header_of(dataset, tmp_path)) == ((2,) if needed else ())


def test_all_frames_are_named(tmp_path: Path) -> None:
    """PS3.5 8.2.1 allows no frame of abbreviated format: that the first has the tables does not help."""
    dataset = instance()
    corpus.strip_tables(dataset)
    assert frames_without_tables(header_of(dataset, tmp_path)) == (1, 2, 3)


def test_tables_behind_the_first_scan_are_too_late(tmp_path: Path) -> None:
    dataset = instance()
    first, *others = frames_of(dataset)
    tables = b"".join(one for one in segments(first) if one[:2] == DQT)
    with_frames(dataset, [without(DQT)(first) + tables, *others])
    assert frames_without_tables(header_of(dataset, tmp_path)) == (1,)


def test_fill_bytes_are_passed_over(tmp_path: Path) -> None:
    """ISO/IEC 10918-1 B.1.1.2: any marker may be preceded by bytes FFH."""
    dataset = instance()
    filled = [frame.replace(DQT, FILL + DQT, 1) for frame in frames_of(dataset)]
    assert frames_without_tables(header_of(with_frames(dataset, filled), tmp_path)) == ()


def test_a_frame_in_several_fragments_is_one(tmp_path: Path) -> None:
    dataset = instance()
    assert frames_without_tables(header_of(with_frames(dataset, frames_of(dataset), fragments=3), tmp_path)) == ()


def test_long_frames_are_told_apart(tmp_path: Path) -> None:
    dataset = instance()
    first, second, third = (frame + bytes(1 << 16) for frame in frames_of(dataset))
    header = header_of(with_frames(dataset, [first, without(DHT)(second), third], fragments=2), tmp_path)
    assert frames_without_tables(header) == (2,)


@pytest.mark.parametrize(
    "frames",
    [
        [b"\0" * 40],  # no codestream at all
        [b"\xff\xd8" + b"\0" * 40],  # no marker where one should be
        [b"\xff\xd8\xff\xe0\x00\x10JFIF\0" + b"\0" * 9],  # ends before a scan
        [b"\xff\xd8"],
    ],
)
def test_what_is_not_understood_is_not_known(frames: list[bytes], tmp_path: Path) -> None:
    dataset = with_frames(instance(), [frame + b"\0" * (len(frame) & 1) for frame in frames])
    assert frames_without_tables(header_of(dataset, tmp_path)) is None


def test_other_syntaxes_have_no_tables(tmp_path: Path) -> None:
    profile = load_profile("STD-GEN-USB-J2K")
    dataset = corpus.image(profile, profile.objects[2], corpus.CT, syntax=corpus.JPEG_2000)
    assert frames_without_tables(header_of(dataset, tmp_path)) == ()


def test_native_pixels_in_a_jpeg_syntax_are_not_known(tmp_path: Path) -> None:
    dataset = instance()
    corpus.fill_pixels(dataset)
    corpus._coded(dataset, corpus.ELE)
    header = replace(header_of(dataset, tmp_path), transfer_syntax_uid=corpus.JPEG_BASELINE)
    assert frames_without_tables(header) is None


def test_a_damaged_stream_is_not_checked_and_never_passes(tmp_path: Path) -> None:
    profile = load_profile("STD-XA1K-DVD")
    rule = next(rule for rule in profile.objects if corpus.JPEG_BASELINE in rule.transfer_syntaxes)
    dataset = corpus.image(profile, rule, corpus.XA, syntax=corpus.JPEG_BASELINE)
    corpus._number(dataset, 1)
    dataset.PixelData = encapsulate([b"\0" * 40])
    said, found = check(file_set(profile, [dataset]), tmp_path, profile.id)

    assert found == [("not-checked", "DICOM/F00001")]
    assert (said.conforms, said.checked) == (None, 0)
    assert "JPEG frames could not be read" in only(said, "not-checked").what


# --- at the creator --------------------------------------------------------------------------------------------------


def encoded(identifiers: str, tmp_path: Path, **changes: object) -> tuple[Claim, EncodedInstance]:
    """Return an angiogram that is copied, without tables, and the Claim that it is on the medium under."""
    profile = load_profile("STD-XA1K-CD")
    dataset = corpus.image(profile, profile.objects[1], corpus.XA, syntax=corpus.JPEG_LOSSLESS)
    corpus._number(dataset, 1)
    corpus.strip_tables(dataset)
    header = header_of(dataset, tmp_path)
    claim = load_claim(identifiers)
    instance = SOPInstance(header, "IMAGE", header.attributes, profiles=tuple(one.id for one in claim.profiles))
    made = EncodedInstance(instance, corpus.JPEG_LOSSLESS, b"", Body(header.source, 0, header.source.size))
    return claim, replace(made, **changes)  # type: ignore[arg-type]  # tests give what the dataclass takes


def test_what_would_be_copied_without_tables_is_refused(tmp_path: Path) -> None:
    claim, one = encoded("STD-XA1K-CD", tmp_path)
    (refused,) = refuse_abbreviated(claim, [one])

    assert (refused.outcome, refused.finding.code) == (Outcome.REJECTED, "jpeg-tables-missing")
    assert refused.finding.clause == "PS3.11 B.3.4.2; PS3.5 8.2.1"
    assert refused.finding.location == "source 1"


@pytest.mark.parametrize("identifiers", ["STD-XABC-CD", "STD-XABC-CD,STD-XA1K-CD"])
def test_a_profile_that_says_nothing_of_tables_lets_it_pass(identifiers: str, tmp_path: Path) -> None:
    """PS3.11 A has no such clause; of several profiles one is enough."""
    claim, one = encoded(identifiers, tmp_path)
    assert refuse_abbreviated(claim, [one]) == ()


def test_frames_that_were_coded_here_are_not_looked_at(tmp_path: Path) -> None:
    claim, one = encoded("STD-XA1K-CD", tmp_path, transcoded_from=corpus.JPEG_BASELINE)
    assert refuse_abbreviated(claim, [one]) == ()


def test_a_source_that_has_gone_is_left_to_who_copies_it(tmp_path: Path) -> None:
    claim, one = encoded("STD-XA1K-CD", tmp_path)
    (tmp_path / "F").unlink()
    assert refuse_abbreviated(claim, [one]) == ()
