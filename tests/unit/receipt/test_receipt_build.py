"""Receipts are made from what the stages said, and their counts close or do not."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediacreator.model import Outcome, Scan, Volume, WrittenFile
from mediacreator.receipt import COMPLETE, INCOMPLETE, Job, WrittenMedium, build_receipt, counts_close
from mediacreator.receipt.model import Counts
from tests.headers import header
from tests.unit.receipt.jobs import filled_medium, job, local, medium, mixed_job, travelling
from tests.volumes import disposition, instance, patient, renumbered, study, volume, written


def test_a_whole_run_is_complete() -> None:
    receipt = local(job([medium(25)]))

    assert counts_close(receipt) == ()
    assert receipt.state == COMPLETE
    assert receipt.counts == Counts(25, 25, 0, 0, 0, 0, 0, 0, written=25, verified=25)


def test_every_file_found_has_an_outcome() -> None:
    receipt = local(mixed_job(medium(25)))

    assert counts_close(receipt) == ()
    assert receipt.counts == Counts(33, 25, 3, 1, 1, 2, 1, missing=1, written=25, verified=25)
    assert [entry.source for entry in receipt.not_on_medium] == [101, 102, 103, 104, 105, 106, 107, 0]
    assert receipt.not_on_medium[-1].path == "/cd/DICOMDIR"


def test_rejected_files_leave_the_state_incomplete_although_counts_close() -> None:
    receipt = local(job([medium(2)], dispositions=[disposition(9)]))

    assert counts_close(receipt) == ()
    assert receipt.state == INCOMPLETE


@pytest.mark.parametrize("outcome", [Outcome.LEFT_OUT, Outcome.DUPLICATE, Outcome.FILTERED, Outcome.NOT_DICOM])
def test_notes_do_not(outcome: Outcome) -> None:
    assert local(job([medium(2)], dispositions=[disposition(9, outcome, "a-note")])).state == COMPLETE


def reasons(one: Job, *media: WrittenMedium) -> str:
    receipt = build_receipt(one, media)
    assert receipt.state == INCOMPLETE
    return " ".join(counts_close(receipt))


def test_a_file_that_vanished_between_the_stages_is_noticed() -> None:
    """The worst that can happen: nobody says what became of it."""
    made = medium(5)
    whole = job([made])
    lost = replace(whole, scan=Scan((*whole.scan.headers, whole.scan.headers[0]), ()))

    assert "6 files were found, and 5 are accounted for." in reasons(
        lost, WrittenMedium(made, written(made), written(made).files)
    )


def test_an_instance_that_was_not_written_is_noticed() -> None:
    made = medium(5)
    image = written(made)
    short = replace(image, files=image.files[:-1])

    said = reasons(job([made]), WrittenMedium(made, short, short.files))

    assert "5 instances were accepted, and 4 were written." in said
    assert "the DICOMDIR names 5 instances, and 4 are on the medium" in said


def test_an_instance_that_reads_back_differently_is_noticed() -> None:
    made = medium(5)
    image = written(made)
    flipped = (*image.files[:-1], replace(image.files[-1], sha256="f" * 64))

    said = reasons(job([made]), WrittenMedium(made, image, flipped))

    assert "5 instances were accepted, and 4 were read back as written." in said
    assert "1 files do not read back as written, DICOM/PT000000/ST000000/SE000000/IM000004 first." in said


@pytest.mark.parametrize("change", [{"size": 1}, {"sha256": "0" * 64}, {"path": ("OTHER",)}])
def test_a_file_that_is_no_instance_is_verified_too(change: dict[str, object]) -> None:
    made = medium(5)
    image = written(made)
    changed = (replace(image.files[0], **change), *image.files[1:])  # type: ignore[arg-type]

    assert "1 files do not read back as written, DICOMDIR first." in reasons(
        job([made]), WrittenMedium(made, image, changed)
    )


def test_a_medium_that_was_not_read_back_is_not_complete() -> None:
    made = medium(5)

    assert "and 0 were read back as written" in reasons(job([made]), WrittenMedium(made, written(made), ()))


def test_a_medium_that_was_not_written_is_not_complete() -> None:
    first, second = medium(2), renumbered(medium(3), 2, 2)

    said = reasons(job([first, second]), WrittenMedium(first, written(first), written(first).files))

    assert "5 instances were accepted, and 2 were written." in said


def test_a_file_with_two_outcomes_is_noticed() -> None:
    made = medium(5)
    one = job([made], dispositions=[disposition(3)])

    assert "1 files have more than one outcome, source 3 first." in reasons(
        one, WrittenMedium(made, written(made), written(made).files)
    )


def test_a_file_called_accepted_that_is_not_on_the_medium_is_noticed() -> None:
    made = medium(5)
    one = job([made], dispositions=[disposition(9, Outcome.ACCEPTED)])

    assert "1 files are called accepted and are not on the medium." in reasons(
        one, WrittenMedium(made, written(made), written(made).files)
    )


def test_one_instance_twice_on_a_medium_is_noticed() -> None:
    made = medium(2)
    image = written(made)
    again = replace(
        image, files=(*image.files, WrittenFile(("DICOM", "X"), 1, "0" * 64, image.files[-1].sop_instance_uid))
    )

    assert "1 SOP Instances are on the medium more than once." in reasons(
        job([made]), WrittenMedium(made, again, again.files)
    )


def test_one_path_twice_and_a_file_without_a_hash_are_noticed() -> None:
    made = medium(2)
    image = written(made)
    bad = replace(image, files=(*image.files, WrittenFile(("DICOMDIR",), 2048, "")))

    said = reasons(job([made]), WrittenMedium(made, bad, bad.files))

    assert "two files have the same path" in said
    assert "1 files have no hash, DICOMDIR first." in said


def test_an_empty_run_is_not_complete() -> None:
    assert "No instance was accepted." in reasons(job([]))


def test_counts_that_were_tampered_with_do_not_close() -> None:
    receipt = local(mixed_job(medium(5)))

    for name in (
        "found",
        "accepted",
        "rejected",
        "left_out",
        "duplicate",
        "not_asked_for",
        "not_dicom",
        "written",
        "verified",
    ):
        counts = replace(receipt.counts, **{name: getattr(receipt.counts, name) + 1})
        assert counts_close(replace(receipt, counts=counts)), name
    assert counts_close(replace(receipt, state=COMPLETE)) == ("The receipt says complete, and 3 files are rejected.",)
    assert counts_close(replace(receipt, counts=replace(receipt.counts, verified=None)))
    assert counts_close(replace(receipt, counts=replace(receipt.counts, missing=4)))


@given(st.lists(st.sampled_from([one for one in Outcome if one is not Outcome.ACCEPTED]), max_size=30), st.data())
def test_counts_close_whatever_becomes_of_files_and_not_when_one_is_lost(
    outcomes: list[Outcome], data: st.DataObject
) -> None:
    gone = [disposition(100 + n, outcome, f"code-{n % 3}") for n, outcome in enumerate(outcomes)]
    of_scan = data.draw(st.integers(0, len(gone)))
    one = job([medium(3)], others=gone[:of_scan], dispositions=gone[of_scan:])

    receipt = local(one)

    assert counts_close(receipt) == ()
    assert (receipt.state == COMPLETE) == (Outcome.REJECTED not in outcomes)
    if of_scan < len(gone):
        assert counts_close(local(replace(one, dispositions=one.dispositions[1:])))


def test_several_media_are_summed() -> None:
    first, second = renumbered(medium(2), 1, 2), volume_from(3)

    receipt = local(job([first, second]))

    assert counts_close(receipt) == ()
    assert receipt.counts.accepted == receipt.counts.verified == 5
    assert [(one.volume, one.volumes, one.instances) for one in receipt.media] == [(1, 2, 2), (2, 2, 3)]


def volume_from(instances: int) -> Volume:
    ones = [instance(header(n)) for n in range(50, 50 + instances)]
    return volume([patient([study([ones])])], number=2, of=2)


def test_reasons_are_counted_by_kind_what_is_absent_first() -> None:
    receipt = local(mixed_job(medium(5)))

    assert [(one.outcome, one.code, one.count) for one in receipt.reasons] == [
        (Outcome.REJECTED, "truncated-pixel-data", 2),
        (Outcome.REJECTED, "file-missing", 1),
        (Outcome.LEFT_OUT, "rejected-by-note", 1),
        (Outcome.DUPLICATE, "duplicate-instance", 1),
        (Outcome.FILTERED, "not-asked-for", 2),
        (Outcome.NOT_DICOM, "not-dicom", 1),
        (Outcome.ACCEPTED, "odd-character-set", 1),
    ]


def test_what_was_filled_in_is_listed_with_its_place() -> None:
    listed = [
        (one.record, one.keyword, one.where, one.value, one.placeholder)
        for one in local(job([filled_medium()])).filled_in
    ]

    assert listed == [
        ("PATIENT", "PatientID", "DICOM/PT000000", "NOID0001", False),
        ("STUDY", "StudyDate", "DICOM/PT000000/ST000000/SE000000", "19000101", True),
        ("STUDY", "StudyID", "DICOM/PT000000/ST000000/SE000000", "X1", False),
        ("IMAGE", "InstanceNumber", "DICOM/PT000000/ST000000/SE000000/IM000000", "1", False),
        ("STUDY", "StudyDate", "DICOM/PT000000/ST000001/SE000000/IM000000", "20250607", False),
        ("HANGING PROTOCOL", "HangingProtocolName", "DICOM/RO000000", "none", False),
    ]


def test_a_travelling_receipt_keeps_a_placeholder_and_no_other_value() -> None:
    listed = [(one.keyword, one.value) for one in travelling(job([filled_medium()])).filled_in if one.value]

    assert listed == [("StudyDate", "19000101")]


def test_times_and_date_times_may_be_placeholders_and_binary_values_are_not_shown() -> None:
    one = instance(
        header(1),
        "SR DOCUMENT",
        ("ContentTime", "VerificationDateTime", "Rows", "PatientComments"),
        ContentTime=b"000000",
        VerificationDateTime=b"19000101000000",
        Rows=b"\x01\x00",
        PatientComments=b"19000101",
    )
    run = replace(job([volume([patient([study([[one]])])])]), placeholder_time="000000")

    assert [(one.keyword, one.value, one.placeholder) for one in local(run).filled_in] == [
        ("ContentTime", "000000", True),
        ("VerificationDateTime", "19000101000000", True),
        ("Rows", "", False),
        ("PatientComments", "19000101", False),
    ]


def test_transcoding_is_counted() -> None:
    (way,) = local(job([medium(4, transcoded=True)])).transcoded

    assert (way.source, way.target, way.count) == ("1.2.840.10008.1.2", "1.2.840.10008.1.2.1", 4)


def test_a_medium_is_listed_with_its_final_name_and_whose_it_is() -> None:
    receipt = local(job([medium(2, PatientName="Muster^Anna", PatientID="P-1")]))

    assert receipt.media[0].name == "disc.iso"
    (line,) = receipt.media[0].patients
    assert (line.name, line.id) == ("Muster^Anna", "P-1")
    assert [file.path for file in receipt.media[0].files[:4]] == [
        "DICOMDIR",
        "README.TXT",
        "INDEX.HTM",
        "DICOM/PT000000/ST000000/SE000000/IM000000",
    ]
    assert receipt.media[0].files[3].source == 1
    assert receipt.media[0].files[3].source_path == "/sources/000001"


def test_a_travelling_receipt_counts_the_run_and_lists_its_own_medium() -> None:
    first, second = renumbered(medium(2), 1, 2), volume_from(3)

    receipt = travelling(job([first, second]))

    assert receipt.counts.accepted == 5
    assert receipt.counts.verified is None
    assert [one.instances for one in receipt.media] == [2]
    assert receipt.state == COMPLETE
    assert counts_close(receipt) == ()


def test_the_clock_is_an_argument() -> None:
    later = replace(job([medium(1)]), created=datetime.fromisoformat("2030-01-02T03:04:05+01:00"))

    assert local(later).created == "2030-01-02T03:04:05+01:00"
