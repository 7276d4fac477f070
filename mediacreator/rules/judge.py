"""Judge instances by application profiles: one engine, for who makes a medium and for who checks one.

``options`` says how an instance could be stored; ``attribute_findings`` which of the profile's rules about attributes
it breaks; ``lacking_keys`` what its directory record would lack; ``judge`` whether a file is, as it lies there, what
the profile allows. What cannot be decided is a Finding ``not-checked``, never a pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

from mediacreator.model import Attributes, Finding, Header, Severity
from mediacreator.rules import uids
from mediacreator.rules.checks import CHECKS, Answer
from mediacreator.rules.predicates import TOLD_BY_THE_VALUE, condition, text
from mediacreator.rules.profile import ApplicationProfile, AttributeRule, Constraint, ObjectRule, Option
from mediacreator.rules.tables import TYPES, Key, record_types, sop_classes, transfer_syntaxes
from mediacreator.rules.values import UnreadableValue, has_value, numeric, value_of

PHOTOMETRIC = "PhotometricInterpretation"
IMAGES = "images"
"""In the scope of a rule: every object whose record type is IMAGE."""

_SHOWN = frozenset(("CS", "DS", "IS", "US", "SS", "UL", "SL", "UV", "SV", "FL", "FD"))
"""VRs whose values a Finding may show, outside of the patient's group 0010."""

_COLOR = ("RGB", "YBR_")
"""Photometric Interpretations that decoding and coding turn into each other (PS3.5 8.2, PS3.3 C.7.6.3.1.2)."""


def meets(constraint: Constraint, attributes: Attributes) -> Answer:
    """Tell whether an instance is as a Constraint says. Source: PS3.11 X.3.4."""
    if constraint.check:
        return CHECKS[constraint.check].test(attributes)
    name = _named(constraint.keyword, constraint.tag)
    if constraint.present:
        return Answer(constraint.keyword in attributes, f"{name} is absent", f"{name}, empty where it is not known")
    which = f"{name} value {constraint.number}" if constraint.number > 1 else name
    try:
        found = value_of(attributes, constraint.keyword, constraint.vr, constraint.number)
        met, expected = _compare(constraint, attributes, found or "")
    except UnreadableValue:
        return Answer(None, f"{which} cannot be read", "a value that can be read")
    shown = "absent" if found is None else "empty" if not found else found if _may_show(constraint) else "another"
    return Answer(met, f"{which} is {shown}", expected)


def _may_show(constraint: Constraint) -> bool:
    return constraint.vr in _SHOWN and constraint.tag >> 16 != 0x0010


def _compare(constraint: Constraint, attributes: Attributes, found: str) -> tuple[bool | None, str]:
    """Compare a value with what is allowed; return the answer and what is allowed, in words.

    Raises:
        UnreadableValue: What it is compared with cannot be read.
    """
    number = numeric(found)
    if constraint.one_of:
        return _is_one_of(found, number, constraint.one_of), " or ".join(constraint.one_of)
    if constraint.same_as:
        sign = f"{constraint.offset:+d}" if constraint.offset else ""
        other = numeric(value_of(attributes, constraint.same_as, constraint.vr) or "")
        if other is None:
            return None, f"{constraint.same_as}{sign}"
        return number == other + constraint.offset, f"{constraint.same_as}{sign}, {other + constraint.offset}"
    low, high = constraint.minimum, constraint.maximum
    words = (
        f"{low} to {high}" if low is not None and high is not None else f"from {low}" if high is None else f"to {high}"
    )
    return number is not None and (low is None or low <= number) and (high is None or number <= high), words


def _is_one_of(found: str, number: Decimal | None, allowed: Iterable[str]) -> bool:
    """Compare as text, and as numbers where both are: an IS of 08 is 8."""
    return any(found == one or (number is not None and number == numeric(one)) for one in allowed)


def objects_of(profile: ApplicationProfile, attributes: Attributes, sop_class_uid: str) -> tuple[ObjectRule, ...]:
    """Return the object rows that speak of an instance, or may. Source: PS3.11 X.3.1."""
    return tuple(
        rule
        for rule in profile.objects
        if rule.covers(sop_class_uid) and all(meets(one, attributes).met is not False for one in rule.where)
    )


def options(profile: ApplicationProfile, attributes: Attributes, sop_class_uid: str) -> tuple[Option, ...]:
    """Return the ways in which an instance may be stored, in the order of the rows.

    Args:
        profile: Of PS3.11, or a site's.
        attributes: Of the instance, whatever Transfer Syntax it is in now.
        sop_class_uid: Of the instance.

    Source: PS3.11 X.3.1, Table C.3-2 (pairings).
    """
    if sop_class_uid == uids.MEDIA_STORAGE_DIRECTORY:
        return ()
    rows = objects_of(profile, attributes, sop_class_uid)
    return union(option for rule in rows for option in _of_row(profile, rule))


