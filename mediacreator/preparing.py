"""Everything that comes before a medium is written: find, scan, choose the profile, select. Only headers are read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from mediacreator.errors import DecisionNeeded, NothingToWrite, UsageError
from mediacreator.forms import BESIDE_UDF, FORMS
from mediacreator.model import (
    Disposition,
    FileSetContent,
    Finding,
    Header,
    Outcome,
    Progress,
    Scan,
    Selection,
    Severity,
    SOPInstance,
    VirusCheck,
)
from mediacreator.rules.claim import SEPARATOR, Claim, load_claims
from mediacreator.rules.profile import Option
from mediacreator.rules.tables import Blank, blanks
from mediacreator.rules.wanted import wanted
from mediacreator.scan import scan
from mediacreator.select import ContentComparer, SelectionRequest
from mediacreator.settings import Settings
from mediacreator.sharing import select_each
from mediacreator.sources import Sources, find_sources
from mediacreator.suggesting import AUTO, candidates, choose_profile, lacking
from mediacreator.suggesting.media import SPARING, media_for, room_for
from mediacreator.transcode.choose import Compression, choose
from mediacreator.transcode.plan import Plan
from mediacreator.transcode.sizes import estimate
from mediacreator.virus_check import parse_virus_check


@dataclass(frozen=True, slots=True)
class CreateRequest:
    """Everything that ``create`` is asked for."""

    sources: tuple[str, ...]  # folders, files, ZIP archives, ISO images, mixed
    output: str  # an image file, or a folder with a trailing slash
    profile: str = AUTO  # an identifier of PS3.11, several joined with commas, or auto
    compress: str = AUTO  # none, keep, lossless, lossy:QUALITY; auto: never lossy, compressed only to save a medium
    icons: bool = False  # icons in the directory also where no profile requires them
    profile_folders: tuple[str, ...] = ()  # of the site, with profiles of its own
    medium: str = ""  # key of tables/blanks.csv, as dvd-dl; "": the usual medium of the profile
    only: Blank | None = None  # the very medium that is at hand, as a stick: everything goes on it, or nothing
    udf: bool = False  # UDF beside ISO 9660, where the medium may have both
    selection: SelectionRequest = field(default_factory=SelectionRequest)
    file_set_id: str = ""  # 0 to 16 characters A-Z, 0-9, _; "": made from the date
    virus_checked: str = ""  # DATE or DATE,SCANNER: states that all of it was checked, which marks the media
    strict: bool = False  # write nothing if anything is rejected
    force: bool = False  # replace the output
    workers: int = 0  # processes; 0: as many as there are processors
    reproducible: bool = False  # the same request gives the same bytes
    epoch: int | None = None  # SOURCE_DATE_EPOCH, seconds; implies reproducible
    arguments: tuple[str, ...] = ()  # as given by the user, for the local receipt

    @property
    def to_folder(self) -> bool:
        """Whether a plain folder is written, whatever the medium."""
        return self.output.endswith("/")

    @property
    def suffix(self) -> str:
        """How the name of an image ends, in lower case."""
        return "" if self.to_folder else os.path.splitext(self.output)[1].lower()


@dataclass(frozen=True, slots=True)
class Part:
    """One File-set that will be made, and the profiles that hold on it."""

    claim: Claim
    content: FileSetContent
    work: Plan  # in which Transfer Syntax each instance goes on it, and what cannot go on it
    compression: Compression
    size: int  # bytes of the instances, about where some must be encoded


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is known before anything is decoded or written."""

    claims: tuple[Claim, ...]  # one for each kind of medium
    scan: Scan
    selection: Selection  # of all media together
    parts: tuple[Part, ...]  # none while a person must decide something
    findings: tuple[Finding, ...]  # why profiles and compression are as they are
    workers: int
    virus_check: VirusCheck | None = None  # the mark that all media will bear

    @property
    def profile(self) -> str:
        """Return the identifiers of every profile, joined with commas."""
        return SEPARATOR.join(claim.id for claim in self.claims)

    @property
    def dispositions(self) -> tuple[Disposition, ...]:
        """Return what was found and is on no medium, as far as it can be known before anything is decoded."""
        not_encoded = (entry for part in self.parts for entry in part.work.rejected)
        return (*self.scan.others, *self.selection.dispositions, *not_encoded)

    @property
    def rejected(self) -> tuple[Finding, ...]:
        """Return why something that should be on a medium is not."""
        found = tuple(entry.finding for entry in self.dispositions if entry.outcome is Outcome.REJECTED)
        return found + tuple(missing.finding for missing in self.scan.missing)

    @property
    def refused(self) -> tuple[Finding, ...]:
        """Return why anything that was found is on no medium, what is rejected first."""
        return self.rejected + tuple(e.finding for e in self.dispositions if e.outcome is not Outcome.REJECTED)


