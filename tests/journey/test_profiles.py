"""Each application profile of PS3.11 that is not secure: a medium is made under it and checked, each rule broken once.

For each identifier: instances that conform, from the data of the profile; ``create`` into a folder; our own check and
DCMTK's; then instances that break each rule, which ``create`` must refuse with its code and clause, and changes behind
the DICOMDIR that break each rule, which the check must name, and nothing else.
"""

from __future__ import annotations

import dataclasses
import io
import re
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.uid import UID

from mediacreator import CreateRequest, create
from mediacreator.errors import ProfileViolation, UsageError
from mediacreator.receipt import Receipt
from mediacreator.rules import profile as dataclasses_of_profiles
from mediacreator.rules import uids
from mediacreator.rules.claim import load_claim
from mediacreator.rules.library import load_profile, profile_ids
from mediacreator.rules.profile import ApplicationProfile
from mediacreator.rules.tables import sop_classes
from mediacreator.validate import FileSetCheck, check_file_set
from tests import profiles_corpus as corpus
from tests.filesets import opened
from tests.journey.test_mail import files_of, members_of, message_of
from tests.oracle.test_profiles_dcmmkdir import CODES, DCMMKDIR, NAMES, OPTIONS
from tests.oracles import needs, run
from tests.profile_breaks import NEWER, Break, Source, Written, breaks, sources
from tests.profile_rules import FIELDS, OTHERS, rules_of, rules_of_sources
from tests.witness import known

OPEN = [one for one in profile_ids() if load_profile(one).security == "none"]
SECURE = [one for one in profile_ids() if load_profile(one).security != "none"]

OPTION_OF = {
    "STD-XABC-CD": "-Pbc",
    "STD-XA1K-CD": "-Pxa",
    "STD-XA1K-DVD": "-Pxd",
    "STD-US-ID-SF-*": "-Pus",
    "STD-US-ID-MF-*": "-Pum",
    "STD-US-SC-SF-*": "--ultrasound-sc-sf",
    "STD-US-SC-MF-*": "--ultrasound-sc-mf",
    "STD-US-CC-SF-*": "--ultrasound-cc-sf",
    "STD-US-CC-MF-*": "--ultrasound-cc-mf",
    "STD-GEN-CD": "-Pgp",
    "STD-GEN-DVD-RAM": "-Pgp",
    "STD-GEN-BD": "-Pgp",
    "STD-CTMR-*": "-Pcm",
    "STD-GEN-MIME": "-Pmi",
    "STD-GEN-DVD-JPEG": "-Pdv",
    "STD-GEN-DVD-J2K": "-Pd2",
    "STD-DVD-MPEG2-MPML": "-Pmp",
    **{f"STD-GEN-{medium}-JPEG": "-Pfl" for medium in ("USB", "MMC", "CF", "SD")},
    **{f"STD-GEN-{medium}-J2K": "-Pf2" for medium in ("USB", "MMC", "CF", "SD")},
    "STD-DEN-CD": "-Pde",
    "STD-GEN-BD-JPEG": "-Pbd",
    "STD-GEN-BD-J2K": "-Pb2",
    "STD-GEN-BD-MPEG2-MPML": "-Pbm",
    "STD-GEN-BD-MPEG2-MPHL": "-Pbh",
    "STD-GEN-BD-MPEG4-HPLV41": "-Pba",
    "STD-GEN-BD-MPEG4-HPLV41BD": "-Pbb",
    "STD-GEN-BD-MPEG4-HPLV42-2D": "--general-bd-mpeg4-hp2d",
    "STD-GEN-BD-MPEG4-HPLV42-3D": "--general-bd-mpeg4-hp3d",
    "STD-GEN-BD-MPEG4-SHPLV42": "--general-bd-mpeg4-hpst",
}
"""The option of dcmmkdir that serves each identifier, or each that looks like it; it has none for e-mail."""


@dataclass(frozen=True)
class Made:
    """A medium that was made of conformant instances, each as it was where the profile allows that."""

    profile: ApplicationProfile
    samples: tuple[corpus.Sample, ...]
    sources: Path
    folder: Path
    receipt: Receipt

    @property
    def written(self) -> Written:
        by_uid = {str(sample.dataset.SOPInstanceUID): sample for sample in self.samples}
        return Written(self.profile, opened(self.folder), by_uid)


