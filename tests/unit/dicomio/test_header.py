"""Our header reader and pydicom give the same values on every file that both can read (issue 2, stage 1)."""

from __future__ import annotations

import contextlib
import errno
import io
from pathlib import Path

import pydicom
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydicom.data import get_testdata_file
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import CTImageStorage, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from mediacreator.dicomio.elements import parse_items
from mediacreator.dicomio.fallback import read_header_with_pydicom
from mediacreator.dicomio.header import RawHeader, Wanted, read_header
from mediacreator.dicomio.window import FIRST_READ, NotDICOM, Truncated, Unusual
from mediacreator.model import UNDEFINED_LENGTH
from mediacreator.rules.library import load_profile, profile_ids
from mediacreator.rules.wanted import wanted

WANTED = Wanted.of(wanted([load_profile("STD-GEN-CD")]))
WANTED_BY_ALL = Wanted.of(wanted(map(load_profile, profile_ids())))
TEST_FILES = sorted(
    path
    for path in Path(str(get_testdata_file("CT_small.dcm"))).parent.rglob("*")
    if path.is_file() and path.suffix not in {".py", ".txt", ".json", ".md"}
)


def ours(data: bytes, keys: Wanted = WANTED) -> RawHeader:
    return read_header(data[:FIRST_READ], len(data), lambda position, count: data[position : position + count], keys)


def theirs(data: bytes, keys: Wanted = WANTED) -> RawHeader:
    return read_header_with_pydicom(io.BytesIO(data), len(data), keys)


def written(dataset: Dataset, syntax: pydicom.uid.UID) -> bytes:
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.file_meta.MediaStorageSOPClassUID = CTImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = pydicom.uid.UID("1.2.3")
    buffer = io.BytesIO()
    dataset.save_as(buffer, enforce_file_format=True, little_endian=syntax != ExplicitVRBigEndian, implicit_vr=None)
    return buffer.getvalue()


def same_values(one: RawHeader, other: RawHeader) -> None:
    assert one.attributes.keys() == other.attributes.keys()
    for keyword, value in one.attributes.items():
        if value != other.attributes[keyword]:
            assert parse_items(value) == parse_items(other.attributes[keyword]), keyword


@pytest.mark.parametrize("path", TEST_FILES, ids=lambda path: path.name)
@pytest.mark.parametrize("keys", [WANTED, WANTED_BY_ALL], ids=["one profile", "all profiles"])
def test_both_readers_agree_on_pydicom_s_files(path: Path, keys: Wanted) -> None:
    data = path.read_bytes()
    try:
        header = ours(data, keys)
    except (Unusual, Truncated):
        return
    other = theirs(data, keys)

    same_values(header, other)
    assert (header.transfer_syntax_uid, header.dataset_offset) == (other.transfer_syntax_uid, other.dataset_offset)
    assert header.pixel_data == other.pixel_data


def test_most_of_pydicom_s_files_are_ordinary() -> None:
    """So that the agreement above is not an agreement on nothing."""
    ordinary = 0
    for path in TEST_FILES:
        data = path.read_bytes()
        try:
            ours(data)
            ordinary += 1
        except (Unusual, Truncated):
            pass
    assert ordinary > 140


text = st.text(st.characters(codec="ascii", categories=["L", "N"]), max_size=12)
items = st.lists(st.tuples(text, st.integers(0, 65535)), max_size=3)


