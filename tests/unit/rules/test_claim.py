"""Several profiles on one File-set: what covers an instance, how it may be stored, and which keys its records have."""

from __future__ import annotations

import pytest

from mediacreator.errors import UsageError
from mediacreator.model import Finding
from mediacreator.rules import verdicts
from mediacreator.rules.claim import load_claim
from mediacreator.rules.verdicts import Judge, judged_keywords
from tests.headers import header
from tests.profiles import CT, LOSSLESS, NATIVE, RLE, SC, XA, claim, constraint, key, objects, pairing, profile, rule

ROWS = rule("rows", constraint("Rows", minimum=1, maximum=512), create_only=True)
BITS = rule("bits", constraint("BitsStored", one_of=("8",)))
CARDIAC = profile("PRI-XA", objects("XA", [XA], [LOSSLESS]), attributes=[ROWS, BITS])
GENERAL = profile("PRI-ANY", objects("any", ("any",)))


def us(value: int) -> bytes:
    return value.to_bytes(2, "little")


def test_what_covers_an_instance_in_the_order_of_the_claim() -> None:
    both = claim(CARDIAC, GENERAL)
    small, large = (header(sop_class=XA, Rows=us(rows), BitsStored=us(8)) for rows in (512, 1024))

    assert both.covering(small) == ("PRI-XA", "PRI-ANY")
    assert both.covering(large) == ("PRI-ANY",)
    assert both.covering(header(sop_class=CT)) == ("PRI-ANY",)
    assert claim(GENERAL, CARDIAC).covering(small) == ("PRI-ANY", "PRI-XA")


def test_a_profile_that_does_not_cover_an_instance_offers_it_no_syntax() -> None:
    both = claim(CARDIAC, GENERAL)
    small, large = ({"Rows": us(rows), "BitsStored": us(8)} for rows in (512, 1024))

    assert [option.transfer_syntax_uid for option in both.options(small, XA)] == [LOSSLESS, NATIVE]
    assert [option.transfer_syntax_uid for option in both.options(large, XA)] == [NATIVE]
    assert claim(CARDIAC).options(large, XA) == ()


def test_any_photometric_interpretation_of_one_is_that_of_both() -> None:
    paired = profile("PRI-P", objects("SC", [SC], [NATIVE, RLE]), pairings=[pairing("RGB", NATIVE, RLE, scope="SC")])
    attributes = {"PhotometricInterpretation": b"RGB "}

    assert [o.photometric for o in claim(paired).options(attributes, SC)] == [("RGB",), ("RGB",)]
    assert [o.photometric for o in claim(paired, GENERAL).options(attributes, SC)] == [(), ("RGB",)]


def test_every_reason_of_every_profile_is_in_the_one_finding() -> None:
    other = profile("PRI-CT", objects("CT", [CT]))
    verdict = claim(CARDIAC, other).verdict({"Rows": us(1024), "BitsStored": us(12)}, XA)
    finding = verdict.reason("source 7")

    assert verdict.profiles == ()
    assert (finding.code, finding.location) == ("rows", "source 7")
    for words in (
        "under PRI-XA: Rows (0028,0010) is 1024",
        "BitsStored (0028,0101) is 12",
        "under PRI-CT: SOPClassUID",
    ):
        assert words in finding.what
    for words in ("1 to 512", "8", "a SOP Class of PRI-CT"):
        assert words in finding.expected
    assert finding.clause == "TEST rows; TEST bits; TEST PRI-CT"
    assert finding.remedy.startswith("Mend rows. Mend bits. ")


def test_one_profile_is_not_named_again() -> None:
    finding = claim(CARDIAC).verdict({"Rows": us(1024), "BitsStored": us(8)}, XA).reason("")
    assert finding.what == "Rows (0028,0010) is 1024"


def test_what_is_only_remarkable_keeps_nothing_off() -> None:
    warned = profile("PRI-W", objects("any", ("any",)), attributes=[rule("rows", ROWS.constraint, severity="warning")])
    verdict = claim(warned).verdict({"Rows": us(1024)}, CT)

    assert verdict.profiles == ("PRI-W",)
    assert [finding.code for finding in verdict.findings] == ["rows"]


