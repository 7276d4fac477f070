"""Each row of file_systems.csv, provoked: by a program that makes media otherwise, or by one change of ours."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mediacreator.errors import InternalError, SourceUnreadable
from mediacreator.formats import FatTree, open_tree
from mediacreator.medium import Medium, find_dicomdir
from mediacreator.model import Finding, Severity
from mediacreator.rules import tables
from mediacreator.rules.tables import media_formats
from mediacreator.suiting import check_file_system, rows
from mediacreator.suiting.predicates import PREDICATES
from mediacreator.suiting.rows import file_system_rows
from mediacreator.suiting.sticks import _FIELDS
from mediacreator.suiting.volumes import JudgedFat, OnIt
from tests.discs import directory, raw_image, record
from tests.discs import image as write_image
from tests.filesets import FileSet
from tests.oracles import needs, run
from tests.sticks import stick
from tests.udf import Raw, udf_image
from tests.unit.suiting.test_own_media import made
from tests.unit.validate.checked import sound

TREE = {"DICOMDIR": b"no directory", "DICOM/F00001": b"no instance"}
Maker = Callable[[Path], Path | str]


# --- makers ----------------------------------------------------------------------------------------------------------


@cache
def _sound() -> FileSet:
    return sound("STD-GEN-CD", "ANY CT Image")


def file_set(folder: Path) -> Path:
    """A File-set in a folder, and a file beside it."""
    made_of = _sound().write(folder / "SET")
    (made_of / "README.TXT").write_text("read me")
    return made_of


def changed(maker: Maker, *changes: tuple[bytes, bytes]) -> Maker:
    """Replace bytes of what another maker makes: all of them, each of which must be there."""

    def make(folder: Path) -> Path:
        path = Path(maker(folder))
        data = path.read_bytes()
        for before, after in changes:
            assert before in data
            data = data.replace(before, after)
        path.write_bytes(data)
        return path

    return make


def genisoimage(*options: str) -> Maker:
    def make(folder: Path) -> Path:
        run("genisoimage", "-quiet", "-iso-level", "1", *options, "-o", folder / "disc.iso", file_set(folder))
        return folder / "disc.iso"

    return make


CD = genisoimage("-V", "TEST", "-sysid", "")


def raw_iso(position: int, value: int) -> Maker:
    """A disc by hand with one file, of whose Directory Record a byte is another."""

    def make(folder: Path) -> Path:
        one = bytearray(record(b"A.;1", 30, 3))
        one[position] = value
        last = record(b"A.;1", 31, 3) if value == 0x80 else b""
        (folder / "raw.iso").write_bytes(raw_image({20: directory(20, 20, bytes(one), last)}))
        return folder / "raw.iso"

    return make


def raw_udf(change: Callable[[Raw], object], revision: str = "1.50") -> Maker:
    def make(folder: Path) -> str:
        raw = Raw(TREE, revision)
        change(raw)
        return raw.write(folder)

    return make


def primary(form: str, *values: object, at: int, tag: int = 1) -> Maker:
    """Change the descriptors of a kind, the reserve ones too."""

    def change(raw: Raw) -> None:
        for one in raw.all(tag):
            raw.put(one.block * 2048, form, *values, at=at)

    return raw_udf(change)


def permissions(value: int, revision: str = "1.50", kind: int = 5) -> Maker:
    """Change the permissions of files, or of directories (kind 4)."""

    def change(raw: Raw) -> None:
        for place in raw.entries(kind):
            raw.put(place, "<I", value, at=44)

    return raw_udf(change, revision)


def mkudffs(*options: str) -> Maker:
    def make(folder: Path) -> Path:
        run("mkudffs", "--new-file", "-b", "2048", *options, folder / "made.udf", "4096")
        return folder / "made.udf"

    return make


def vfat(*options: str, size: str = "8M", name: str = "F00001") -> Maker:
    """A stick as mkfs.vfat and mcopy make it, without a partition."""

    def make(folder: Path) -> Path:
        path = folder / "stick.img"
        run("truncate", "-s", size, path)
        run("mkfs.vfat", *options, path)
        of = file_set(folder)
        (of / "DICOM" / "F00001").rename(of / "DICOM" / name)
        run("mcopy", "-s", "-i", path, *of.iterdir(), "::/")
        return path

    return make


def too_small(folder: Path) -> Path:
    """FAT32 of less clusters than FAT32 has: mtools refuse to write to it."""
    path = folder / "small.img"
    run("truncate", "-s", "4M", path)
    run("mkfs.vfat", "-F", "32", "-s", "1", path)
    return path


def hidden(folder: Path) -> Path:
    path = Path(vfat("-F", "16", "-s", "1")(folder))
    run("mattrib", "-i", path, "+h", "::/DICOM/F00001")
    return path


def fat(kind: str, change: Callable[[bytearray], object] = lambda _: None) -> Maker:
    """A stick of ours, changed."""

    def make(folder: Path) -> Path:
        path = Path(stick(folder, TREE, kind).path)
        data = bytearray(path.read_bytes())
        change(data)
        path.write_bytes(data)
        return path

    return make


def of_type(kind: int) -> Callable[[bytearray], object]:
    return lambda data: data.__setitem__(446 + 4, kind)


def archive(*names: str, method: int = zipfile.ZIP_STORED) -> Maker:
    def make(folder: Path) -> Path:
        doubled = len(set(names)) < len(names)  # zipfile writes it and warns
        with (
            pytest.warns(UserWarning, match="Duplicate name") if doubled else nullcontext(),
            zipfile.ZipFile(folder / "made.zip", "w") as out,
        ):
            for name in names:
                out.writestr(zipfile.ZipInfo(name), b"data" * 99, method)
        return folder / "made.zip"

    return make


def mail(key: str) -> Maker:
    return lambda folder: made(folder / "source", key)


ZIP_MAIL, MIME = mail("zip_mail"), mail("mime")


# --- what each row finds ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A medium that is not as it should be."""

    code: str
    media: str  # keys of the media that it is taken for, joined with spaces
    maker: Maker
    also: str = ""  # codes that go with it, joined with spaces