def prepare(request: CreateRequest, settings: Settings, progress: Progress) -> Prepared:
    """Find, scan, choose the profile and select: everything that reads headers only, and writes nothing.

    Raises:
        UsageError: The profile does not exist or cannot be written yet, or the compression or the mark of a check for
            viruses is none.
        SourceUnreadable: A source does not exist.
    """
    check = parse_virus_check(request.virus_checked, settings.create.virus_scanner, date.today())
    asked = Compression.parse(request.compress) if request.compress != AUTO else None
    folders = (*settings.profile_folders, *request.profile_folders)
    automatic = request.profile == AUTO
    blank = request.only or blank_of(request.medium) or _by_name(request.suffix)
    liked = settings.create.profile_list
    names = candidates(liked, blank, folders, request.suffix) if automatic else (request.profile,)
    claims = tuple(_on(claim, blank) for name in names for claim in load_claims(name, folders))
    if not automatic:
        require_writable(claims, to_folder=request.to_folder)
    workers = request.workers or min(os.cpu_count() or 1, 8)
    scanned = scan_sources(request.sources, claims, workers, progress)
    selection = replace(request.selection, private_sop_classes=settings.private_sop_classes)
    said: tuple[Finding, ...] = ()
    if automatic:
        choice = choose_profile(
            scanned,
            names,
            folder=request.to_folder,
            folders=folders,
            request=selection,
            compression=asked,
            blank=blank,
        )
        claims = tuple(_on(claim, blank) for claim in load_claims(choice.profile, folders))
        said = choice.findings
        require_writable(claims, to_folder=request.to_folder)
    claims = tuple(map(_with_udf, claims)) if request.udf else claims
    share = select_each(scanned, claims, selection, compare=ContentComparer(same_pixels))
    parts = tuple(part_of(claim, content, asked) for claim, content in share.file_sets)
    said += (_divided(claims),) if len(claims) > 1 else ()
    said += (_warning(blank),) if blank and blank.warning else ()
    said += tuple(_compressed(part) for part in parts if asked is None and part.compression != SPARING[0])
    return Prepared(claims, scanned, share.selection, parts, said, workers, check)


def _by_name(suffix: str) -> Blank | None:
    """Return what the name of an output says that it is; None where that is left to the profile."""
    return next((blank for blank in blanks().values() if blank.suffix and blank.suffix == suffix), None)


def blank_of(key: str) -> Blank | None:
    """Return a medium as it can be bought, None for ``""``.

    Raises:
        UsageError: There is no such medium; the message names all.
    """
    if not key:
        return None
    if key not in blanks():
        raise UsageError(f"There is no medium {key!r}. Choose one of {', '.join(blanks())}.")
    return blanks()[key]


def _on(claim: Claim, blank: Blank | None) -> Claim:
    """Return a Claim that is written to a certain medium.

    Raises:
        UsageError: Its profiles are for another one.
    """
    if blank is None or (blank.suffix and claim.media_format.suffix == blank.suffix):
        return claim
    if claim.profiles[0].medium != blank.medium:
        or_name = f", or an output that does not end with {blank.suffix}" if blank.suffix else ""
        raise UsageError(
            f"{claim.id} is for {claim.media_format.name}, not for {blank.name} [{claim.clause}; {blank.clause}]. Name "
            f"another profile, or leave --profile or --medium away{or_name}."
        )
    return claim.on_blank(blank)


def _with_udf(claim: Claim) -> Claim:
    """Return a Claim that is written with UDF beside ISO 9660.

    Raises:
        UsageError: Its medium does not have both.
    """
    profile, medium = claim.profiles[0], claim.media_format
    writer = f"{medium.writer}{BESIDE_UDF}"
    if writer not in FORMS:
        raise UsageError(f"{medium.name} has not ISO 9660 and UDF side by side [{medium.clause}]. Leave --udf away.")
    blank = profile.blank or Blank(medium.key, medium.name, medium.key, medium.capacity, "", "", "", medium.clause)
    return claim.on_blank(replace(blank, writer=writer))


def scan_sources(paths: Sequence[str], claims: Iterable[Claim], workers: int, progress: Progress) -> Scan:
    """Find the files of sources and read the header of each.

    Raises:
        UsageError: There are none.
        SourceUnreadable: A source does not exist.
    """
    if not paths:
        raise UsageError("No sources were given. Name folders, files, ZIP archives or media.")
    progress.start("find", 0, 0)
    sources = find_sources(paths)
    progress.advance(len(sources.files), 0)
    keys = wanted(profile for claim in claims for profile in claim.profiles)
    return _with_sources(scan(sources.files, keys, workers=workers, progress=progress), sources)


