"""What ``make test`` installs is what the tests ask for: an oracle that is missing in CI fails, and nobody knew."""

from __future__ import annotations

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
EVERYWHERE = {"dpkg-deb", "iconv", "python3", "sh", "sha256sum"}  # Debian has them, or makes no sense without
TOGETHER = {  # programs that come in the package of another one
    "dcmdump": {
        *("dcmcjpeg", "dcmcjpls", "dcmconv", "dcmcrle", "dcmdjpeg", "dcmdjpls", "dcmdrle", "dcmj2pnm", "dcmmkdir"),
    },
    "dciodvfy": {"dcdirdmp"},
    "ffprobe": {"ffmpeg"},
    "gdcmconv": {"gdcmdump", "gdcmgendir"},
    "isoinfo": {"genisoimage"},
    "mcopy": {"mattrib", "mdel", "mdir", "minfo"},
    "pdftotext": {"pdffonts", "pdfinfo", "pdftoppm"},
    "udfinfo": {"mkudffs"},
    "unzip": {"zipinfo"},
}


def asked_for() -> set[str]:
    """Return every program that a test needs."""
    found = set()
    for path in (ROOT / "tests").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "needs":
                found |= {str(part.value) for part in node.args if isinstance(part, ast.Constant)}
    return found


def test_every_oracle_is_installed_before_the_tests() -> None:
    script = (ROOT / ".ci" / "install-oracles").read_text()
    installed = set(re.findall(r"\[([\w.-]+)\]=", script))
    for program in tuple(installed):
        installed |= TOGETHER.get(program, set())

    assert {"dcmdump", "xorriso"} <= asked_for()
    assert asked_for() - EVERYWHERE - installed == set()
