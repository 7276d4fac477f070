"""Records that say something else than their files (peers.md section 6, faults 2, 3 and 8; PS3.3 F.5)."""

from __future__ import annotations

from pathlib import Path

import pytest

from mediacreator.medium import open_medium
from mediacreator.medium_compare import Compared, compare, read_compared
from mediacreator.model import Finding, Severity
from tests.dicomdirs import dicomdir, element, instance_file, tree


def keys(name: bytes = b"Doe^Jane", patient: bytes = b"ID0", study: bytes = b"2.25.2.0.0") -> bytes:
    return (
        element(0x00100010, b"PN", name)
        + element(0x00100020, b"LO", patient)
        + element(0x0020000D, b"UI", study)
        + element(0x0020000E, b"UI", b"2.25.3.0.0.0")
        + element(0x7FE00010, b"OB", b"\0\0")
    )


def differences(tmp_path: Path, file: bytes) -> list[Finding]:
    (tmp_path / "DICOMDIR").write_bytes(dicomdir(tree(images=1, series=1)))
    path = tmp_path / "P0" / "S0" / "E0" / "IM0"
    path.parent.mkdir(parents=True)
    path.write_bytes(file)
    said = read_compared(file, len(file))
    with open_medium(tmp_path) as medium:
        return list(compare(medium, {("P0", "S0", "E0", "IM0"): said} if said else {}))


UID = b"2.25.4.0.0.0.0"


def test_a_record_and_its_file_agree(tmp_path: Path) -> None:
    assert differences(tmp_path, instance_file(UID, keys())) == []


@pytest.mark.parametrize(
    ("file", "code", "severity"),
    [
        (instance_file(b"2.25.99", keys()), "sop-instance-differs", Severity.ERROR),
        (instance_file(UID, keys(), b"1.2.840.10008.5.1.4.1.1.4"), "sop-class-differs", Severity.ERROR),
        (instance_file(UID, keys(patient=b"ID1")), "patient-id-differs", Severity.ERROR),
        (instance_file(UID, keys(name=b"Roe^Jane")), "patient-name-differs", Severity.WARNING),
        (instance_file(UID, keys(study=b"2.25.2.0.1")), "study-differs", Severity.ERROR),
    ],
)
def test_each_difference_has_its_code_and_no_identity(
    tmp_path: Path, file: bytes, code: str, severity: Severity
) -> None:
    (found,) = differences(tmp_path, file)

    assert (found.code, found.severity) == (code, severity)
    assert found.location == "DICOMDIR record 4 (P0/S0/E0/IM0)"
    assert not any(identity in str(found) for identity in ("Doe", "Roe", "ID0", "ID1"))


@pytest.mark.parametrize("name", [b"DOE^JANE", b"Doe^Jane^^ ", b"Doe^Jane^^^="])
def test_ways_to_write_one_name_are_equal(tmp_path: Path, name: bytes) -> None:
    assert differences(tmp_path, instance_file(UID, keys(name=name))) == []


@pytest.mark.parametrize("patient", [b"", b" "])
def test_what_the_record_alone_holds_is_no_difference(tmp_path: Path, patient: bytes) -> None:
    """PS3.3 F.5.1: Patient ID is Type 1 in the record, and Type 2 in most instances."""
    assert differences(tmp_path, instance_file(UID, keys(patient=patient))) == []


@pytest.mark.parametrize("data", [b"", b"no DICOM" * 40, instance_file(UID, keys())[:150]])
def test_what_cannot_be_read_is_not_compared(data: bytes) -> None:
    assert read_compared(data, len(data)) is None


def test_what_is_read_of_a_file() -> None:
    data = instance_file(UID, keys())
    said = read_compared(data, len(data))

    assert isinstance(said, Compared)
    assert said.sop_instance_uid == UID.decode()
    assert said.attributes["PatientID"] == b"ID0 "