@pytest.fixture(scope="module")
def made(identifier: str, tmp_path_factory: pytest.TempPathFactory) -> Made:
    profile, folder = load_profile(identifier), tmp_path_factory.mktemp(identifier)
    samples = corpus.samples(profile)
    corpus.write(samples, folder / "samples")
    receipt = created(profile, folder / "medium", folder / "samples")
    return Made(profile, samples, folder / "samples", folder / "medium", receipt)


def created(
    profile: ApplicationProfile, folder: Path, *found: Path, strict: bool = False, compress: str = "keep"
) -> Receipt:
    request = CreateRequest(
        sources=tuple(map(str, found)),
        output=f"{folder}/",
        profile=profile.id,
        compress=compress,
        strict=strict,
        workers=1,
    )
    return create(request)


def for_each(identifiers: Iterable[str]) -> pytest.MarkDecorator:
    """Run a test for each identifier; those of one follow each other, so that its medium is made once."""
    return pytest.mark.parametrize("identifier", list(identifiers), scope="module")


def test_the_profiles_are_all_there() -> None:
    assert (len(OPEN), len(SECURE)) == (57, 25)


def test_every_field_of_a_profile_is_broken_or_said_not_to_be() -> None:
    """A new column of the dataclasses needs something that breaks it."""
    for name in FIELDS:
        fields = {field.name for field in dataclasses.fields(getattr(dataclasses_of_profiles, name))}
        assert fields == FIELDS[name] | OTHERS[name], name
        assert not FIELDS[name] & OTHERS[name], name


# --- a conformant File-set -------------------------------------------------------------------------------------------


@for_each(OPEN)
def test_a_conformant_set_is_written_whole(made: Made) -> None:
    counts = made.receipt.counts
    assert made.receipt.state == "complete"
    assert counts.found == counts.accepted == counts.written == counts.verified == len(made.samples)
    assert made.receipt.media[0].profile == made.profile.id

    check = check_file_set(made.folder, made.profile.id, workers=1)
    assert (check.conforms, check.checked, check.findings) == (True, len(made.samples), ())


@for_each(OPEN)
def test_every_object_lies_there_in_every_syntax_that_can_be_made(made: Made) -> None:
    """What may stay as it is did; the rest is in a Transfer Syntax of its row."""
    nodes = [node for node in made.written.file_set.nodes() if node.file_id]
    by_uid = {
        node.record.ReferencedSOPInstanceUIDInFile: node.record.ReferencedTransferSyntaxUIDInFile for node in nodes
    }
    for sample in made.samples:
        syntax = by_uid[sample.dataset.SOPInstanceUID]
        assert (
            syntax == sample.syntax
            if sample.copied
            else syntax in made.profile.transfer_syntaxes_for(sample.dataset.SOPClassUID)
        ), sample.name
    rows = {row.name for row in made.profile.objects if row.sop_classes != (uids.MEDIA_STORAGE_DIRECTORY,)}
    assert {sample.object.name for sample in made.samples if sample.copied} == rows


@for_each(OPEN)
def test_the_default_coding_conforms_too(made: Made, tmp_path: Path) -> None:
    receipt = created(made.profile, tmp_path / "default", made.sources, compress="auto")
    assert receipt.state == "complete"
    assert check_file_set(tmp_path / "default", made.profile.id, workers=1).conforms is True


@needs("dcmmkdir")
@for_each(one for one in OPEN if one != "STD-GEN-ZIP-MAIL")
def test_dcmmkdir_takes_every_file(made: Made, tmp_path: Path) -> None:
    """Under the option of the profile, with ``+r`` over the folder; what it refuses is listed with its reason."""
    option = next(option for pattern, option in OPTION_OF.items() if fnmatchcase(made.profile.id, pattern))
    nodes = [node for node in made.written.file_set.nodes() if node.file_id]
    expected = {node.file_id for node in nodes if not refused(option, made.written, node.record)}
    directory = tmp_path / "DICOMDIR"
    run("dcmmkdir", "-q", "--no-backup", option, "+r", "+id", made.folder, "+D", directory, "DICOM", rc=None)
    records = dcmread(directory).DirectoryRecordSequence if directory.exists() else ()

    assert {"/".join(one.ReferencedFileID) for one in records if "ReferencedFileID" in one} == expected


