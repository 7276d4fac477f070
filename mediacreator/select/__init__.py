"""Stage 2: Headers and a Claim of application profiles to a Selection."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mediacreator.select.comparing import ContentComparer
    from mediacreator.select.fills import PLACEHOLDER_DATE, PLACEHOLDER_TIME
    from mediacreator.select.request import Comparer, Excluded, Likeness, SelectionRequest
    from mediacreator.select.selection import select

__all__ = [
    "PLACEHOLDER_DATE",
    "PLACEHOLDER_TIME",
    "Comparer",
    "ContentComparer",
    "Excluded",
    "Likeness",
    "SelectionRequest",
    "select",
]

_MODULES = {
    **dict.fromkeys(("Comparer", "Excluded", "Likeness", "SelectionRequest"), "request"),
    **dict.fromkeys(("PLACEHOLDER_DATE", "PLACEHOLDER_TIME"), "fills"),
    "ContentComparer": "comparing",
    "select": "selection",
}


def __getattr__(name: str) -> object:
    """Import what is asked for: who only weighs profiles needs little of the stage, and the start counts."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
