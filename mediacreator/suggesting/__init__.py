"""Say which application profiles hold what the sources hold, and choose one (PS3.11).

Headers are read once, with what every profile looks at; those that all rules judge alike are judged once.
"""

from __future__ import annotations

from mediacreator.suggesting.all_profiles import Suggestion, Suggestions, suggest
from mediacreator.suggesting.choosing import AUTO, Choice, candidates, choose_profile
from mediacreator.suggesting.weighing import Reason
from mediacreator.suggesting.writable import lacking

__all__ = [
    "AUTO",
    "Choice",
    "Reason",
    "Suggestion",
    "Suggestions",
    "candidates",
    "choose_profile",
    "lacking",
    "suggest",
]
