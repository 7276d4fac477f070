"""Why an instance cannot be encoded: raised inside the stage, handed on as a Finding."""

from __future__ import annotations

from mediacreator.model import Finding, Severity

_ASK_AGAIN = "Fetch the instance again from where it came, or leave it out."
_KEEP_ELSEWHERE = "Convert it with the software that made it, or choose a profile that allows its Transfer Syntax."

REMEDIES = {
    "truncated-pixel-data": _ASK_AGAIN,
    "truncated-data-set": _ASK_AGAIN,
    "malformed-data-set": _ASK_AGAIN,
    "corrupt-codestream": _ASK_AGAIN,
    "frame-count": _ASK_AGAIN,
    "missing-attribute": _ASK_AGAIN,
    "codec-crashed": _ASK_AGAIN,
    "encoding-not-lossless": "Choose another compression, and report it: the coder or the machine is at fault.",
    "unsupported-transfer-syntax": _KEEP_ELSEWHERE,
    "unsupported-pixel-format": _KEEP_ELSEWHERE,
    "photometric-not-allowed": _KEEP_ELSEWHERE,
    "fragmentable-video": "Ask the system that sent it for the plain form, or choose STD-GEN-MIME or STD-GEN-ZIP-MAIL.",
    "not-video": "Choose a profile that takes it, or claim a second one for the same medium, as --profile A,B.",
    "pixel-data-too-large": "Choose a profile that allows its Transfer Syntax, so that it stays compressed.",
    "source-changed": "Wait until nobody writes to the sources, then start again.",
    "source-unreadable": "Check permissions and the medium that it lies on, then try again.",
    "frame-too-large": "Use a machine with more memory, or leave the instance out.",
    "invalid-uid": "Correct the instance where it comes from.",
}


class Refusal(Exception):
    """One instance cannot be encoded; the others go on. Never holds patient identity, never leaves the stage."""

    def __init__(self, code: str, what: str, expected: str, clause: str) -> None:
        super().__init__(code, what, expected, clause)
        self.code = code
        self.what = what
        self.expected = expected
        self.clause = clause

    def finding(self, location: str) -> Finding:
        """Return the Finding of a source that is named by ``location``."""
        return Finding(
            self.code,
            Severity.ERROR,
            location,
            self.what,
            self.expected,
            self.clause,
            REMEDIES.get(self.code, _ASK_AGAIN),
        )
