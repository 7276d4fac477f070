"""Second witnesses of our tables: the standard restated as facts, and the disagreements that are known."""

from __future__ import annotations

import tomllib
from pathlib import Path

HERE = Path(__file__).parent
KNOWN = HERE.parent / "known_disagreements.toml"

Disagreement = tuple[str, str, str]
"""What it is about, what we say, what the witness says."""


def facts(name: str) -> list[list[str]]:
    """Return the rows of a restatement; see restate.py."""
    lines = (HERE / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines if not line.startswith("#")]


def known(witness: str, about: str) -> set[Disagreement]:
    """Return the disagreements with a witness that are listed with their reason and clause."""
    cases = tomllib.loads(KNOWN.read_text(encoding="utf-8"))["case"]
    return {
        (what, case["ours"], case["theirs"])
        for case in cases
        if (case["witness"], case["about"]) == (witness, about)
        for what in case["what"]
    }


def differences(ours: dict[str, str], theirs: dict[str, str]) -> set[Disagreement]:
    """Return where two tables differ; what is missing on one side is ``absent`` there."""
    return {
        (what, ours.get(what, "absent"), theirs.get(what, "absent"))
        for what in ours.keys() | theirs.keys()
        if ours.get(what) != theirs.get(what)
    }
