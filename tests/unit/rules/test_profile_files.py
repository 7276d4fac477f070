"""Profile files: what axes make of them, and every way in which one is refused, with line, field and reason."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mediacreator.errors import UsageError
from mediacreator.rules import uids
from mediacreator.rules.fields import Refused
from mediacreator.rules.library import load_profile, profile_ids, resolve
from mediacreator.rules.profile_file import ProfileFile, profile_files

PRIVATE = Path(__file__).parent / "private.toml"
CT = "1.2.840.10008.5.1.4.1.1.2"


def changed(old: str, new: str) -> tuple[str, int]:
    """Return the private profile with one thing changed, and the line where the change begins."""
    text = PRIVATE.read_text(encoding="utf-8")
    assert old in text
    return text.replace(old, new, 1), text[: text.index(old)].count("\n") + 1


def refusal(text: str) -> str:
    """Return why a private profile is refused."""
    with pytest.raises(UsageError) as caught:
        resolve_all(ProfileFile.read("private.toml", text, own=False))
    return str(caught.value)


def resolve_all(file: ProfileFile) -> None:
    for identifier in file.identifiers():
        resolve(file, identifier, ())


def line_of(text: str, begin: str) -> int:
    return next(number for number, line in enumerate(text.splitlines(), 1) if line.startswith(begin))


RULE = """
[[attributes]]
name = "rows"
scope = ["ANY"]
keyword = "Rows"
tag = "00280010"
vr = "US"
range = [1, 512]
clause = "test"

