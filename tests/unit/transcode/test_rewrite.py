"""Rewrites: what they name changes at any depth, what they do not name stays, and coded pixels are never touched."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

from mediacreator.dicomio.elements import encode_element, encode_items
from mediacreator.model import SOPInstance
from mediacreator.transcode import Encoding, Spool, choose, convert, encode
from mediacreator.transcode.choose import Compression
from mediacreator.transcode.derive import derive
from mediacreator.transcode.plan import Plan, Rewrite
from mediacreator.transcode.settle import settle
from tests.lossy_set import ELSEWHERE, NAMES, lossy_set, uid
from tests.transcoding import (
    TARGET,
    encapsulated,
    frames_of,
    image_dataset,
    instance,
    moved,
    only,
    picture,
    save,
    transcoded,
    write,
)
from tests.unit.transcode.test_derive import CHANGED, OPTIONS, ORIGIN, instances, planned

RLE, J2K, JPEG_BASELINE = "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.50"
OLD, NEW = "1.2.3.4", "2.25.329800735698586629295641978511506172918"
REWRITE = Rewrite(
    sop_instance_uid="2.25.1",
    overrides=(
        (0x00080018, "UI", b"2.25.1"),
        (0x00082111, "ST", b"How it came about "),
        (0x00082112, "SQ", encode_items([encode_element(0x00081155, "UI", OLD.encode())])),
        (0x7FE10010, "LO", b"PHANTOM "),  # behind the Pixel Data
    ),
    removed=(0x00080014, 0x00280106),
    uid_map={OLD: NEW},
    counts={OLD: 3},
)


def rewritten(found: SOPInstance, folder: Path, target: str, rewrite: Rewrite = REWRITE) -> tuple[Dataset, Encoding]:
    with Spool(str(folder)) as spool:
        done = encode(Plan((found,), (target,), (), 0, 0, rewrites={0: rewrite}), spool)
        assert not done.rejected, done.rejected[0].finding
        return pydicom.dcmread(write(done.encoded[0], folder / "new.dcm")), done


def with_references(ds: Dataset) -> Dataset:
    """Add UIDs, an element that will be left out, and groups on both sides, at several depths."""
    inner, outer = Dataset(), Dataset()
    inner.ReferencedSOPInstanceUID, inner.InstanceCreatorUID, inner.CodeMeaning = OLD, "1.2", OLD
    outer.ReferencedSOPSequence = Sequence([inner, Dataset()])
    outer.FrameOfReferenceUID = "1.2.3.4.5"
    ds.ContentSequence = Sequence([outer])
    ds.InstanceCreatorUID, ds.SmallestImagePixelValue = "1.2", 0
    ds["SmallestImagePixelValue"].VR = "US"
    ds.FailedSOPInstanceUIDList = ["1.2.3", OLD, OLD, "1.2.3.4.5"]
    ds.ImageComments = f"See {OLD}"
    return ds


SYNTAXES = (TARGET, str(ImplicitVRLittleEndian), str(ExplicitVRBigEndian), RLE)


@pytest.mark.parametrize(
    ("syntax", "target"),
    [(one, other) for one in SYNTAXES for other in sorted({TARGET, RLE, one}) if other != ExplicitVRBigEndian],
)
def test_everything_that_is_named_changes_and_nothing_else(syntax: str, target: str, tmp_path: Path) -> None:
    ds = image_dataset(picture(8))
    if syntax == RLE:
        ds, _ = transcoded(ds, RLE, tmp_path)
    ds = with_references(ds)
    ds.file_meta.TransferSyntaxUID = UID(syntax)
    path = save(ds, tmp_path / "a.dcm")
    out, done = rewritten(instance(path), tmp_path, target)

    assert out.file_meta.TransferSyntaxUID == target
    assert out.SOPInstanceUID == out.file_meta.MediaStorageSOPInstanceUID == "2.25.1"
    assert out.DerivationDescription.rstrip() == "How it came about"
    assert out.SourceImageSequence[0].ReferencedSOPInstanceUID == OLD  # ours, which names the source
    assert out[0x7FE10010].value == "PHANTOM"
    item = out.ContentSequence[0]
    assert item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == NEW
    assert (item.ReferencedSOPSequence[0].CodeMeaning, item.FrameOfReferenceUID) == (OLD, "1.2.3.4.5")
    assert len(item.ReferencedSOPSequence) == 2
    assert "InstanceCreatorUID" not in item.ReferencedSOPSequence[0]
    assert "InstanceCreatorUID" not in out
    assert "SmallestImagePixelValue" not in out
    assert out.FailedSOPInstanceUIDList == ["1.2.3", NEW, NEW, "1.2.3.4.5"]
    assert out.ImageComments == f"See {OLD}"
    assert np.array_equal(out.pixel_array, picture(8))
    tags = [int(element.tag) for element in out]
    assert tags == sorted(tags)
    encoded = done.encoded[0]
    assert (encoded.derived_uid, encoded.sop_instance_uid, encoded.remapped, encoded.quality) == ("2.25.1",) * 2 + (
        3,
        0,
    )
    assert encoded.transcoded_from == ("" if target == syntax else syntax)


def test_big_endian_is_not_written(tmp_path: Path) -> None:
    """PS3.5 A.3 is retired; such an instance must be had in another Transfer Syntax."""
    ds = with_references(image_dataset(picture(8)))
    ds.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
    found = instance(save(ds, tmp_path / "a.dcm"))
    with Spool(str(tmp_path)) as spool:
        done = encode(Plan((found,), (str(ExplicitVRBigEndian),), (), 0, 0, rewrites={0: REWRITE}), spool)
    assert [entry.finding.code for entry in done.rejected] == ["unsupported-transfer-syntax"]


@pytest.mark.parametrize("size", [8, 4000])
def test_a_deflated_data_set_is_deflated_again(size: int, tmp_path: Path) -> None:
    """PS3.5 A.5, padded to an even length."""
    ds = with_references(image_dataset(picture(8, 4, 4)))
    ds.ImageComments = "x" * size
    path = save(ds, tmp_path / "a.dcm")
    start = instance(path).header.dataset_offset
    data = path.read_bytes()
    packer = zlib.compressobj(wbits=-15)
    path.write_bytes(data[:start] + packer.compress(data[start:]) + packer.flush())
    syntax = str(DeflatedExplicitVRLittleEndian)
    found = moved(instance(save(ds, tmp_path / "b.dcm")), path, transfer_syntax_uid=syntax)
    out, done = rewritten(found, tmp_path, syntax)

    assert out.file_meta.TransferSyntaxUID == syntax
    assert out.ContentSequence[0].ReferencedSOPSequence[0].ReferencedSOPInstanceUID == NEW
    assert out.ImageComments == "x" * size
    assert done.encoded[0].body.size % 2 == 0


def test_coded_frames_that_stay_in_their_syntax_are_copied_fragment_by_fragment(tmp_path: Path) -> None:
    pixels = np.stack([picture(12, seed=seed) for seed in range(3)])
    ds, _ = transcoded(image_dataset(pixels, 12, frames=True), J2K, tmp_path)
    frames = frames_of(ds)
    ds = encapsulated(with_references(ds), J2K, frames, fragments_per_frame=3)
    path = save(ds, tmp_path / "a.dcm")
    out, _ = rewritten(instance(path), tmp_path, J2K)
    assert bytes(out.PixelData) == bytes(ds.PixelData)

    path.write_bytes(path.read_bytes()[:-8])  # without the last delimiter
    out, done = rewritten(moved(instance(save(ds, tmp_path / "b.dcm")), path), tmp_path, J2K)
    assert frames_of(out) == frames
    assert [finding.code for finding in done.findings] == ["tolerated-encoding"]


def test_a_nested_sequence_of_unknown_vr_stays_as_it_is_in_an_explicit_vr(tmp_path: Path) -> None:
    """PS3.5 6.2.2: it is Implicit VR inside, and who does not know it does not change it."""
    value = OLD.encode() + b"\0"
    inner = struct.pack("<HHI", 0x0008, 0x1155, len(value)) + value
    item = struct.pack("<HHI", 0xFFFE, 0xE000, len(inner)) + inner
    for length, tail in ((len(item), b""), (0xFFFFFFFF, struct.pack("<HHI", 0xFFFE, 0xE0DD, 0))):
        ds = image_dataset(picture(8))
        path = save(ds, tmp_path / "a.dcm")
        found = instance(path)
        element = struct.pack("<HH2sHI", 0x7FE1, 0x1001, b"UN", 0, length) + item + tail
        path.write_bytes(path.read_bytes() + element)
        _, done = rewritten(moved(found, path), tmp_path, TARGET)
        assert element in (tmp_path / "new.dcm").read_bytes()
        assert len(done.encoded) == 1


def test_in_implicit_vr_the_dictionary_tells_what_is_a_uid(tmp_path: Path) -> None:
    ds = with_references(image_dataset(picture(8)))
    ds.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    ds.private_block(0x0099, "TEST", create=True).add_new(0x01, "UI", OLD)
    out, _ = rewritten(instance(save(ds, tmp_path / "a.dcm")), tmp_path, str(ImplicitVRLittleEndian))
    assert out[0x00991001].value == OLD.encode() + b"\0"  # private: nobody knows


# From the choice to the medium


def on_medium(done: Encoding, folder: Path) -> dict[str, Dataset]:
    """Write what was encoded; return it by name."""
    folder.mkdir(exist_ok=True)
    names = {e.instance.header.source.number: NAMES[e.instance.header.source.number - 1] for e in done.encoded}
    return {
        names[e.instance.header.source.number]: pydicom.dcmread(
            write(e, folder / f"{e.instance.header.source.number}.dcm")
        )
        for e in done.encoded
    }


def references(ds: Dataset) -> list[str]:
    """Return every instance that a Data Set refers to, but those that it was made from."""
    found = []
    for element in ds:
        if element.keyword in ("SourceImageSequence", "PredecessorDocumentsSequence"):
            continue
        if element.VR == "SQ":
            found += [uid for item in element.value for uid in references(item)]
        elif element.keyword == "ReferencedSOPInstanceUID":
            found.append(str(element.value))
    return found


@pytest.mark.parametrize("workers", [1, 2])
def test_every_reference_on_the_medium_names_what_is_on_it(workers: int, tmp_path: Path) -> None:
    plan = derive(planned(lossy_set(tmp_path)), ORIGIN)
    with Spool(str(tmp_path)) as spool:
        done = encode(plan, spool, workers=workers)
        assert settle(plan, done, lambda part: encode(part, spool)) is done
        made = on_medium(done, tmp_path / "medium")

    assert made.keys() == set(NAMES)
    there = {ds.SOPInstanceUID for ds in made.values()} | {ELSEWHERE}
    for name in NAMES:
        assert (made[name].SOPInstanceUID != uid(name)) == (name in CHANGED)
        if name != "signed":
            assert set(references(made[name])) <= there, name
    assert references(made["signed"]) == [uid("first")] * 2  # reported, not changed
    assert {name for name, ds in made.items() if ds.get("LossyImageCompression") == "01"} == {"first", "second"}
    for name in ("first", "second"):
        assert made[name].file_meta.TransferSyntaxUID == JPEG_BASELINE
        assert made[name].ImageType[0] == "DERIVED"
    assert made["bits"].file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.4.70"  # labels are never coded with loss
    sources = [item.ReferencedSOPInstanceUID for item in made["bits"].SourceImageSequence]
    assert sources == [made["first"].SOPInstanceUID]


def test_when_an_image_fails_what_refers_to_it_names_the_original_again(tmp_path: Path) -> None:
    paths = lossy_set(tmp_path)
    plan = derive(planned(paths), ORIGIN)
    os.utime(paths["second"], ns=(1, 1))
    with Spool(str(tmp_path)) as spool:
        done = settle(plan, encode(plan, spool), lambda part: encode(part, spool))
        made = on_medium(done, tmp_path / "medium")

    assert [entry.finding.code for entry in done.rejected] == ["source-changed"]
    assert made.keys() == set(NAMES) - {"second"}
    there = {ds.SOPInstanceUID for ds in made.values()} | {ELSEWHERE, uid("second")}
    for name in made.keys() - {"signed"}:
        assert set(references(made[name])) <= there, name
    assert uid("second") in references(made["keys"])
    assert made["state"].SOPInstanceUID == uid("state")  # it refers to nothing that changed any more
    assert made["first"].SOPInstanceUID != uid("first")


def test_all_modes_carry_out_what_was_chosen(tmp_path: Path) -> None:
    paths = lossy_set(tmp_path)
    for mode in ("none", "keep", "lossless", "lossy:60"):
        plan: Plan = derive(choose(instances(paths), lambda _: OPTIONS, Compression.parse(mode)), ORIGIN)
        with Spool(str(tmp_path)) as spool:
            done = encode(plan, spool)
            made = on_medium(done, tmp_path / "medium")
        assert tuple(str(made[name].file_meta.TransferSyntaxUID) for name in NAMES) == plan.targets
        assert [e.quality for e in done.encoded] == [plan.qualities.get(place, 0) for place in range(len(NAMES))]


def test_a_full_disk_while_rewriting_ends_the_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from mediacreator.errors import NoSpace

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    found = instance(save(with_references(image_dataset(picture(8))), tmp_path / "a.dcm"))
    monkeypatch.setattr(convert, "_write", full)
    with Spool(str(tmp_path)) as spool, pytest.raises(NoSpace):
        encode(Plan((found,), (TARGET,), (), 0, 0, rewrites={0: REWRITE}), spool)


def test_only_is_what_a_profile_says(tmp_path: Path) -> None:
    """A Plan without loss needs no Rewrite: instances that fit are copied."""
    found = instance(save(image_dataset(picture(8)), tmp_path / "a.dcm"))
    plan = choose([found], only(TARGET), Compression("lossless"))
    assert plan.is_copied(0)
    assert not Plan((found,), (TARGET,), (), 0, 0, rewrites={0: REWRITE}).is_copied(0)
