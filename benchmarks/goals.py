"""Compare a figure with its goal."""

from __future__ import annotations

from typing import Any


def at_least(figure: float, goal: float) -> dict[str, Any]:
    """Return a goal that a figure must reach."""
    return {"figure": round(figure, 2), "at_least": goal, "reached": figure >= goal}


def at_most(figure: float, goal: float) -> dict[str, Any]:
    """Return a goal that a figure must not exceed."""
    return {"figure": round(figure, 2), "at_most": goal, "reached": figure <= goal}
