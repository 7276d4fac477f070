"""What the tests of the transcode stage share: instances from files, sources made on the spot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate, generate_frames
from pydicom.uid import UID, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from mediacreator.model import (
    UNDEFINED_LENGTH,
    EncodedInstance,
    Finding,
    Header,
    PixelDataPlace,
    SOPInstance,
    SourceFile,
)
from mediacreator.rules.profile import Option
from mediacreator.transcode import Compression, Encoding, Spool, choose, encode

PYDICOM_FILES = Path(pydicom.__file__).parent / "data" / "test_files"
TARGET = str(ExplicitVRLittleEndian)
KEYWORDS = (
    "Rows",
    "Columns",
    "SamplesPerPixel",
    "BitsAllocated",
    "BitsStored",
    "PixelRepresentation",
    "NumberOfFrames",
    "PhotometricInterpretation",
    "LossyImageCompression",
)


def source_file(path: Path, number: int = 1) -> SourceFile:
    found = path.stat()
    return SourceFile(number, str(path), found.st_size, found.st_mtime_ns)


def instance(path: Path, number: int = 1) -> SOPInstance:
    """Return a file as a SOPInstance, its header read by pydicom."""
    ds = pydicom.dcmread(path, force=True)
    meta = getattr(ds, "file_meta", FileMetaDataset())
    has_meta = "TransferSyntaxUID" in meta
    implicit, little = ds.original_encoding
    inferred = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian if little else "1.2.840.10008.1.2.2"
    header = Header(
        source=source_file(path, number),
        sop_class_uid=str(ds.get("SOPClassUID", "") or meta.get("MediaStorageSOPClassUID", "1.2")),
        sop_instance_uid=str(ds.get("SOPInstanceUID", "") or meta.get("MediaStorageSOPInstanceUID", "1.2")),
        transfer_syntax_uid=str(meta.TransferSyntaxUID if has_meta else inferred),
        dataset_offset=dataset_offset(path),
        has_file_meta=has_meta,
        attributes=_attributes(ds),
        pixel_data=_place(path, ds),
    )
    return SOPInstance(header, "IMAGE", header.attributes)


def moved(found: SOPInstance, path: Path, **header: Any) -> SOPInstance:
    """Return an instance whose source is another file now."""
    return replace(found, header=replace(found.header, source=source_file(path), **header))


def dataset_offset(path: Path) -> int:
    """Return where the Data Set begins: behind the last element of group 0002."""
    data = path.read_bytes()
    position = 132 if data[128:132] == b"DICM" else 0
    while data[position : position + 2] == b"\x02\x00":
        long = data[position + 4 : position + 6] in (b"OB", b"UN")
        at, width = (8, 4) if long else (6, 2)
        length = int.from_bytes(data[position + at : position + at + width], "little")
        position += at + width + length
    return position


def _attributes(ds: Dataset) -> dict[str, bytes]:
    values = {}
    for keyword in KEYWORDS:
        value = ds.get(keyword)
        if value is not None:
            values[keyword] = (
                value.to_bytes(2, "little")
                if isinstance(value, int) and keyword != "NumberOfFrames"
                else (str(value).encode())
            )
    return values


def _place(path: Path, ds: Dataset) -> PixelDataPlace | None:
    if "PixelData" not in ds:
        return None
    data = path.read_bytes()
    at = data.rfind(b"\xe0\x7f\x10\x00")
    if ds.original_encoding[0]:
        return PixelDataPlace("PixelData", at + 8, len(ds.PixelData))
    encapsulated = ds.file_meta.get("TransferSyntaxUID", ExplicitVRLittleEndian).is_encapsulated
    return PixelDataPlace("PixelData", at + 12, UNDEFINED_LENGTH if encapsulated else len(ds.PixelData))


def only(*syntaxes: str) -> Callable[[SOPInstance], tuple[Option, ...]]:
    """Return what a profile says that allows some Transfer Syntaxes for everything."""
    return lambda _: tuple(Option(uid, (), "PS3.11 X.3.1") for uid in syntaxes)


def run(instances: list[SOPInstance], spool: Spool, workers: int = 1) -> Encoding:
    return encode(choose(instances, only(TARGET)), spool, workers=workers)


def write(encoded: EncodedInstance, path: Path) -> Path:
    """Write an EncodedInstance as the medium will hold it."""
    with open(encoded.body.source.path, "rb") as stream:
        stream.seek(encoded.body.offset)
        path.write_bytes(encoded.preamble_and_meta + stream.read(encoded.body.size))
    assert path.stat().st_size == encoded.size
    return path


def image_dataset(
    pixels: np.ndarray[Any, Any], bits: int = 0, *, frames: bool = False, **attributes: object
) -> Dataset:
    """Return a Secondary Capture of native pixels: (rows, columns[, 3]), with frames (frames, rows, columns[, 3])."""
    shape = pixels.shape[1:] if frames else pixels.shape
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = UID("1.2.840.10008.5.1.4.1.1.7")
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = UID("1.2.826.0.1.3680043.8.498.1")
    ds.StudyInstanceUID, ds.SeriesInstanceUID = "1.2.826.0.1.3680043.8.498.2", "1.2.826.0.1.3680043.8.498.3"
    ds.PatientID, ds.PatientName, ds.Modality, ds.ConversionType = "A", "Phantom", "OT", "WSD"
    ds.SamplesPerPixel = 3 if len(shape) == 3 else 1
    ds.PhotometricInterpretation = "RGB" if len(shape) == 3 else "MONOCHROME2"
    if len(shape) == 3:
        ds.PlanarConfiguration = 0
    if frames:
        ds.NumberOfFrames = len(pixels)
    ds.Rows, ds.Columns = shape[:2]
    ds.BitsAllocated = pixels.dtype.itemsize * 8
    ds.BitsStored = bits or ds.BitsAllocated
    ds.HighBit = ds.BitsStored - 1
    ds.PixelRepresentation = int(pixels.dtype.kind == "i")
    data = pixels.tobytes()
    ds.PixelData = data + b"\0" * (len(data) & 1)
    ds["PixelData"].VR = "OB" if ds.BitsAllocated <= 8 else "OW"
    for keyword, value in attributes.items():
        setattr(ds, keyword, value)
    return ds


def encapsulated(ds: Dataset, syntax: str, frames: list[bytes], **options: Any) -> Dataset:
    """Return ``ds`` with its frames as they were encoded by hand."""
    ds.file_meta.TransferSyntaxUID = UID(syntax)
    ds.PixelData = encapsulate(frames, **options)
    ds["PixelData"].VR = "OB"
    ds["PixelData"].is_undefined_length = True
    return ds


def save(ds: Dataset, path: Path) -> Path:
    ds.save_as(path, enforce_file_format=True)
    return path


def picture(bits: int, rows: int = 61, columns: int = 77, seed: int = 3, *, signed: bool = False) -> Any:
    """Return a smooth picture with noise that uses all of ``bits`` bits."""
    y, x = np.mgrid[0:rows, 0:columns]
    noise = np.random.default_rng(seed).integers(0, 8, (rows, columns))
    values = (np.sin(x / 9 + seed) + np.cos(y / 7) + 2) / 4 * (2**bits - 9) + noise
    whole = values.astype(np.int64) - (1 << (bits - 1) if signed else 0)
    kind = "i" if signed else "u"
    return whole.astype(f"<{kind}{1 if bits <= 8 else 2}")


def colour(seed: int = 3, rows: int = 61, columns: int = 77) -> Any:
    planes = [picture(8, rows, columns, seed + k) for k in range(3)]
    return np.ascontiguousarray(np.stack(planes, axis=-1))


def coded(
    found: list[SOPInstance], target: str, spool: Spool, quality: int = 0, workers: int = 1, **changes: Any
) -> Encoding:
    """Code instances into a Transfer Syntax, with loss where there is a quality; ``changes`` are made to the Plan."""
    compression = Compression("lossy", quality) if quality else Compression("lossless")
    plan = choose(found, only(target), compression)
    return encode(replace(plan, **changes), spool, workers=workers)


def transcoded(ds: Dataset, target: str, folder: Path, quality: int = 0, workers: int = 1) -> tuple[Dataset, Encoding]:
    """Return a Data Set as it is on the medium in a Transfer Syntax; its file is ``folder / "coded.dcm"``."""
    with Spool(str(folder)) as spool:
        done = coded([instance(save(ds, folder / "source.dcm"))], target, spool, quality, workers)
        assert not done.rejected, done.rejected[0].finding
        return pydicom.dcmread(write(done.encoded[0], folder / "coded.dcm")), done


def refused(ds: Dataset, target: str, folder: Path, quality: int = 0) -> Finding:
    """Return why a Data Set cannot be had in a Transfer Syntax; nothing of it is left in the spool."""
    with Spool(str(folder)) as spool:
        done = coded([instance(save(ds, folder / "source.dcm"))], target, spool, quality)
        assert not done.encoded
        assert not list(Path(spool.directory).iterdir())
    return done.rejected[0].finding


def native_bytes(path: Path, folder: Path) -> bytes:
    """Return the Pixel Data of a file once we decode it."""
    with Spool(str(folder)) as spool:
        done = run([instance(path)], spool)
        assert not done.rejected, done.rejected[0].finding
        return bytes(pydicom.dcmread(write(done.encoded[0], folder / "native.dcm")).PixelData)


def frames_of(ds: Dataset) -> list[bytes]:
    """Return the coded frames of a Data Set."""
    return list(generate_frames(ds.PixelData, number_of_frames=int(ds.get("NumberOfFrames", 1))))


def largest_difference(a: Any, b: Any) -> int:
    assert a.shape == b.shape
    return int(np.abs(a.astype(np.int64) - b.astype(np.int64)).max())


def signed_as_unsigned(pixels: Any, bits: int) -> Any:
    """Return the low ``bits`` bits of each sample, which is what an encoder without a sign is fed."""
    kind = np.uint8 if bits <= 8 else np.uint16
    return (pixels.astype(np.int64) & ((1 << bits) - 1)).astype(kind)


def encode_by_hand(syntax: str, pixels: Any, bits: int) -> bytes:
    """Return a lossless frame of a Transfer Syntax, named by the end of its UID, as imagecodecs makes it."""
    bare = signed_as_unsigned(pixels, bits)
    if syntax in ("57", "70"):
        return bytes(
            imagecodecs.jpeg8_encode(bare, lossless=True, predictor=1 if syntax == "70" else 4, bitspersample=bits)
        )
    if syntax == "80":
        return bytes(imagecodecs.jpegls_encode(bare))
    if syntax == "90":
        return bytes(imagecodecs.jpeg2k_encode(pixels, codecformat="j2k", level=0, reversible=True, bitspersample=bits))
    if syntax in ("201", "202"):
        return bytes(imagecodecs.htj2k_encode(pixels))
    return bytes(imagecodecs.jpegxl_encode(bare, lossless=True))