OLD = "file-system-unsuited udf-interchange-level"  # UDF 1.50 is none of a BD; mkudffs has 3 as highest level

CASES = (
    Case("file-system-unsuited", "cd_r usb sd zip zip_mail mime", raw_udf(lambda _: None)),
    Case("file-system-unsuited", "dvd_ram bd mod_90_2g3", CD),
    Case("file-system-unsuited", "dvd", vfat("-F", "16", "-s", "1")),
    Case("file-system-unsuited", "usb cf mmc sd", vfat("-F", "12"), "fat-geometry"),
    Case("file-system-unsuited", "mod_130_4g1", fat("fat_stick"), "fat-boot-sector fat-geometry"),
    Case("file-system-discouraged", "dvd_ram", primary("<H", 0x102, at=240, tag=6)),
    Case("file-system-discouraged", "mmc sd", vfat("-F", "32", "-s", "1", size="40M")),
    Case("iso-name", "cd_r", changed(CD, (b"F00001.;1", b"f00001.;1"))),
    Case("iso-other-name", "cd_r", changed(CD, (b"README.TXT;1", b"Read-m.TXT;1"))),
    Case("iso-name-form", "cd_r", genisoimage("-V", "TEST", "-sysid", "", "-N")),
    Case("iso-version", "cd_r dvd", changed(CD, (b"F00001.;1", b"F00001.;2"))),
    Case("iso-several-extents", "cd_r", raw_iso(25, 0x80)),
    Case("iso-extended-attributes", "cd_r", raw_iso(1, 1)),
    Case("iso-file-flags", "cd_r dvd", raw_iso(25, 0x10)),
    Case("iso-system-identifier", "cd_r", genisoimage("-V", "TEST")),
    Case("iso-volume-identifier", "cd_r", genisoimage("-V", "OTHER", "-sysid", "")),
    Case("iso-extension", "cd_r", genisoimage("-V", "TEST", "-sysid", "", "-J")),
    Case("iso-extension", "cd_r", genisoimage("-V", "TEST", "-sysid", "", "-R")),
    Case("udf-partition-map", "dvd_ram bd", mkudffs("--media-type=cdrw", "-r", "1.50"), OLD),
    Case("udf-several-volumes", "dvd_ram dvd", primary("<H", 2, at=58)),
    Case("udf-interchange-level", "dvd_ram dvd", primary("<H", 3, at=62)),
    Case("udf-character-set", "dvd_ram dvd", primary("<24s", b"\0Other Compressed Unicode", at=20, tag=6)),
    Case("udf-file-version", "dvd_ram dvd", raw_udf(lambda raw: raw.put(raw.identifiers()[1], "<H", 2, at=16))),
    Case("udf-not-readable", "dvd_ram dvd", permissions(0x7C00), "udf-not-writable"),
    Case("udf-not-writable", "dvd_ram dvd", permissions(0x1084)),
    Case(
        "udf-not-writable",
        "bd",
        permissions(0x14A5, "2.60", kind=4),
    ),
    Case("fat-sector-size", "mod_130_4g1", fat("fat16_mod_90"), "fat-boot-sector fat-geometry"),
    Case("fat-sector-size", "mod_90_2g3", fat("fat16_mod_130"), "fat-geometry"),
    Case("fat-type-unclear", "usb", too_small),
    Case("fat-partition-type", "usb cf", fat("fat_stick", of_type(0x83))),
    Case("fat-partition-type", "mmc sd", fat("fat16_card", of_type(0x07))),
    Case("fat-short-name", "usb mmc", vfat("-F", "16", "-s", "1", name="F00001.DCM")),
    Case("fat-hidden-file", "usb sd", hidden),
    Case("zip-method", "zip zip_mail", archive("DICOMDIR", method=zipfile.ZIP_BZIP2)),
    Case("zip-name", "zip", archive("DICOM\\F00001")),
    Case("zip-name", "zip_mail", archive("/DICOMDIR", "C:A")),
    Case("zip-duplicate", "zip", archive("DICOMDIR", "DICOMDIR")),
    Case("zip-too-deep", "zip", archive("/".join("123456789"))),
    Case("mail-subject", "zip_mail", changed(ZIP_MAIL, (b"DICOM-ZIP", b"My images"))),
    Case("mail-attachment", "zip_mail", changed(ZIP_MAIL, (b'name="DICOM.ZIP"', b'name="OTHER.ZIP"'))),
    Case("mail-multipart", "mime", changed(MIME, (b"multipart/mixed", b"multipart/digest"))),
    Case(
        "mail-part-type",
        "mime",
        changed(MIME, (b"Content-Type: application/dicom", b"Content-Type: application/octet-stream")),
    ),
    Case("mail-part-id", "mime", changed(MIME, (b'id="DICOM/', b'id="dicom/'))),
    Case("mail-part-name", "mime", changed(MIME, (b'.dcm"\r\nContent-T', b'.bin"\r\nContent-T'))),
)


