"""Predicates of ZIP archives (PS3.12 V) and mails (K, W; PS3.11 L.3.2)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from mediacreator.formats.mail_parts import Part
from mediacreator.formats.tree import plain_component
from mediacreator.model import FileID
from mediacreator.suiting.volumes import Deviation, JudgedMail, JudgedZip

_ELSEWHERE = re.compile(r"\\|^/|^[A-Za-z]:|(?:^|/)\.\.(?:/|$)")
_MESSAGE = "message"
_DICOMDIR = ("DICOMDIR",)


def zip_method(archive: JudgedZip, argument: str) -> Iterator[Deviation]:
    """Find members in another method of compression than these; what is not even read is said by the reader."""
    for number, member in enumerate(archive.members, 1):
        if str(member.method) not in argument.split(";") and not member.problem:
            yield Deviation(f"member {number}", f"method of compression {member.method}")


def zip_name(archive: JudgedZip, _argument: str) -> Iterator[Deviation]:
    """Find names that programs unpack in different ways."""
    for number, member in enumerate(archive.members, 1):
        if _ELSEWHERE.search(member.name):
            yield Deviation(f"member {number}", "a name with a backslash, a drive, or a way out of the folder")


def zip_duplicate(archive: JudgedZip, _argument: str) -> Iterator[Deviation]:
    """Find names that stand twice."""
    seen: set[str] = set()
    for number, member in enumerate(archive.members, 1):
        if member.name in seen:
            yield Deviation(f"member {number}", "a member with the name of another")
        seen.add(member.name)


def zip_depth(archive: JudgedZip, argument: str) -> Iterator[Deviation]:
    """Find members that lie too deep."""
    for number, member in enumerate(archive.members, 1):
        if len(member.file.path) > int(argument):
            yield Deviation(f"member {number}", f"it lies {len(member.file.path)} levels deep")


def mail_subject(mail: JudgedMail, argument: str) -> Iterator[Deviation]:
    """Find a subject without the phrase."""
    if argument not in mail.headers[1]:
        yield Deviation(_MESSAGE, f"{argument} is not in its subject")


def mail_attachment(mail: JudgedMail, argument: str) -> Iterator[Deviation]:
    """Find an archive that its headers describe in another way.

    Args:
        mail: That is judged.
        argument: What the headers shall say: ``type``, ``id``, ``name``, ``filename`` or ``disposition``, = and value.
    """
    name, _, value = argument.partition("=")
    for part in mail.parts:
        if not _names_archive(part):
            continue
        said = {
            "type": part.content_type,
            "disposition": part.disposition,
            "id": part.names.id,
            "name": part.names.name,
            "filename": part.names.filename,
        }
        if said[name] != value:
            yield Deviation(f"part {part.number}", f"its {name} is {'another' if said[name] else 'absent'}")


def mail_multipart(mail: JudgedMail, argument: str) -> Iterator[Deviation]:
    """Find a message of another type."""
    if mail.headers[0] not in argument.split(";"):
        yield Deviation(_MESSAGE, "it is of another content type")


def mail_part_type(mail: JudgedMail, argument: str) -> Iterator[Deviation]:
    """Find parts of the File-set of another content type."""
    for part, _ in _of_file_set(mail):
        if part.content_type != argument:
            yield Deviation(f"part {part.number}", "it is of another content type")


def mail_part_id(mail: JudgedMail, _argument: str) -> Iterator[Deviation]:
    """Find parts whose id is not their File ID. Source: RFC 3240 2."""
    for part, file_id in _of_file_set(mail):
        if part.names.id != "/".join(file_id):
            yield Deviation(f"part {part.number}", f"its id is {'another' if part.names.id else 'absent'}")


def mail_part_name(mail: JudgedMail, argument: str) -> Iterator[Deviation]:
    """Find parts whose name is not that of their file with the ending."""
    for part, file_id in _of_file_set(mail):
        if part.names.name != (file_id[-1] if file_id == _DICOMDIR else file_id[-1] + argument):
            yield Deviation(f"part {part.number}", f"its name is {'another' if part.names.name else 'absent'}")


def _names_archive(part: Part) -> bool:
    """Tell the part with the archive as the reader does: by its type or a name."""
    return "zip" in part.content_type or bool(part.path and part.path[-1].lower().endswith(".zip"))


def _of_file_set(mail: JudgedMail) -> Iterator[tuple[Part, FileID]]:
    for part in mail.parts:
        path = (*part.path[:-1], plain_component(part.path[-1])) if part.path else ()
        if path in mail.on_it.files:
            yield part, mail.on_it.files[path]


OF_ZIP = (zip_method, zip_name, zip_duplicate, zip_depth)
OF_MAIL = (mail_subject, mail_attachment, mail_multipart, mail_part_type, mail_part_id, mail_part_name)
