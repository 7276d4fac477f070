"""Say which SOP Classes and UIDs can be on the medium, and why not (PS3.4 I.4, PS3.11 X.3.1, PS3.3 F.4)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from mediacreator.model import Disposition, Finding, Header, Outcome, Severity
from mediacreator.rules import uids
from mediacreator.rules.claim import Claim
from mediacreator.rules.tables import edition, record_types, sop_classes

STANDARD_ROOT = "1.2.840.10008."
"""The root of every UID that the standard itself gives (PS3.5 9)."""

LONGEST_UID = 64
"""Characters (PS3.5 9.1)."""

is_proper_uid = re.compile(r"(?=.{1,64}\Z)(?:0|[1-9][0-9]*)(?:\.(?:0|[1-9][0-9]*))+").fullmatch
"""Match a UID as PS3.5 9.1 asks for."""

HELD = "held"
"""In place of a SOP Class UID: a header that stands for a record which the File-set holds already."""

_READABLE = re.compile(r"[0-9][0-9.]*").fullmatch


@dataclass(frozen=True, slots=True)
class Admission:
    """How instances of a SOP Class go on the medium."""

    record_type: str
    private_record_uid: str = ""
    at_root: bool = False  # they belong to no patient
    remark: Finding | None = None  # once for all instances, its location still empty


HELD_ALREADY = Admission(HELD)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why instances do not go on the medium."""

    outcome: Outcome
    finding: Finding  # its location still empty

    def of(self, header: Header) -> Disposition:
        """Return what became of one instance."""
        finding = replace(self.finding, location=header.source.location)
        return Disposition(header.source, self.outcome, finding, header.sop_instance_uid)


def admit(sop_class_uid: str, claim: Claim, private_sop_classes: Mapping[str, str]) -> Admission | Refusal:
    """Decide about a SOP Class.

    A UID below the root of the standard that no table holds is a class newer than our edition: it would need a record
    type that we do not know, so it is refused as an error. Any other is a vendor's own: no profile can hold it, routine
    studies carry it, and it is left out with a note or taken as the site's allow-list says.

    Source: PS3.4 I.4 and B.6 (what can be stored), PS3.3 F.2.1 (each file needs a record), F.6.1 (PRIVATE).
    """
    if not sop_class_uid or not _READABLE(sop_class_uid):
        return _refuse_unreadable_class(sop_class_uid)
    if sop_class_uid == uids.MEDIA_STORAGE_DIRECTORY:
        return _DIRECTORY
    known = sop_classes().get(sop_class_uid)
    if known is None:
        return _admit_unknown(sop_class_uid, private_sop_classes)
    what = f"SOPClassUID (0008,0016) is {sop_class_uid} ({known.name})"
    if not claim.accepts(sop_class_uid):
        return Refusal(
            Outcome.REJECTED,
            Finding(
                "sop-class-not-in-profile",
                Severity.ERROR,
                "",
                what,
                f"a SOP Class of {claim.id}",
                claim.clause,
                "Choose a profile that holds it, or send the instance another way.",
            ),
        )
    if not known.record_type:
        return Refusal(
            Outcome.REJECTED,
            Finding(
                "no-record-type",
                Severity.ERROR,
                "",
                what,
                "a SOP Class with a directory record type, since every file must be referenced",
                "PS3.3 F.2.1",
                "It cannot be on a medium with a DICOMDIR: send it another way.",
            ),
        )
    return Admission(
        known.record_type,
        at_root=record_types()[known.record_type].at_root,
        remark=_remark(what, known.status, known.clause),
    )


def uid_problem(uid: str) -> str:
    """Return what is wrong with a UID, "" for nothing, beginning with "!" where no reader could find it by that.

    Source: PS3.5 9.1. Leading zeros and empty components are common in old instances, and readers compare UIDs as text:
    they are tolerated. Other characters and more than 64 of them break the DICOMDIR and the File Meta Information.
    """
    if is_proper_uid(uid):
        return ""
    if not uid:
        return "!is missing or empty"
    if len(uid) > LONGEST_UID:
        return f"!has {len(uid)} characters"
    if not _READABLE(uid):
        return "!has characters other than digits and dots"
    return "has components that are empty or begin with zero, or only one component"