[directory] """


@pytest.mark.parametrize(
    ("old", "new", "below", "why"),
    [
        ('status = "current"\n', 'status = "current"\ncolour = "blue"\n', 1, "colour: is unknown"),
        ('status = "current"', 'status = "fine"', 0, "status: is 'fine', expected one of current, retired"),
        ('status = "current"', 'status = "retired"', None, "last_in: names the edition"),
        ('status = "current"', 'status = "current"\nstatus = "retired"', None, "Cannot overwrite a value"),
        ('status = "current"', 'status = "current"\nextends = "STD-GEN-CD"', 1, "extends: an AUG- profile extends"),
        ('status = "current"', 'status = "current"\ninclude = ["keys-x"]', 1, "include: 'keys-x' is not in shared"),
        ('clause = "PS3.11 D.1"', 'clause = ""', 0, "clause: is empty"),
        ('roles = "PS3.11 D.2.1", ', "", 0, "clauses.roles: is missing"),
        ("clauses = {", 'clauses = { transport = "x",', 0, "clauses.transport: is unknown"),
        (
            "clauses = {",
            "jpeg_interchange_format = true\nclauses = {",
            1,
            "jpeg_interchange_format: is missing",
        ),
        ("multi_volume = false", 'multi_volume = "no"', 0, "session.multi_volume: is 'no', expected bool"),
        ("multi_volume = false\n", "", -4, "session.multi_volume: is missing"),
        ('packet = "must_offer"', 'packet = "must"', 0, "session.packet: is 'must', expected one of may, must_offer"),
        ('medium = "bd"', 'medium = "blu_ray"', 0, "medium: is 'blu_ray', expected one of bd"),
        ('roles = ["FSC", "FSR", "FSU"]', 'roles = ["FSC", "FSR", "FSX"]', 0, "roles: 'FSX', expected FSC, FSR, FSU"),
        ('roles = ["FSC", "FSR", "FSU"]', 'roles = ["FSC", "FSR", "FSR"]', 0, "roles: 'FSR' stands twice"),
        ('FSU = "O" }', 'FSU = "maybe" }', 0, "objects[ANY].requirements: is {"),
        ('FSC = "CS", FSR = "CS", FSU = "O"', 'FSC = "CS", FSR = "CS"', 0, "for each of FSC, FSR, FSU"),
        ('security = "none"', 'security = "rot13"', 0, "security: is 'rot13', expected one of basic_media"),
        ('name = "ANY"', 'name = "DIR"', 0, "objects[DIR].name: 'DIR' stands twice"),
        ('selector = "any_media_storage"', 'selector = "everything"', 0, "selector: is 'everything'"),
        ('selector = "any_media_storage"\n', "", -2, "sop_classes: give either sop_classes or selector"),
        ('"Media Storage Directory Storage"', '"CT Image"', 0, "the nearest is 'CT Image Storage'"),
        ('["Explicit VR Little Endian"]', '["Explicit"]', 0, "transfer_syntaxes: 'Explicit' is not in"),
        ('["Explicit VR Little Endian"]', "[]", 0, "give either transfer_syntaxes or declared"),
        ('["Explicit VR Little Endian"]', '["Explicit VR Little Endian"]\ndeclared = true', 0, "or declared"),
        ('tag = "00080008"', 'tag = "0008,0008"', 0, "tag: is '0008,0008', expected eight hexadecimal digits"),
        ('tag = "00080008"', 'tag = "00080009"', 0, "ImageType.tag: is 00080009, expected 00080008"),
        ('keyword = "ImageType"', 'keyword = "ImgType"', 0, "ImgType.keyword: 'ImgType' is not in PS3.6"),
        ('vr = "CS"', 'vr = "LO"', 0, "ImageType.vr: is 'LO', expected CS"),
        ('records = ["IMAGE"]', 'records = ["PICTURE"]', 0, "directory.keys[ImageType].records: 'PICTURE'"),
        (
            'keyword = "ReferencedImageSequence"\ntag = "00081140"',
            'keyword = "ImageType"\ntag = "00080008"',
            0,
            "directory.keys[ImageType].keyword: ImageType of IMAGE stands twice",
        ),
        ('condition = "present"', 'condition = "there"', 0, "condition: no condition is named 'there'"),
        ('type = "1C"\ncondition = "present"', 'type = "1C"', 0, "type: condition '' for type 1C"),
        ('type = "1C"\ncondition = "present"', 'type = "1"\ncondition = "present"', 0, "'present' for type 1"),
        ('type = "1C"', 'type = "4"', 0, "type: type '4', expected 1, 1C, 2, 2C, 3"),
        ('type = "1C"', 'source = "the air"\ntype = "1C"', 0, "source: no source is named 'the air'"),
        ('tag = "00081155"', 'tag = "00081150"', 0, "items[ReferencedSOPInstanceUID].tag: '00081150' stands twice"),
        ('value = "BD"', 'value = "CD"', 0, "axes[medium].values[CD].value: 'CD' stands twice"),
        ('name = "medium"', 'name = "sec"', 0, "axes[sec].name: 'sec' stands twice"),
        ('"PRI-HOSPITAL-{sec}{medium}"', '"PRI-HOSPITAL-{sec}"', 0, "does not name each axis once"),
        ('"PRI-HOSPITAL-{sec}{medium}"', '"STD-HOSPITAL-{sec}{medium}"', 0, "expected AUG-, PRI- and words"),
        ('"PRI-HOSPITAL-{sec}{medium}"', f'"PRI-{"X" * 60}{{sec}}{{medium}}"', 0, "64 characters in all"),
        ('on {medium}, uncompressed"', 'on {disc}, uncompressed"', 0, "title: names what is no axis: 'disc'"),
        ('medium = "bd"', 'remove = { colour = ["blue"] }', 0, "remove.colour: is unknown"),
        ('medium = "bd"', 'medium = "bd"\nremove = { roles = ["FSX"] }', 1, "remove.roles: 'FSX' is not there"),
        ("[directory] ", "[directories] ", None, "directory.dicomdir: is missing"),
        ("[directory] ", RULE.replace("range", 'one_of = ["1"]\nrange'), 8, "range: give exactly one of one_of"),
        ("[directory] ", RULE.replace("range = [1, 512]", ""), 1, "one_of: give exactly one of one_of"),
        ("[directory] ", RULE.replace("[1, 512]", "[512, 1]"), 7, "attributes[rows].range: is [512, 1], expected the"),
        ("[directory] ", RULE.replace("range = [1, 512]", "one_of = []"), 7, "attributes[rows].one_of: says nothing"),
        ("[directory] ", RULE.replace("[1, 512]", "[1, 512]\nnumber = true"), 8, "number: is True, expected int"),
        ("[directory] ", RULE.replace('"rows"', '"Too many rows"'), 2, "expected words of a-z and 0-9"),
        ("[directory] ", RULE.replace('["ANY"]', '["CT"]'), 3, "attributes[rows].scope: 'CT' is no object"),
        ("[directory] ", RULE.replace("range = [1, 512]", 'same_as = "RowsX"'), 7, "same_as: is 'RowsX', expected one"),
        (
            "[directory] ",
            RULE.replace("range = [1, 512]", 'check = "pretty"'),
            7,
            "check: is 'pretty', expected",
        ),
        ("[directory] ", RULE.replace("[1, 512]", '[1, 512]\nseverity = "bad"'), 8, "severity: is 'bad'"),
        ("[directory] ", RULE.replace("00280010", "00280011"), 5, "Rows.tag: is 00280011, expected 00280010"),
        (
            "[directory] ",
            '[[groups]]\nrole = "FSC"\nat_least = 3\nof = ["ANY"]\nclause = "x"\n[directory] ',
            2,
            "groups[1].at_least: is 3, expected 1 to 1",
        ),
        (
            "[directory] ",
            '[[pairings]]\nscope = ["images"]\nphotometric = "RGB"\ntransfer_syntaxes = ["RLE Lossless"]\n[directory] ',
            1,
            "pairings[1].scope: 'images' is no object",
        ),
        (
            "[[axes]]",
            '[[directory.icons]]\nrecords = ["IMAGE"]\n[[axes]]',
            0,
            "directory.icons[1].required: is missing",
        ),
        ("[[objects]]", "[objects]", None, "private.toml:"),
        ("finalize", "final\nize", 0, "Expected '='"),
    ],
)
def test_a_wrong_file_is_refused_with_line_field_and_reason(old: str, new: str, below: int | None, why: str) -> None:
    """``below``: lines from the beginning of the change to the line that must be named; None: the file alone."""
    text, line = changed(old, new)
    found = refusal(text)

    assert why in found
    if below is not None:
        assert found.startswith(f"private.toml:{line + below}: "), found
    assert found.startswith("private.toml")


def test_what_is_missing_is_told_with_its_table() -> None:
    text, _ = changed('title = "General', 'titel = "General')
    assert refusal(text) == "private.toml: title: is missing"


def test_several_wrong_rows_are_told_together() -> None:
    text, _ = changed('name = "ANY"', 'nam = "ANY"')
    text = text.replace('FSU = "M" }', 'FSU = "?" }', 1)
    found = refusal(text).splitlines()

    assert [line.split(":")[1] for line in found] == [
        str(line_of(text, "requirements")),
        str(line_of(text, 'nam = "ANY"') - 1),
    ]


def test_an_axis_value_takes_away_a_role_and_an_object() -> None:
    """As the DVD profiles of PS3.11 Annexes B, C and E: no updater."""
    text, _ = changed('medium = "bd"', 'medium = "bd"\nremove = { roles = ["FSU"], objects = ["ANY"] }')
    file = ProfileFile.read("private.toml", text, own=False)

    disc = resolve(file, "PRI-HOSPITAL-BD", ())

    assert disc.roles == ("FSC", "FSR")
    assert [(row.name, row.requirements) for row in disc.objects] == [("DIR", {"FSC": "M", "FSR": "M"})]
    assert resolve(file, "PRI-HOSPITAL-CD", ()).roles == ("FSC", "FSR", "FSU")


def test_an_axis_value_adds_to_lists_and_tables() -> None:
    """As the compressed profiles: one more object rule."""
    text = PRIVATE.read_text(encoding="utf-8") + (
        "\n[[axes.values.objects]]\n"
        'name = "CT"\nsop_classes = ["CT Image Storage"]\ntransfer_syntaxes = ["RLE Lossless"]\n'
        'requirements = { FSC = "O", FSR = "M", FSU = "O" }\nclause = "test"\n'
    )
    file = ProfileFile.read("private.toml", text, own=False)

    assert resolve(file, "PRI-HOSPITAL-BD", ()).transfer_syntaxes_for(CT) == (
        uids.EXPLICIT_VR_LITTLE_ENDIAN,
        "1.2.840.10008.1.2.5",
    )
    assert resolve(file, "PRI-HOSPITAL-CD", ()).transfer_syntaxes_for(CT) == (uids.EXPLICIT_VR_LITTLE_ENDIAN,)


def test_a_scope_may_name_what_only_other_axis_values_have() -> None:
    """As Table C.3-2 speaks of multi-frame images, which the single frame profiles have not."""
    rule = RULE.replace('["ANY"]', '["ANY", "CT"]')
    text, _ = changed("[directory] ", rule)
    text += (
        "\n[[axes.values.objects]]\n"
        'name = "CT"\nsop_classes = ["CT Image Storage"]\ntransfer_syntaxes = ["RLE Lossless"]\n'
        'requirements = { FSC = "O", FSR = "M", FSU = "O" }\nclause = "test"\n'
    )
    file = ProfileFile.read("private.toml", text, own=False)

    assert resolve(file, "PRI-HOSPITAL-CD", ()).attributes[0].scope == ("ANY",)
    assert resolve(file, "PRI-HOSPITAL-BD", ()).attributes[0].scope == ("ANY", "CT")


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        list(profile_files(str(tmp_path / "none")))


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    (tmp_path / "annex-x.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match=r"annex-x\.toml"):
        list(profile_files(str(tmp_path)))


def test_only_files_that_can_hold_the_identifier_are_read(tmp_path: Path) -> None:
    shutil.copy(PRIVATE, tmp_path)
    (tmp_path / "wrong.toml").write_text('identifier = "PRI-WRONG-CD"\nthis is not TOML', encoding="utf-8")

    assert load_profile("PRI-HOSPITAL-CD", (str(tmp_path),)).medium == "cd_r"
    with pytest.raises(UsageError, match=r"wrong\.toml:2: "):
        load_profile("PRI-WRONG-CD", (str(tmp_path),))


def test_profiles_of_a_site_come_after_ours(tmp_path: Path) -> None:
    shutil.copy(PRIVATE, tmp_path)

    assert profile_ids((str(tmp_path),))[:82] == profile_ids()
    assert len(profile_ids((str(tmp_path),))) == 82 + 6


def test_two_files_with_one_identifier(tmp_path: Path) -> None:
    for name in ("a.toml", "b.toml"):
        shutil.copy(PRIVATE, tmp_path / name)
    folders = (str(tmp_path),)

    for ask in (lambda: load_profile("PRI-HOSPITAL-CD", folders), lambda: profile_ids(folders)):
        with pytest.raises(UsageError, match=r"b\.toml: identifier: PRI-HOSPITAL-CD stands in .*a\.toml already"):
            ask()


def test_a_refusal_holds_each_reason_once() -> None:
    assert Refused(["a", "b", "a"]).reasons == ("a", "b")
