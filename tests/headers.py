"""Make Headers as the scan would, without files: for tests of the stages after it."""

from __future__ import annotations

from mediacreator.model import Attributes, Container, Header, PixelDataPlace, SourceFile

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
MR_IMAGE = "1.2.840.10008.5.1.4.1.1.4"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
ROOT = "1.2.826.0.1.3680043.10.999"
"""Of invented instances."""

PERSON = {
    "PatientName": "Muster^Anna",
    "PatientID": "P-1",
    "PatientBirthDate": "19610203",
    "PatientSex": "F",
}
"""An invented patient."""

_UID_KEYWORDS = ("SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID")


def source(number: int, *, size: int = 1000, path: str = "") -> SourceFile:
    """Return a SourceFile as the scan would number it."""
    return SourceFile(number, path or f"/sources/{number:06d}", size, 1_700_000_000_000_000_000, Container.FILE)


def header(
    number: int = 1,
    *,
    sop_class: str = CT_IMAGE,
    uid: str | None = None,
    study: str = "1",
    series: str = "1",
    transfer_syntax: str = EXPLICIT_LITTLE,
    pixel_data: PixelDataPlace | None = None,
    encoding: str = "ascii",
    file: SourceFile | None = None,
    **attributes: str | bytes | None,
) -> Header:
    """Return the Header of an invented CT image of one patient.

    Args:
        number: Of its source, from 1; also its Instance Number and the end of its SOP Instance UID.
        sop_class: SOP Class UID.
        uid: SOP Instance UID where it is not ``ROOT.9.number``.
        study: End of the Study Instance UID, "" for none.
        series: End of the Series Instance UID, which does not hold the study's; "" for none.
        transfer_syntax: Transfer Syntax UID.
        pixel_data: Place of its Pixel Data.
        encoding: Python's name of the character set that text values are encoded in.
        file: The SourceFile where it is not ``source(number)``.
        attributes: Values by keyword, over those of ``PERSON`` and of an ordinary study; None removes one.
    """
    values: dict[str, str | bytes | None] = {
        **PERSON,
        "SOPClassUID": sop_class,
        "SOPInstanceUID": uid if uid is not None else f"{ROOT}.9.{number}",
        "StudyInstanceUID": f"{ROOT}.1.{study}" if study else None,
        "SeriesInstanceUID": f"{ROOT}.2.{series}" if series else None,
        "StudyDate": "20240102",
        "StudyTime": "101112",
        "StudyID": "S1",
        "StudyDescription": "CT of the head",
        "AccessionNumber": "A1",
        "Modality": "CT",
        "SeriesNumber": "1",
        "InstanceNumber": str(number),
        **attributes,
    }
    encoded = {key: _encoded(key, value, encoding) for key, value in values.items() if value is not None}
    return Header(
        source=file or source(number),
        sop_class_uid=sop_class,
        sop_instance_uid=str(values["SOPInstanceUID"] or ""),
        transfer_syntax_uid=transfer_syntax,
        dataset_offset=350,
        has_file_meta=True,
        attributes=encoded,
        pixel_data=pixel_data,
    )


def _encoded(keyword: str, value: str | bytes, encoding: str) -> bytes:
    """Return a value as it lies in a file, padded to even length; bytes are taken as they are."""
    if isinstance(value, bytes):
        return value
    data = value.encode(encoding)
    return data + (b"\0" if keyword in _UID_KEYWORDS else b" ") if len(data) % 2 else data


def text(attributes: Attributes, keyword: str) -> str:
    """Return an ASCII value without its padding."""
    return attributes[keyword].decode("ascii").rstrip(" \0")
