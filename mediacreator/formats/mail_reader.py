"""Read a mail as a medium: its DICOM parts (PS3.12 K), or the ZIP archive that it carries (V, W).

Mails of others are read too: forwarded, signed, with line ends and names as mail programs leave them. Shares no code
with the writer. Names in a mail lead nowhere; each file has a path of its own, so that none hides another.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import BinaryIO, cast

from mediacreator.errors import SourceUnreadable
from mediacreator.formats.image_tree import ImageTree, Refused
from mediacreator.formats.mail_content import Content, content_of
from mediacreator.formats.mail_parts import Part, find_parts, is_mail
from mediacreator.formats.tree import TreeFile, plain_component
from mediacreator.formats.zip_reader import PROBLEMS, ZipTree
from mediacreator.model import Container, Finding, Severity

_ZIP_TYPES = frozenset(("application/zip", "application/x-zip", "application/x-zip-compressed"))
_ZIP_MAGIC = b"PK"
_MAX_FINDINGS = 1000

_ROWS: dict[str, tuple[str, str, str, str]] = {  # what, expected, clause, remedy
    "mail-truncated": (
        "the message breaks off in it",
        "a message with its last delimiter",
        "RFC 2046 5.1.1",
        "Have it sent again, or save it from the mail program again.",
    ),
    "mail-part-damaged": (
        "it is not base64 to its end",
        "content that can be decoded",
        "RFC 2045 6.8",
        "Have it sent again, or save the attachment in the mail program and give that.",
    ),
    "mail-encoding-unsupported": (
        "its Content-Transfer-Encoding is not read",
        "7bit, 8bit, binary, base64, or quoted-printable of up to 64 MiB",
        "RFC 2045 6",
        "Save the attachment in the mail program and give that.",
    ),
    "mail-encrypted": (
        "it is encrypted or sealed",
        "parts that can be read",
        "PS3.15 B.8",
        "Open it in the mail program that has the key, save its attachments and give those.",
    ),
    "mail-partial": (
        "it is one of several messages that make one",
        "a whole message",
        "RFC 2046 5.2.2",
        "Let the mail program put them together, and save that message.",
    ),
    "mail-too-deep": (
        "it lies too deep, or there are more than 500,000 parts",
        "16 levels at most",
        "",
        "Save its attachments in the mail program and give those.",
    ),
}
"""Why a part is not read."""


class MailTree(ImageTree):
    """A mail as a ``FileTree``: its attachments, and what lies in those that are ZIP archives."""

    container = Container.MAIL

    @property
    def label(self) -> None:
        """Return None: a mail has no Volume Identifier."""
        return

    @property
    def archives(self) -> tuple[ZipTree, ...]:
        """The ZIP archives among its attachments."""
        self._scan()
        return tuple(self._archives)

    def open(self, components: Sequence[str]) -> BinaryIO:
        """Open a file; see ``FileTree.open``."""
        file = self.require(components)
        return self._places[file.path]()

    def close(self) -> None:
        """Close the mail; a file that is open can be read on."""
        self._places.clear()
        self._archives.clear()
        super().close()

    def _find_volume(self) -> None:
        self._archives: list[ZipTree] = []
        self._places: dict[tuple[str, ...], Callable[[], BinaryIO]] = {}
        if not is_mail(self._handle):
            raise SourceUnreadable("It is no mail with attachments.")

    def _walk(self, refused: Refused) -> Iterator[TreeFile]:
        for part in find_parts(self._handle, self.size):
            if part.is_text and not part.problem:
                continue
            content = content_of(self._handle, part)
            path = self._free(part.path or (f"part {part.number}",), f"part {part.number}")
            file = TreeFile((*path[:-1], plain_component(path[-1])), path[-1], content.size, 0)
            if content.problem:
                self._refuse(refused, file, content.problem, f"part {part.number}", *_ROWS[content.problem])
            elif _is_zip(part, content):
                yield from self._walk_zip(refused, part, file, content)
            else:
                self._places[file.path] = partial(_opened, content)
                yield file

    def _walk_zip(self, refused: Refused, part: Part, file: TreeFile, content: Content) -> Iterator[TreeFile]:
        """Yield the members of an archive: those of the first as if they lay in the mail, of others in a folder."""
        location = f"part {part.number}"
        try:
            archive = ZipTree(self.path, stream=_opened(content))
        except SourceUnreadable as exc:
            what, remedy = str(exc).rstrip("."), "Have it sent again, or save the attachment and look at it yourself."
            self._refuse(refused, file, "archive-refused", location, what, "a sound archive", "PS3.12 V.2", remedy)
            return
        within = () if not self._archives else (location,)
        self._archives.append(archive)
        for number, member in enumerate(archive.members, 1):
            path = self._free((*within, *member.file.path), f"{location}, member {number}")
            found = replace(member.file, path=path, mtime_ns=0)
            if member.problem:
                said = (PROBLEMS[member.problem], "stored or deflated members", "PS3.12 V.2")
                self._refuse(refused, found, member.problem, location, *said, "Unpack the archive yourself.")
            else:
                self._places[path] = partial(archive.open_file, member.file)
                yield found

    def _free(self, path: tuple[str, ...], instead: str) -> tuple[str, ...]:
        """Return a path that no file has yet: in a folder named by a number where another one has it."""
        return (instead, *path) if path in self._places else path

    def _refuse(
        self, refused: Refused, file: TreeFile, code: str, location: str, what: str, expected: str, clause: str, do: str
    ) -> None:
        """Keep a file that is recorded and not read, and say why; by number, as a name may be that of a patient."""
        finding = Finding(code, Severity.ERROR, location, what, expected, clause, do)
        refused.append((file, finding))
        if len(self._reported) < _MAX_FINDINGS:
            self._reported.append(finding)


def _opened(content: Content) -> BinaryIO:
    return cast(BinaryIO, io.BufferedReader(content.open(), 1 << 16))


def _is_zip(part: Part, content: Content) -> bool:
    """Tell an archive by its type or name, and by its first bytes."""
    named = part.content_type in _ZIP_TYPES or bool(part.path and part.path[-1].lower().endswith(".zip"))
    if not named:
        return False
    with io.BufferedReader(content.open(), 16) as stream:
        return stream.read(2) == _ZIP_MAGIC