@given(
    name=text,
    number=st.integers(-9999, 9999),
    rows=st.integers(0, 65535),
    referenced=items,
    undefined=st.booleans(),
    private=st.binary(max_size=40000),
    syntax=st.sampled_from([ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian]),
)
@settings(max_examples=60, deadline=None)
def test_both_readers_agree_on_any_data_set(
    name: str,
    number: int,
    rows: int,
    referenced: list[tuple[str, int]],
    undefined: bool,
    private: bytes,
    syntax: pydicom.uid.UID,
) -> None:
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", "1.2.3"
    dataset.PatientName, dataset.InstanceNumber, dataset.Rows = name, number, rows
    dataset.add_new(0x00110010, "LO", "TEST")
    dataset.add_new(0x00111001, "OB", private)
    sequence = []
    for uid, frame in referenced:
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = "1.2.3", f"1.{len(uid)}"
        item.ReferencedFrameNumber = frame
        item.is_undefined_length_sequence_item = undefined
        sequence.append(item)
    dataset.ReferencedImageSequence = Sequence(sequence)
    dataset["ReferencedImageSequence"].is_undefined_length = undefined
    dataset.PixelData = b"\0\0" * 4
    dataset["PixelData"].VR = "OW"
    data = written(dataset, syntax)

    if syntax == ExplicitVRBigEndian:
        with pytest.raises(Unusual):
            ours(data)
        header = theirs(data)
        assert int.from_bytes(header.attributes["Rows"], "little") == rows
    else:
        header, other = ours(data), theirs(data)
        known = {
            key.tag for key in next(k for k in WANTED.by_tag.values() if k.keyword == "ReferencedImageSequence").items
        }
        mine = parse_items(header.attributes["ReferencedImageSequence"])
        pydicoms = parse_items(other.attributes["ReferencedImageSequence"])
        assert [{t: v for t, v in i.items() if t in known} for i in mine] == [
            {t: v for t, v in i.items() if t in known} for i in pydicoms
        ]
        assert len(mine) == len(referenced)
        assert header.attributes["PatientName"] == other.attributes["PatientName"]
        assert header.pixel_data == other.pixel_data
    assert int(header.attributes["InstanceNumber"]) == number


def sample() -> bytes:
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", "1.2.3"
    dataset.PatientName = "A^B"
    dataset.Rows = dataset.Columns = 4
    dataset.PixelData = bytes(32)
    dataset["PixelData"].VR = "OW"
    return written(dataset, ExplicitVRLittleEndian)


def test_every_truncation_is_noticed() -> None:
    """PS3.10 7.2: the file ends with its Data Set, so a cut inside an element is a cut file."""
    whole = sample()
    offset = ours(whole).dataset_offset
    boundaries = {len(whole)}
    position = offset
    while position < len(whole):
        boundaries.add(position)
        long = whole[position + 4 : position + 6] in {b"OW", b"SQ"}
        length = int.from_bytes(
            whole[position + 8 : position + 12] if long else whole[position + 6 : position + 8], "little"
        )
        position += (12 if long else 8) + length
    for end in range(offset + 1, len(whole)):
        if end in boundaries:
            continue
        with pytest.raises((Truncated, Unusual)):
            ours(whole[:end])
        with contextlib.suppress(Truncated, NotDICOM):  # pydicom overlooks a cut in the first bytes of an element
            assert theirs(whole[:end]).pixel_data is None


def test_truncated_pixel_data_is_called_that() -> None:
    with pytest.raises(Truncated, match="Pixel Data"):
        ours(sample()[:-2])


def test_what_is_not_dicom_is_not_dicom() -> None:
    for data in (b"hello world, this is text" * 20, bytes(1000), b"", b"\x89PNG\r\n" + bytes(200), b"MZ" + bytes(500)):
        with pytest.raises(Unusual):
            ours(data)
        with pytest.raises(NotDICOM):
            theirs(data)


def test_a_data_set_without_preamble_is_read() -> None:
    data = sample()
    header = theirs(data[ours(data).dataset_offset :])
    assert header.attributes["PatientName"].strip() == b"A^B"
    assert (header.has_file_meta, header.dataset_offset) == (False, 0)
    assert header.transfer_syntax_uid == ExplicitVRLittleEndian


def test_a_deflated_bomb_is_not_inflated_whole() -> None:
    import zlib

    whole = sample()
    offset = ours(whole).dataset_offset
    meta = whole[:offset].replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99")
    meta = meta[:140] + (int.from_bytes(meta[140:144], "little") + 2).to_bytes(4, "little") + meta[144:]
    position = meta.index(b"1.2.840.10008.1.2.1.99")
    meta = meta[: position - 2] + (22).to_bytes(2, "little") + meta[position:]
    compressor = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    small = whole[offset:]
    assert theirs(meta + zlib.compress(small, wbits=-15)).pixel_data is not None
    element = b"\x11\x00\x10\x10OB\0\0" + (200 << 20).to_bytes(4, "little")
    bomb = compressor.compress(element + bytes(200 << 20)) + compressor.flush()
    with pytest.raises(Truncated, match="64 MiB"):
        theirs(meta + bomb)


def test_encapsulated_pixel_data_has_no_length() -> None:
    data = Path(str(get_testdata_file("JPEG2000.dcm"))).read_bytes()
    place = ours(data).pixel_data
    assert place is not None
    assert place.length == UNDEFINED_LENGTH
    assert data[place.offset : place.offset + 4] == b"\xfe\xff\x00\xe0"


