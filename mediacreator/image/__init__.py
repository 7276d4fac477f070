"""Stage 7: a Volume and its files to a MediaImage (PS3.12)."""

from mediacreator.image.archive import write_zip, zip_size
from mediacreator.image.disc import DiscFile, LateContent
from mediacreator.image.fat import fat_size, write_fat
from mediacreator.image.folder import extend_folder, folder_size, write_folder
from mediacreator.image.iso import iso_size, write_iso
from mediacreator.image.mail import Letter, mime_size, write_mime, write_zip_mail, zip_mail_size
from mediacreator.image.udf import BRIDGE, udf_size, write_udf

__all__ = [
    "BRIDGE",
    "DiscFile",
    "LateContent",
    "Letter",
    "extend_folder",
    "fat_size",
    "folder_size",
    "iso_size",
    "mime_size",
    "udf_size",
    "write_fat",
    "write_folder",
    "write_iso",
    "write_mime",
    "write_udf",
    "write_zip",
    "write_zip_mail",
    "zip_mail_size",
    "zip_size",
]
