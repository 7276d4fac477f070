"""Stage 2: Headers and a Claim of application profiles to a Selection."""

from mediacreator.select.comparing import ContentComparer
from mediacreator.select.fills import PLACEHOLDER_DATE, PLACEHOLDER_TIME
from mediacreator.select.request import Comparer, Likeness, SelectionRequest
from mediacreator.select.selection import select

__all__ = [
    "PLACEHOLDER_DATE",
    "PLACEHOLDER_TIME",
    "Comparer",
    "ContentComparer",
    "Likeness",
    "SelectionRequest",
    "select",
]
