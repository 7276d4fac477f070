"""mediacreator: media interchange and DICOMDIR authoring for hospitals.

The verbs of the command line as functions, and the values they take and give::

    from mediacreator import CreateRequest, create, open_medium

    receipt = create(CreateRequest(sources=("study/",), output="disc.iso"))
    with open_medium("disc.iso") as medium:
        for patient in medium.patients():
            ...

``create`` makes a medium and returns its receipt, ``plan`` says what it would do, ``open_medium`` reads the DICOMDIR of
a folder, an ISO 9660 image or a ZIP archive, ``verify_medium`` reads every byte again and compares it with the receipt,
``check_file_set`` judges a medium by the application profiles that it claims.
Everything that is raised descends from ``MediaCreatorError``; see ``mediacreator.errors``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mediacreator.creation import CreateRequest, create
    from mediacreator.errors import ExitCode, MediaCreatorError
    from mediacreator.fileset import FileSet, open_fileset
    from mediacreator.medium import Medium, open_medium
    from mediacreator.medium_diff import MediumDiff, diff_media
    from mediacreator.medium_verify import Verification, verify_medium
    from mediacreator.model import Finding, Severity
    from mediacreator.planning import Plan, plan
    from mediacreator.receipt import Receipt
    from mediacreator.select import SelectionRequest
    from mediacreator.settings import Settings, load_settings
    from mediacreator.validate import FileSetCheck, check_file_set

__version__ = "0.1.0"

__all__ = [
    "CreateRequest",
    "ExitCode",
    "FileSet",
    "FileSetCheck",
    "Finding",
    "MediaCreatorError",
    "Medium",
    "MediumDiff",
    "Plan",
    "Receipt",
    "SelectionRequest",
    "Settings",
    "Severity",
    "Verification",
    "__version__",
    "check_file_set",
    "create",
    "diff_media",
    "load_settings",
    "open_fileset",
    "open_medium",
    "plan",
    "verify_medium",
]

_HOMES = {
    "CreateRequest": "mediacreator.creation",
    "create": "mediacreator.creation",
    "ExitCode": "mediacreator.errors",
    "MediaCreatorError": "mediacreator.errors",
    "FileSet": "mediacreator.fileset",
    "open_fileset": "mediacreator.fileset",
    "MediumDiff": "mediacreator.medium_diff",
    "diff_media": "mediacreator.medium_diff",
    "Medium": "mediacreator.medium",
    "open_medium": "mediacreator.medium",
    "Verification": "mediacreator.medium_verify",
    "verify_medium": "mediacreator.medium_verify",
    "Finding": "mediacreator.model",
    "Severity": "mediacreator.model",
    "Plan": "mediacreator.planning",
    "plan": "mediacreator.planning",
    "Receipt": "mediacreator.receipt",
    "SelectionRequest": "mediacreator.select",
    "Settings": "mediacreator.settings",
    "load_settings": "mediacreator.settings",
    "FileSetCheck": "mediacreator.validate",
    "check_file_set": "mediacreator.validate",
}


def __getattr__(name: str) -> object:
    """Import a part of the public API when it is first asked for: starting quickly is part of being quick (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
