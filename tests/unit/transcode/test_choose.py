"""Which Transfer Syntax each instance gets: every policy with every kind of profile, and what must never happen."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediacreator.errors import UsageError
from mediacreator.model import UNDEFINED_LENGTH, PixelDataPlace, SOPInstance
from mediacreator.rules.profile import Option
from mediacreator.rules.tables import encoders, never_lossy, transfer_syntaxes
from mediacreator.transcode.choose import MODES, Compression, choose
from mediacreator.transcode.plan import Plan
from mediacreator.transcode.reach import photometric_in
from mediacreator.transcode.sizes import estimate
from tests.headers import header, source

ROOT = "1.2.840.10008.1.2"
UIDS = {
    "ILE": ROOT,
    "ELE": f"{ROOT}.1",
    "DEFL": f"{ROOT}.1.99",
    "EBE": f"{ROOT}.2",
    "JPB": f"{ROOT}.4.50",
    "JPX": f"{ROOT}.4.51",
    "JPL14": f"{ROOT}.4.57",
    "JPLL": f"{ROOT}.4.70",
    "JLSL": f"{ROOT}.4.80",
    "JLSN": f"{ROOT}.4.81",
    "J2KR": f"{ROOT}.4.90",
    "J2K": f"{ROOT}.4.91",
    "M2ML": f"{ROOT}.4.100",
    "M2ML-F": f"{ROOT}.4.100.1",
    "H42": f"{ROOT}.4.104",
    "HTJ2K": f"{ROOT}.4.203",
    "RLE": f"{ROOT}.5",
    "JPIP": f"{ROOT}.4.94",
    "?": "1.2.3.4",
}
NAMES = {uid: name for name, uid in UIDS.items()}
CT, US, SC = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.6.1", "1.2.840.10008.5.1.4.1.1.7"
SEG, DOSE, KOS = (
    "1.2.840.10008.5.1.4.1.1.66.4",
    "1.2.840.10008.5.1.4.1.1.481.2",
    "1.2.840.10008.5.1.4.1.1.88.59",
)
ENDOSCOPY = "1.2.840.10008.5.1.4.1.1.77.1.1.1"


def options(text: str) -> tuple[Option, ...]:
    """Return options from ``ELE JPB:YBR_FULL_422``: names, with the Photometric Interpretations after a colon."""
    made = []
    for word in text.split():
        name, _, photometric = word.partition(":")
        made.append(Option(UIDS[name], tuple(p.replace("-", " ") for p in photometric.split(",") if p), "PS3.11 X.3.1"))
    return tuple(made)


PROFILES = {
    "GEN": options("ELE"),
    "JPEG": options("ELE JPLL JPB JPX"),
    "J2K": options("ELE J2KR J2K"),
    "XABC": options("JPLL"),
    "XA1K-DVD": options("JPLL JPB JPX"),
    "CTMR": options("ELE JPLL"),
    "DEN": options("ELE"),
    "US": options(
        "ELE:MONOCHROME2,RGB,PALETTE-COLOR,YBR_FULL_422 RLE:MONOCHROME2,RGB,PALETTE-COLOR,YBR_FULL JPB:YBR_FULL_422"
    ),
    "MPEG2": options("ELE M2ML"),
    "H42": options("H42"),
    "MIME": options(" ".join(name for name in UIDS if name not in ("?", "M2ML-F", "JPIP"))),
}


def image(
    syntax: str,
    photometric: str = "MONOCHROME2",
    bits: int = 16,
    *,
    stored: int = 0,
    signed: bool = False,
    sop_class: str = CT,
    lossy: bool = False,
    size: int = 512,
) -> SOPInstance:
    """Return an instance of ``size`` x ``size`` pixels."""
    samples = 1 if photometric.startswith(("MONO", "PALETTE")) else 3
    native = size * size * samples * bits // 8
    row = transfer_syntaxes().get(UIDS[syntax])
    coded = row is not None and row.pixels == "encapsulated"
    length = UNDEFINED_LENGTH if coded else native
    found = header(
        sop_class=sop_class,
        transfer_syntax=UIDS[syntax],
        file=source(1, size=1000 + (native // 3 if coded else native)),
        pixel_data=PixelDataPlace("PixelData", 1000, length),
        Rows=size.to_bytes(2, "little"),
        Columns=size.to_bytes(2, "little"),
        SamplesPerPixel=samples.to_bytes(2, "little"),
        BitsAllocated=bits.to_bytes(2, "little"),
        BitsStored=(stored or bits).to_bytes(2, "little"),
        PixelRepresentation=int(signed).to_bytes(2, "little"),
        PhotometricInterpretation=photometric,
        LossyImageCompression="01" if lossy else None,
    )
    return SOPInstance(found, "IMAGE", found.attributes)


def document(syntax: str) -> SOPInstance:
    found = header(sop_class=KOS, transfer_syntax=UIDS[syntax], file=source(1, size=3000))
    return SOPInstance(found, "KEY OBJECT DOC", found.attributes)


SOURCES = {
    "CT": image("ELE"),
    "CT implicit": image("ILE", signed=True),
    "CT deflated": image("DEFL"),
    "CT12": image("ELE", stored=12),
    "CT12 JPLL": image("JPLL", stored=12),
    "XA8": image("ELE", bits=8),
    "XA8 JPB": image("JPB", bits=8, lossy=True),
    "CT J2K lossy": image("J2K", lossy=True),
    "CT J2K not lossy": image("J2K"),
    "CT JPEG-LS": image("JLSN", lossy=True),
    "US RGB": image("ELE", "RGB", 8, sop_class=US),
    "US gray": image("ELE", bits=8, sop_class=US),
    "US YBR_FULL": image("ELE", "YBR_FULL", 8, sop_class=US),
    "US 422": image("ELE", "YBR_FULL_422", 8, sop_class=US),
    "US JPB": image("JPB", "YBR_FULL_422", 8, sop_class=US, lossy=True),
    "US JPB RGB": image("JPB", "RGB", 8, sop_class=US, lossy=True),
    "US J2K": image("J2KR", "YBR_RCT", 8, sop_class=US),
    "palette": image("ELE", "PALETTE COLOR", 8, sop_class=US),
    "tiny": image("ELE", bits=8, size=32),
    "bits": image("ELE", bits=1, sop_class=SEG),
    "segments": image("ELE", bits=8, sop_class=SEG),
    "dose": image("ELE", bits=32, sop_class=DOSE),
    "KOS": document("ELE"),
    "KOS implicit": document("ILE"),
    "KOS deflated": document("DEFL"),
    "video": image("M2ML", "YBR_PARTIAL_420", 8, sop_class=ENDOSCOPY),
    "video H": image("H42", "YBR_PARTIAL_420", 8, sop_class=ENDOSCOPY),
    "fragments": image("M2ML-F", "YBR_PARTIAL_420", 8, sop_class=ENDOSCOPY),
    "JPIP": image("JPIP"),
    "unknown": image("?"),
}


def outcome(name: str, profile: str, policy: str) -> str:
    """Return the name of the target, with ``*`` where it is coded with loss, or the code of the rejection."""
    plan: Plan = choose([SOURCES[name]], lambda _: PROFILES[profile], Compression.parse(policy))
    if plan.rejected:
        assert not plan.instances
        return plan.rejected[0].finding.code
    return NAMES[plan.targets[0]] + ("*" if plan.qualities else "")


TABLE = """
source           profile   none keep lossless lossy:85
CT               GEN       ELE  ELE  ELE      ELE
CT implicit      GEN       ELE  ELE  ELE      ELE
CT deflated      GEN       ELE  ELE  ELE      ELE
CT12 JPLL        GEN       ELE  ELE  ELE      ELE
XA8 JPB          GEN       ELE  ELE  ELE      ELE
KOS implicit     GEN       ELE  ELE  ELE      ELE
dose             GEN       ELE  ELE  ELE      ELE
CT               JPEG      ELE  ELE  JPLL     JPLL
CT implicit      JPEG      ELE  ELE  JPLL     JPLL
CT12             JPEG      ELE  ELE  JPLL     JPX*
CT12 JPLL        JPEG      ELE  JPLL JPLL     JPX*
XA8              JPEG      ELE  ELE  JPLL     JPB*
XA8 JPB          JPEG      ELE  JPB  JPB      JPB
CT J2K lossy     JPEG      ELE  ELE  JPLL     JPLL
CT JPEG-LS       JPEG      ELE  ELE  JPLL     JPLL
US RGB           JPEG      ELE  ELE  JPLL     JPB*
US J2K           JPEG      ELE  ELE  JPLL     JPB*
palette          JPEG      ELE  ELE  JPLL     JPLL
tiny             JPEG      ELE  ELE  ELE      ELE
bits             JPEG      ELE  ELE  ELE      ELE
segments         JPEG      ELE  ELE  JPLL     JPLL
dose             JPEG      ELE  ELE  ELE      ELE
KOS              JPEG      ELE  ELE  ELE      ELE
KOS implicit     JPEG      ELE  ELE  ELE      ELE
CT               J2K       ELE  ELE  J2KR     J2K*
CT J2K lossy     J2K       ELE  J2K  J2K      J2K
CT J2K not lossy J2K       ELE  J2K  J2K      J2K*
XA8 JPB          J2K       ELE  ELE  J2KR     J2K*
segments         J2K       ELE  ELE  J2KR     J2KR
XA8              XABC      JPLL JPLL JPLL     JPLL
XA8 JPB          XABC      JPLL JPLL JPLL     JPLL
CT12 JPLL        XABC      JPLL JPLL JPLL     JPLL
tiny             XABC      JPLL JPLL JPLL     JPLL
dose             XABC      unsupported-pixel-format
KOS              XABC      unsupported-transfer-syntax
XA8              XA1K-DVD  JPLL JPLL JPLL     JPB*
XA8 JPB          XA1K-DVD  JPB  JPB  JPB      JPB
CT12             CTMR      ELE  ELE  JPLL     JPLL
US RGB           US        ELE  ELE  RLE      JPB*
US gray          US        ELE  ELE  RLE      RLE
US YBR_FULL      US        RLE  RLE  RLE      JPB*
US 422           US        ELE  ELE  ELE      ELE
US JPB           US        ELE  JPB  JPB      JPB
US JPB RGB       US        ELE  ELE  RLE      JPB*
US J2K           US        ELE  ELE  RLE      JPB*
palette          US        ELE  ELE  RLE      RLE
CT12             US        ELE  ELE  RLE      RLE
video            MPEG2     M2ML M2ML M2ML     M2ML
CT               MPEG2     ELE  ELE  ELE      ELE
fragments        MPEG2     fragmentable-video
video H          MPEG2     unsupported-transfer-syntax
video H          H42       H42  H42  H42      H42
CT               H42       not-video
KOS              H42       not-video
video            H42       unsupported-transfer-syntax
video            GEN       unsupported-transfer-syntax
JPIP             GEN       unsupported-transfer-syntax
unknown          JPEG      unsupported-transfer-syntax
CT implicit      MIME      ILE  ILE  JPLL     J2K*
CT deflated      MIME      ELE  DEFL JPLL     J2K*
CT J2K lossy     MIME      ELE  J2K  J2K      J2K
CT JPEG-LS       MIME      ELE  JLSN JLSN     JLSN
XA8              MIME      ELE  ELE  JPLL     JPB*
video            MIME      M2ML M2ML M2ML     M2ML
KOS implicit     MIME      ILE  ILE  ILE      ELE
KOS deflated     MIME      ELE  DEFL ELE      ELE
"""


def rows() -> list[tuple[str, str, str, str]]:
    heading, *lines = TABLE.strip().splitlines()
    start = heading.index("profile")
    policies = heading.split()[2:]
    made = []
    for line in lines:
        profile, *expected = line[start:].split()
        expected *= 1 if len(expected) > 1 else len(policies)  # a rejection is that under every policy
        made += [(line[:start].strip(), profile, *pair) for pair in zip(policies, expected, strict=True)]
    return made


@pytest.mark.parametrize(("name", "profile", "policy", "expected"), rows())
def test_each_policy_with_each_kind_of_profile(name: str, profile: str, policy: str, expected: str) -> None:
    assert outcome(name, profile, policy) == expected


def test_the_table_meets_every_source_and_every_kind_of_profile() -> None:
    assert {row[0] for row in rows()} == SOURCES.keys()
    assert {row[1] for row in rows()} == PROFILES.keys() - {"DEN"}


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("profile", PROFILES)
def test_a_rejection_says_what_is_found_what_is_allowed_and_where_it_stands(name: str, profile: str) -> None:
    for entry in choose([SOURCES[name]], lambda _: PROFILES[profile]).rejected:
        assert SOURCES[name].header.transfer_syntax_uid in entry.finding.what or "bits" in entry.finding.what
        assert any(transfer_syntaxes()[o.transfer_syntax_uid].name in entry.finding.expected for o in PROFILES[profile])
        assert "PS3.11 X.3.1" in entry.finding.clause
        assert entry.finding.remedy


def test_the_plain_form_of_a_fragmentable_video_is_named() -> None:
    finding = choose([SOURCES["fragments"]], lambda _: PROFILES["MPEG2"]).rejected[0].finding
    assert f"fragmentable form of {UIDS['M2ML']}," in finding.what


def test_a_photometric_interpretation_that_no_pair_allows_is_rejected() -> None:
    found = SOURCES["US YBR_FULL"]
    (entry,) = choose([found], lambda _: options("ELE:RGB,MONOCHROME2")).rejected
    assert entry.finding.code == "photometric-not-allowed"
    assert "YBR_FULL" in entry.finding.what
    assert "RGB or MONOCHROME2" in entry.finding.expected


def test_without_any_option_the_instance_is_rejected() -> None:
    assert choose([SOURCES["CT"]], lambda _: ()).rejected[0].finding.code == "unsupported-transfer-syntax"


SYNTAXES = st.sampled_from([*transfer_syntaxes(), "1.2.3.4"])
PHOTOMETRICS = ("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR", "RGB", "YBR_FULL", "YBR_FULL_422", "YBR_RCT", "YBR_ICT")


@st.composite
def instances(draw: st.DrawFn) -> SOPInstance:
    made = image(
        "ELE",
        draw(st.sampled_from(PHOTOMETRICS)),
        draw(st.sampled_from([1, 8, 16, 32])),
        stored=draw(st.integers(0, 32)),
        signed=draw(st.booleans()),
        sop_class=draw(st.sampled_from([CT, US, SC, KOS, *never_lossy()])),
        lossy=draw(st.booleans()),
        size=draw(st.sampled_from([1, 16, 512])),
    )
    place = draw(st.sampled_from([None, "PixelData", "FloatPixelData"]))
    length = draw(st.sampled_from([UNDEFINED_LENGTH, 100, 1 << 20]))
    pixels = PixelDataPlace(place, 1000, length) if place else None
    return replace(made, header=replace(made.header, transfer_syntax_uid=draw(SYNTAXES), pixel_data=pixels))


OPTIONS = st.lists(
    st.builds(
        Option,
        SYNTAXES,
        st.lists(st.sampled_from(PHOTOMETRICS), max_size=4, unique=True).map(tuple),
        st.just("PS3.11 X.3.1"),
    ),
    max_size=6,
).map(tuple)
POLICIES = st.sampled_from([Compression(mode, 70 if mode == "lossy" else 0) for mode in MODES])


@given(instances(), OPTIONS, POLICIES)
def test_nothing_is_chosen_that_is_not_allowed_and_no_loss_that_was_not_asked_for(
    instance: SOPInstance, allowed: tuple[Option, ...], compression: Compression
) -> None:
    plan = choose([instance], lambda _: allowed, compression)
    assert len(plan.instances) + len(plan.rejected) == 1
    if plan.rejected:
        assert not plan.qualities
        return
    target, found = plan.targets[0], instance.header
    fitting = [option for option in allowed if option.transfer_syntax_uid == target]
    assert fitting
    if found.pixel_data is not None:
        would = photometric_in(found, target)
        assert any(not option.photometric or set(would) & set(option.photometric) for option in fitting)
    ways = {encoder.loss for encoder in encoders() if encoder.uid == target}
    if plan.qualities:
        assert compression.mode == "lossy"
        assert "lossy" in ways
        assert found.sop_class_uid not in never_lossy()
        assert found.pixel_data is not None
    elif target != found.transfer_syntax_uid:
        assert "none" in ways  # what changes and is not asked to lose anything has a way that loses nothing
    assert estimate(plan.instances[0], target, plan.qualities.get(0, 0)) > 0


@pytest.mark.parametrize(
    ("name", "target", "expected"),
    [
        ("US RGB", "JPB", ("YBR_FULL_422",)),
        ("US RGB", "J2KR", ("YBR_RCT",)),
        ("US RGB", "J2K", ("YBR_RCT", "YBR_ICT")),
        ("US RGB", "RLE", ("RGB",)),
        ("US JPB", "ELE", ("RGB",)),
        ("US JPB", "JPB", ("YBR_FULL_422",)),
        ("US J2K", "ELE", ("RGB",)),
        ("US 422", "ELE", ("YBR_FULL_422",)),
        ("US YBR_FULL", "JPLL", ("YBR_FULL",)),
        ("palette", "JPB", ()),
        ("KOS", "ELE", ()),
    ],
)
def test_photometric_interpretations_are_known_before(name: str, target: str, expected: tuple[str, ...]) -> None:
    assert photometric_in(SOURCES[name].header, UIDS[target]) == expected


def test_a_copy_is_estimated_to_the_byte_and_native_pixels_by_their_number() -> None:
    ct = SOURCES["CT"]
    meta = estimate(ct, UIDS["ELE"]) - (ct.header.source.size - ct.header.dataset_offset)
    assert 300 < meta < 450
    coded = image("JPB", "YBR_FULL_422", 8, sop_class=US)
    around = 1000 - coded.header.dataset_offset
    assert abs(estimate(coded, UIDS["ELE"]) - (meta + around + 512 * 512 * 3)) < 40
    assert estimate(ct, UIDS["JPLL"]) < estimate(ct, UIDS["ELE"])
    xa = SOURCES["XA8"]
    assert estimate(xa, UIDS["JPB"], 50) < estimate(xa, UIDS["JPB"], 90) < estimate(xa, UIDS["JPLL"])


@pytest.mark.parametrize("text", ["none", "keep", "lossless", "lossy:1", "lossy:85", "lossy:100"])
def test_a_compression_reads_as_it_is_written(text: str) -> None:
    assert str(Compression.parse(f" {text.upper()} ")) == text


@pytest.mark.parametrize(
    "text", ["", "lossy", "lossy:", "lossy:0", "lossy:101", "lossy:-5", "lossy:x", "keep:5", "jpeg", "lossy:²"]
)
def test_what_is_no_compression_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match="lossy:85"):
        Compression.parse(text)