def judged(path: Path | str, key: str | None) -> tuple[Finding, ...]:
    with open_tree(str(path)) as tree:
        medium = None
        with suppress(SourceUnreadable):  # no DICOMDIR, or none that can be read: the medium alone is asked
            medium = Medium(tree, find_dicomdir(tree)[0])
        return check_file_system(tree, medium, media_formats()[key] if key else None)


@needs("genisoimage", "mkudffs", "mkfs.vfat", "mcopy", "mattrib")
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.code} {case.media}")
def test_each_rule_is_broken_once_and_nothing_else(case: Case, tmp_path: Path) -> None:
    path = case.maker(tmp_path)
    severities = {row.code: row.severity for row in file_system_rows()}
    for key in case.media.split():
        found = judged(path, key)
        codes = [one.code for one in found]
        assert case.code in codes, key
        assert {*codes} <= {case.code, *case.also.split()}, key
        assert all(one.clause and one.remedy and one.severity is severities[one.code] for one in found)
        assert not [one for one in found if "F0000" in str(one)]  # a foreign name may be a patient's


def test_every_row_is_broken_by_a_case() -> None:
    broken = {(case.code, key) for case in CASES for key in case.media.split()}
    broken |= {(row.code, key) for row in BOOT_ROWS for key in row.media}
    assert [row for row in file_system_rows() if broken.isdisjoint((row.code, key) for key in row.media)] == []


