"""What the terminal shows at the end: sums that a person can check, and the truth in the last line."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from mediacreator.model import MediaImage, Outcome, Severity, VirusCheck
from mediacreator.receipt import Receipt, WrittenMedium, build_receipt, summary
from tests.unit.receipt.jobs import filled_medium, job, local, medium, mixed_job, travelling
from tests.volumes import disposition, written


def last(receipt: Receipt) -> str:
    return summary(receipt, show_paths=False).splitlines()[-1]


def test_the_counts_add_up_before_the_eyes() -> None:
    said = summary(local(mixed_job(medium(25))), show_paths=False)

    rows, total = said.split("  ----\n")
    numbers = [int(number) for number in re.findall(r"^ +(\d+)  ", rows, re.MULTILINE)]
    assert sum(numbers) == 33
    assert total.splitlines()[0] == "    33  found in the sources"
    assert "    25  accepted = 25 written = 25 read back as written" in rows


def test_large_numbers_stay_in_their_column() -> None:
    lines = summary(local(job([medium(1200)], dispositions=[disposition(9000)])), show_paths=False).splitlines()

    assert lines[:4] == [
        "  1,200  accepted = 1,200 written = 1,200 read back as written",
        "      1  rejected",
        "  -----",
        "  1,201  found in the sources",
    ]


def test_reasons_have_count_code_and_clause() -> None:
    said = summary(local(mixed_job(medium(2))), show_paths=False)

    assert "  2  rejected: truncated-pixel-data [PS3.5 8.2]\n" in said
    assert "  1  left out: rejected-by-note\n     source" in said  # a code alone tells a person nothing
    assert "  2  not asked for: not-asked-for\n" in said
    assert "Good to know about what is on the medium:\n  1  odd-character-set" in said


def test_a_note_says_what_was_found_and_leaves_the_rest_to_the_receipt() -> None:
    note = disposition(100, Outcome.LEFT_OUT, "private-sop-class").finding
    note = replace(note, severity=Severity.NOTE, what="a vendor's own class", expected="another", remedy="Do nothing.")
    left = replace(disposition(100, Outcome.LEFT_OUT), finding=note)
    said = summary(local(job([medium(2)], dispositions=[left])), show_paths=False)

    assert "a vendor's own class.\n" in said
    assert "expected another" not in said
    assert "Do nothing" not in said


def test_the_last_line_is_the_truth() -> None:
    assert last(local(job([medium(25)]))) == "Complete: 25 of 25 instances are on the medium and were read back."
    assert last(local(mixed_job(medium(25)))) == "NOT complete: 3 of 28 instances are not on the medium."
    assert last(local(job([medium(5)], dispositions=[disposition(9)]))) == (
        "NOT complete: 1 of 6 instances is not on the medium."
    )
    assert last(local(job([medium(1)]))) == "Complete: the one instance is on the medium and was read back."


def test_counts_that_do_not_close_are_never_called_complete() -> None:
    made = medium(25)
    image = written(made)
    receipt = build_receipt(job([made]), [WrittenMedium(made, image, image.files[:-1])])

    assert last(receipt) == (
        "NOT complete: the counts do not close."
        " 25 instances were accepted, and 24 were read back as written. And 1 more."
    )
    assert "\nComplete" not in summary(receipt, show_paths=True)


@pytest.mark.parametrize("name", ["found", "accepted", "written", "verified"])
def test_no_wrong_number_is_called_complete(name: str) -> None:
    receipt = local(job([medium(25)]))
    wrong = replace(receipt, counts=replace(receipt.counts, **{name: 24}))

    assert last(wrong).startswith("NOT complete: the counts do not close.")


def test_an_incomplete_state_is_never_called_complete() -> None:
    assert last(replace(local(job([medium(2)])), state="incomplete")) == "NOT complete: the receipt says so."


def test_what_travels_says_who_says_so() -> None:
    assert last(travelling(job([medium(2)]))) == (
        "Complete: 2 of 2 instances are on the medium, by what the receipt on it says."
    )


def test_paths_are_for_an_interactive_terminal_only() -> None:
    receipt = local(mixed_job(medium(2)))

    shown, hidden = summary(receipt, show_paths=True), summary(receipt, show_paths=False)

    assert "    source 101: /sources/000101\n" in shown
    assert "disc.iso: File-set DISC_1, STD-GEN-CD, 2 instances, 1.0 MB" in shown
    assert "/sources" not in hidden
    assert "disc.iso" not in hidden
    assert not [word for word in ("Muster", "P-1", "Mueller") if word in shown + hidden]


def test_several_media_are_told_apart_also_in_a_log() -> None:
    receipt = local(job([medium(1), medium(2)]))
    entries = [line for line in summary(receipt, show_paths=False).splitlines() if "File-set" in line]

    assert [entry.partition(": File-set")[0] for entry in entries] == ["Medium 1 of 2", "Medium 2 of 2"]
    assert "Medium 1 of 2, disc" in summary(receipt, show_paths=True)


def test_many_rejected_files_do_not_fill_the_screen() -> None:
    receipt = local(job([medium(2)], dispositions=[disposition(100 + n) for n in range(30)]))

    said = summary(receipt, show_paths=True)

    assert said.count("/sources/") == 10
    assert "    and 20 more, listed in the receipt\n" in said


def test_a_file_name_cannot_steer_the_terminal() -> None:
    made = medium(2)
    image = MediaImage("/out/\x1b[2Jdisc\udcff.iso", 5, written(made).files)
    receipt = build_receipt(job([made]), [WrittenMedium(made, image, image.files)])

    said = summary(receipt, show_paths=True)

    assert "\ufffd[2Jdisc\ufffd.iso: File-set" in said
    said.encode("utf-8")


def test_what_was_changed_is_said() -> None:
    said = summary(local(job([filled_medium()])), show_paths=False)

    assert (
        "6 filled in, in directory records only: HangingProtocolName, InstanceNumber,\n"
        "  PatientID, StudyDate, StudyID\n"
    ) in said
    assert "StudyDate 19000101 is a placeholder: nobody knows the true one" in said
    assert "Question 1 (family-name-changed): decided by --same-patient 1" in said
    assert "4 transcoded from Implicit VR Little Endian to Explicit VR Little Endian" in summary(
        local(job([medium(4, transcoded=True)])), show_paths=False
    )


def test_it_fits_a_terminal_of_80_columns() -> None:
    said = summary(local(mixed_job(filled_medium())), show_paths=True)

    assert max(map(len, said.splitlines())) <= 80
    assert said == said.rstrip()


def test_a_mark_is_said_with_its_medium() -> None:
    marked = local(job([replace(medium(2), virus_check=VirusCheck("2026-11-25", "ClamAV 1.4.1"))]))
    said = " ".join(summary(marked, show_paths=False).split())
    assert "Marked: checked for viruses on 2026-11-25 with ClamAV 1.4.1. Nothing can be added" in said
