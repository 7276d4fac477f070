"""INDEX.HTM before the judges: the W3C's own DTD, and a browser."""

from __future__ import annotations

import html
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from mediacreator.content.index import index_htm
from mediacreator.content.readme import readme_txt
from mediacreator.model import Missing, Outcome, Volume
from mediacreator.receipt import to_json, travelling_json
from mediacreator.settings import Contact, Institution, Settings, Texts
from tests.headers import header
from tests.oracles import needs, run
from tests.unit.receipt.jobs import job, medium, travelling
from tests.volumes import ORIGIN, digest, disposition, finding, instance, patient, renumbered, study, volume

CATALOG = Path("/etc/xml/w3c-sgml-lib.xml")
"""Where the Debian package w3c-sgml-lib says which file the DTD of XHTML 1.0 Strict is."""

needs_dtd = pytest.mark.skipif(not CATALOG.exists() and not os.environ.get("CI"), reason="not installed: w3c-sgml-lib")

SITE = Settings(
    institution=Institution("市立病院 & <Söhne>", "", "放射線科", ("1-2-3", "東京"), "1", "a@b.example", "b.example"),
    contact=Contact("Image desk", "2", "", "9-17"),
    texts=Texts(disclaimer='"quoted" <b>', privacy="a & b"),
)

NAMES = {
    "western": "Müller^Hans-Jürgen^Karl^Dr.",
    "japanese": "Yamada^Tarou=山田^太郎=やまだ^たろう",
    "arabic": "محمد^عبد الرحمن",
    "hostile": "</h2><script>document.write(1)</script>^&amp;\x01\u202e",
    "nobody": "",
}


def page(name: str, studies: int = 1, dated: int = 0) -> Volume:
    """A medium that makes every branch of the template show; series ``dated`` of a study has a date of its own."""
    attributes = {
        "PatientName": name.encode(),
        "SpecificCharacterSet": "ISO_IR 192",
        "SeriesDate": "20250102",
        "StudyDescription": "頭部 <CT>".encode(),
        "InstitutionName": "مستشفى".encode(),
        "SeriesDescription": b"A" * 64,
    }
    parts = [study([[instance(header(n, **attributes))]]) for n in range(1, 1 + studies)]  # type: ignore[arg-type]
    parts.append(study([[instance(header(90))]], filled=("StudyDate",), StudyDate=b"19000101"))
    parts.append(study([[instance(header(91))]], filled=("StudyDate",), StudyDate=b"20250203"))
    many = [[instance(header(100 + n, SeriesDate="20250101" if n == dated else None))] for n in range(201)]
    parts.append(study(many))
    people = [patient(parts), patient([study([[instance(header(92))]])], filled=("PatientID",))]
    return renumbered(volume(people, [instance(header(93), "HANGING PROTOCOL")]), 2, 3)


def write_page(made: Volume, path: Path, settings: Settings = SITE) -> Path:
    gone = (disposition(1), disposition(2, Outcome.NOT_DICOM, "not-dicom"))
    lost = (Missing("/x/DICOMDIR", finding("file-missing")),)
    file = index_htm(made, "STD-GEN-CD", settings, ORIGIN, dispositions=gone, missing=lost, placeholder_date="19000101")
    path.write_bytes(file.data)
    return path


@needs("xmllint")
@needs_dtd
@pytest.mark.parametrize("name", NAMES)
def test_it_is_valid_xhtml_1_strict(name: str, tmp_path: Path) -> None:
    """Against the DTD of the W3C, from the Debian package w3c-sgml-lib; --nonet: nothing is fetched."""
    whole = write_page(page(NAMES[name], studies=3), tmp_path / "INDEX.HTM")
    undated = write_page(page(NAMES[name], dated=-1), tmp_path / "UNDATED.HTM")
    small = tmp_path / "SMALL.HTM"
    small.write_bytes(index_htm(medium(1), "STD-GEN-CD", Settings(), ORIGIN).data)

    run("xmllint", "--nonet", "--noout", "--valid", whole)
    run("xmllint", "--nonet", "--noout", "--valid", undated)
    run("xmllint", "--nonet", "--noout", "--valid", small)


