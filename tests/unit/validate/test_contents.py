"""What lies on a medium, and how a Secure DICOM File is told (PS3.10 7.4, PS3.15 D.1, RFC 5652)."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from mediacreator.formats import open_tree
from mediacreator.model import Silent
from mediacreator.rules.wanted import wanted
from mediacreator.validate.contents import head_of, is_secure, read_contents
from tests.discs import image
from tests.filesets import FileSet, without_meta
from tests.oracles import needs
from tests.unit.validate.checked import sound

ENVELOPED, SIGNED, DIGESTED = (bytes.fromhex(f"06092a864886f70d01070{n}") for n in (3, 2, 5))
"""Content types of CMS: the object identifiers as they are encoded."""


@pytest.mark.parametrize("kind", [ENVELOPED, SIGNED, DIGESTED, bytes.fromhex("060b2a864886f70d0109100117")])
@pytest.mark.parametrize("length", ["80", "7f", "81ff", "820400", "8400100000"])
def test_a_cms_message_is_secure(kind: bytes, length: str) -> None:
    """ContentInfo is a SEQUENCE of definite or indefinite length that begins with its content type."""
    assert is_secure(b"\x30" + bytes.fromhex(length) + kind + b"\xa0\x80")


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\x30",
        b"\x30\x80",
        b"\x30\x80" + bytes(20),  # a sequence of something else, as an X.509 certificate
        b"\x31\x80" + ENVELOPED,
        b"\x00" * 128,
        b"\x30\x88" + ENVELOPED,  # a length of 8 bytes, which the identifier would be part of
        bytes.fromhex("3082010a0609608648016503040201"),  # an algorithm of another arc
    ],
)
def test_other_files_are_not(head: bytes) -> None:
    assert not is_secure(head)


@needs("openssl")
def test_openssl_makes_files_that_are_told(tmp_path: Path) -> None:
    """What PS3.15 D.1 asks for, made by a program that shares no code with ours, in its three encodings."""
    (tmp_path / "F").write_bytes(next(iter(sound("STD-GEN-CD", "ANY CT").files.values())))
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=Invented", "-days", "2"]
    run(*request, "-keyout", tmp_path / "key", "-out", tmp_path / "certificate")
    encrypt = ["openssl", "cms", "-encrypt", "-binary", "-aes-256-cbc", "-in", tmp_path / "F", "-outform", "DER"]
    for name, more in {"DEFINITE": [], "STREAMED": ["-stream", "-indef"]}.items():
        run(*encrypt, *more, "-out", tmp_path / name, tmp_path / "certificate")
        assert is_secure((tmp_path / name).read_bytes()[:32]), name
    sign = ["openssl", "cms", "-sign", "-binary", "-nodetach", "-outform", "DER", "-in", tmp_path / "F"]
    run(*sign, "-signer", tmp_path / "certificate", "-inkey", tmp_path / "key", "-out", tmp_path / "SIGNED")
    assert is_secure((tmp_path / "SIGNED").read_bytes()[:32])


def run(*command: object) -> None:
    subprocess.run([str(part) for part in command], check=True, capture_output=True, timeout=60)


def mixed() -> FileSet:
    """Return a File-set with one file of each sort."""
    fs = sound("STD-GEN-CD", "ANY CT")
    (data,) = fs.files.values()
    fs.files |= {
        "CUT": data[:-200],
        "BARE": without_meta(data),
        "TEXT.TXT": b"read me",
        "EMPTY": b"",
        "SECURE": b"\x30\x80" + ENVELOPED + bytes(400),
        "MEDIA/LABEL.XML": b"<x/>",
    }
    return fs


@pytest.mark.parametrize("form", ["folder", "zip", "iso"])
def test_each_file_is_of_one_sort(form: str, tmp_path: Path) -> None:
    folder = mixed().write(tmp_path / "disc")
    path = folder
    if form == "zip":
        path = Path(shutil.make_archive(str(tmp_path / "disc"), "zip", folder))
    elif form == "iso":
        tree_of = {str(one.relative_to(folder)): one.read_bytes() for one in sorted(folder.rglob("*")) if one.is_file()}
        path = Path(image(tmp_path, tree_of).path)
    with open_tree(str(path)) as tree:
        files = [file for file in tree.files() if file.path != ("DICOMDIR",)]
        found = read_contents(tree, files, wanted(), workers=1, progress=Silent())

    assert found.headers.keys() == {("DICOM", "F00001"), ("BARE",)}
    assert {path: one.code for path, one in found.damaged.items()} == {("CUT",): "truncated-pixel-data"}
    assert found.secure == {("SECURE",)}
    assert found.foreign == {("TEXT.TXT",), ("EMPTY",), ("MEDIA", "LABEL.XML")}
    assert set(found.sources) == found.headers.keys() | found.damaged.keys() | found.secure | found.foreign


def test_remarks_stand_by_their_file(tmp_path: Path) -> None:
    fs = sound("STD-GEN-CD", "ANY CT")
    fs.change(fs.of("IMAGE"), lambda dataset: delattr(dataset, "PixelData"))
    with open_tree(str(fs.write(tmp_path))) as tree:
        files = [file for file in tree.files() if file.path != ("DICOMDIR",)]
        found = read_contents(tree, files, wanted(), workers=1, progress=Silent())

    assert {path: [one.code for one in said] for path, said in found.remarks.items()} == {
        ("DICOM", "F00001"): ["no-pixel-data"]
    }


def test_the_head_of_what_cannot_be_read_is_empty(tmp_path: Path) -> None:
    (tmp_path / "F").write_bytes(b"12345678" * 10)
    with open_tree(str(tmp_path)) as tree:
        assert head_of(tree, ("F",)) == b"12345678" * 4
        assert head_of(tree, ("G",)) == b""
