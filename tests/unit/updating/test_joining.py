"""New records join those that are held: whose they are, where they go, and that the held ones stay what they are."""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from mediacreator.dicomio.dicomdir import encode_dicomdir, follow_records
from mediacreator.dicomio.walker import walk
from mediacreator.errors import InternalError
from mediacreator.medium_verify import verify_medium
from mediacreator.model import Silent
from mediacreator.rules.claim import load_claim
from mediacreator.select import Excluded
from mediacreator.updating import UpdateRequest, add, remove
from mediacreator.updating.held import record_body
from mediacreator.updating.joining import anchors_of, first_instances
from tests import filesets
from tests.dicomdirs import Record, dicomdir, element
from tests.headers import header
from tests.instances import write as write_file
from tests.instances import write_ct
from tests.updated import added, made, study

CLAIM = load_claim("STD-GEN-CD")


def image(uid: bytes) -> Record:
    return Record(b"IMAGE", element(0x00200013, b"IS", b"1"), file_id=b"A\\" + uid.replace(b".", b"")[-7:], uid=uid)


def patient(number: int, *, name: bytes = b"Muster^Anna", extra: bytes = b"") -> Record:
    """A patient with two studies of two series of an image each."""
    uid = f"2.25.{number}".encode()
    studies = []
    for one in (b"1", b"2"):
        series = [
            Record(
                b"SERIES",
                element(0x00080060, b"CS", b"CT") + element(0x0020000E, b"UI", uid + b"." + one + b"." + two),
                [image(uid + b"." + one + b"." + two + b".1")],
            )
            for two in (b"1", b"2")
        ]
        studies.append(Record(b"STUDY", element(0x0020000D, b"UI", uid + b"." + one), series))
    keys = extra + element(0x00100010, b"PN", name) + element(0x00100020, b"LO", f"P{number}".encode())
    return Record(b"PATIENT", keys, studies)


@pytest.mark.parametrize("others", [0, 100])
def test_there_is_an_anchor_for_each_study_and_for_series_that_something_is_added_to(others: int) -> None:
    data = dicomdir([patient(1), patient(2)])
    directory = walk(data)
    new = [header(1, SeriesInstanceUID="2.25.1.1.2"), header(2, SeriesInstanceUID="2.25.9.9")]
    new += [header(3 + n, SeriesInstanceUID=f"2.25.7.{n}") for n in range(others)]
    anchors = anchors_of(directory, data, CLAIM, new, {})
    places = [
        tuple(directory.records[index].type if index >= 0 else "" for index in (a.patient, a.study, a.series))
        for a in anchors
    ]
    assert places.count(("PATIENT", "STUDY", "")) == 4
    assert places.count(("PATIENT", "STUDY", "SERIES")) == 1
    numbers = [anchor.header.source.number for anchor in anchors]
    assert len(set(numbers)) == len(numbers)
    assert max(numbers) < 0, "no source has such a number"
    (of_series,) = (anchor for anchor in anchors if anchor.series >= 0)
    assert of_series.header.attributes["SeriesInstanceUID"].rstrip(b"\0") == b"2.25.1.1.2"
    assert of_series.header.attributes["StudyInstanceUID"].rstrip(b"\0") == b"2.25.1.1"
    assert of_series.header.attributes["PatientID"].rstrip() == b"P1"


def test_anchors_say_names_in_utf_8_whatever_the_record_says_them_in() -> None:
    latin = element(0x00080005, b"CS", b"ISO_IR 100")
    directory = walk(dicomdir([patient(1, name="Müller^Anna".encode("latin-1"), extra=latin)]))
    for anchor in anchors_of(directory, b"", CLAIM, [], {}):
        assert anchor.header.attributes["PatientName"] == "Müller^Anna".encode()
        assert anchor.header.attributes["SpecificCharacterSet"] == b"ISO_IR 192"


def test_what_an_instance_says_fills_what_the_record_lacks() -> None:
    born = element(0x00100030, b"DA", b"19610203")
    directory = walk(dicomdir([patient(1), patient(2, extra=b"")]))
    firsts = first_instances(directory)
    assert [record.sop_instance_uid for record in firsts.values()] == ["2.25.1.1.1.1", "2.25.2.1.1.1"]
    told = {
        index: {
            "PatientBirthDate": b"19410101",
            "IssuerOfPatientID": "Köln".encode("latin-1"),
            "SpecificCharacterSet": b"ISO_IR 100",
            "PatientName": b"Somebody^Else",
        }
        for index in firsts
    }
    for anchor in anchors_of(directory, b"", CLAIM, [], told):
        assert anchor.header.attributes["PatientBirthDate"] == b"19410101"
        assert anchor.header.attributes["IssuerOfPatientID"] == "Köln".encode()
        assert anchor.header.attributes["PatientName"].rstrip() == b"Muster^Anna", "the record is what lists show"
    stated = walk(dicomdir([patient(1, extra=born)]))
    (index,) = first_instances(stated)
    for anchor in anchors_of(stated, b"", CLAIM, [], {index: {"PatientBirthDate": b"19410101"}}):
        assert anchor.header.attributes["PatientBirthDate"] == b"19610203"


def test_a_patient_without_any_file_has_no_first_instance() -> None:
    assert first_instances(walk(dicomdir([Record(b"PATIENT", element(0x00100020, b"LO", b"P"))]))) == {}