@needs("xmllint")
@needs_dtd
def test_xmllint_would_say_when_it_is_not(tmp_path: Path) -> None:
    path = write_page(page("A^B"), tmp_path / "INDEX.HTM")
    path.write_text(path.read_text("utf-8").replace("<h1>", '<h1 bgcolor="red">'), "utf-8")

    assert "No declaration for attribute bgcolor" in run("xmllint", "--nonet", "--noout", "--valid", path, rc=4)


def browsed(path: Path) -> str:
    """Return the document as the browser built it, as HTML text, without script."""
    profile = tempfile.mkdtemp(prefix="chromium-")
    try:
        dom = run(
            "chromium",
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            f"--user-data-dir={profile}",
            "--dump-dom",
            path.as_uri(),
        )
        return dom.replace("\u200b", "")
    finally:
        shutil.rmtree(profile, ignore_errors=True)


@needs("chromium")
def test_a_browser_shows_names_of_every_script(tmp_path: Path) -> None:
    people = [patient([study([[instance(header(n, PatientName=name.encode(), SpecificCharacterSet="ISO_IR 192"))]])])
              for n, name in enumerate(NAMES.values(), 1)]  # fmt: skip
    dom = browsed(write_page(volume(people), tmp_path / "INDEX.HTM"))

    for name in ("Müller, Hans-Jürgen Karl (Dr.)", "Yamada, Tarou", "山田 太郎", "やまだ たろう", "محمد, عبد الرحمن"):
        assert name in dom, name
    assert "Patient without a name" in dom
    assert html.escape("</h2><script>document.write(1)</script>", quote=False) in dom
    assert "<script" not in dom
    assert "<title>Medical images on this medium</title>" in dom
    assert "This medium is not complete: 2 files could not be put on it." in dom


@needs("sha256sum", "python3", "sh")
def test_the_check_that_the_documentation_gives_finds_a_flipped_byte(tmp_path: Path) -> None:
    """docs/receipt.md: without our program, with what a Linux machine has."""
    (tmp_path / "DICOMDIR").write_bytes(b"directory")
    made = medium(1)
    receipt = travelling(job([made]))
    paths = [tuple(file.path.split("/")) for file in receipt.media[0].files]
    for path in paths:
        tmp_path.joinpath(*path).parent.mkdir(parents=True, exist_ok=True)
        tmp_path.joinpath(*path).write_bytes("/".join(path).encode())
    (tmp_path / "RECEIPT.JSN").write_bytes(travelling_json(receipt, {path: digest(*path) for path in paths}))
    page_text = (Path(__file__).parents[2] / "docs" / "receipt.md").read_text(encoding="utf-8")
    command = page_text.split("    cd /media/cdrom\n")[1].split("\n\n")[0].replace("\n    ", "\n").strip()

    assert "DICOMDIR: OK" in run("sh", "-c", f"cd '{tmp_path}'; {command}")
    (tmp_path / "DICOMDIR").write_bytes(b"DICOMDIr")
    assert "DICOMDIR: FAILED" in run("sh", "-c", f"cd '{tmp_path}'; {command}", rc=1)


@needs("file")
def test_readme_is_plain_text(tmp_path: Path) -> None:
    path = tmp_path / "README.TXT"
    path.write_bytes(readme_txt(medium(1), "STD-GEN-CD", SITE, ORIGIN).data)

    assert "ASCII text, with CRLF line terminators" in run("file", path)


@needs("python3")
def test_receipts_are_json_for_others(tmp_path: Path) -> None:
    path = tmp_path / "RECEIPT.JSN"
    path.write_bytes(to_json(travelling(job([medium(2)])), travelling=True))

    assert '"state": "complete"' in run("python3", "-m", "json.tool", path)
