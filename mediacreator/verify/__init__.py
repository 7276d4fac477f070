"""Stage 8: a MediaImage read back and compared."""

from mediacreator.verify.compare import verify_folder, verify_iso
from mediacreator.verify.directory import directory_differences
from mediacreator.verify.hashing import hash_folder, hash_image

__all__ = ["directory_differences", "hash_folder", "hash_image", "verify_folder", "verify_iso"]