@pytest.mark.parametrize(
    "before", [b"", element(0x00040000, b"UL", struct.pack("<I", 0)), element(0x00041300, b"UL", b"\0" * 4)]
)
def test_the_body_of_a_record_begins_with_its_type(before: bytes) -> None:
    """Offsets before it are made anew, whatever else stands there; PS3.3 Table F.3-3."""
    keys = element(0x00100010, b"PN", b"A^B") + element(0x00100020, b"LO", b"P")
    data = dicomdir([Record(b"PATIENT", keys, before=before)])
    (record,) = walk(data).records
    assert record_body(data, record) == element(0x00041430, b"CS", b"PATIENT") + keys


Slice = tuple[int, int, int]  # study, series, number
_SLICES = st.tuples(st.integers(1, 2), st.integers(1, 2), st.integers(1, 3))
_STEPS = st.lists(st.tuples(st.booleans(), st.sets(_SLICES, min_size=1, max_size=4)), min_size=1, max_size=5)


def write(folder: Path, slices: Iterable[Slice]) -> Path:
    folder.mkdir()
    for study_number, series, number in slices:
        write_ct(folder / f"s{study_number}{series}{number}", number=number, series=series, study=study_number)
    return folder


def slices_of(medium: Path) -> list[Slice]:
    """Return the instances by the records that they lie below."""
    found = []
    for person in filesets.opened(medium).roots:
        for visit in person.below:
            for series in visit.below:
                for one in series.below:
                    uids = visit.record.StudyInstanceUID, series.record.SeriesInstanceUID
                    slice_uid = str(one.record.ReferencedSOPInstanceUIDInFile)
                    study_number, series_number, number = map(int, slice_uid.split(".")[3:])
                    assert uids == (f"2.25.78.{study_number}", f"2.25.79.{study_number}.{series_number}")
                    found.append((study_number, series_number, number))
    return found


@settings(max_examples=12, suppress_health_check=list(HealthCheck), deadline=None)
@given(steps=_STEPS)
def test_any_order_of_adding_and_removing_holds_what_it_should(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[bool, set[Slice]]]
) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(os, "fsync", lambda handle: None)
        folder = tmp_path_factory.mktemp("any")
        medium = made(folder / "m", write(folder / "first", [(1, 1, 1), (2, 2, 3)]))
        model = {(1, 1, 1), (2, 2, 3)}
        for turn, (adds, slices) in enumerate(steps):
            if adds:
                add(added(medium, write(folder / str(turn), slices)))
                model |= slices
            elif gone := slices & model:
                uids = frozenset(f"2.25.77.{one}.{two}.{three}" for one, two, three in gone)
                remove(UpdateRequest(str(medium), workers=1), Excluded(instances=uids))
                model -= gone
            found = slices_of(medium)
            assert sorted(found) == sorted(model)
            files = {str(path.relative_to(medium)) for path in (medium / "DICOM").rglob("*") if path.is_file()}
            assert files == {node.file_id for node in filesets.opened(medium).nodes() if node.file_id}
        assert verify_medium(str(medium), progress=Silent()).whole
        assert [root.type for root in filesets.opened(medium).roots] == ["PATIENT"] * bool(model)


def test_objects_of_no_patient_join_the_root(tmp_path: Path) -> None:
    """PS3.3 Table F.4-1: a hanging protocol stands in the root, and a patient's record is not needed for it."""
    medium = made(tmp_path / "m", study(tmp_path / "a", (1,)))
    protocol = tmp_path / "protocol"
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = "1.2.840.10008.5.1.4.38.1", "2.25.4711"
    dataset.HangingProtocolName, dataset.HangingProtocolDescription = "CHEST", "Chest"
    dataset.HangingProtocolLevel, dataset.HangingProtocolCreator = "SITE", "Somebody"
    dataset.HangingProtocolCreationDateTime = "20260101000000"
    dataset.HangingProtocolDefinitionSequence = [Dataset()]
    dataset.HangingProtocolUserIdentificationCodeSequence = []
    dataset.NumberOfPriorsReferenced = 0
    write_file(protocol, dataset)
    receipt = add(added(medium, protocol))
    assert receipt.counts.accepted == 1, receipt.not_on_medium
    assert [node.type for node in filesets.opened(medium).roots] == ["PATIENT", "HANGING PROTOCOL"]
    assert verify_medium(str(medium), progress=Silent()).whole
    remove(UpdateRequest(str(medium)), Excluded(instances=frozenset(("2.25.4711",))))
    assert [node.type for node in filesets.opened(medium).roots] == ["PATIENT"]


RECORDS = ((0, b"a" * 10), (1, b"b" * 4), (2, b"c"), (1, b"d" * 6), (0, b"e" * 8))


@pytest.mark.parametrize("records", [(), RECORDS[:1], RECORDS])
def test_offsets_lead_to_every_record_in_order(records: tuple[tuple[int, bytes], ...]) -> None:
    assert tuple(follow_records(encode_dicomdir("TEST", "2.25.1", records))) == records


def test_an_offset_that_is_wrong_anywhere_is_found() -> None:
    """Every link is changed once; each change is an error."""
    data = encode_dicomdir("TEST", "2.25.1", RECORDS)
    links = [
        place.end() for place in re.finditer(rb"\x04\x00[\x00\x20]\x14UL\x04\x00|\x04\x00\x00\x12UL\x04\x00", data)
    ]
    assert len(links) == 2 * len(RECORDS) + 1
    for place in links:
        broken = bytearray(data)
        broken[place : place + 4] = (int.from_bytes(data[place : place + 4], "little") ^ 0x20).to_bytes(4, "little")
        with pytest.raises(InternalError):
            tuple(follow_records(bytes(broken)))