def require_writable(claims: Iterable[Claim], *, to_folder: bool) -> None:
    """Refuse profiles that this version cannot create.

    Raises:
        UsageError: With the one thing that is missing.
    """
    for profile in (profile for claim in claims for profile in claim.profiles):
        missing = lacking(profile, folder=to_folder)
        if profile.status != "current":
            raise UsageError(
                f"{profile.id} is retired, PS3.11 of {profile.last_in} had it last [{profile.clause}]. "
                "Choose a current profile."
            )
        if missing and profile.security != "none":
            clause = profile.clauses.get("security", profile.clause)
            raise UsageError(f"{profile.id} asks for {missing}, which this version cannot make [{clause}].")
        if missing:
            medium = profile.media_format
            folder = "" if to_folder else " A folder can be written: end -o with a slash."
            raise UsageError(
                f"{profile.id} is for {medium.name}, and this version cannot write {missing} [{medium.clause}].{folder}"
            )


def require_decided(prepared: Prepared) -> None:
    """Refuse to go on while a question is open or nothing is left to write.

    Raises:
        DecisionNeeded: Conflicts, numbered.
        NothingToWrite: No instance is accepted.
    """
    conflicts = prepared.selection.conflicts
    if conflicts:
        count = f"{len(conflicts)} questions need" if len(conflicts) > 1 else "One question needs"
        raise DecisionNeeded(f"{count} a person's decision; nothing was written.", conflicts)
    if not any(part.work.instances for part in prepared.parts):
        sources = [entry.source for entry in prepared.dispositions if entry.outcome is Outcome.REJECTED]
        raise NothingToWrite(
            "The sources hold no instance that can go on the medium.", distinct(prepared.refused), sources
        )


def distinct(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return the first Finding of each code: a message is read, a receipt is searched."""
    return tuple({finding.code: finding for finding in reversed(findings)}.values())[::-1]


def part_of(claim: Claim, content: FileSetContent, asked: Compression | None) -> Part:
    """Decide how each instance is stored: as asked for, else so that they need few media and no loss."""

    def options(instance: SOPInstance) -> tuple[Option, ...]:
        header = instance.header
        if instance.record_type == "PRIVATE":
            return claim.options_for_private()
        return claim.options(header.attributes, header.sop_class_uid)

    instances = tuple(content.instances())
    best: Part | None = None
    for compression in SPARING if asked is None else (asked,):
        work = choose(instances, options, compression)
        part = Part(claim, content, work, compression, _size(work))
        if best is None or _media(part) < _media(best):
            best = part
        if _media(best) <= 1:
            break
    assert best is not None
    return best


def _size(work: Plan) -> int:
    targets = zip(work.instances, work.targets, strict=True)
    return sum(estimate(one, target, work.qualities.get(place, 0)) for place, (one, target) in enumerate(targets))


def _media(part: Part) -> int:
    """Return how many media a File-set would need, reckoned as where a profile is chosen."""
    instances = part.work.instances
    images = sum(1 for instance in instances if instance.header.pixel_data is not None)
    profile = part.claim.profiles[0]
    return media_for(profile, room_for(profile, part.size, len(instances), images))


def _divided(claims: Sequence[Claim]) -> Finding:
    media = " and ".join(f"{claim.id} for {claim.media_format.name}" for claim in claims)
    return Finding(
        code="media-divided",
        severity=Severity.NOTE,
        location="profile",
        what=f"the profiles are {media}, so each gets a medium of its own",
        expected="each instance on the first of them that holds it",
        clause="PS3.11 7",
        remedy="Name profiles for one medium, or make the media one by one, to have it otherwise.",
    )


def _warning(blank: Blank) -> Finding:
    return Finding(
        code="medium-uncommon",
        severity=Severity.WARNING,
        location="medium",
        what=f"{blank.name} was asked for: {blank.warning}",
        expected="a medium that every reader can take",
        clause=blank.clause,
        remedy="Choose it only for who is known to have a drive for it.",
    )


def _compressed(part: Part) -> Finding:
    medium = part.claim.media_format
    return Finding(
        code="compression-chosen",
        severity=Severity.NOTE,
        location=part.claim.id,
        what=f"compression {part.compression} was chosen, since uncompressed the instances need more than one medium",
        expected=f"at most {medium.capacity:,} bytes on {medium.name}",
        clause=medium.clause,
        remedy="Nothing is lost by it. Give --compress none where every reader must open the medium.",
    )


def same_pixels(one: Header, other: Header) -> bool | None:
    """Decode and compare; what decodes is imported only when there is something to compare."""
    from mediacreator.transcode import comparing

    return comparing.same_pixels(one, other)


def _with_sources(scanned: Scan, sources: Sources) -> Scan:
    """Add what the search for files found unreadable, and what DICOMDIRs among the sources promise and is missing."""
    from mediacreator.medium import promised

    missing = promised(sources.trees, scanned.headers) if sources.trees else ()
    return Scan(
        headers=scanned.headers,
        others=(*sources.others, *scanned.others),
        missing=tuple(missing),
        findings=(*sources.findings, *scanned.findings),
    )
