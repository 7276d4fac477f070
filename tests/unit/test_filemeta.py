"""The bytes before the Data Set, read back by pydicom (PS3.10 7.1)."""

from __future__ import annotations

import subprocess
import sys
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.filereader import dcmread

from mediacreator.dicomio.filemeta import (
    IMPLEMENTATION_CLASS_UID,
    IMPLEMENTATION_VERSION_NAME,
    preamble_and_meta,
)

CT = "1.2.840.10008.5.1.4.1.1.2"
EXPLICIT = "1.2.840.10008.1.2.1"
uids = st.from_regex(r"[12](\.(0|[1-9][0-9]{0,8})){1,6}", fullmatch=True).filter(lambda uid: len(uid) <= 64)


@given(uids, uids, st.sampled_from(["1.2.840.10008.1.2", EXPLICIT, "1.2.840.10008.1.2.4.90"]))
def test_pydicom_reads_every_element_of_group_2(sop_class: str, instance: str, syntax: str) -> None:
    data = preamble_and_meta(sop_class, instance, syntax)

    meta = dcmread(BytesIO(data)).file_meta

    assert data[:132] == bytes(128) + b"DICM"
    assert len(data) % 2 == 0
    assert meta.FileMetaInformationGroupLength == len(data) - 132 - 12
    assert meta.FileMetaInformationVersion == b"\x00\x01"
    assert (meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID) == (sop_class, instance)
    assert (meta.TransferSyntaxUID, meta.ImplementationClassUID) == (syntax, IMPLEMENTATION_CLASS_UID)
    assert meta.ImplementationVersionName == IMPLEMENTATION_VERSION_NAME
    assert [int(element.tag) & 0xFFFF for element in meta] == [0x00, 0x01, 0x02, 0x03, 0x10, 0x12, 0x13]


def test_a_uid_of_odd_length_is_padded_with_nul_and_one_of_64_fits() -> None:
    assert b"UI\x04\x001.2\x00" in preamble_and_meta(CT, "1.2", EXPLICIT)
    assert b"UI\x40\x00" + b"1" * 64 in preamble_and_meta(CT, "1" * 64, EXPLICIT)


@pytest.mark.parametrize("instance", ["1" * 65, "1" * 66, "1.2.é"])
def test_a_uid_that_cannot_be_written_is_refused(instance: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        preamble_and_meta(CT, instance, EXPLICIT)


def test_names_of_the_implementation_are_as_table_7_1_1_asks() -> None:
    assert IMPLEMENTATION_CLASS_UID.startswith("2.25.")
    assert len(IMPLEMENTATION_CLASS_UID) <= 64
    assert 1 <= len(IMPLEMENTATION_VERSION_NAME) <= 16
    assert IMPLEMENTATION_VERSION_NAME.isascii()


def test_it_imports_no_pydicom() -> None:
    code = "import sys, mediacreator.dicomio.filemeta; print('pydicom' in sys.modules, 'numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
