"""Bring the instances of one File-set into the form that they have on a medium, and make the icons of their records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mediacreator.layout import without
from mediacreator.model import Disposition, EncodedInstance, FileSetContent, Finding, Origin, Progress
from mediacreator.preparing import Part
from mediacreator.rules.claim import Claim

if TYPE_CHECKING:
    from mediacreator.transcode import Encoding, Plan, Spool


@dataclass(frozen=True, slots=True)
class EncodedFileSet:
    """A File-set whose instances are as they will lie on the medium."""

    claim: Claim
    content: FileSetContent
    encoded: Mapping[int, EncodedInstance]  # by the number of the source
    refused: tuple[Disposition, ...]  # what could not be encoded, or has no icon that it must have
    findings: tuple[Finding, ...]

    @property
    def in_order(self) -> tuple[EncodedInstance, ...]:
        """Return the instances in the order of the content."""
        return tuple(self.encoded[instance.header.source.number] for instance in self.content.instances())


def encode_part(
    part: Part, spool: Spool, origin: Origin, *, icons: bool, workers: int, progress: Progress
) -> EncodedFileSet:
    """Encode what a Part says.

    Args:
        part: From ``prepare``.
        spool: Open; takes what is encoded and must outlive the result.
        origin: Gives the UIDs of instances that loss makes others.
        icons: Make icons that no profile requires, too.
        workers: Processes, 1 or more.
        progress: Told how it goes on.

    Raises:
        NoSpace: The spool is full.
    """
    from mediacreator.transcode import encode
    from mediacreator.transcode.derive import derive
    from mediacreator.transcode.interchange import refuse_abbreviated
    from mediacreator.transcode.settle import settle

    def encoded(work: Plan) -> Encoding:
        return encode(work, spool, workers=workers, progress=progress)

    work = derive(part.work, origin)
    done = settle(work, encoded(work), encoded)
    rejected = (*done.rejected, *refuse_abbreviated(part.claim, done.encoded))
    gone = frozenset(entry.source.number for entry in rejected)
    by_source = {one.instance.header.source.number: one for one in done.encoded}
    kept = {number: one for number, one in by_source.items() if number not in gone}
    profiles = part.claim.profiles
    if not (icons or any(rule.required for profile in profiles for rule in profile.directory.icons)):
        return EncodedFileSet(part.claim, without(part.content, gone), kept, rejected, done.findings)
    from mediacreator.icons import with_icons  # what draws them costs time to import

    shown = with_icons(
        (without(part.content, gone),),
        kept,
        part.claim.profiles,
        optional=icons,
        workers=workers,
        progress=progress,
        directory=spool.directory,
    )
    (content,) = shown.file_sets
    return EncodedFileSet(
        part.claim,
        without(content, frozenset(entry.source.number for entry in shown.rejected)),
        shown.encoded,
        (*rejected, *shown.rejected),
        (*done.findings, *shown.findings),
    )