def union(found: Iterable[Option]) -> tuple[Option, ...]:
    """Return each Transfer Syntax once, with every Photometric Interpretation that one of the Options allows it."""
    by_uid: dict[str, Option] = {}
    for option in found:
        known = by_uid.setdefault(option.transfer_syntax_uid, option)
        if known is not option:
            both = known.photometric and option.photometric  # () is any
            names = dict.fromkeys((*known.photometric, *option.photometric)) if both else ()
            by_uid[option.transfer_syntax_uid] = replace(known, photometric=tuple(names))
    return tuple(by_uid.values())


def _of_row(profile: ApplicationProfile, rule: ObjectRule) -> Iterator[Option]:
    pairings = [pairing for pairing in profile.pairings if rule.name in pairing.scope]
    for uid in rule.transfer_syntaxes:
        allowed = tuple(pairing.photometric for pairing in pairings if uid in pairing.transfer_syntaxes)
        if allowed or not pairings:
            yield Option(uid, allowed, pairings[0].clause if pairings else rule.clause)


def can_hold(possible: Sequence[Option], attributes: Attributes) -> bool:
    """Tell whether one of the Options could hold the pixels of an instance, in some coding.

    Coding turns one colour model into another and leaves everything else what it is: what it can do with the very
    pixels is for the transcoding stage to say.
    """
    found = text(attributes, PHOTOMETRIC)
    if not found or any(not option.photometric for option in possible):
        return bool(possible)
    allowed = {name for option in possible for name in option.photometric}
    return found in allowed or (found.startswith(_COLOR) and any(name.startswith(_COLOR) for name in allowed))


def broken_rules(
    profile: ApplicationProfile, attributes: Attributes, sop_class_uid: str, *, creating: bool
) -> Iterator[tuple[AttributeRule, Answer]]:
    """Yield the attribute rules that an instance breaks, or of which it cannot be told (``Answer.met`` None)."""
    names = {rule.name for rule in objects_of(profile, attributes, sop_class_uid)}
    if names and _record_type(sop_class_uid) == "IMAGE":
        names.add(IMAGES)
    for rule in profile.attributes:
        if (rule.create_only and not creating) or not names.intersection(rule.scope):
            continue
        binds = [meets(one, attributes).met for one in rule.where]
        if False in binds:
            continue
        answer = meets(rule.constraint, attributes)
        if answer.met is not True:
            yield rule, replace(answer, met=None) if None in binds else answer


def _record_type(sop_class_uid: str) -> str:
    known = sop_classes().get(sop_class_uid)
    return known.record_type if known is not None else ""


def attribute_findings(
    profile: ApplicationProfile, attributes: Attributes, sop_class_uid: str, location: str, *, creating: bool
) -> tuple[Finding, ...]:
    """Return what of an instance's attributes the profile forbids.

    Args:
        profile: Whose rules.
        attributes: Of the instance, all that ``wanted`` asks for.
        sop_class_uid: Of the instance.
        location: For the Findings.
        creating: Rules that bind only who writes count too.

    Source: PS3.11 X.3.4.
    """
    broken = broken_rules(profile, attributes, sop_class_uid, creating=creating)
    return tuple(
        _not_checked(profile, rule, answer, location)
        if answer.met is None
        else Finding(
            rule.name, Severity(rule.severity), location, answer.found, answer.expected, rule.clause, rule.remedy
        )
        for rule, answer in broken
    )


def _not_checked(profile: ApplicationProfile, rule: AttributeRule, answer: Answer, location: str) -> Finding:
    why = f" ({answer.found})" if answer.found else ""
    return Finding(
        "not-checked",
        Severity.NOTE,
        location,
        f"rule {rule.name} of {profile.id} could not be checked{why}",
        answer.expected or "attributes that can be read",
        rule.clause,
        "Look at the instance with another program.",
    )


def asked_keys(profile: ApplicationProfile, record_type: str) -> tuple[Key, ...]:
    """Return the keys that the profile adds to a record and that ask for a value the instance may lack.

    Those of type 1 in PS3.3 F.5 are not among them: they can be filled in (docs/adr/0006-filled-in-keys.md). A profile
    adds what a reader relies on, as Rows and Image Type, of which nothing may be invented.
    """
    base = {key.tag: key.type for key in record_types()[record_type].keys} if record_type in record_types() else {}
    return tuple(
        key
        for key in profile.directory.keys.get(record_type, ())
        if not key.source
        and TYPES.index(key.type) < TYPES.index("2")
        and base.get(key.tag) != "1"
        and key.condition not in TOLD_BY_THE_VALUE
    )


def lacking_keys(profile: ApplicationProfile, attributes: Attributes, sop_class_uid: str) -> tuple[Key, ...]:
    """Return the keys that the record of an instance must have under a profile, and that it cannot.

    Source: PS3.11 X.3.3.
    """
    return tuple(
        key
        for key in asked_keys(profile, _record_type(sop_class_uid))
        if not has_value(attributes.get(key.keyword), key.vr)
        and (not key.condition or condition(key.condition)(attributes, key.keyword) is True)
    )


