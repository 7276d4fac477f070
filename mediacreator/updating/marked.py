"""A medium that is marked as checked for viruses: nothing comes onto it that was not checked.

Source: DRG requirements for patient media 2.2.3.
"""

from __future__ import annotations

from mediacreator.errors import MediumError
from mediacreator.updating.held import Told
from mediacreator.virus_check import CLAUSE

NEW_MEDIUM = "Make a new medium of it and the sources with -o."


def require_unmarked(told: Told, remedy: str = NEW_MEDIUM) -> None:
    """Refuse to add to a medium that is marked as checked for viruses.

    Args:
        told: What its receipt says, the one beside it or the one on it: ``Held.told`` or ``told_by_receipt``.
        remedy: What to do instead.

    Raises:
        MediumError: It is marked.

    Source: DRG 2.2.3.
    """
    if told.entry is not None and told.entry.virus_check is not None:
        raise MediumError(
            f"This medium is marked as checked for viruses on {told.entry.virus_check.date}, so that nothing may be "
            f"added to it [{CLAUSE}]. {remedy}"
        )
