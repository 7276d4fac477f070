"""The fonts of labels: open ones that Python packages carry, and those that a site adds.

FiraGO (SIL OFL 1.1) has Latin, Greek, Cyrillic, Arabic, Hebrew, Thai, Devanagari and Georgian; Noto Sans CJK (SIL OFL
1.1) has Chinese, Japanese and Korean. ``pip install mediacreator[labels]`` brings both.
"""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from mediacreator.errors import ToolMissing, UsageError

_PACKAGES = ("fpdf", "uharfbuzz", "segno", "pymupdf_fonts", "cvttf_NotoSansCJK_Regular")
_CJK = "NotoSansCJKtc-Regular.otf"


def require_packages() -> None:
    """Refuse to begin where the packages for labels are not installed.

    Raises:
        ToolMissing: With what to install.
    """
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        raise ToolMissing(
            f'Labels need packages that are not installed: pip install "mediacreator[labels]" ({missing[0]}).'
        )


def write_base_fonts(folder: Path) -> tuple[str, str]:
    """Write FiraGO, which its package holds compressed, where it can be opened; return both paths, the bold last."""
    paths = []
    for name in ("figo", "figbo"):
        path = folder / f"{name}.ttf"
        path.write_bytes(_base_font(name))
        paths.append(str(path))
    return paths[0], paths[1]


@cache
def _base_font(name: str) -> bytes:
    import pymupdf_fonts

    data = pymupdf_fonts.fontbuffers[name]()
    assert isinstance(data, bytes)
    return data


def fallbacks(texts: Iterable[str], base: str, given: Sequence[str]) -> tuple[str, ...]:
    """Return the fonts that are needed besides the base, those of the site first.

    Args:
        texts: All that is drawn.
        base: Path of the base font.
        given: Paths of fonts of the site.

    Raises:
        UsageError: A letter is in none of them: a box in its place would be no name.
    """
    lacking = {char for text in texts for char in text if not _is_unseen(char)} - coverage(base)
    chosen = []
    for path in (*given, *([_cjk()] if lacking else [])):
        if lacking & coverage(path):
            chosen.append(path)
            lacking -= coverage(path)
    if lacking:
        scripts = Counter(unicodedata.name(char, "unnamed").split(" ")[0].lower() for char in lacking)
        raise UsageError(
            f"the fonts lack {len(lacking)} letters that the label needs ({', '.join(scripts)}): give one with --font."
        )
    return tuple(chosen)


@cache
def coverage(path: str) -> frozenset[str]:
    """Return the characters that a font can draw.

    Raises:
        UsageError: It is no font, or cannot be read.
    """
    from fontTools.ttLib import TTFont, TTLibError

    try:
        with TTFont(path, lazy=True, fontNumber=0) as font:
            return frozenset(map(chr, font.getBestCmap() or ()))
    except (OSError, TTLibError) as exc:
        raise UsageError(f"{os.path.basename(path)}: no font that can be used ({type(exc).__name__})") from exc


def _cjk() -> str:
    spec = find_spec("cvttf_NotoSansCJK_Regular")
    assert spec is not None
    assert spec.origin is not None
    return str(Path(spec.origin).parent / _CJK)


def _is_unseen(char: str) -> bool:
    return unicodedata.category(char) in ("Cf", "Cc", "Zs", "Zl", "Zp")