def lacking_key_finding(profile: ApplicationProfile, key: Key, attributes: Attributes, location: str) -> Finding:
    """Say that a directory record would lack a key."""
    return Finding(
        "directory-key-lacking",
        Severity.ERROR,
        location,
        f"{_named(key.keyword, key.tag)} is {'empty' if key.keyword in attributes else 'absent'}",
        f"a value, which the directory of {profile.id} must show (type {key.type})",
        key.clause,
        "It cannot be invented. Export the instance again with it, or choose a profile that does not ask for it.",
    )


def covers(profile: ApplicationProfile, header: Header) -> bool:
    """Tell whether an instance can be in a File-set under a profile, in one Transfer Syntax or another."""
    return not any(
        finding.severity is Severity.ERROR for finding in reasons(profile, header.attributes, header.sop_class_uid)
    )


def reasons(profile: ApplicationProfile, attributes: Attributes, sop_class_uid: str) -> tuple[Finding, ...]:
    """Return why an instance cannot be written under a profile, whatever is done to its coding; and what is remarkable.

    A Finding that is no error does not keep it from the medium. Locations are empty.
    """
    possible = options(profile, attributes, sop_class_uid)
    if not possible:
        return (not_in_profile(profile, attributes, sop_class_uid, ""),)
    found = [] if can_hold(possible, attributes) else [_not_held(possible, attributes)]
    found += attribute_findings(profile, attributes, sop_class_uid, "", creating=True)
    keys = lacking_keys(profile, attributes, sop_class_uid)
    return (*found, *(lacking_key_finding(profile, key, attributes, "") for key in keys))


def judge(profile: ApplicationProfile, header: Header, location: str = "", *, creating: bool) -> tuple[Finding, ...]:
    """Return why a file is not, as it lies there, what a profile allows; nothing if it is.

    Args:
        profile: Of PS3.11, or a site's.
        header: Of the file, with all that ``wanted`` asks for.
        location: For the Findings; that of the source where none is given.
        creating: Rules that bind only who writes count too.

    Source: PS3.11 X.3.1 and X.3.4.
    """
    attributes, sop_class, location = header.attributes, header.sop_class_uid, location or header.source.location
    possible = options(profile, attributes, sop_class)
    if not possible:
        return (not_in_profile(profile, attributes, sop_class, location),)
    return (
        *_syntax_findings(profile, possible, header, location),
        *attribute_findings(profile, attributes, sop_class, location, creating=creating),
    )


def not_in_profile(profile: ApplicationProfile, attributes: Attributes, sop_class_uid: str, location: str) -> Finding:
    """Say that a profile has no place for an instance."""
    known = sop_classes().get(sop_class_uid)
    what = f"SOPClassUID (0008,0016) is {sop_class_uid}{f' ({known.name})' if known else ''}"
    rows = [rule for rule in profile.objects if rule.covers(sop_class_uid)]
    failing = [answer for rule in rows for one in rule.where if (answer := meets(one, attributes)).met is False]
    remedy = "Choose a profile that holds it, or send the instance another way."
    if not failing:
        expected = f"a SOP Class of {profile.id}"
        return Finding("sop-class-not-in-profile", Severity.ERROR, location, what, expected, profile.clause, remedy)
    return Finding(
        "object-not-in-profile",
        Severity.ERROR,
        location,
        "; ".join(dict.fromkeys((what, *(answer.found for answer in failing)))),
        f"{' or '.join(dict.fromkeys(answer.expected for answer in failing))} for this SOP Class in {profile.id}",
        rows[0].clause,
        remedy,
    )


def _not_held(possible: Sequence[Option], attributes: Attributes) -> Finding:
    return Finding(
        "photometric-not-allowed",
        Severity.ERROR,
        "",
        f"{PHOTOMETRIC} (0028,0004) is {text(attributes, PHOTOMETRIC)}",
        " or ".join(dict.fromkeys(name for option in possible for name in option.photometric)),
        possible[0].clause,
        "Choose a profile that holds it, or send the instance another way.",
    )


def _syntax_findings(
    profile: ApplicationProfile, possible: Sequence[Option], header: Header, location: str
) -> Iterator[Finding]:
    names = transfer_syntaxes()
    uid = header.transfer_syntax_uid
    name = names[uid].name if uid in names else "unknown"
    remedy = f"Create the medium again under {profile.id}: the instance is encoded anew."
    option = next((one for one in possible if one.transfer_syntax_uid == uid), None)
    if option is None:
        yield Finding(
            "transfer-syntax-not-in-profile",
            Severity.ERROR,
            location,
            f"TransferSyntaxUID (0002,0010) is {uid} ({name})",
            " or ".join(f"{one.transfer_syntax_uid} ({names[one.transfer_syntax_uid].name})" for one in possible),
            possible[0].clause,
            remedy,
        )
        return
    photometric = text(header.attributes, PHOTOMETRIC)
    if option.photometric and photometric not in option.photometric:
        yield Finding(
            "photometric-not-with-syntax",
            Severity.ERROR,
            location,
            f"{PHOTOMETRIC} (0028,0004) is {photometric or 'absent'} in {name}",
            " or ".join(option.photometric),
            option.clause,
            remedy,
        )


def _named(keyword: str, tag: int) -> str:
    return f"{keyword} ({tag >> 16:04X},{tag & 0xFFFF:04X})"
