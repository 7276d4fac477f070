"""Application profiles of PS3.11: what may go on which medium, in which Transfer Syntax, with which directory keys.

A profile is data: ``library`` finds it in ``profiles/*.toml``. Nothing here knows one profile from another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mediacreator.errors import InternalError
from mediacreator.rules import uids
from mediacreator.rules.tables import TYPES, Blank, Key, MediaFormat, media_formats, record_types, sop_classes


@dataclass(frozen=True, slots=True)
class Constraint:
    """What one attribute of an instance must be: exactly one of the ways to say it is used (PS3.11 X.3.4)."""

    keyword: str  # PS3.6 keyword; for a named check "" is allowed
    tag: int
    vr: str
    number: int = 1  # which of several values, from 1
    one_of: tuple[str, ...] = ()  # values as text, numbers in decimal
    minimum: int | None = None  # with maximum: an inclusive range of an integer
    maximum: int | None = None
    same_as: str = ""  # keyword of an integer attribute: equal to it plus ``offset``
    offset: int = 0
    present: bool = False  # must be there, may be empty: type 2
    check: str = ""  # name of a check in rules.checks, for what no column can say


@dataclass(frozen=True, slots=True)
class ObjectRule:
    """A row of the table of SOP Classes and Transfer Syntaxes (PS3.11 X.3.1)."""

    name: str  # in messages, groups and scopes
    sop_classes: tuple[str, ...]  # UIDs; empty where ``selector`` says which
    selector: str  # "", any_media_storage (PS3.4 I.4) or multi_frame (those of them that are multi-frame)
    transfer_syntaxes: tuple[str, ...]  # UIDs, in the order of the table
    requirements: Mapping[str, str]  # role -> M, O, CS (as the conformance statement says), M* or X
    clause: str
    where: tuple[Constraint, ...] = ()  # the row speaks only of instances that meet all of these
    declared: bool = False  # the conformance statement names the Transfer Syntaxes; ours: every one a file can have

    def covers(self, sop_class_uid: str) -> bool:
        """Tell whether the row speaks of a SOP Class, whatever ``where`` says."""
        if self.selector == "any_media_storage":
            return sop_class_uid in sop_classes()
        if self.selector == "multi_frame":
            known = sop_classes().get(sop_class_uid)
            return known is not None and known.multi_frame
        return sop_class_uid in self.sop_classes


@dataclass(frozen=True, slots=True)
class ObjectGroup:
    """Of some objects a role must support at least so many (PS3.11 K.3.1, L.3.1): for conformance statements."""

    role: str
    at_least: int
    of: tuple[str, ...]  # names of objects
    clause: str


@dataclass(frozen=True, slots=True)
class Pairing:
    """Transfer Syntaxes that go with a Photometric Interpretation (PS3.11 Table C.3-2)."""

    scope: tuple[str, ...]  # names of objects
    photometric: str
    transfer_syntaxes: tuple[str, ...]  # UIDs
    clause: str


@dataclass(frozen=True, slots=True)
class AttributeRule:
    """What attributes of the referenced instances must be (PS3.11 X.3.4)."""

    name: str  # kebab-case, unique in the profile: the code of its Finding
    scope: tuple[str, ...]  # names of objects; ``images`` is every object whose record type is IMAGE
    where: tuple[Constraint, ...]  # it binds only instances that meet all of these
    constraint: Constraint
    create_only: bool  # binds who writes; a reader must accept more
    severity: str  # error, warning or note
    clause: str
    remedy: str


@dataclass(frozen=True, slots=True)
class IconRule:
    """What Icon Image Sequence must be in some records, on top of PS3.3 F.7 (PS3.11 X.3.3)."""

    records: tuple[str, ...]  # record types
    required: bool
    rows: int  # 0: any
    columns: int
    bits: int  # allocated and stored; 0: any
    photometric: tuple[str, ...]  # (): any of F.7
    clause: str


@dataclass(frozen=True, slots=True)
class Option:
    """One way in which an instance may be in the File-set."""

    transfer_syntax_uid: str
    photometric: tuple[str, ...]  # Photometric Interpretations it may then have; (): any
    clause: str


@dataclass(frozen=True, slots=True)
class DirectoryRule:
    """What the profile asks of the DICOMDIR (PS3.11 X.3.3); ``keys`` come on top of PS3.3 F.5."""

    dicomdir: str  # required or optional
    empty_allowed: bool  # a DICOMDIR without directory records
    levels: tuple[str, ...]  # record types above the record of an instance that belongs to a patient
    all_files_referenced: bool
    root: bool  # the DICOMDIR lies in the root directory of the medium
    unique_patient_id: bool
    clause: str
    keys: Mapping[str, tuple[Key, ...]]  # by record type
    icons: tuple[IconRule, ...] = ()


@dataclass(frozen=True, slots=True)
class Session:
    """How the medium may be written (PS3.11 X.2.1): must_offer (one of those that say so), may, no or unstated."""

    finalize: str
    multisession: str
    packet: str
    multi_volume: bool  # one File-set over several media
    clause: str


@dataclass(frozen=True, slots=True, eq=False)
class ApplicationProfile:
    """A media storage application profile, resolved to one identifier. Source: PS3.11 6 and 8."""

    id: str  # STD-GEN-CD
    title: str
    annex: str  # of PS3.11
    clause: str
    status: str  # current or retired
    roles: tuple[str, ...]  # of FSC, FSR, FSU
    medium: str  # key of media_formats
    objects: tuple[ObjectRule, ...]
    directory: DirectoryRule
    session: Session
    security: str  # none (Secure DICOM Files are forbidden), basic_media or email_transport (PS3.15 D.1, B.8)
    groups: tuple[ObjectGroup, ...] = ()
    pairings: tuple[Pairing, ...] = ()
    attributes: tuple[AttributeRule, ...] = ()
    jpeg_interchange_format: bool = False  # each JPEG frame carries its own tables (PS3.11 B, H, J, M)
    transport: Mapping[str, str] = field(default_factory=dict)  # what a mail that carries it must say (PS3.11 L.3.2)
    clauses: Mapping[str, str] = field(default_factory=dict)  # of roles, medium, security and what else has no row
    extends: str = ""  # identifier of the standard profile that an augmented one adds to (PS3.11 7)
    last_in: str = ""  # edition that last had a retired profile
    notes: tuple[str, ...] = ()  # decisions on ambiguities, and what is not verified
    source: str = ""  # the file it came from, for messages
    blank: Blank | None = None  # the medium that it is written to, where it is a certain one
    _syntaxes: dict[str, tuple[str, ...]] = field(default_factory=dict, init=False, repr=False)  # answers given
    _keys: dict[str, tuple[Key, ...]] = field(default_factory=dict, init=False, repr=False)

    @property
    def media_format(self) -> MediaFormat:
        """Return the medium with its file system and capacity: those of the blank where one was chosen."""
        medium = media_formats()[self.medium]
        if self.blank is None:
            return medium
        writer = self.blank.writer or medium.writer
        return replace(medium, name=self.blank.name, capacity=self.blank.capacity, writer=writer)

    def transfer_syntaxes_for(self, sop_class_uid: str) -> tuple[str, ...]:
        """Return the UIDs of the Transfer Syntaxes that instances of a SOP Class may have, none if it is not accepted.

        Source: PS3.11 X.3.1.
        """
        try:
            return self._syntaxes[sop_class_uid]
        except KeyError:
            pass
        found: dict[str, None] = {}
        for rule in self.objects:
            if rule.covers(sop_class_uid):
                found.update(dict.fromkeys(rule.transfer_syntaxes))
        return self._syntaxes.setdefault(sop_class_uid, tuple(found))

    def accepts(self, sop_class_uid: str) -> bool:
        """Tell whether instances of a SOP Class may be in such a File-set, besides the DICOMDIR itself.

        True also for SOP Classes that have no directory record (``SOPClass.record_type`` is empty): PS3.4 I.4 lets
        them be stored, PS3.3 F.2.1 leaves no way to refer to them.
        """
        return sop_class_uid != uids.MEDIA_STORAGE_DIRECTORY and bool(self.transfer_syntaxes_for(sop_class_uid))

    def keys_for(self, record_type: str) -> tuple[Key, ...]:
        """Return the keys of a directory record in tag order: those of PS3.3 F.5 and the profile's own.

        Raises:
            InternalError: There is no such record type.
        """
        try:
            return self._keys[record_type]
        except KeyError:
            pass
        base = record_types().get(record_type)
        if base is None:
            raise InternalError(f"{record_type!r} is no directory record type")
        return self._keys.setdefault(record_type, merge_keys(base.keys, self.directory.keys.get(record_type, ())))


def merge_keys(base: tuple[Key, ...], overlay: tuple[Key, ...]) -> tuple[Key, ...]:
    """Return the keys of both, in tag order; where both have one, the stricter type wins (1, 1C, 2, 2C, 3).

    Source: PS3.3 F.5 (application profiles may raise the type of keys), PS3.11 X.3.3.
    """
    keys = {key.tag: key for key in base}
    for key in overlay:
        there = keys.get(key.tag)
        keys[key.tag] = key if there is None else _merge_key(there, key)
    return tuple(sorted(keys.values(), key=lambda key: key.tag))


def _merge_key(base: Key, overlay: Key) -> Key:
    stricter = min(base, overlay, key=lambda key: TYPES.index(key.type))
    whole = base.vr == "SQ" and not (base.items and overlay.items)
    return Key(
        keyword=base.keyword,
        tag=base.tag,
        vr=base.vr,
        type=stricter.type,
        condition=stricter.condition,
        keep=overlay.keep or base.keep,
        source=overlay.source or base.source,
        clause=stricter.clause,
        items=() if whole else merge_keys(base.items, overlay.items),
    )
