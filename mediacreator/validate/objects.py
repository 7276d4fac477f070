"""Check the instances of a File-set, each as it lies there, against its profiles (PS3.11 X.3.1, X.3.4)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from mediacreator.errors import MediumError
from mediacreator.model import Finding, Header, Severity
from mediacreator.rules.claim import Claim
from mediacreator.rules.judge import judge, objects_of, options
from mediacreator.rules.profile import ApplicationProfile
from mediacreator.rules.tables import sop_classes, transfer_syntaxes
from mediacreator.scan.findings import finding as scan_finding
from mediacreator.transcode.interchange import frames_without_tables, what_lacks
from mediacreator.validate.rows import finding, judged_strictly

_ALL_ROLES_WRITE = ("FSC", "FSU")
_FORBIDDEN = "X"


def speaking(claim: Claim, header: Header, location: str, role: str) -> tuple[ApplicationProfile, ...]:
    """Return the profiles whose keys and icons the record of a file has to have.

    Those that allow the file as it lies there; where none does, the one that has a place for it and least against it.
    """
    verdicts = [(profile, judged(profile, header, location, role)) for profile in claim.profiles]
    covering = tuple(profile for profile, found in verdicts if not _errors(found))
    if covering:
        return covering
    profile, _ = min(verdicts, key=lambda verdict: _weight(verdict[0], header, verdict[1]))
    return (profile,) if options(profile, header.attributes, header.sop_class_uid) else ()


def judged(profile: ApplicationProfile, header: Header, location: str, role: str) -> tuple[Finding, ...]:
    """Return what one profile has against a file in a role.

    Limits that bind only who writes (PS3.11 A.3.4.1 and others) count for a creator and an updater.
    """
    found = judge(profile, header, location, creating=role in _ALL_ROLES_WRITE)
    return (*found, *_role_findings(profile, header, location, role))


def check_object(claim: Claim, header: Header, location: str, role: str) -> Iterator[Finding]:
    """Yield why no profile of a claim allows a file, or what the first that does remarks.

    Args:
        claim: The profiles that the File-set claims.
        header: Of the file.
        location: Its File ID.
        role: FSC, FSR or FSU.

    Source: PS3.11 7 (an instance is covered by one of the profiles), X.3.1, X.3.4.
    """
    verdicts = [(profile, judged(profile, header, location, role)) for profile in claim.profiles]
    profile, found = min(verdicts, key=lambda verdict: _weight(verdict[0], header, verdict[1]))
    if len(verdicts) > 1:
        found = tuple(_of_all(claim, one) for one in found)
    yield from found
    yield from _pixel_findings(header, location)
    if not _errors(found):
        yield from _frame_findings(profile, header, location)
        yield from _video_findings(header, location)


def _weight(profile: ApplicationProfile, header: Header, found: Sequence[Finding]) -> tuple[int, int]:
    """Weigh a verdict: of several profiles the one speaks that has a place for the instance and least against it."""
    possible = options(profile, header.attributes, header.sop_class_uid)
    return (0 if possible else 1, len(_errors(found)))


def _of_all(claim: Claim, found: Finding) -> Finding:
    """Name all profiles where none has a place for the SOP Class."""
    return replace(found, expected=f"a SOP Class of {claim.id}") if found.code == "sop-class-not-in-profile" else found


def _errors(found: Sequence[Finding]) -> tuple[Finding, ...]:
    return tuple(one for one in found if one.severity is Severity.ERROR)


def _role_findings(profile: ApplicationProfile, header: Header, location: str, role: str) -> Iterator[Finding]:
    """Find what a row of the table disallows in the role (X)."""
    uid = header.transfer_syntax_uid
    rows = [
        row
        for row in objects_of(profile, header.attributes, header.sop_class_uid)
        if uid in row.transfer_syntaxes and role in row.requirements
    ]
    if rows and all(row.requirements[role] == _FORBIDDEN for row in rows):
        syntax = transfer_syntaxes()[uid].name
        yield finding(
            "object-not-for-role", location, f"{rows[0].name} in {syntax} from an {role}", clause=rows[0].clause
        )


def _pixel_findings(header: Header, location: str) -> Iterator[Finding]:
    """Find images without pixels. A scan tolerates one that has no Rows either: it may be cut off between elements."""
    known, syntax = sop_classes().get(header.sop_class_uid), transfer_syntaxes().get(header.transfer_syntax_uid)
    elsewhere = syntax is not None and syntax.pixels == "none"  # JPIP: they are fetched from a provider
    if header.pixel_data is None and known is not None and known.record_type == "IMAGE" and not elsewhere:
        found = scan_finding("no-pixel-data", header.source, "an image without Pixel Data (7FE0,0010)")
        yield judged_strictly(replace(found, location=location))


def _frame_findings(profile: ApplicationProfile, header: Header, location: str) -> Iterator[Finding]:
    if not profile.jpeg_interchange_format:
        return
    try:
        lacking = frames_without_tables(header)
    except MediumError:
        lacking = None
    if lacking is None:
        yield finding("not-checked", location, "its JPEG frames could not be read", expected="frames that can be read")
    elif lacking:
        clause = profile.clauses.get("jpeg_interchange_format", profile.clause)
        yield finding("jpeg-tables-missing", location, what_lacks(lacking), clause=f"{clause}; PS3.5 8.2.1")


def _video_findings(header: Header, location: str) -> Iterator[Finding]:
    syntax = transfer_syntaxes().get(header.transfer_syntax_uid)
    if syntax is None or syntax.codec != "video":
        return
    from mediacreator.video import check_instance_video

    try:
        yield from check_instance_video(header.source, location)
    except MediumError:
        yield finding("not-checked", location, "its video could not be read", expected="a stream that can be read")