def test_verdicts_are_kept_by_what_decides_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred slices that differ in position are judged once; whatever a rule looks at tells them apart."""
    calls = []

    def reasons(*asked: object) -> tuple[Finding, ...]:
        calls.append(asked)
        return ()

    monkeypatch.setattr(verdicts, "reasons", reasons)
    judge = Judge((CARDIAC,))
    for number in range(100):
        judge.verdict({"Rows": us(8), "BitsStored": us(8), "ImagePositionPatient": b"%d" % number}, XA)
    assert len(calls) == 1
    judge.verdict({"Rows": us(9), "BitsStored": us(8)}, XA)
    judge.verdict({"Rows": us(8), "BitsStored": us(8)}, CT)
    judge.verdict({"BitsStored": us(8)}, XA)
    assert len(calls) == 4


def test_verdicts_do_not_grow_without_end() -> None:
    judge = Judge((CARDIAC,))
    for number in range(verdicts._MOST + 10):
        judge.verdict({"Rows": us(8), "BitsStored": number.to_bytes(2, "little")}, XA)
    assert len(judge._verdicts) == 10


def test_what_decides_a_verdict() -> None:
    keyed = profile(
        "PRI-K",
        objects("SC", [SC], [NATIVE], constraint("PhotometricInterpretation", one_of=("RGB",))),
        attributes=[
            rule("high", constraint("HighBit", same_as="BitsStored", offset=-1), constraint("Rows", one_of=("8",))),
            rule("overlay", constraint(check="no_overlays")),
        ],
        keys={"IMAGE": [key("ReferencedImageSequence", "1C", "biplane")]},
    )
    keywords = judged_keywords(keyed)

    assert {"PhotometricInterpretation", "HighBit", "BitsStored", "Rows", "OverlayRows_6000", "ImageType"} <= {
        *keywords
    }
    assert judged_keywords(GENERAL) == ()


def test_a_key_that_one_profile_may_leave_out_and_another_may_not() -> None:
    """STD-XA1K-DVD asks for Patient's Sex with type 2, STD-GEN-DVD-JPEG with type 1C: written, if need be empty."""
    conditional = profile("PRI-C", objects("any", ("any",)), keys={"PATIENT": [key("PatientSex", "1C", "nonempty")]})
    always = profile("PRI-2", objects("any", ("any",)), keys={"PATIENT": [key("PatientSex", "2")]})

    for both in (claim(conditional, always), claim(always, conditional)):
        (found,) = (k for k in both.keys_for("PATIENT") if k.keyword == "PatientSex")
        assert (found.type, found.condition) == ("2", "")
    (alone,) = (k for k in claim(always, conditional).keys_for("PATIENT", ("PRI-C",)) if k.keyword == "PatientSex")
    assert (alone.type, alone.condition) == ("1C", "nonempty")


def test_a_record_has_the_keys_of_the_profiles_that_cover_its_instance() -> None:
    sized = profile("PRI-R", objects("CT", [CT]), keys={"IMAGE": [key("Rows", "1")]})
    both = claim(GENERAL, sized)

    def keywords(*covered_by: str) -> set[str]:
        return {found.keyword for found in both.keys_for("IMAGE", covered_by)}

    assert "Rows" in keywords()
    assert "Rows" in keywords("PRI-ANY", "PRI-R")
    assert "Rows" not in keywords("PRI-ANY")


def test_claims_are_named_as_users_name_them() -> None:
    assert load_claim("STD-GEN-CD").id == "STD-GEN-CD"
    assert load_claim(" STD-XABC-CD , STD-GEN-CD").id == "STD-XABC-CD,STD-GEN-CD"


@pytest.mark.parametrize(
    ("identifiers", "says"),
    [
        ("STD-GEN-CD,STD-GEN-CD", "twice"),
        (",", "none"),
        ("STD-GEN-CD,STD-GEN-DVD-JPEG", "cannot hold on one File-set"),
        ("STD-GEN-CD,STD-GEN-SEC-CD", "cannot hold on one File-set"),
    ],
)
def test_profiles_that_cannot_go_together(identifiers: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        load_claim(identifiers)