def refused(option: str, medium: Written, record: Dataset) -> bool:
    """Tell whether it is a known disagreement that DCMTK refuses a file (tests/known_disagreements.toml)."""
    uid, syntax = record.ReferencedSOPClassUIDInFile, record.ReferencedTransferSyntaxUIDInFile
    dataset = medium.samples[record.ReferencedSOPInstanceUIDInFile].dataset
    kind = f"{NAMES[uid]} {dataset.PhotometricInterpretation}" if uid in NAMES else sop_classes()[uid].name
    name = f"{OPTIONS[option]}: {kind} in {CODES[syntax]}"
    listed = known(DCMMKDIR, "profiles")
    return any(fnmatchcase(name, what) for what, ours, theirs in listed if (ours, theirs) == ("accepted", "refused"))


@needs("dciodvfy", "dcdirdmp")
@for_each(OPEN)
def test_dicom3tools_accept_the_dicomdir(made: Made) -> None:
    said = run("dciodvfy", made.folder / "DICOMDIR", rc=None)
    assert "BasicDirectory" in said
    errors = [line for line in said.splitlines() if line.startswith("Error")]
    missing = {f"{module}/{word}" for word, module in re.findall(r"Element=<(\w+)> Module=<(\w+)>", "\n".join(errors))}
    assert missing <= {what for what, _, _ in known("dciodvfy 1.00", "DICOMDIR")}, errors
    assert all("Missing attribute" in line for line in errors), errors
    assert run("dcdirdmp", made.folder / "DICOMDIR", rc=None).count("-> ") == len(made.samples)


# --- as one file: ZIP archives and mails -----------------------------------------------------------------------------

AS_ONE_FILE = {"zip": "PRI-ZIP", "zip_mail": "STD-GEN-ZIP-MAIL", "mime": "STD-GEN-MIME"}
"""The media that are no file systems, and a profile of each; PS3.11 has none for a ZIP archive that is not mailed."""