BOOT_ROWS = tuple(row for row in file_system_rows() if row.predicate == "boot_field")
KINDS = {"mod_130_4g1": "fat16_mod_130", "mod_90_2g3": "fat16_mod_90", "mmc": "fat16_card", "sd": "fat16_card"}


def test_each_field_of_the_boot_sector_is_looked_at(tmp_path: Path) -> None:
    """PS3.12 Table A.2-1, M.2, Q.2. The volume is opened first: with some values none would be found any more."""
    images = {}
    for kind in {*KINDS.values()}:
        (tmp_path / kind).mkdir()
        images[kind] = stick(tmp_path / kind, TREE, kind).path
    for row in BOOT_ROWS:
        for key in row.media:
            name, _, values = row.argument.partition("=")
            with FatTree(images[KINDS[key]]) as tree:
                volume = JudgedFat(tree, OnIt(None, {}))
                assert not [*PREDICATES[row.predicate].test(volume, row.argument)], row
                offset, size = _FIELDS[name]
                other = next(one for one in range(256) if one not in [int(value, 0) for value in values.split(";")])
                boot = bytearray(volume.boot)
                boot[offset : offset + size] = other.to_bytes(size, "little")
                volume.boot = bytes(boot)
                (said,) = PREDICATES[row.predicate].test(volume, row.argument)
                assert said.what.startswith(f"{name} is ")


@pytest.mark.parametrize(
    ("before", "after", "what"),
    [
        (b"Content-Type: application/zip", b"Content-Type: application/x-zip", "type is another"),
        (b'id="DICOM.ZIP"', b'id="dicom.zip"', "id is another"),
        (b'filename="DICOM.ZIP"', b'filename="STUDY.ZIP"', "filename is another"),
        (b"Disposition: attachment;", b"Disposition: inline;", "disposition is another"),
        (b' id="DICOM.ZIP";\r\n', b"", "id is absent"),
    ],
)
def test_each_header_of_an_archive_in_a_mail_is_looked_at(
    before: bytes, after: bytes, what: str, tmp_path: Path
) -> None:
    """PS3.11 L.3.2."""
    (found,) = judged(changed(ZIP_MAIL, (before, after))(tmp_path), "zip_mail")
    assert (found.code, found.location, found.what) == ("mail-attachment", "part 2", f"its {what}")


# --- which medium it is ----------------------------------------------------------------------------------------------

DISCS = ("cd_r", "dvd_ram", "dvd", "bd")
STICKS = ("usb", "cf", "mmc", "sd")


@needs("genisoimage", "mkudffs", "mkfs.vfat", "mcopy")
@pytest.mark.parametrize(
    ("maker", "suits", "discouraged"),
    [
        (CD, ("cd_r", "dvd"), ()),
        (genisoimage("-iso-level", "3", "-V", "TEST", "-sysid", ""), ("cd_r", "dvd"), ()),
        (genisoimage("-udf", "-V", "TEST", "-sysid", ""), ("cd_r", "dvd"), ("dvd_ram",)),
        (raw_udf(lambda _: None), ("dvd_ram", "dvd"), ()),
        (mkudffs("-r", "1.02"), ("dvd",), ("dvd_ram",)),
        (mkudffs("-r", "2.01"), ("dvd",), ()),
        (raw_udf(lambda _: None, "2.50"), ("bd",), ()),
        (raw_udf(lambda _: None, "2.60"), ("bd",), ()),
        (vfat("-F", "12"), (), ()),
        (vfat("-F", "16", "-s", "1"), STICKS, ()),
        (vfat("-F", "32", "-s", "1", size="40M"), ("usb", "cf"), ("mmc", "sd")),
    ],
    ids=[
        "iso",
        "iso-3",
        "bridge",
        "udf-1.50",
        "udf-1.02",
        "udf-2.01",
        "udf-2.50",
        "udf-2.60",
        "fat12",
        "fat16",
        "fat32",
    ],
)
def test_media_and_file_systems(
    maker: Maker, suits: tuple[str, ...], discouraged: tuple[str, ...], tmp_path: Path
) -> None:
    """Section 9 of the reference of PS3.12: which of today's discs and sticks may carry what."""
    path = maker(tmp_path)
    for key in (*DISCS, *STICKS):
        codes = {one.code for one in judged(path, key)}
        assert ("file-system-unsuited" in codes) is (key not in (*suits, *discouraged)), key
        assert ("file-system-discouraged" in codes) is (key in discouraged), key


