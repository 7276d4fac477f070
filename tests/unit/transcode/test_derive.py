"""New UIDs spread from lossy images to what refers to them, and only there; what is written says how it came about."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from pydicom.filereader import read_sequence
from pydicom.sequence import Sequence
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

from mediacreator.model import Disposition, EncodedInstance, Finding, Origin, Outcome, Severity, Silent, SOPInstance
from mediacreator.provenance import DerivedUIDs
from mediacreator.rules.profile import Option
from mediacreator.rules.tables import sop_classes
from mediacreator.rules.wanted import wanted
from mediacreator.scan import scan
from mediacreator.transcode.choose import Compression, choose
from mediacreator.transcode.derivation import image_type
from mediacreator.transcode.derive import derive
from mediacreator.transcode.encode import Encoding
from mediacreator.transcode.plan import Plan, Rewrite
from mediacreator.transcode.references import find_references
from mediacreator.transcode.settle import settle
from tests.lossy_set import ELSEWHERE, NAMES, US_IMAGE, lossy_set, uid
from tests.transcoding import source_file

OPTIONS = tuple(Option(f"1.2.840.10008.1.2.{end}", (), "PS3.11 H.3.1") for end in ("1", "4.70", "4.50"))
ORIGIN = Origin(datetime(2026, 11, 24, 15, 4, 5, tzinfo=UTC), DerivedUIDs(b"test"))
CHANGED = {"first", "second", "bits", "keys", "state", "report"}


def instances(paths: dict[str, Path]) -> list[SOPInstance]:
    """Return the files as selection would hand them on, in the order of NAMES."""
    from mediacreator.rules.library import load_profile

    files = [source_file(path, n) for n, path in enumerate(paths.values(), 1)]
    found = scan(files, wanted([load_profile("STD-GEN-CD")]), workers=1, progress=Silent())
    assert not found.others
    return [
        SOPInstance(header, sop_classes()[header.sop_class_uid].record_type, header.attributes)
        for header in sorted(found.headers, key=lambda header: header.source.number)
    ]


def planned(paths: dict[str, Path], compression: str = "lossy:80") -> Plan:
    return choose(instances(paths), lambda _: OPTIONS, Compression.parse(compression))


def rewrites(plan: Plan) -> dict[str, Rewrite]:
    return {NAMES[place]: rewrite for place, rewrite in plan.rewrites.items()}


def element(rewrite: Rewrite, tag: int) -> bytes:
    (found,) = (value for number, _, value in rewrite.overrides if number == tag)
    assert not len(found) & 1
    return found


def items(value: bytes) -> Sequence:
    return read_sequence(BytesIO(value), False, True, len(value), "iso8859")


def codes(plan: Plan) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for finding in plan.findings:
        found.setdefault(NAMES[int(finding.location.split()[1]) - 1], set()).add(finding.code)
    return found


@pytest.mark.parametrize("compression", ["none", "keep", "lossless"])
def test_without_loss_nothing_is_derived_and_nothing_read(
    compression: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = planned(lossy_set(tmp_path), compression)
    monkeypatch.setattr("mediacreator.transcode.derive.find_references", None)
    assert derive(plan, ORIGIN) is plan


def test_new_uids_spread_to_what_refers_to_a_lossy_image_and_no_further(tmp_path: Path) -> None:
    plan = planned(lossy_set(tmp_path))
    assert {NAMES[place] for place in plan.qualities} == {"first", "second"}
    done = derive(plan, ORIGIN)
    found = rewrites(done)

    assert found.keys() == CHANGED
    new = {name: rewrite.sop_instance_uid for name, rewrite in found.items()}
    assert len(set(new.values()) | {uid(name) for name in NAMES}) == len(new) + len(NAMES)
    refers = {
        "first": {"second": 1},
        "second": {"first": 1},
        "bits": {"first": 1},
        "keys": {"first": 2, "second": 2},
        "state": {"second": 1},
        "report": {"first": 2, "keys": 1},
    }
    for name, rewrite in found.items():
        assert rewrite.uid_map == {uid(to): new[to] for to in refers[name]}
        assert rewrite.remapped == sum(refers[name].values())
        assert element(rewrite, 0x00080018).rstrip(b"\0").decode() == rewrite.sop_instance_uid
    assert derive(plan, ORIGIN) == done  # the same job gives the same UIDs


def test_findings_say_what_was_changed_and_what_could_not_be(tmp_path: Path) -> None:
    done = derive(planned(lossy_set(tmp_path)), ORIGIN)
    assert codes(done) == {
        **{name: {"references-remapped"} for name in ("bits", "keys", "state", "report")},
        **{name: {"reference-not-remapped"} for name in ("signed", "text")},
    }
    assert not any("Muster" in str(finding) or "P-1" in str(finding) for finding in done.findings)


def test_a_lossy_image_says_from_what_and_how_it_was_derived(tmp_path: Path) -> None:
    """PS3.3 C.7.6.1.1.2, C.7.6.1.1.5, C.12.4."""
    paths = lossy_set(tmp_path)
    ds = pydicom.dcmread(paths["first"])
    ds.DerivationDescription = "Grün gefärbt"
    ds.InstanceCreatorUID = "1.2.3"
    ds.TimezoneOffsetFromUTC = "-0530"
    ds.DigitalSignaturesSequence = []
    ds.save_as(paths["first"])
    plan = derive(planned(paths), ORIGIN)
    found = rewrites(plan)["first"]

    assert element(found, 0x00080008) == b"DERIVED\\PRIMARY\\ABDOMINAL\\0001"
    assert element(found, 0x00080012) == b"20261124"
    assert element(found, 0x00080013) == b"093405"  # in the time zone that the instance names
    description = element(found, 0x00082111).decode("iso8859-1")
    assert description.startswith("Grün gefärbt; Lossy compression: JPEG Baseline (Process 1), quality 80")
    (source,) = items(element(found, 0x00082112))
    assert (source.ReferencedSOPClassUID, source.ReferencedSOPInstanceUID) == (US_IMAGE, uid("first"))
    assert source.PurposeOfReferenceCodeSequence[0].CodeValue == "121320"
    (derivation,) = items(element(found, 0x00089215))
    assert (derivation.CodeValue, derivation.CodingSchemeDesignator) == ("113040", "DCM")
    assert {0xFFFAFFFA, 0x4FFE0001, 0x00080014, 0x00280106, 0x00280107} == set(found.removed)
    assert [f.code for f in plan.findings if f.location == "source 1"] == ["digital-signature-removed"]


def test_a_second_loss_names_a_lossy_predecessor_and_keeps_the_first(tmp_path: Path) -> None:
    paths = lossy_set(tmp_path)
    ds = pydicom.dcmread(paths["second"])
    ds.LossyImageCompression = "01"
    earlier = pydicom.Dataset()
    earlier.ReferencedSOPClassUID, earlier.ReferencedSOPInstanceUID = US_IMAGE, ELSEWHERE
    ds.SourceImageSequence = [earlier]
    ds.save_as(paths["second"])
    found = rewrites(derive(planned(paths), ORIGIN))["second"]

    sources = items(element(found, 0x00082112))
    assert [item.ReferencedSOPInstanceUID for item in sources] == [ELSEWHERE, uid("second")]
    assert sources[1].PurposeOfReferenceCodeSequence[0].CodeValue == "121330"


def test_a_report_names_its_predecessor_and_other_documents_do_not(tmp_path: Path) -> None:
    """PS3.3 C.17.2: type 1C, where a document holds content of another one."""
    found = rewrites(derive(planned(lossy_set(tmp_path)), ORIGIN))
    (study,) = items(element(found["report"], 0x0040A360))
    series = study.ReferencedSeriesSequence[0]
    assert study.StudyInstanceUID
    assert series.SeriesInstanceUID
    assert series.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == uid("report")
    assert 0x0040A360 not in {tag for tag, _, _ in found["keys"].overrides}


def test_the_keys_of_directory_records_follow(tmp_path: Path) -> None:
    done = derive(planned(lossy_set(tmp_path)), ORIGIN)
    new = {name: rewrite.sop_instance_uid for name, rewrite in rewrites(done).items()}
    first = done.instances[NAMES.index("first")].keys
    assert first["ImageType"].startswith(b"DERIVED\\PRIMARY")
    (item,) = items(first["ReferencedImageSequence"])
    assert item.ReferencedSOPInstanceUID == new["second"]
    state = done.instances[NAMES.index("state")].keys
    image = items(state["ReferencedSeriesSequence"])[0].ReferencedImageSequence[0]
    assert image.ReferencedSOPInstanceUID == new["second"]
    for place in range(len(NAMES)):
        assert done.instances[place].header.sop_instance_uid == uid(NAMES[place])  # the source is what it was


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian])
def test_references_are_found_in_every_encoding(syntax: pydicom.uid.UID, tmp_path: Path) -> None:
    paths = lossy_set(tmp_path)
    read = pydicom.dcmread(paths["keys"])
    ds = pydicom.Dataset({element.tag: element for element in read})  # it does not remember how it was encoded
    ds.file_meta = read.file_meta
    ds.file_meta.TransferSyntaxUID = syntax
    if syntax == DeflatedExplicitVRLittleEndian:
        plain = pydicom.filebase.DicomBytesIO()
        plain.is_little_endian, plain.is_implicit_VR = True, False
        pydicom.filewriter.write_dataset(plain, ds)
        packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        body = packer.compress(plain.getvalue()) + packer.flush()
        meta = pydicom.filebase.DicomBytesIO()
        pydicom.filewriter.write_file_meta_info(meta, ds.file_meta)
        paths["keys"].write_bytes(bytes(128) + b"DICM" + meta.getvalue() + body + b"\0" * (len(body) & 1))
    else:
        ds.save_as(paths["keys"], implicit_vr=syntax.is_implicit_VR, little_endian=syntax.is_little_endian)
    (found,) = (i for i in instances(paths) if i.header.sop_instance_uid == uid("keys"))

    references = find_references(found.header, {uid(name) for name in NAMES})
    assert references.replaceable == {uid("first"): 2, uid("second"): 2}
    assert not references.elsewhere
    assert not references.signed


def test_a_uid_in_a_private_sequence_of_unknown_vr_is_not_called_replaceable(tmp_path: Path) -> None:
    paths = lossy_set(tmp_path)
    ds = pydicom.dcmread(paths["alone"])
    ds.add_new(0x00990010, "LO", "INVENTED")
    ds.add_new(0x00991001, "UN", uid("first").encode() + b"\0" * (len(uid("first")) & 1))
    ds.save_as(paths["alone"])
    done = derive(planned(paths), ORIGIN)
    assert "alone" not in rewrites(done)
    assert codes(done)["alone"] == {"reference-not-remapped"}


def test_an_instance_that_cannot_be_read_is_reported_and_left_as_it_is(tmp_path: Path) -> None:
    paths = lossy_set(tmp_path)
    plan = planned(paths)
    paths["keys"].unlink()
    done = derive(plan, ORIGIN)
    assert "keys" not in rewrites(done)
    assert codes(done)["keys"] == {"reference-not-remapped"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", b"DERIVED\\SECONDARY"),
        (b"ORIGINAL\\PRIMARY", b"DERIVED\\PRIMARY"),
        (b"ORIGINAL ", b"DERIVED\\SECONDARY"),
        (b"ORIGINAL\\\\AXIAL ", b"DERIVED\\SECONDARY\\AXIAL"),
        (b"DERIVED\\SECONDARY\\X\\\\Y", b"DERIVED\\SECONDARY\\X\\\\Y"),
    ],
)
def test_image_types(before: bytes, after: bytes) -> None:
    assert image_type(before) == after


def fake(failing: set[str]) -> Callable[[Plan], Encoding]:
    """Return what encodes a Plan, but for some instances that it rejects."""

    def encode(plan: Plan) -> Encoding:
        made, rejected = [], []
        for place, instance in enumerate(plan.instances):
            header = instance.header
            if header.sop_instance_uid in failing:
                finding = Finding("corrupt-codestream", Severity.ERROR, header.source.location, "w", "e", "c", "r")
                rejected.append(Disposition(header.source, Outcome.REJECTED, finding))
                continue
            rewrite = plan.rewrites.get(place, Rewrite())
            body = EncodedInstance(instance, plan.targets[place], b"", None)  # type: ignore[arg-type]  # not looked at
            made.append(replace(body, derived_uid=rewrite.sop_instance_uid, remapped=rewrite.remapped))
        return Encoding(tuple(made), tuple(rejected), plan.findings)

    return encode


def test_when_everything_is_encoded_nothing_is_done_twice(tmp_path: Path) -> None:
    plan = derive(planned(lossy_set(tmp_path)), ORIGIN)
    done = fake(set())(plan)
    assert settle(plan, done, fake({uid(name) for name in NAMES})) is done


def test_references_to_an_image_that_could_not_be_encoded_are_taken_back(tmp_path: Path) -> None:
    plan = derive(planned(lossy_set(tmp_path)), ORIGIN)
    encode = fake({uid("second")})
    done = settle(plan, encode(plan), encode)

    by_name = {NAMES[int(e.instance.header.source.location.split()[1]) - 1]: e for e in done.encoded}
    assert by_name.keys() == set(NAMES) - {"second"}
    derived = {name for name, encoded in by_name.items() if encoded.derived_uid}
    assert derived == {"first", "bits", "keys", "report"}
    assert {name: by_name[name].remapped for name in derived} == {"first": 0, "bits": 1, "keys": 2, "report": 3}
    (image,) = items(by_name["state"].instance.keys["ReferencedSeriesSequence"])[0].ReferencedImageSequence
    assert image.ReferencedSOPInstanceUID == uid("second")
    assert [entry.finding.code for entry in done.rejected] == ["corrupt-codestream"]
    assert [e.instance.header.source.number for e in done.encoded] == sorted(
        e.instance.header.source.number for e in done.encoded
    )


def test_when_no_lossy_image_is_left_everything_is_as_it_was(tmp_path: Path) -> None:
    plan = derive(planned(lossy_set(tmp_path)), ORIGIN)
    encode = fake({uid("first"), uid("second")})
    done = settle(plan, encode(plan), encode)
    assert not any(encoded.derived_uid or encoded.remapped for encoded in done.encoded)
    assert not any(finding.code == "references-remapped" for finding in done.findings)
