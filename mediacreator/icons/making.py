"""Make the icons of many instances in several processes; one that cannot be made is a Finding, never an error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from mediacreator.icons.opening import Place, cheapest
from mediacreator.model import Disposition, EncodedInstance, Finding, Outcome, Progress, Severity, Silent
from mediacreator.parallel import shared, spread
from mediacreator.rules.profile import IconRule
from mediacreator.rules.tables import transfer_syntaxes

_AT_ONCE = 16  # icons that go to a process together
_BYTES_AT_ONCE = 8 << 20  # of the Data Sets that these are made from
_CRASHED = "PixelData (7FE0,0010) makes its decoder crash"


@dataclass(frozen=True, slots=True)
class Icons:
    """The icons that were made, and what is said of those that were not."""

    values: Mapping[int, bytes]  # values of Icon Image Sequence, by the number of the source
    rejected: tuple[Disposition, ...]  # instances whose record must have an icon
    findings: tuple[Finding, ...]  # notes: instances that go on the medium without one


@dataclass(frozen=True, slots=True)
class _Common:
    rule: IconRule
    directory: str | None


def make_icons(
    instances: Sequence[EncodedInstance],
    rule: IconRule,
    workers: int = 1,
    progress: Progress | None = None,
    directory: str | None = None,
) -> Icons:
    """Make the icon of each instance; the result is the same whatever the number of workers.

    Args:
        instances: As they will lie on the medium; the spool must be open.
        rule: What the icons must be.
        workers: Processes, 1 or more.
        progress: Told of each icon.
        directory: For what deflated Data Sets inflate to; that of the system without.

    Source: PS3.3 F.7, PS3.11 X.3.3.
    """
    progress = progress or Silent()
    progress.start("icons", len(instances), 0)
    values: dict[int, bytes] = {}
    failed: list[tuple[EncodedInstance, str]] = []
    places: list[tuple[EncodedInstance, Place]] = []
    for instance in instances:
        if is_video(instance):
            failed.append((instance, "the pixels are a video, which is not decoded"))
        else:
            places.append((instance, cheapest(instance)))
    progress.advance(len(failed), 0)
    results = _drawn([place for _, place in places], _Common(rule, directory), workers)
    for (instance, _), result in zip(places, results, strict=True):
        if isinstance(result, bytes):
            values[instance.instance.header.source.number] = result
        else:
            failed.append((instance, result))
        progress.advance(1, 0)
    if rule.required:
        return Icons(values, tuple(_rejected(instance, why, rule) for instance, why in failed), ())
    return Icons(values, (), tuple(_finding(instance, why, rule) for instance, why in failed))


def is_video(encoded: EncodedInstance) -> bool:
    """Tell whether the pixels are a stream of video, which nothing here decodes."""
    return transfer_syntaxes()[encoded.transfer_syntax_uid].codec == "video"


def _drawn(places: Sequence[Place], common: _Common, workers: int) -> Iterator[bytes | str]:
    """Yield the result of each place in its order.

    Frames are only decoded in other processes, even by one worker, since a damaged codestream can crash a decoder. When
    one did, the piece of work that was next is done place by place, each in a process of its own, and the rest goes on.
    """
    work = list(_pieces(places))
    apart = any(transfer_syntaxes()[place.transfer_syntax_uid].pixels == "encapsulated" for place in places)
    while work:
        done = 0
        try:
            for results in spread(_work, work, workers=workers, common=common, apart=apart):
                done += 1
                yield from results
            return
        except _broken_pool():
            crashed = work[done]
            work = work[done + 1 :]
        for place in crashed:
            yield from _alone(place, common)


def _alone(place: Place, common: _Common) -> Sequence[bytes | str]:
    try:
        return next(spread(_work, [(place,)], workers=1, common=common, apart=True))
    except _broken_pool():
        return (_CRASHED,)


def _broken_pool() -> type[Exception]:
    from concurrent.futures.process import BrokenProcessPool

    return BrokenProcessPool


def _pieces(places: Sequence[Place]) -> Iterator[tuple[Place, ...]]:
    piece: list[Place] = []
    size = 0
    for place in places:
        piece.append(place)
        size += place.size
        if len(piece) == _AT_ONCE or size >= _BYTES_AT_ONCE:
            yield tuple(piece)
            piece, size = [], 0
    if piece:
        yield tuple(piece)


def _work(piece: tuple[Place, ...]) -> tuple[bytes | str, ...]:
    from mediacreator.icons.drawing import draw

    common: _Common = shared()
    return tuple(draw(place, common.rule, common.directory) for place in piece)


def _rejected(encoded: EncodedInstance, why: str, rule: IconRule) -> Disposition:
    header = encoded.instance.header
    return Disposition(header.source, Outcome.REJECTED, _finding(encoded, why, rule), header.sop_instance_uid)


def _finding(encoded: EncodedInstance, why: str, rule: IconRule) -> Finding:
    return Finding(
        code="icon-not-made",
        severity=Severity.ERROR if rule.required else Severity.NOTE,
        location=encoded.instance.header.source.location,
        what=f"no icon can be made: {why}",
        expected="a frame that can be read and shown",
        clause=rule.clause,
        remedy=_REQUIRED if rule.required else _OPTIONAL,
    )


_REQUIRED = "Fetch the instance again from where it came, or choose a profile that asks for no icon, as STD-GEN-CD."
_OPTIONAL = "Nothing need be done: the instance is on the medium, its directory record has no icon."