@given(position=st.integers(0, 5000), value=st.integers(0, 255), path=st.sampled_from(TEST_FILES[:40]))
@example(position=982, value=0, path=Path(str(get_testdata_file("693_J2KI.dcm"))))  # pydicom raises OSError of its own
@settings(max_examples=150, deadline=20_000)
def test_damage_raises_nothing_but_what_is_said(position: int, value: int, path: Path) -> None:
    data = bytearray(path.read_bytes()[:60000])
    if data:
        data[position % len(data)] = value
    try:
        ours(bytes(data))
    except Unusual:
        with contextlib.suppress(Truncated, NotDICOM):
            theirs(bytes(data))
    except Truncated:
        pass


def test_a_drive_that_fails_is_no_damaged_file() -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() >= 400:
                raise OSError(errno.EIO, "Input/output error")
            return super().read(size)

    data = Path(str(get_testdata_file("MR_small_bigendian.dcm"))).read_bytes()
    with pytest.raises(OSError, match="Input/output error"):
        read_header_with_pydicom(Failing(data), len(data), WANTED)


def with_rules(syntax: pydicom.uid.UID, overlay: bytes = bytes(200_000)) -> bytes:
    """Return an instance with what the rules of profiles look at: an overlay, regions, shared groups."""
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, "1.2.3"
    region = Dataset()
    region.RegionSpatialFormat, region.PhysicalDeltaX, region.PixelComponentOrganization = 1, 0.5, 3
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator = "1", "99X"
    region.PixelValueMappingCodeSequence = Sequence([code])
    dataset.SequenceOfUltrasoundRegions = Sequence([region])
    dataset.Rows = 8
    measures, groups = Dataset(), Dataset()
    measures.PixelSpacing = [0.5, 0.5]
    groups.PixelMeasuresSequence = Sequence([measures])
    dataset.SharedFunctionalGroupsSequence = Sequence([groups])
    dataset.add_new(0x60020010, "US", 8)
    dataset.add_new(0x60020100, "US", 1)
    dataset.add_new(0x60020102, "US", 0)
    dataset.add_new(0x60023000, "OW", overlay)
    dataset.add_new(0x7FE00010, "OW", b"\1\2" * 8)
    return written(dataset, syntax)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_what_rules_look_at_is_the_same_in_every_native_syntax(syntax: pydicom.uid.UID) -> None:
    keys = Wanted.of(wanted([load_profile("STD-XABC-CD"), load_profile("STD-US-CC-MF-CDR")]))
    data = with_rules(syntax)
    found = (theirs if syntax == ExplicitVRBigEndian else ours)(data, keys)  # fails if ours does not know the case

    assert found.attributes["OverlayRows_6002"] == b"\x08\0"
    assert found.attributes["OverlayBitsAllocated_6002"] == b"\1\0"
    (region,) = parse_items(found.attributes["SequenceOfUltrasoundRegions"])
    assert region[0x00186044] == b"\3\0"
    (code,) = parse_items(region[0x00409098])
    assert code[0x00080100] == b"1 "
    assert found.pixel_data is not None
    same_values(found, theirs(data, keys))


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_of_overlay_data_only_the_beginning_is_kept(syntax: pydicom.uid.UID) -> None:
    keys = Wanted.of(wanted([load_profile("STD-XABC-CD")]))
    read = theirs if syntax == ExplicitVRBigEndian else ours

    assert read(with_rules(syntax), keys).attributes["OverlayData_6002"] == b"\0\0"
    assert read(with_rules(syntax, b""), keys).attributes["OverlayData_6002"] == b""
    assert not any("Overlay" in word for word in read(with_rules(syntax), WANTED).attributes)


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_overlay_data_is_not_read_from_the_file(syntax: pydicom.uid.UID) -> None:
    keys = Wanted.of(wanted([load_profile("STD-XABC-CD")]))
    data = with_rules(syntax, bytes(4_000_000))
    asked: list[int] = []

    def read_at(position: int, count: int) -> bytes:
        asked.append(count)
        return data[position : position + count]

    header = read_header(data[:FIRST_READ], len(data), read_at, keys)

    assert header.attributes["OverlayData_6002"] == b"\0\0"
    assert sum(asked) <= 4 * FIRST_READ


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_overlay_data_that_is_cut_off_is_noticed(syntax: pydicom.uid.UID) -> None:
    keys = Wanted.of(wanted([load_profile("STD-XABC-CD")]))
    with pytest.raises(Truncated):
        ours(with_rules(syntax)[:100_000], keys)
