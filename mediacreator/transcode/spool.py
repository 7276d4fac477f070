"""The spool: a private directory where encoded Data Sets lie until the medium is written."""

from __future__ import annotations

import os
from types import TracebackType

from mediacreator.errors import NoSpace


class Spool:
    """Numbered files in a directory of mode 0700; their names say nothing about patients. Use it with ``with``."""

    def __init__(self, parent: str | None = None) -> None:
        """Make the directory below ``parent``, or below the system's directory for temporary files."""
        import tempfile

        try:
            self.directory = tempfile.mkdtemp(prefix="mediacreator-spool-", dir=parent)
        except OSError as exc:
            raise NoSpace(f"The spool cannot be made: {exc.strerror}. Choose another directory for it.") from exc
        self.used = 0
        """Bytes of all files that were kept."""
        self._number = 0

    def new_path(self) -> str:
        """Return the path of a file that does not exist yet."""
        self._number += 1
        return os.path.join(self.directory, f"{self._number:08d}.dat")

    def keep(self, size: int) -> None:
        """Count a file of ``size`` bytes that stays until the spool is closed."""
        self.used += size

    def free(self) -> int:
        """Return the bytes that are free where the spool lies."""
        import shutil

        return shutil.disk_usage(self.directory).free

    def require(self, size: int) -> None:
        """Check that ``size`` more bytes fit.

        Raises:
            NoSpace: They do not; the message gives both sizes.
        """
        free = self.free()
        if free < size:
            raise NoSpace(
                f"The spool needs about {size:,} bytes for encoded instances and has {free:,}. "
                "Free some room, write elsewhere, or write fewer instances."
            )

    def close(self) -> None:
        """Delete every file; safe to call twice."""
        import shutil

        shutil.rmtree(self.directory, ignore_errors=True)
        self.used = 0

    def __enter__(self) -> Spool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