@needs("genisoimage", "mkfs.vfat", "mcopy")
@pytest.mark.parametrize(
    ("maker", "codes"),
    [
        (genisoimage("-V", "OTHER", "-J", "-R"), []),  # a DVD may be all that
        (vfat("-F", "12"), ["file-system-unsuited"]),  # no stick may, and no MO disk of today is so small
        (hidden, ["fat-hidden-file"]),  # on whatever it is
        (archive("a\\b", "a\\b2"), ["zip-name"]),
        (lambda folder: file_set(folder), []),
    ],
    ids=["disc", "fat12", "hidden", "archive", "folder"],
)
def test_a_medium_of_no_known_kind_is_taken_for_what_it_suits_best(
    maker: Maker, codes: list[str], tmp_path: Path
) -> None:
    found = judged(maker(tmp_path), None)
    assert [one.code for one in found] == codes


def test_places_are_counted(tmp_path: Path) -> None:
    (found,) = judged(archive("a\\b", "a\\c", "/d")(tmp_path), "zip")
    assert found.what.endswith("; 2 more like it")
    assert found.location == "member 1"


def test_an_archive_with_a_copy_of_a_disc_is_not_taken_for_the_disc(tmp_path: Path) -> None:
    assert judged(archive("a\\b")(tmp_path), "cd_r") == ()


@pytest.mark.parametrize("kind", ["iso", "bridge", "udf", "fat", "zip", "mail"])
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_damaged_media_end_in_findings(
    data: st.DataObject, kind: str, damaged: Callable[[str], bytes], tmp_path: Path
) -> None:
    """Bytes of descriptors, directories and headers flipped; nothing but a refusal to read it is ever raised."""
    image = bytearray(damaged(kind))
    places = [at for at, byte in enumerate(image[: 1 << 20]) if byte]
    for _ in range(data.draw(st.integers(1, 8))):
        image[data.draw(st.sampled_from(places))] = data.draw(st.integers(0, 255))
    path = tmp_path / "damaged"
    path.write_bytes(image)
    with suppress(SourceUnreadable):
        assert all(one.what and len(one.what) < 120 for one in judged(path, None))


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], bytes]:
    """Small media of ours, to be damaged."""
    folder = tmp_path_factory.mktemp("sound")
    made_of: dict[str, Callable[[], Path | str]] = {
        "iso": lambda: write_image(folder, TREE).path,
        "udf": lambda: udf_image(folder, TREE, "2.60"),
        "bridge": lambda: made(folder / "bridge", "dvd", udf=True),
        "fat": lambda: stick(folder, TREE, "fat16_mod_130").path,
        "zip": lambda: archive(*TREE)(folder),
        "mail": lambda: made(folder / "mail", "zip_mail"),
    }
    return cache(lambda kind: Path(made_of[kind]()).read_bytes()[: 1 << 20])


# --- the table -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("iso_version,1", "iso_ancient,1"),
        ("iso-version,cd_r;dvd", "iso-version,cd_r;laserdisc"),
        ("warning,version 1,", "warning,,"),
        ("fat_short_name,,warning", "fat_short_name,,grave"),
    ],
)
def test_a_slip_in_the_table_is_refused(before: str, after: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = tables._read("file_systems.csv")
    assert before in whole
    monkeypatch.setattr(tables, "_read", lambda _name: whole.replace(before, after))
    with pytest.raises((InternalError, ValueError)):
        rows.file_system_rows.__wrapped__()


def test_severities_are_of_the_code() -> None:
    """docs/errors.md tells one severity of each."""
    severities: dict[str, set[Severity]] = {}
    for row in file_system_rows():
        severities.setdefault(row.code, set()).add(row.severity)
    assert [code for code, found in severities.items() if len(found) > 1] == []
