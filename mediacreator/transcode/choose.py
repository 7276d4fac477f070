"""Choose in which Transfer Syntax each instance goes on the medium: what the profile allows, and what was asked for.

Nothing is read but Headers. What can be coded into what stands in tables/encoders.csv; what a source holds once it is
decoded, in ``reach``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from mediacreator.errors import UsageError
from mediacreator.model import Disposition, Outcome, SOPInstance
from mediacreator.rules.profile import Option
from mediacreator.rules.tables import Encoder, encoders, never_lossy, transfer_syntaxes
from mediacreator.rules.uids import EXPLICIT_VR_LITTLE_ENDIAN
from mediacreator.transcode.plan import Plan
from mediacreator.transcode.reach import Traits, allows, coded, is_decodable, why_not
from mediacreator.transcode.refusal import Refusal
from mediacreator.transcode.sizes import estimate

MODES = ("none", "keep", "lossless", "lossy")


@dataclass(frozen=True, slots=True)
class Compression:
    """What was asked for; always inside what the profile permits.

    ``none``: uncompressed where that is allowed, else what is demanded, without loss. ``keep``: as the source is, where
    that is allowed. ``lossless``: what compresses well in the best lossless code. ``lossy``: with loss, where a picture
    can bear it; the only mode that ever codes with loss.
    """

    mode: str = "none"
    quality: int = 0  # 1-100 with lossy, else 0

    @classmethod
    def parse(cls, text: str) -> Compression:
        """Return what ``none``, ``keep``, ``lossless`` or ``lossy:QUALITY`` says.

        Raises:
            UsageError: It is none of them, or the quality is not from 1 to 100.
        """
        mode, colon, number = text.strip().lower().partition(":")
        if mode not in MODES or bool(colon) != (mode == "lossy"):
            raise UsageError(f"{text!r} is no compression; choose none, keep, lossless or lossy:QUALITY, as lossy:85.")
        if not colon:
            return cls(mode)
        if not (number.isascii() and number.isdigit() and 1 <= int(number) <= 100):
            raise UsageError(f"{text!r} has no quality; it is a number from 1 (small) to 100 (good), as in lossy:85.")
        return cls(mode, int(number))

    def __str__(self) -> str:
        return f"{self.mode}:{self.quality}" if self.quality else self.mode


UNCOMPRESSED = Compression()


@dataclass(frozen=True, slots=True)
class Target:
    """How one instance goes on the medium; the Transfer Syntax of its source means that it is copied untouched."""

    transfer_syntax_uid: str
    quality: int = 0  # 1-100 where it is coded with loss, else 0
    encoder: Encoder | None = None  # None where its Pixel Data stays what it is


def choose(
    instances: Iterable[SOPInstance],
    options_for: Callable[[SOPInstance], tuple[Option, ...]],
    compression: Compression = UNCOMPRESSED,
) -> Plan:
    """Decide for each instance in which Transfer Syntax it goes on the medium, or why it cannot.

    Args:
        instances: In the order of the medium.
        options_for: Returns the ways in which the profile lets an instance be stored.
        compression: What was asked for.

    Source: PS3.11 X.3.1 (Transfer Syntaxes), Table C.3-2 (Photometric Interpretations).
    """
    kept: list[SOPInstance] = []
    targets: list[str] = []
    rejected: list[Disposition] = []
    qualities: dict[int, int] = {}
    transcoded = spool_size = 0
    answers: dict[tuple[Traits, tuple[Option, ...]], Target | Refusal] = {}  # instances of a series are alike
    for instance in instances:
        header = instance.header
        asked = Traits.of(header), options_for(instance)
        found = answers.get(asked)
        if found is None:
            found = answers[asked] = target_for(*asked, compression)
        if isinstance(found, Refusal):
            finding = found.finding(header.source.location)
            rejected.append(Disposition(header.source, Outcome.REJECTED, finding, header.sop_instance_uid))
            continue
        target = found.transfer_syntax_uid
        if found.quality:
            qualities[len(kept)] = found.quality
        if found.quality or target != header.transfer_syntax_uid:
            transcoded += target != header.transfer_syntax_uid
            spool_size += estimate(instance, target, found.quality)
        kept.append(instance)
        targets.append(target)
    return Plan(tuple(kept), tuple(targets), tuple(rejected), transcoded, spool_size, qualities)


def target_for(traits: Traits, options: tuple[Option, ...], compression: Compression) -> Target | Refusal:
    """Return the best way to store an instance that has these traits, or why there is none."""
    for target in _WAYS[compression.mode](traits, compression.quality):
        photometric = traits.photometric if target.encoder is None else coded(traits, target.encoder)
        if photometric is not None and allows(options, target.transfer_syntax_uid, photometric):
            return target
    return why_not(traits, options)


def _with_none(traits: Traits, quality: int) -> Iterator[Target]:
    yield from _uncompressed(traits)
    yield from _as_it_is(traits)
    yield from _lossless(traits)


def _with_keep(traits: Traits, quality: int) -> Iterator[Target]:
    yield from _as_it_is(traits)
    yield from _with_none(traits, quality)


def _with_lossless(traits: Traits, quality: int) -> Iterator[Target]:
    if traits.is_compressed:
        yield from _as_it_is(traits)
    if traits.is_worth_coding:
        yield from _lossless(traits)
    yield from _with_none(traits, quality)


def _with_lossy(traits: Traits, quality: int) -> Iterator[Target]:
    if traits.is_coded_lossily:
        yield from _as_it_is(traits)  # once is enough
    if traits.is_worth_coding and traits.sop_class_uid not in never_lossy():
        for encoder in encoders():
            if encoder.loss == "lossy":
                yield Target(encoder.uid, quality, encoder)
    if not traits.is_compressed and not traits.is_worth_coding:
        # Not as it is: what refers to an image with a new UID will be written anew, which is done in this syntax.
        yield from _decoded(traits)
    yield from _with_lossless(traits, quality)


_WAYS: dict[str, Callable[[Traits, int], Iterator[Target]]] = {
    "none": _with_none,
    "keep": _with_keep,
    "lossless": _with_lossless,
    "lossy": _with_lossy,
}
"""By mode, the ways to try, the best first."""


def _as_it_is(traits: Traits) -> Iterator[Target]:
    yield Target(traits.transfer_syntax_uid)


def _uncompressed(traits: Traits) -> Iterator[Target]:
    syntax = transfer_syntaxes().get(traits.transfer_syntax_uid)
    if syntax is not None and syntax.pixels == "native" and syntax.dataset != "deflated":
        yield from _as_it_is(traits)
    yield from _decoded(traits)


def _decoded(traits: Traits) -> Iterator[Target]:
    if traits.transfer_syntax_uid == EXPLICIT_VR_LITTLE_ENDIAN:
        yield from _as_it_is(traits)
    elif is_decodable(traits):
        yield Target(EXPLICIT_VR_LITTLE_ENDIAN, 0, encoders()[0])


def _lossless(traits: Traits) -> Iterator[Target]:
    for encoder in encoders()[1:]:
        if encoder.loss == "none":
            yield Target(encoder.uid, 0, encoder)