def refuse_uid(keyword: str, tag: str, problem: str) -> Refusal:
    """Return why an instance with a UID nobody can use stays off: a UID cannot be invented without a new instance."""
    return Refusal(
        Outcome.REJECTED,
        Finding(
            f"{_KEBAB[keyword]}-unusable",
            Severity.ERROR,
            "",
            f"{keyword} {tag} {problem.lstrip('!')}",
            "digits and dots, at most 64 characters",
            "PS3.5 9.1",
            "Export the instance again from where it came; its UID cannot be invented.",
        ),
    )


def tolerate_uid(keyword: str, tag: str, problem: str, location: str, count: int) -> Finding:
    """Return the warning about UIDs that are kept as they are."""
    return Finding(
        "uid-syntax",
        Severity.WARNING,
        location,
        f"{keyword} {tag} {problem}" + (f", in {count} instances" if count > 1 else ""),
        "components without leading zeros",
        "PS3.5 9.1",
        "Kept as it is: readers compare UIDs as text. Have the equipment that gives such UIDs corrected.",
    )


UIDS = {
    "SOPInstanceUID": "(0008,0018)",
    "StudyInstanceUID": "(0020,000D)",
    "SeriesInstanceUID": "(0020,000E)",
}
"""The UIDs an instance cannot be without, and their tags as people read them."""

_KEBAB = {
    "SOPInstanceUID": "sop-instance-uid",
    "StudyInstanceUID": "study-instance-uid",
    "SeriesInstanceUID": "series-instance-uid",
}

_DIRECTORY = Refusal(
    Outcome.LEFT_OUT,
    Finding(
        "directory-as-instance",
        Severity.NOTE,
        "",
        "SOPClassUID (0008,0016) is that of a DICOMDIR",
        "an instance",
        "PS3.3 F.2.1",
        "The medium gets a DICOMDIR of its own.",
    ),
)


def _refuse_unreadable_class(sop_class_uid: str) -> Refusal:
    found = "has characters other than digits and dots" if sop_class_uid else "is missing or empty"
    return Refusal(
        Outcome.REJECTED,
        Finding(
            "sop-class-uid-unusable",
            Severity.ERROR,
            "",
            f"SOPClassUID (0008,0016) {found}",
            "the UID of a Storage SOP Class",
            "PS3.5 9.1; PS3.10 7.1",
            "Export the instance again from where it came.",
        ),
    )


def _admit_unknown(sop_class_uid: str, private_sop_classes: Mapping[str, str]) -> Admission | Refusal:
    if sop_class_uid.startswith(STANDARD_ROOT):
        return Refusal(
            Outcome.REJECTED,
            Finding(
                "sop-class-unknown",
                Severity.ERROR,
                "",
                f"SOPClassUID (0008,0016) is {sop_class_uid}",
                f"a Media Storage SOP Class of edition {edition()}",
                "PS3.4 I.4",
                "A newer version of mediacreator may know it; until then send the instance another way.",
            ),
        )
    if sop_class_uid in private_sop_classes:
        return Admission("PRIVATE", private_sop_classes[sop_class_uid] or sop_class_uid)
    return Refusal(
        Outcome.LEFT_OUT,
        Finding(
            "private-sop-class",
            Severity.NOTE,
            "",
            f"SOPClassUID (0008,0016) is {sop_class_uid}, a vendor's own",
            "a Media Storage SOP Class, or one that private_sop_classes in the settings lists",
            "PS3.4 I.4",
            "Nothing: only the vendor's software can read it. List it in the settings to take it along.",
        ),
    )


def _remark(what: str, status: str, clause: str) -> Finding | None:
    if status == "retired":
        return Finding(
            "sop-class-retired",
            Severity.NOTE,
            "",
            what,
            "a current SOP Class",
            clause,
            "It is on the medium: PS3.4 B.6 still permits it.",
        )
    if status == "newer":
        return Finding(
            "sop-class-newer",
            Severity.NOTE,
            "",
            what,
            f"a SOP Class of edition {edition()}",
            clause,
            "It is on the medium; older readers may not know it.",
        )
    return None
