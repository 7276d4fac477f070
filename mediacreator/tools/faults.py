"""What drives, discs and sticks refuse or fail to do, in words for who stands before them."""

from __future__ import annotations

from collections.abc import Mapping

from mediacreator.errors import DeviceError

FAULTS: Mapping[str, tuple[str, str]] = {
    "device-missing": ("There is no such drive or device.", "See what there is with mediacreator drives."),
    "device-busy": ("The drive or device is in use.", "Unmount it, close what uses it, and try again."),
    "device-refused": (
        "The drive or device may not be used by this account.",
        "Ask for the rights, on most systems the group cdrom or disk.",
    ),
    "device-fixed": (
        "The device is a fixed disk, and only removable ones are written.",
        "Give a stick or a card: mediacreator drives lists them.",
    ),
    "device-read-only": ("The device is write-protected.", "Move its lock, or take another one."),
    "device-vanished": (
        "The drive or device does not answer any more.",
        "See that it is plugged in, and try again with a new disc.",
    ),
    "device-changed": (
        "The device is not the one that was shown and agreed to.",
        "Look at what is plugged in, and start again; nothing was written to it, and the image is kept.",
    ),
    "device-failed": ("The drive does not do what it is told.", "Try another drive."),
    "no-disc": ("There is no disc in the drive.", "Put a blank one in."),
    "disc-unreadable": ("The drive does not recognise what lies in it.", "Put another disc in."),
    "disc-used": ("The disc in the drive is not blank.", "Put a blank one in; --erase erases a rewritable one."),
    "disc-blank": ("The disc in the drive is blank: there is no File-set to add to.", "Use create with --burn."),
    "disc-closed": (
        "The disc in the drive is finalised and takes no further session.",
        "Make a new one: with -o from this disc and the sources.",
    ),
    "disc-without-sessions": (
        "The disc in the drive is written at random, not in sessions.",
        "Make it anew: an image with -o from this disc and the sources, then burn --erase.",
    ),
    "disc-changed": ("The disc in the drive is not what it was a moment ago; nothing was burned.", "Try again."),
    "session-failed": (
        "Burning the session failed. What the disc held before is still recorded, and may not be readable any more.",
        "Make a new disc with -o from this one and the sources, or with create from the sources of both.",
    ),
    "disc-wrong-kind": (
        "The medium is not of the kind that the profile asks for.",
        "Take the right kind, or --any-medium to use this one all the same.",
    ),
    "medium-too-small": ("It does not fit the medium.", "Take a larger one."),
    "write-failed": (
        "Writing failed. The medium is not usable.",
        "Take another one, or burn at a lower --speed; the image is kept.",
    ),
    "read-back-failed": (
        "The medium cannot be read back: do not hand it out.",
        "Clean the disc and drive, or try another medium; an image that was written is kept.",
    ),
}
"""By code: what it means, what to do. ``docs/errors.md`` lists them for people."""


def fault(code: str, what: str = "") -> DeviceError:
    """Return the error of a code.

    Args:
        code: One of ``FAULTS``.
        what: What was found, as a sentence without identity; none where the code says it all.
    """
    meaning, remedy = FAULTS[code]
    return DeviceError(code, " ".join(filter(None, (meaning, what, remedy))))
