"""Stage 9: an image onto the medium that is handed out, read back in whole and compared with its receipt."""

from mediacreator.burn.burning import Burned, burn_image, closes
from mediacreator.burn.devices import BlockDevice, block_devices
from mediacreator.burn.discs import choose_drive, judge_disc, require_blank, require_sessions
from mediacreator.burn.images import ReadyImage, ready_image
from mediacreator.burn.record import add_to_record, record_path
from mediacreator.burn.sticks import choose_device, judge_device, require_same, write_stick
from mediacreator.burn.tray import eject

__all__ = [
    "BlockDevice",
    "Burned",
    "ReadyImage",
    "add_to_record",
    "block_devices",
    "burn_image",
    "choose_device",
    "choose_drive",
    "closes",
    "eject",
    "judge_device",
    "judge_disc",
    "ready_image",
    "record_path",
    "require_blank",
    "require_same",
    "require_sessions",
    "write_stick",
]
