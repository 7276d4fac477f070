"""Say whether a video goes on the medium as it is: it is never encoded anew, so it must be right already."""

from __future__ import annotations

from mediacreator.errors import MediumError, SourceChanged
from mediacreator.model import Disposition, Finding, Header, Outcome, Severity
from mediacreator.rules.tables import transfer_syntaxes
from mediacreator.transcode.refusal import REMEDIES


def is_video(transfer_syntax_uid: str) -> bool:
    """Tell whether a Transfer Syntax is one of video."""
    syntax = transfer_syntaxes().get(transfer_syntax_uid)
    return syntax is not None and syntax.codec == "video"


def judge_video(header: Header) -> tuple[Disposition | None, tuple[Finding, ...]]:
    """Check the video of an instance where it lies.

    Returns:
        Why it is rejected, with every error in one Finding, or None; and what else is to be said of it.

    Source: PS3.5 8.2.5 to 8.2.11.
    """
    from mediacreator.video import check_instance_video

    try:
        findings = check_instance_video(header.source)
    except SourceChanged:
        return _unread(header, "source-changed", "the file vanished or changed", "the file as it was scanned"), ()
    except MediumError:
        return _unread(header, "source-unreadable", "the file cannot be read", "a readable file"), ()
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    if errors:
        return _rejected(header, _together(errors)), ()
    return None, findings


def _together(errors: list[Finding]) -> Finding:
    """Return one Finding that says what all say."""
    first = errors[0]
    if len(errors) == 1:
        return first
    return Finding(
        first.code,
        first.severity,
        first.location,
        "; ".join(error.what for error in errors),
        "; ".join(error.expected for error in errors),
        "; ".join(dict.fromkeys(error.clause for error in errors)),
        first.remedy,
    )


def _unread(header: Header, code: str, what: str, expected: str) -> Disposition:
    location = header.source.location
    return _rejected(header, Finding(code, Severity.ERROR, location, what, expected, "", REMEDIES[code]))


def _rejected(header: Header, finding: Finding) -> Disposition:
    return Disposition(header.source, Outcome.REJECTED, finding, header.sop_instance_uid)
