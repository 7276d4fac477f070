"""Each code of the validator, provoked by one change of a conformant File-set; nothing else is said of it."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import UID

from mediacreator.model import Severity
from mediacreator.rules.claim import Claim
from mediacreator.rules.library import load_profile
from mediacreator.validate.rows import GRAVE, ROWS, finding, judged_strictly
from tests import profiles_corpus as corpus
from tests.dicomdirs import at, patched
from tests.filesets import FileSet, Node, icon_of, removing, setting, without_meta
from tests.unit.validate.checked import check, file_set, only, sound

CMS = bytes.fromhex("308006092a864886f70d010703a080") + bytes(2000)
"""The beginning of an enveloped Secure DICOM File (RFC 5652 3 and 6), BER, of undefined length."""

FILE, IMAGE, SECOND = "DICOM/F00001", "DICOMDIR record 4 (DICOM/F00001)", "DICOMDIR record 5"
ABOVE = ["DICOMDIR record 1", "DICOMDIR record 2", "DICOMDIR record 3"]
UNKNOWN = [("not-checked", place) for place in (FILE, *ABOVE, IMAGE)]
XABC = partial(sound, "STD-XABC-CD", "1.2.4.70")
CT = partial(sound, "STD-GEN-CD", "ANY CT Image")
REPORT = partial(sound, "STD-GEN-CD", "SR Storage")
US = partial(sound, "STD-GEN-USB-JPEG", "ANY JPEG CT Image Storage 1.2.4.50")


@dataclass(frozen=True)
class Case:
    """A File-set that is not as it should be, and all that is to be found."""

    made: Callable[[], FileSet]
    found: list[tuple[str, str]]
    claim: Claim | str = "STD-GEN-CD"
    after: Callable[[Path], object] = lambda _: None  # what is done to the folder when it is written


def changed(how: Callable[[FileSet], object], made: Callable[[], FileSet] = CT) -> Callable[[], FileSet]:
    def make() -> FileSet:
        fs = made()
        how(fs)
        return fs

    return make


def recorded(
    how: Callable[[Dataset], object], kind: str = "IMAGE", made: Callable[[], FileSet] = CT
) -> Callable[[], FileSet]:
    """Change the first record of a type."""
    return changed(lambda fs: how(fs.of(kind).record), made)


def iconed(icon: Dataset) -> Callable[[], FileSet]:
    """Give an image another icon than STD-XABC-CD or STD-XA1K-CD ask for."""
    return recorded(setting(IconImageSequence=Items([icon])), made=partial(sound, "STD-XA1K-CD", "Angiographic"))


def filed(how: Callable[[bytes], bytes], made: Callable[[], FileSet] = CT) -> Callable[[], FileSet]:
    """Change the first file as bytes, behind the DICOMDIR."""
    return changed(lambda fs: fs.files.update({FILE: how(fs.files[FILE])}), made)


def as_private(fs: FileSet) -> None:
    node = fs.of("IMAGE")
    fs.parent(node).below.remove(node)
    node.record.DirectoryRecordType = "PRIVATE"
    fs.roots.append(node)


def twins(kind: str, keyword: str) -> FileSet:
    """Return two instances that are apart from a level on, and then have one identifier there: record and file."""
    profile = load_profile("STD-GEN-CD")
    first = next(one.dataset for one in corpus.samples(profile) if one.dataset.SOPClassUID == corpus.CT)
    second = deepcopy(first)
    second.SOPInstanceUID = second.file_meta.MediaStorageSOPInstanceUID = UID("2.25.311.9.1")
    levels = ["PatientID", "StudyInstanceUID", "SeriesInstanceUID"]
    for number, apart in enumerate(levels[levels.index(keyword) :]):
        setattr(second, apart, f"2.25.311.9.2.{number}")
    fs = file_set(profile, [first, second])
    same = setting(**{keyword: first[keyword].value})
    same(fs.of(kind, 1).record)
    fs.change(fs.of("IMAGE", 1), same)
    return fs


def forbidding(role: str) -> Claim:
    """Return the Claim of STD-GEN-CD if it forbade a role all that it allows."""
    profile = load_profile("STD-GEN-CD")
    objects = tuple(replace(row, requirements={**row.requirements, role: "X"}) for row in profile.objects)
    return Claim((replace(profile, objects=objects),))


CASES = {
    "no-dicomdir": Case(CT, [("no-dicomdir", "DICOMDIR")], after=lambda folder: (folder / "DICOMDIR").unlink()),
    "bad-file-set-id": Case(changed(lambda fs: setattr(fs, "file_set_id", "lower")), [("bad-file-set-id", "DICOMDIR")]),
    "bad-file-set-uid": Case(
        changed(lambda fs: setattr(fs, "file_set_uid", "1.02.3")), [("bad-file-set-uid", "DICOMDIR")]
    ),
    "empty-directory": Case(lambda: FileSet([], {}), [("empty-directory", "DICOMDIR")]),
    "missing-level": Case(
        changed(as_private),
        [(code, "DICOMDIR record 4 (DICOM/F00001)") for code in ("missing-level", "record-type-differs")],
    ),
    "duplicate-patient-id": Case(partial(twins, "PATIENT", "PatientID"), [("duplicate-patient-id", SECOND)]),
    "duplicate-study-uid": Case(partial(twins, "STUDY", "StudyInstanceUID"), [("duplicate-study-uid", SECOND)]),
    "duplicate-series-uid": Case(partial(twins, "SERIES", "SeriesInstanceUID"), [("duplicate-series-uid", SECOND)]),
    "record-type-differs": Case(
        recorded(
            setting(DirectoryRecordType="KEY OBJECT DOC"), "SR DOCUMENT", partial(sound, "STD-GEN-CD", "SR Storage")
        ),
        [("record-type-differs", IMAGE)],
    ),
    "key-missing": Case(recorded(removing("InstanceNumber")), [("key-missing", IMAGE)]),
    "key-differs": Case(recorded(setting(InstanceNumber="99")), [("key-differs", IMAGE)]),
    "icon-missing": Case(recorded(removing("IconImageSequence"), made=XABC), [("icon-missing", IMAGE)], "STD-XABC-CD"),
    "icon-malformed": Case(iconed(icon_of(128, HighBit=6)), [("icon-malformed", IMAGE)], "STD-XA1K-CD"),
    "icon-size": Case(iconed(icon_of(64)), [("icon-size", IMAGE)], "STD-XA1K-CD"),
    "icon-bits": Case(iconed(icon_of(128, bits=1)), [("icon-bits", IMAGE)], "STD-XA1K-CD"),
    "icon-photometric": Case(
        iconed(icon_of(128, photometric="MONOCHROME1")), [("icon-photometric", IMAGE)], "STD-XA1K-CD"
    ),
    "referenced-not-dicom": Case(filed(lambda _: b"no image" * 50), [("referenced-not-dicom", FILE), *UNKNOWN]),
    "file-without-meta": Case(filed(without_meta), [("file-without-meta", FILE)]),
    "object-not-for-role": Case(CT, [("object-not-for-role", FILE)], forbidding("FSC")),
    "jpeg-tables-missing": Case(
        changed(lambda fs: fs.change(fs.of("IMAGE"), corpus.strip_tables), US),
        [("jpeg-tables-missing", FILE)],
        "STD-GEN-USB-JPEG",
    ),
    "secure-file": Case(filed(lambda _: CMS), [("secure-file", FILE), *UNKNOWN]),
    "file-not-secure": Case(CT, [("file-not-secure", FILE), ("file-not-secure", "DICOMDIR")], "STD-GEN-SEC-CD"),
    "not-checked": Case(
        filed(lambda _: CMS),
        [("not-checked", "DICOMDIR"), ("not-checked", "file 2 of the medium")],
        "STD-GEN-SEC-CD",
        after=lambda folder: (folder / "DICOMDIR").write_bytes(CMS),
    ),
}


@pytest.mark.parametrize("code", ROWS)
def test_each_code_is_found_and_nothing_else(code: str, tmp_path: Path) -> None:
    case = CASES[code]
    folder = case.made().write(tmp_path / "disc")
    case.after(folder)

    said, found = check(folder, tmp_path, case.claim)

    assert sorted(found) == sorted(case.found)
    assert said.conforms is (None if code == "not-checked" else False)
    assert all(one.clause for one in said.findings)


@pytest.mark.parametrize(
    ("code", "clause"),
    [
        ("no-dicomdir", "PS3.11 D.3.3"),
        ("empty-directory", "PS3.11 D.3.3"),
        ("icon-missing", "PS3.11 A.3.3.2"),
        ("icon-size", "PS3.11 B.3.3.2"),
        ("icon-bits", "PS3.11 B.3.3.2"),
        ("icon-photometric", "PS3.11 B.3.3.2"),
        ("key-missing", "PS3.3 F.5.4"),
        ("object-not-for-role", "PS3.11 Table D.3-1"),
        ("jpeg-tables-missing", "PS3.11 J.3.4.2; PS3.5 8.2.1"),
        ("secure-file", "PS3.11 X.3.5"),
        ("file-not-secure", "PS3.11 D.3.5; PS3.15 D.1"),
    ],
)
def test_the_clause_is_that_of_the_profile_where_it_has_one(code: str, clause: str, tmp_path: Path) -> None:
    case = CASES[code]
    folder = case.made().write(tmp_path / "disc")
    case.after(folder)
    said, _ = check(folder, tmp_path, case.claim)

    assert next(one for one in said.findings if one.code == code).clause == clause


def in_folder(folder: Path) -> None:
    """Move the whole File-set a folder down."""
    (folder.parent / "above").mkdir()
    folder.rename(folder.parent / "above" / "DISC")
    (folder.parent / "above").rename(folder)


def without_pixels(dataset: Dataset) -> None:
    del dataset.PixelData


def mislabelled(data: bytes) -> bytes:
    """Say Implicit VR where the Data Set is explicit."""
    return patched(data, at(data, b"1.2.840.10008.1.2.1\0"), b"1.2.840.10008.1.2\0\0\0")


def renamed_in_meta(data: bytes) -> bytes:
    return patched(data, at(data, b"2.25.311.3."), b"2.25.311.4.")


GRAVE_CASES = {
    "consistency-flag": Case(changed(lambda fs: setattr(fs, "flag", 0xFFFF)), [("consistency-flag", "DICOMDIR")]),
    "dicomdir-not-in-root": Case(CT, [("dicomdir-not-in-root", "DICOMDIR")], after=in_folder),
    "inactive-record": Case(recorded(lambda record: record.add_new(0x00041410, "US", 0)), [("inactive-record", IMAGE)]),
    "meta-mismatch": Case(filed(renamed_in_meta), [("meta-mismatch", FILE)]),
    "no-pixel-data": Case(changed(lambda fs: fs.change(fs.of("IMAGE"), without_pixels)), [("no-pixel-data", FILE)]),
    "record-without-file": Case(
        changed(lambda fs: fs.of("SERIES").below.append(without_file(fs))),
        [("record-without-file", "DICOMDIR record 5")],
    ),
    "several-dicomdirs": Case(
        CT,
        [("several-dicomdirs", "DICOMDIR")],
        after=lambda folder: (folder / "DICOM" / "DICOMDIR").write_bytes((folder / "DICOMDIR").read_bytes()),
    ),
    "transfer-syntax-mislabelled": Case(filed(mislabelled), [("transfer-syntax-mislabelled", FILE)]),
}
"""What others tolerate with a warning and a File-set that claims a profile may not have."""


def without_file(fs: FileSet) -> Node:
    node = deepcopy(fs.of("IMAGE"))
    for keyword in ("FileID", "SOPClassUIDInFile", "SOPInstanceUIDInFile", "TransferSyntaxUIDInFile"):
        delattr(node.record, f"Referenced{keyword}")
    return node


@pytest.mark.parametrize("code", sorted(GRAVE))
def test_what_others_tolerate_is_an_error_here(code: str, tmp_path: Path) -> None:
    case = GRAVE_CASES[code]
    folder = case.made().write(tmp_path / "disc")
    case.after(folder)

    said, found = check(folder, tmp_path)

    assert found == case.found
    assert only(said, code).severity is Severity.ERROR
    assert said.conforms is False


def test_nothing_but_codes_is_grave() -> None:
    """Each is a warning elsewhere: an error needs no entry, a note would be raised by two steps."""
    from mediacreator.dicomio.walker_findings import ROWS as WALKED
    from mediacreator.scan.findings import ROWS as SCANNED

    severities = {code: row[0] for code, row in WALKED.items()} | {code: row.severity for code, row in SCANNED.items()}
    assert {severities[code] for code in GRAVE} == {Severity.WARNING}


def test_a_row_gives_way_to_what_is_said_in_particular() -> None:
    plain, special = (
        finding("icon-size", "F1", "it"),
        finding("icon-size", "F1", "it", expected="64", clause="PS3.11 X"),
    )

    assert (plain.expected, plain.clause) == (ROWS["icon-size"][1], ROWS["icon-size"][2])
    assert (special.expected, special.clause, special.remedy) == ("64", "PS3.11 X", plain.remedy)


def test_a_warning_that_is_not_grave_stays_one() -> None:
    warning = replace(finding("icon-size", "F1", "it"), code="several-things", severity=Severity.WARNING)
    assert judged_strictly(warning) == warning


def test_a_sound_file_set_conforms(tmp_path: Path) -> None:
    """What every case above starts from, each of its kind."""
    for number, (profile, made) in enumerate({"STD-GEN-CD": CT, "STD-XABC-CD": XABC, "STD-GEN-USB-JPEG": US}.items()):
        fs = made()
        said, found = check(fs, tmp_path / str(number), profile)
        assert (said.conforms, said.checked, found) == (True, len(fs.files), [])
