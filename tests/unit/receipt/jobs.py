"""Make Jobs and receipts for tests."""

from __future__ import annotations

from collections.abc import Sequence

from mediacreator.model import Disposition, Finding, Missing, Outcome, Scan, Severity, Volume
from mediacreator.receipt import Decision, Job, Receipt, WrittenMedium, build_receipt, travelling_receipt
from tests.headers import header
from tests.volumes import CREATED, content_files, disposition, finding, instance, patient, study, volume, written


def medium(instances: int = 25, *, transcoded: bool = False, **attributes: str) -> Volume:
    ones = [instance(header(n, **attributes)) for n in range(1, 1 + instances)]  # type: ignore[arg-type]
    return volume([patient([study([ones])])], transcoded=transcoded)


def filled_medium() -> Volume:
    """A medium whose records at every level hold what no instance says."""
    ones = [instance(header(1), filled=("InstanceNumber",), InstanceNumber=b"1 "), instance(header(2))]
    unknown = study([ones], filled=("StudyDate", "StudyID"), StudyDate=b"19000101", StudyID=b"X1")
    known = study([[instance(header(3, study="2"))]], filled=("StudyDate",), StudyDate=b"20250607")
    root = instance(header(4), "HANGING PROTOCOL", filled=("HangingProtocolName",), HangingProtocolName=b"none")
    return volume([patient([unknown, known], filled=("PatientID",), PatientID=b"NOID0001")], [root])


def job(
    volumes: Sequence[Volume],
    *,
    others: Sequence[Disposition] = (),
    dispositions: Sequence[Disposition] = (),
    missing: Sequence[Missing] = (),
    findings: Sequence[Finding] = (),
    arguments: tuple[str, ...] = (),
) -> Job:
    headers = [one.header for made in volumes for one in made.content.instances()]
    headers += [header(entry.source.number) for entry in dispositions]
    return Job(
        receipt_id="2.25.99",
        created=CREATED,
        profile="STD-GEN-CD",
        edition="2024c",
        scan=Scan(tuple(headers), tuple(others), tuple(missing)),
        dispositions=tuple(dispositions),
        volumes=tuple(volumes),
        findings=tuple(findings),
        arguments=arguments,
        decisions=(Decision(1, "same person?", "family-name-changed", "--same-patient 1"),),
        placeholder_date="19000101",
    )


def mixed_job(made: Volume) -> Job:
    """A job with files of every outcome."""
    return job(
        [made],
        others=(disposition(101), disposition(102, Outcome.NOT_DICOM, "not-dicom")),
        dispositions=(
            disposition(103),
            disposition(104, Outcome.LEFT_OUT, "rejected-by-note"),
            disposition(105, Outcome.DUPLICATE, "duplicate-instance"),
            disposition(106, Outcome.FILTERED, "not-asked-for"),
            disposition(107, Outcome.FILTERED, "not-asked-for"),
        ),
        missing=(Missing("/cd/DICOMDIR", finding("file-missing", location="DICOMDIR of source 9"), "2.25.4"),),
        findings=(finding("odd-character-set", Severity.WARNING, "DICOM/PT000000/ST000000/SE000000/IM000003"),),
        arguments=("create", "/in/Mueller", "-o", "disc.iso"),
    )


def local(one: Job) -> Receipt:
    """Return the receipt of a job whose media were read back as they were written."""
    images = [(made, written(made)) for made in one.volumes]
    return build_receipt(one, [WrittenMedium(made, image, image.files) for made, image in images])


def travelling(one: Job) -> Receipt:
    """Return the receipt that lies on the first medium of a job."""
    content = [(("DICOMDIR",), 2048), *((file.path, len(file.data)) for file in content_files())]
    return travelling_receipt(one, one.volumes[0], content)
