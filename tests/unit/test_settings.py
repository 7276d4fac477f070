"""Settings of a site: the example, where they are found, and what is refused."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from mediacreator.errors import ExitCode, UsageError
from mediacreator.settings import (
    Contact,
    CreateDefaults,
    Institution,
    Mail,
    Settings,
    Texts,
    load_settings,
    read_settings,
)

EXAMPLE = Path(__file__).parents[2] / "docs" / "settings.example.toml"


def settings_file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "settings.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_documented_example_is_read() -> None:
    settings = read_settings(EXAMPLE)

    assert settings.institution.name == "Klinikum Beispielstadt"
    assert settings.institution.address == ("Musterweg 1", "12345 Beispielstadt", "Germany")
    assert settings.contact.phone == "+49 555 0123"
    assert settings.create == CreateDefaults()
    assert settings.texts.disclaimer.startswith("The images on this medium are copies.")
    assert dict(settings.private_sop_classes) == {"2.25.103948105938475": "2.25.103948105938476"}
    assert settings.path == str(EXAMPLE)


def test_the_documented_example_names_every_key() -> None:
    import tomllib

    table = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))

    for name, kind in (
        ("institution", Institution),
        ("contact", Contact),
        ("create", CreateDefaults),
        ("texts", Texts),
        ("mail", Mail),
    ):
        assert set(table[name]) == {item.name for item in fields(kind)}, name


def test_every_key_of_create_is_read(tmp_path: Path) -> None:
    text = """
    [create]
    profile = "STD-GEN-DVD-JPEG"
    profile_list = ["STD-GEN-BD"]
    profile_folders = ["profiles"]
    compress = "lossy:85"
    icons = true
    file_set_id = "KLINIK_1"
    workers = 4
    multi_patient = true
    include_rejected = true
    strict = true
    allow_rejected = ["truncated-pixel-data"]
    """
    assert read_settings(settings_file(tmp_path, text)).create == CreateDefaults(
        profile="STD-GEN-DVD-JPEG",
        profile_list=("STD-GEN-BD",),
        profile_folders=("profiles",),
        compress="lossy:85",
        icons=True,
        file_set_id="KLINIK_1",
        workers=4,
        multi_patient=True,
        include_rejected=True,
        strict=True,
        allow_rejected=("truncated-pixel-data",),
    )


def test_folders_of_profiles_lie_beside_the_settings(tmp_path: Path) -> None:
    path = settings_file(tmp_path, '[create]\nprofile_folders = ["profiles", "/srv/profiles", "~/profiles"]')

    assert read_settings(path).profile_folders == (
        str(tmp_path / "profiles"),
        "/srv/profiles",
        os.path.expanduser("~/profiles"),
    )


@pytest.mark.parametrize("value", ["auto", "STD-GEN-CD", "STD-XABC-CD,STD-GEN-CD", "PRI-KLINIK-CD"])
def test_a_profile_is_auto_or_identifiers(tmp_path: Path, value: str) -> None:
    assert read_settings(settings_file(tmp_path, f'[create]\nprofile = "{value}"')).create.profile == value


@pytest.mark.parametrize("value", ["none", "keep", "lossless", "lossy:1", "lossy:100"])
def test_every_compression_that_transcoding_knows_can_be_set(tmp_path: Path, value: str) -> None:
    from mediacreator.transcode import Compression

    assert (
        str(
            Compression.parse(read_settings(settings_file(tmp_path, f'[create]\ncompress = "{value}"')).create.compress)
        )
        == value
    )


def test_no_file_means_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user"))
    monkeypatch.setenv("XDG_CONFIG_DIRS", str(tmp_path / "site"))

    assert load_settings() == Settings()


@pytest.mark.skipif(sys.platform != "linux", reason="XDG rules")
def test_the_user_comes_before_the_site_and_config_before_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = {name: tmp_path / name / "mediacreator" / "settings.toml" for name in ("user", "site1", "site2")}
    for name, path in places.items():
        path.parent.mkdir(parents=True)
        path.write_text(f'[institution]\nname = "{name}"\n')
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user"))
    monkeypatch.setenv("XDG_CONFIG_DIRS", os.pathsep.join((str(tmp_path / "site1"), str(tmp_path / "site2"))))

    assert load_settings(settings_file(tmp_path, '[institution]\nname = "given"')).institution.name == "given"
    assert load_settings().institution.name == "user"
    places["user"].unlink()
    assert load_settings().institution.name == "site1"
    places["site1"].unlink()
    assert load_settings().institution.name == "site2"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[institutoin]\nname = "x"', "institutoin is no setting. Is institution meant?"),
        ('[institution]\nnmae = "x"', "institution.nmae is no setting. Is institution.name meant?"),
        ("[create]\nzzz = 1", "create.zzz is no setting. Allowed: allow_rejected, compress, file_set_id,"),
        ("institution = 3", "institution is 3, expected a table: [institution]"),
        ("[create]\nworkers = true", "create.workers is True, expected a whole number"),
        ('[create]\nworkers = "4"', "create.workers is '4', expected a whole number"),
        ("[create]\nworkers = -1", "create.workers is -1, expected 0 to 256"),
        ("[create]\nstrict = 1", "create.strict is 1, expected true or false"),
        (
            '[create]\nprofile = "std-gen-cd"',
            "expected auto, or the identifier of an application profile, as STD-GEN-CD",
        ),
        ('[create]\nprofile = "STD-GEN-CD, STD-XABC-CD"', "several for one medium as A,B [PS3.11 7]"),
        ('[create]\nprofile_list = ["auto"]', "create.profile_list is ('auto',), expected identifiers of"),
        ('[create]\nprofile_folders = [""]', "expected paths of folders"),
        (
            '[create]\ncompress = "lossy"',
            "create.compress is 'lossy', expected auto, none, keep, lossless or lossy:QUALITY",
        ),
        ('[create]\ncompress = "lossy:101"', "as lossy:85 (1 to 100)"),
        ('[create]\nicons = "yes"', "create.icons is 'yes', expected true or false"),
        ('[create]\nfile_set_id = "klinik"', "expected 0 to 16 characters A-Z, 0-9 and _ [PS3.10 8.1, 8.5]"),
        ('[create]\nallow_rejected = ["Not A Code"]', "expected codes of findings"),
        ('[institution]\naddress = "Musterweg 1"', 'expected a list of strings: ["one", "two"]'),
        ("[institution]\naddress = [1]", "institution.address is [1], expected a list of strings"),
        ('[institution]\nname = "a\\u0007b"', "institution.name holds the control character U+0007"),
        ('[institution]\nname = "a\\nb"', "institution.name holds the control character U+000A"),
        ('[institution]\nascii_name = "Müller"', "institution.ascii_name is 'Müller', expected ASCII characters only"),
        ('[private_sop_classes]\n"1.2.03" = "1.2"', "SOP Class UID '1.2.03', expected a UID"),
        ('[private_sop_classes]\n"1.2.3" = 5', "Private Record UID 5, expected a UID"),
        ('[private_sop_classes]\n"1.2.840.10008.5.1.4.1.1.2" = "1.2"', "is a UID of the standard"),
        ("[institution", "not TOML"),
        ("a = " + "[" * 5000, "not TOML"),
    ],
)
def test_what_cannot_be_is_refused_with_file_key_and_what_is_allowed(tmp_path: Path, text: str, said: str) -> None:
    path = settings_file(tmp_path, text)

    with pytest.raises(UsageError) as refused:
        read_settings(path)

    assert str(refused.value).startswith(f"{path}: ")
    assert said in str(refused.value)
    assert refused.value.exit_code is ExitCode.USAGE


def test_a_file_that_is_named_and_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.toml: the settings cannot be read: No such file"):
        load_settings(tmp_path / "none.toml")


def test_latin_1_is_refused_with_the_place(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_bytes('[institution]\nname = "Müller"'.encode("latin-1"))

    with pytest.raises(UsageError, match="byte 23 is not UTF-8"):
        read_settings(path)


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_bytes('[institution]\nname = "Müller"'.encode("utf-8-sig"))

    assert read_settings(path).institution.name == "Müller"


def test_importing_settings_is_cheap() -> None:
    """What is slow to import is imported where it is needed."""
    code = (
        "import sys, mediacreator.settings; print(*{'platformdirs', 'tomllib', 'pydicom', 'jinja2'} & set(sys.modules))"
    )

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == ""


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("sender", "nobody"),
        ("sender", "a@b.example, c@d.example"),
        ("sender", "A <a@b.example"),
        ("recipient", "a@b.example;c@d.example"),
        ("recipient", "a@b.example,"),
        ("subject", "x" * 101),
    ],
)
def test_what_no_mail_can_have_is_refused(tmp_path: Path, key: str, value: str) -> None:
    with pytest.raises(UsageError, match=f"mail.{key}"):
        read_settings(settings_file(tmp_path, f'[mail]\n{key} = "{value}"'))


def test_addresses_of_mails_are_read(tmp_path: Path) -> None:
    text = '[mail]\nsender = "Röntgen <r@b.example>"\nrecipient = "a@b.example, B <b@c.example>"\nsubject = "x"'
    mail = read_settings(settings_file(tmp_path, text)).mail
    assert mail == Mail("Röntgen <r@b.example>", "a@b.example, B <b@c.example>", "x")
