"""Tell whether two person names are the same name written differently (PS3.5 6.2.1).

A name is folded to what is left when case, delimiters, punctuation, diacritics and their transliterations are taken
away: Müller, MUELLER and Muller fold alike. Scripts are never transliterated into each other: a name in Cyrillic and
one in Latin letters can be neither equal nor different, and a person is asked. See docs/adr/0003-identity-firewall.md.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache

LONGEST = 400
"""Characters of a name that are compared; PS3.5 6.2.1 allows 64 a component group."""


class Same(IntEnum):
    """How far two names are the same, from the safest on."""

    EQUAL = 0
    ASK = 1  # what there is agrees, but it is not enough: another script, a swapped order, a given name that is missing
    NEAR = 2  # one letter, or a middle name, differs
    FAMILY_CHANGED = 3  # the same given name, another family name
    DIFFERENT = 4


@dataclass(frozen=True, slots=True)
class Written:
    """One component group, folded."""

    position: int  # 0 alphabetic, 1 ideographic, 2 phonetic
    script: str  # LATIN, CJK, KANA, HANGUL, ...; "?" where letters were lost
    components: tuple[tuple[str, ...], ...]  # words of family, given, middle, prefix, suffix
    letters: str  # family, given and middle name without anything between


@dataclass(frozen=True, slots=True)
class PersonName:
    """A person name, folded; ``groups`` without those that are empty."""

    groups: tuple[Written, ...]

    def __bool__(self) -> bool:
        return bool(self.groups)

    @property
    def forms(self) -> tuple[str, ...]:
        """What to look up names by that may be equal."""
        return tuple(sorted({group.letters for group in self.groups}))

    @property
    def completeness(self) -> int:
        """Number of components that are there, over all groups."""
        return sum(bool(words) for group in self.groups for words in group.components)


# Letters that no decomposition takes apart; what casefold does not fold either.
_LETTERS = str.maketrans(
    {"æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ħ": "h", "ı": "i", "ŋ": "n", "ß": "ss"}
)
# Ä is written ae, Ö oe, Ü ue, Å aa. After a vowel or q the e belongs to the name: Bauer, Marquez.
_DIGRAPH = re.compile(r"(?<![aeiouyq])([aou])e|(?<![aeiouyq])aa")
# Marks that are only diacritics: Latin, Greek and Cyrillic accents, Hebrew points, Arabic vowel signs and hamza. The
# sound marks of Kana and the vowel signs of Indic scripts are letters.
_MARKS = re.compile(
    "[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640\u064b-\u065f\u0670]"
)
_APART = re.compile(r"[\s\-\u2010-\u2015_.,;/()\u00b7\u30fb]+")  # between words
_INSIDE = re.compile(r"[^\w\ufffd?\u3099\u309a\u0900-\u0dff\u0e00-\u0fff]")  # apostrophes and the like
_LOST = re.compile("[?\ufffd]+")
_KATAKANA_TO_HIRAGANA = {code: code - 0x60 for code in range(0x30A1, 0x30F7)}

_MALE = frozenset(("mr", "herr", "hr", "monsieur", "sr", "senor", "signor", "sig", "master"))
_FEMALE = frozenset(("mrs", "ms", "miss", "frau", "fr", "madame", "mme", "mlle", "sra", "senora", "signora", "srta"))
_GENERATIONS = {
    "jr": 2,
    "junior": 2,
    "jun": 2,
    "ii": 2,
    "2nd": 2,
    "sr": 1,
    "senior": 1,
    "sen": 1,
    "iii": 3,
    "3rd": 3,
    "iv": 4,
}


@lru_cache(maxsize=8192)
def parse_name(text: str) -> PersonName:
    """Fold a decoded person name; component groups are divided by ``=``, components by ``^``. Source: PS3.5 6.2.1.1."""
    groups = [_written(position, group) for position, group in enumerate(text[:LONGEST].split("=")[:3])]
    return PersonName(tuple(group for group in groups if group.letters))


def compare_names(one: PersonName, other: PersonName) -> Same:
    """Tell how far two names are the same; a name that is empty agrees with every name.

    Groups of one script that stand in the same place are compared; if there are none, groups of one script wherever
    they stand, since many put a name in Han characters first. Where one group is equal and another is not (two ways to
    write Saito), a person is asked.
    """
    if not one or not other:
        return Same.EQUAL
    pairs = [(a, b) for a in one.groups for b in other.groups if a.script == b.script or "?" in (a.script, b.script)]
    found = [_compare_written(a, b) for a, b in pairs if a.position == b.position]
    if not found:
        found = [_compare_written(a, b) for a, b in pairs]
    if not found:
        return Same.ASK
    best, worst = min(found), max(found)
    if best is worst:
        return best
    return Same.ASK if best <= Same.ASK else worst


def _written(position: int, group: str) -> Written:
    components = tuple(_fold(component) for component in group.split("^")[:5])
    components += ((),) * (5 - len(components))
    letters = "".join(word for words in components[:3] for word in words)
    return Written(position, _script(letters), components, letters)


def _fold(component: str) -> tuple[str, ...]:
    """Return the words of a component, folded."""
    decomposed = unicodedata.normalize("NFKD", component.casefold().translate(_LETTERS))
    text = unicodedata.normalize("NFC", _MARKS.sub("", decomposed)).translate(_KATAKANA_TO_HIRAGANA)
    words = (_INSIDE.sub("", word) for word in _APART.split(text))
    return tuple(_DIGRAPH.sub(lambda match: match[0][0], word) for word in words if word)


def _script(letters: str) -> str:
    if _LOST.search(letters):
        return "?"
    scripts = {unicodedata.name(letter, "UNKNOWN").split(" ")[0] for letter in letters if letter.isalpha()}
    if "CJK" in scripts:
        return "CJK"  # with Kana among it, as in 山田^さくら
    if scripts & {"HIRAGANA", "KATAKANA"}:
        return "KANA"
    return "+".join(sorted(scripts)) or "LATIN"


def _compare_written(one: Written, other: Written) -> Same:
    """Compare two groups of the same script."""
    if "?" in (one.script, other.script):
        return (
            Same.ASK if _may_be(one.letters, other.letters) or _may_be(other.letters, one.letters) else Same.DIFFERENT
        )
    if _addressed_differently(one, other):
        return Same.NEAR if one.letters == other.letters else Same.DIFFERENT
    if one.letters == other.letters:
        return Same.EQUAL
    family, given = ("".join(one.components[0]), "".join(other.components[0])), (one.components[1], other.components[1])
    if family[0] == family[1]:
        return _compare_given(one, other)
    if sorted(word for words in one.components[:3] for word in words) == sorted(
        word for words in other.components[:3] for word in words
    ):
        return Same.ASK  # family and given name changed places
    if not all(family):
        return Same.ASK if given[0] == given[1] else Same.DIFFERENT
    if not all(given):
        return Same.DIFFERENT
    if "".join(given[0]) != "".join(given[1]):
        return Same.DIFFERENT
    return Same.NEAR if _one_letter(*family) else Same.FAMILY_CHANGED


def _compare_given(one: Written, other: Written) -> Same:
    """Compare given and middle names below one family name."""
    given = ("".join(one.components[1]), "".join(other.components[1]))
    middle = (one.components[2], other.components[2])
    if given[0] == given[1]:
        if not all(middle) or _initials(*middle):
            return Same.EQUAL
        return Same.NEAR
    if not all(given):
        return Same.ASK
    words = (one.components[1] + middle[0], other.components[1] + middle[1])
    short, long = sorted(words, key=len)
    if long[: len(short)] == short or _initials(*words):
        return Same.ASK
    return Same.NEAR if _one_letter(*given) and _agree(*middle) else Same.DIFFERENT


def _agree(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    return not one or not other or one == other


def _initials(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    """Tell whether words agree where a single letter stands for a word that begins with it."""
    return all(a == b or (1 in (len(a), len(b)) and a[0] == b[0]) for a, b in zip(one, other, strict=False))


def _addressed_differently(one: Written, other: Written) -> bool:
    """Tell whether prefixes or suffixes speak of two persons: Mr and Mrs, senior and junior."""
    prefixes = (frozenset(one.components[3]), frozenset(other.components[3]))
    if any(a & _MALE and b & _FEMALE for a, b in (prefixes, prefixes[::-1])):
        return True
    generations = [
        {_GENERATIONS[word] for word in written.components[4] if word in _GENERATIONS} for written in (one, other)
    ]
    return all(generations) and generations[0] != generations[1]


def _one_letter(one: str, other: str) -> bool:
    """Tell whether two words of 4 letters or more differ by one letter: wrong, missing, too many, or two swapped."""
    if one == other or min(len(one), len(other)) < 4 or abs(len(one) - len(other)) > 1:
        return False
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    a, b = one[start:], other[start:]
    if len(a) == len(b):
        return a[1:] == b[1:] or (a[:2] == b[1::-1] and a[2:] == b[2:])
    return a[1:] == b if len(a) > len(b) else a == b[1:]


def _may_be(spoiled: str, whole: str) -> bool:
    """Tell whether a name could be another in which letters were lost: the rest of it stands there, in order."""
    position = 0
    for piece in _LOST.split(spoiled):
        position = whole.find(piece, position)
        if position < 0:
            return False
        position += len(piece)
    return True
