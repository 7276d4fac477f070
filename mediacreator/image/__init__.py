"""Stage 7: a Volume and its files to a MediaImage (PS3.12)."""

from mediacreator.image.disc import DiscFile, LateContent
from mediacreator.image.fat import fat_size, write_fat
from mediacreator.image.folder import extend_folder, folder_size, write_folder
from mediacreator.image.iso import iso_size, write_iso
from mediacreator.image.udf import BRIDGE, udf_size, write_udf

__all__ = [
    "BRIDGE",
    "DiscFile",
    "LateContent",
    "extend_folder",
    "fat_size",
    "folder_size",
    "iso_size",
    "udf_size",
    "write_fat",
    "write_folder",
    "write_iso",
    "write_udf",
]
