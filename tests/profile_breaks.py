"""Break each rule of an application profile: in an instance before it is taken, and on a medium behind the DICOMDIR."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence as Items
from pydicom.uid import UID

from mediacreator.rules import uids
from mediacreator.rules.profile import ApplicationProfile, AttributeRule, ObjectRule
from mediacreator.rules.tables import Key, sop_classes, transfer_syntaxes
from tests import profiles_corpus as corpus
from tests.dicomdirs import at, patched
from tests.filesets import FileSet, Node, icon_of, setting
from tests.profile_rules import asks, keys_of, told

PRIVATE, NEWER = "1.2.826.0.1.3680043.10.999.77", "1.2.840.10008.5.1.4.1.1.9999"
"""SOP Classes that no profile has."""

CMS = bytes.fromhex("308006092a864886f70d010703a080") + bytes(2000)
"""The beginning of a Secure DICOM File (PS3.15 D.1, RFC 5652)."""

_IDENTITY = ("SOPInstanceUID", "SeriesInstanceUID", "SeriesNumber", "InstanceNumber", "ContentTime")


def _first(profile: ApplicationProfile, sop_class: str) -> ObjectRule:
    return next(row for row in profile.objects if row.covers(sop_class))


def _is_video(row: ObjectRule) -> bool:
    return transfer_syntaxes()[row.transfer_syntaxes[0]].codec == "video"


def _photometric(profile: ApplicationProfile, row: ObjectRule) -> str:
    return next((pair.photometric for pair in profile.pairings if row.name in pair.scope), "")


def _images(profile: ApplicationProfile) -> Iterator[tuple[ObjectRule, str]]:
    """Yield the rows of images that can be made here, each with one SOP Class."""
    for row in profile.objects:
        classes = row.sop_classes or corpus.SELECTED[row.selector]
        known = [uid for uid in classes if uid in sop_classes() and sop_classes()[uid].record_type == "IMAGE"]
        if known and not _is_video(row):
            yield row, known[0]


# --- instances -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Source:
    """An instance that breaks a rule, and how ``create`` says so."""

    rule: str
    dataset: Dataset
    code: str
    clause: str


def sources(profile: ApplicationProfile) -> Iterator[Source]:
    """Yield an instance for each rule that one breaks whatever is done to its coding."""
    for row, sop_class in _images(profile):
        yield from _attribute_sources(profile, row, sop_class)
        for where in row.where:
            dataset = corpus.image(profile, row, sop_class)
            corpus.set_text(dataset, where, "MONOCHROME1")
            clause = _first(profile, sop_class).clause
            yield Source(f"where {row.name}/{where.keyword}", dataset, "object-not-in-profile", clause)
        for pair in profile.pairings:
            if row.name in pair.scope:
                dataset = corpus.image(profile, row, sop_class, _photometric(profile, row))
                dataset.PhotometricInterpretation = "MONOCHROME1"
                yield Source(f"photometric {row.name}", dataset, "photometric-not-allowed", pair.clause)
                break
    yield from _key_sources(profile)
    yield _outsider(profile)
    yield from _frame_sources(profile)


def _attribute_sources(profile: ApplicationProfile, row: ObjectRule, sop_class: str) -> Iterator[Source]:
    for attribute in corpus.rules_of(profile, row):
        sound = corpus.image(profile, row, sop_class, _photometric(profile, row))
        broken = corpus.broken(profile, row, attribute, sound)
        if broken is not None:
            yield Source(f"attribute {attribute.name}", broken, attribute.name, attribute.clause)


def _key_sources(profile: ApplicationProfile) -> Iterator[Source]:
    """Yield instances without what their record must show."""
    samples = corpus.samples(profile)
    for kind, keys in keys_of(profile):
        for key in (one for one in keys if asks(kind, one)):
            found = [one.dataset for one in samples if sop_classes()[one.dataset.SOPClassUID].record_type == kind]
            dataset = deepcopy(next(one for one in found if _calls(key, one)))
            if key.keyword in dataset:
                delattr(dataset, key.keyword)
            yield Source(f"key {kind}/{key.keyword}", dataset, "directory-key-lacking", key.clause)


def _calls(key: Key, instance: Dataset) -> bool:
    """Tell whether the condition of a key is met: by an instance, or by the record of one."""
    biplane = "BIPLANE A" in (instance.get("ImageType") or ())
    sop_class = instance.get("SOPClassUID") or instance.get("ReferencedSOPClassUIDInFile")
    return ("biplane" not in key.condition or biplane) and ("xa" not in key.condition or sop_class == corpus.XA)


def _outsider(profile: ApplicationProfile) -> Source:
    others = [uid for uid in (corpus.CT, corpus.US) if not any(row.covers(uid) for row in profile.objects)]
    dataset = corpus.image(profile, profile.objects[-1], others[0] if others else corpus.CT)
    if others:
        return Source("other objects", dataset, "sop-class-not-in-profile", profile.clause)
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = UID(NEWER)
    return Source("other objects", dataset, "sop-class-unknown", "PS3.4 I.4")


def _frame_sources(profile: ApplicationProfile) -> Iterator[Source]:
    """Yield images of whose frames something else must be made than their coding: icons, whole JPEG streams."""
    coded = [one for one in corpus.samples(profile) if one.copied and transfer_syntaxes()[one.syntax].codec == "jpeg"]
    for rule in profile.directory.icons:
        if rule.required:
            dataset = deepcopy(coded[0].dataset)
            dataset.PixelData = encapsulate([b"\0" * 40])
            yield Source("icon required", dataset, "icon-not-made", rule.clause)
    if profile.jpeg_interchange_format:
        dataset = deepcopy(coded[0].dataset)
        corpus.strip_tables(dataset)
        clause = f"{profile.clauses['jpeg_interchange_format']}; PS3.5 8.2.1"
        yield Source("jpeg", dataset, "jpeg-tables-missing", clause)


# --- media -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Break:
    """A change of a File-set that breaks a rule, and how the check says so."""

    rule: str
    code: str
    clause: str
    change: Callable[[FileSet], str]  # returns the place that is to be named
    besides: frozenset[str] = frozenset()  # codes of what the change breaks besides
    after: Callable[[Path], object] = lambda _: None  # done to the folder


@dataclass(frozen=True)
class Written:
    """A medium made under a profile."""

    profile: ApplicationProfile
    file_set: FileSet  # as it was written
    samples: Mapping[str, corpus.Sample]  # by SOP Instance UID

    def sample(self, node: Node) -> corpus.Sample:
        return self.samples[node.record.ReferencedSOPInstanceUIDInFile]

    def nodes(self, row: ObjectRule) -> list[Node]:
        """Return the records of the instances of a row, those first that lie in one of its Transfer Syntaxes."""
        found = [node for node in self.file_set.nodes() if node.file_id and self.sample(node).object == row]
        return sorted(found, key=lambda n: n.record.ReferencedTransferSyntaxUIDInFile not in row.transfer_syntaxes)


def breaks(written: Written) -> Iterator[Break]:
    """Yield a change for each rule of a profile."""
    yield from _key_breaks(written)
    yield from _icon_breaks(written)
    for row in written.profile.objects:
        if row.sop_classes == (uids.MEDIA_STORAGE_DIRECTORY,):
            yield Break(
                f"object {row.name}",
                "directory-transfer-syntax",
                "PS3.10 8.6",
                lambda _: "DICOMDIR",
                frozenset(("wrong-transfer-syntax",)),
                _say_implicit,
            )
        else:
            yield _syntax_break(written, row)
    for row, sop_class in _images(written.profile):
        yield from _value_breaks(written, row, sop_class)
    yield from _file_breaks(written)
    yield from _directory_breaks(written)


def _again(fs: FileSet, node: Node) -> Node:
    """Return the record of the same file, or of the same place, in another reading of the File-set."""
    return fs.nodes()[[one.record.seq_item_tell for one in fs.nodes()].index(node.record.seq_item_tell)]


def _in_record(node: Node, how: Callable[[Dataset], object]) -> Callable[[FileSet], str]:
    def change(fs: FileSet) -> str:
        there = _again(fs, node)
        how(there.record)
        return fs.location(there)

    return change


def _in_file(node: Node, how: Callable[[Dataset], object], **record: object) -> Callable[[FileSet], str]:
    def change(fs: FileSet) -> str:
        there = _again(fs, node)
        fs.change(there, how)
        setting(**record)(there.record)
        return there.file_id

    return change


def _key_breaks(written: Written) -> Iterator[Break]:
    """Take each key, and each mandatory key of its items, out of a record that needs it."""
    for kind, keys in keys_of(written.profile):
        clauses = {key.tag: key.clause for key in written.profile.keys_for(kind)}
        for key in keys:
            if key.source == "icon":
                continue
            nodes = [node for node in written.file_set.nodes() if node.type == kind and key.keyword in node.record]
            node = next(one for one in nodes if _calls(key, one.record))
            remove = _in_record(node, _removing(key.keyword))
            yield Break(f"key {kind}/{key.keyword}", "key-missing", clauses[key.tag], remove)
            for inner in key.items:
                if inner.condition == "parent_present":
                    way = f"key {kind}/{key.keyword}>{inner.keyword}"
                    remove = _in_record(node, _removing(key.keyword, inner.keyword))
                    yield Break(way, "key-missing", inner.clause, remove, frozenset(("key-differs",)))


def _removing(keyword: str, inner: str = "") -> Callable[[Dataset], object]:
    return lambda record: delattr(record[keyword].value[0], inner) if inner else delattr(record, keyword)


def _icon_breaks(written: Written) -> Iterator[Break]:
    node = next((node for node in written.file_set.nodes() if node.type == "IMAGE"), None)
    for rule in written.profile.directory.icons:
        assert node is not None
        half = bytes(rule.rows * rule.columns // 2)
        wrong = {
            "rows": ("icon-size", icon_of(rule.rows, Rows=rule.rows // 2, PixelData=half)),
            "columns": ("icon-size", icon_of(rule.rows, Columns=rule.columns // 2, PixelData=half)),
            "bits": ("icon-bits", icon_of(rule.rows, bits=1)),
            "photometric": ("icon-photometric", icon_of(rule.rows, photometric="MONOCHROME1")),
        }
        for what in told(rule):
            if what == "required":
                missing = _in_record(node, _removing("IconImageSequence"))
                yield Break("icon required", "icon-missing", rule.clause, missing)
            else:
                code, icon = wrong[what]
                worse = _in_record(node, setting(IconImageSequence=Items([icon])))
                yield Break(f"icon {what}", code, rule.clause, worse)


def _syntax_break(written: Written, row: ObjectRule) -> Break:
    """Put an instance of a row into a Transfer Syntax that no row has for it."""
    profile, nodes = written.profile, written.nodes(row)
    sop_class = nodes[0].record.ReferencedSOPClassUIDInFile
    allowed = profile.transfer_syntaxes_for(sop_class)
    native = [uid for uid in (corpus.IMPLICIT, corpus.RLE) if uid not in allowed]
    if row.declared or _is_video(row):
        coded = next(node for node in nodes if _is_coded(node))
        change = _in_file_as(coded, next(uid for uid in _encapsulated() if uid not in allowed))
    elif sop_classes()[sop_class].record_type == "IMAGE":
        change = _recoded(profile, row, nodes[0], _photometric(profile, row), native[-1])
    else:
        change = _in_file_as(nodes[0], native[0])
    clauses = [pair.clause for pair in profile.pairings if row.name in pair.scope]
    clause = clauses[0] if clauses else _first(profile, sop_class).clause
    return Break(f"object {row.name}", "transfer-syntax-not-in-profile", clause, change)


def _encapsulated() -> list[str]:
    return [uid for uid, one in transfer_syntaxes().items() if one.pixels == "encapsulated"]


def _in_file_as(node: Node, syntax: str) -> Callable[[FileSet], str]:
    """Say another Transfer Syntax than the pixels of a file are in, and in its record too."""
    return _in_file(node, _labelled(syntax), ReferencedTransferSyntaxUIDInFile=UID(syntax))


def _labelled(syntax: str) -> Callable[[Dataset], object]:
    return lambda dataset: setattr(dataset.file_meta, "TransferSyntaxUID", UID(syntax))


def _recoded(
    profile: ApplicationProfile, row: ObjectRule, node: Node, photometric: str, syntax: str
) -> Callable[[FileSet], str]:
    """Replace a file by an image in another Transfer Syntax, with the identity that its record says."""

    def become(dataset: Dataset) -> None:
        other = corpus.image(profile, row, dataset.SOPClassUID, photometric, syntax)
        for keyword in _IDENTITY:
            setattr(other, keyword, dataset[keyword].value)
        dataset.clear()
        dataset.update(other)
        _labelled(syntax)(dataset)

    return _in_file(node, become, ReferencedTransferSyntaxUIDInFile=UID(syntax))


def _value_breaks(written: Written, row: ObjectRule, sop_class: str) -> Iterator[Break]:
    profile = written.profile
    nodes = [node for node in written.nodes(row) if node.record.ReferencedSOPClassUIDInFile == sop_class]
    for where in row.where:
        wrong = _in_file(nodes[0], setting(**{where.keyword: "MONOCHROME1"}))
        clause = _first(profile, sop_class).clause
        yield Break(f"where {row.name}/{where.keyword}", "object-not-in-profile", clause, wrong)
    for attribute in corpus.rules_of(profile, row):
        yield from _attribute_break(profile, row, sop_class, attribute, nodes[0])
    for pair in profile.pairings:
        if row.name in pair.scope:
            other = next(uid for uid in row.transfer_syntaxes[1:] if uid not in pair.transfer_syntaxes)
            of_pair = (node for node in nodes if _is_coded(node) and _colour(written, node) == pair.photometric)
            change = _in_file_as(next(of_pair), other)
            rule = f"pairing {row.name}/{pair.photometric}"
            yield Break(rule, "photometric-not-with-syntax", pair.clause, change)


def _is_coded(node: Node) -> bool:
    return bool(node.record.ReferencedTransferSyntaxUIDInFile.is_encapsulated)


def _colour(written: Written, node: Node) -> str:
    return str(written.sample(node).dataset.PhotometricInterpretation)


def _attribute_break(
    profile: ApplicationProfile, row: ObjectRule, sop_class: str, attribute: AttributeRule, node: Node
) -> Iterator[Break]:
    """Give a file the attributes in which an instance that breaks a rule differs from one that does not."""
    sound = corpus.image(profile, row, sop_class, _photometric(profile, row))
    broken = corpus.broken(profile, row, attribute, sound)
    if broken is None:
        return

    def become(dataset: Dataset) -> None:
        native = not dataset.file_meta.TransferSyntaxUID.is_encapsulated
        for tag in {*sound.keys(), *broken.keys()}:
            if sound.get(tag) == broken.get(tag) or (tag == 0x7FE00010 and not native):
                continue
            if tag in broken:
                dataset[tag] = broken[tag]
            else:
                del dataset[tag]

    change = _in_file(node, become)
    yield Break(f"attribute {attribute.name}", attribute.name, attribute.clause, change, frozenset(("key-differs",)))


def _file_breaks(written: Written) -> Iterator[Break]:
    profile = written.profile
    nodes = [node for node in written.file_set.nodes() if node.file_id]
    foreign = _in_file(nodes[0], setting(SOPClassUID=UID(PRIVATE)), ReferencedSOPClassUIDInFile=UID(PRIVATE))
    yield Break("other objects", "sop-class-not-in-profile", profile.clause, foreign)

    def secure(fs: FileSet) -> str:
        fs.files[nodes[0].file_id] = CMS
        return nodes[0].file_id

    yield Break("security", "secure-file", profile.clauses["security"], secure, frozenset(("not-checked",)))
    if profile.jpeg_interchange_format:
        coded = (n for n in nodes if transfer_syntaxes()[n.record.ReferencedTransferSyntaxUIDInFile].codec == "jpeg")
        clause = f"{profile.clauses['jpeg_interchange_format']}; PS3.5 8.2.1"
        yield Break("jpeg", "jpeg-tables-missing", clause, _in_file(next(coded), corpus.strip_tables))


def _directory_breaks(written: Written) -> Iterator[Break]:
    directory = written.profile.directory
    node = next(node for node in written.file_set.nodes() if node.file_id)
    needed = directory.dicomdir == "required"
    yield Break(
        "directory dicomdir",
        "no-dicomdir",
        directory.clause if needed else "PS3.10 8.6",
        lambda _: "DICOMDIR",
        after=lambda folder: (folder / "DICOMDIR").unlink(),
    )
    yield Break("directory empty", "empty-directory", directory.clause, _emptied)
    yield Break("directory root", "dicomdir-not-in-root", "PS3.10 8.6", lambda _: "DICOMDIR", after=_a_folder_down)
    private = _as_private(node)
    besides = frozenset(("record-type-differs",))
    yield Break("directory levels", "missing-level", directory.clause, private, besides)
    yield Break("directory patients", "duplicate-patient-id", "PS3.3 F.5.1", _second_patient)

    def more(fs: FileSet) -> str:
        fs.files["AAA"] = fs.files[node.file_id]
        return "file 1 of the medium"

    yield Break("directory references", "unreferenced-file", "PS3.3 F.2.1", more)


def _emptied(fs: FileSet) -> str:
    fs.roots.clear()
    fs.files.clear()
    return "DICOMDIR"


def _as_private(node: Node) -> Callable[[FileSet], str]:
    """Move a record up to the root, where only PRIVATE ones may stand with a file of a patient."""

    def change(fs: FileSet) -> str:
        there = _again(fs, node)
        fs.parent(there).below.remove(there)
        there.record.DirectoryRecordType = "PRIVATE"
        fs.roots.append(there)
        return fs.location(there)

    return change


def _second_patient(fs: FileSet) -> str:
    fs.roots.append(Node(deepcopy(fs.roots[0].record)))
    return fs.location(fs.roots[-1])


def _a_folder_down(folder: Path) -> None:
    folder.rename(folder.parent / "moved")
    folder.mkdir()
    (folder.parent / "moved").rename(folder / "DISC")


def _say_implicit(folder: Path) -> None:
    data = (folder / "DICOMDIR").read_bytes()
    stated = at(data, b"1.2.840.10008.1.2.1\0")
    (folder / "DICOMDIR").write_bytes(patched(data, stated, b"1.2.840.10008.1.2\0\0\0"))
