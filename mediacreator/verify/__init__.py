"""Stage 8: a MediaImage read back and compared."""

from mediacreator.verify.bridge import bridge_differences
from mediacreator.verify.compare import (
    FAT,
    ISO9660,
    UDF,
    Reading,
    verify_archive,
    verify_folder,
    verify_image,
    verify_iso,
)
from mediacreator.verify.directory import directory_differences, record_differences
from mediacreator.verify.hashing import hash_folder, hash_image

__all__ = [
    "FAT",
    "ISO9660",
    "UDF",
    "Reading",
    "bridge_differences",
    "directory_differences",
    "hash_folder",
    "hash_image",
    "record_differences",
    "verify_archive",
    "verify_folder",
    "verify_image",
    "verify_iso",
]