@pytest.fixture(scope="module")
def one_file(medium: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A File-set of every kind of instance that a profile of the medium holds, as one file."""
    folder = tmp_path_factory.mktemp(medium)
    samples = corpus.samples(load_profile("STD-GEN-MIME"))
    corpus.write(samples, folder / "samples")
    own = (Path(__file__).parents[2] / "profiles" / "annex-g.toml").read_text()
    for old, new in (("STD-GEN-MIME", "PRI-ZIP"), ('"mime"', '"zip"'), ('"optional"', '"required"')):
        assert old in own
        own = own.replace(old, new)
    (folder / "own.toml").write_text(own)
    request = CreateRequest(
        sources=(str(folder / "samples"),),
        output=str(folder / ("set.zip" if medium == "zip" else "set.eml")),
        profile=AS_ONE_FILE[medium],
        profile_folders=(str(folder),),
        compress="keep",
        workers=1,
    )
    assert create(request).state == "complete"
    return Path(request.output)


@pytest.mark.parametrize("medium", list(AS_ONE_FILE), scope="module")
def test_a_medium_that_is_one_file_conforms(medium: str, one_file: Path) -> None:
    claim = load_claim(AS_ONE_FILE[medium], (str(one_file.parent),))
    check = check_file_set(one_file, claim, workers=1)
    count = len(list((one_file.parent / "samples").iterdir()))
    assert (check.conforms, check.checked, check.findings) == (True, count, ())


@needs("dcmdump")
@pytest.mark.parametrize("medium", list(AS_ONE_FILE), scope="module")
def test_dcmdump_reads_every_instance_of_it(medium: str, one_file: Path, tmp_path: Path) -> None:
    """Taken out by Python alone; each is what its record says."""
    files = members_of(one_file.read_bytes()) if medium == "zip" else files_of(message_of(one_file))
    records = dcmread(io.BytesIO(files["DICOMDIR"])).DirectoryRecordSequence
    referenced = [record for record in records if "ReferencedFileID" in record]
    paths = []
    for number, record in enumerate(referenced):
        paths.append(tmp_path / f"{number}")
        paths[-1].write_bytes(files["/".join(record.ReferencedFileID)])
    said = run("dcmdump", "-q", "+P", "0002,0003", *paths)
    assert re.findall(r"\[([0-9.]+)\]", said) == [record.ReferencedSOPInstanceUIDInFile for record in referenced]
    assert len(referenced) == len(list((one_file.parent / "samples").iterdir()))


# --- each rule broken at the creator ---------------------------------------------------------------------------------


@for_each(OPEN)
def test_create_refuses_each_rule_that_an_instance_breaks(made: Made, tmp_path: Path) -> None:
    """Each is left out with the rule's own code and clause, and nothing else is; the medium still conforms."""
    broken = list(sources(made.profile))
    assert {source.rule for source in broken} == rules_of_sources(made.profile)
    folder = save(broken, tmp_path / "broken")

    receipt = created(made.profile, tmp_path / "rest", made.sources, folder)
    reasons = {entry.path: entry.finding for entry in receipt.not_on_medium}
    for number, source in enumerate(broken, 1):
        finding = reasons.pop(str(folder / f"{number:03}.dcm"))
        assert (finding.code, finding.clause) == (source.code, source.clause), (source.rule, str(finding))
    assert reasons == {}
    assert (receipt.state, receipt.counts.accepted) == ("incomplete", len(made.samples))
    assert receipt.counts.rejected == len(broken)
    assert check_file_set(tmp_path / "rest", made.profile.id, workers=1).conforms is True

    with pytest.raises(ProfileViolation) as raised:
        created(made.profile, tmp_path / "strict", made.sources, folder, strict=True)
    assert {finding.code for finding in raised.value.findings} == {source.code for source in broken}
    assert not (tmp_path / "strict").exists()


def save(broken: list[Source], folder: Path) -> Path:
    """Write instances with identifiers of their own, and each kind in a series of its own."""
    folder.mkdir()
    for number, source in enumerate(broken, 1):
        dataset = source.dataset
        if dataset.SOPClassUID == NEWER:
            dataset.SeriesInstanceUID, dataset.InstanceNumber = UID(f"{corpus.ROOT}.2.999"), number
        else:
            corpus._number(dataset, number)
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = UID(f"{corpus.ROOT}.33.{number}")
        corpus.save(dataset, folder / f"{number:03}.dcm")
    return folder


# --- each rule broken on the medium ----------------------------------------------------------------------------------


@for_each(OPEN)
def test_the_check_names_each_rule_that_a_medium_breaks(made: Made, tmp_path: Path) -> None:
    """One change at a time: its code, its clause and its place are found, and nothing that does not come of it."""
    found = list(breaks(made.written))
    assert {one.rule for one in found} == rules_of(made.profile)
    for one in found:
        place, check = broken_medium(made, one, tmp_path / "work")
        everything = (*check.findings, *check.not_checked)
        hits = [finding for finding in everything if (finding.code, finding.location) == (one.code, place)]
        others = [finding for finding in everything if finding not in hits and finding.code not in one.besides]

        assert [finding.clause for finding in hits] == [one.clause], (one.rule, [str(f) for f in everything])
        assert others == [], one.rule
        assert check.conforms is False or (one.rule, made.profile.id) == ("directory dicomdir", "STD-GEN-MIME")


def broken_medium(made: Made, one: Break, folder: Path) -> tuple[str, FileSetCheck]:
    """Change a copy of the medium, and check that."""
    file_set = opened(made.folder)
    place = one.change(file_set)
    shutil.rmtree(folder, ignore_errors=True)
    one.after(file_set.write(folder))
    return place, check_file_set(folder, made.profile.id, workers=1)


# --- secure profiles -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("identifier", SECURE)
def test_a_secure_profile_is_refused_in_one_sentence(identifier: str, tmp_path: Path) -> None:
    """It is listed, loaded and can be checked against; ``create`` says what is missing and with which clause."""
    profile = load_profile(identifier)
    assert profile.objects
    (tmp_path / "samples").mkdir()
    with pytest.raises(UsageError) as raised:
        created(profile, tmp_path / "medium", tmp_path / "samples")

    sentence = str(raised.value)
    missing = "secure e-mail" if "MAIL" in identifier else "Secure DICOM Files"
    clause = profile.clauses["security"]
    assert sentence == f"{identifier} asks for {missing}, which this version cannot make [{clause}]."
    assert not (tmp_path / "medium").exists()
