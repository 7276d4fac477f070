"""Draw the icon of one instance: find its frame, read it, show it, scale it, encode it."""

from __future__ import annotations

import numpy as np

from mediacreator.errors import SourceChanged, SourceUnreadable
from mediacreator.icons.encoding import USUAL_SIZE, icon_value
from mediacreator.icons.frames import read_representative
from mediacreator.icons.opening import Place, opened
from mediacreator.icons.scaling import aspect_ratio, boxed, fitted, scaled
from mediacreator.icons.shades import shades
from mediacreator.icons.values import FrameValues
from mediacreator.rules.profile import IconRule
from mediacreator.transcode.refusal import Refusal

_FLAT = 2  # of 255; an icon with less contrast shows nothing


def draw(place: Place, rule: IconRule, directory: str | None = None) -> bytes | str:
    """Return the value of Icon Image Sequence, or why there can be none, in words without patient identity.

    Memory holds one frame as it is stored and, where it is compressed, as it is encoded.

    Args:
        place: The Data Set.
        rule: What the icon must be.
        directory: For what a deflated Data Set inflates to.
    """
    try:
        with np.errstate(all="ignore"):  # a rescale or window may be anything; what it leads to is shown as black
            return _drawn(place, rule, directory)
    except Refusal as refusal:
        return refusal.what
    except SourceChanged:
        return "the file vanished or changed"
    except SourceUnreadable:
        return "the file cannot be read"
    except OSError as exc:
        return exc.strerror or f"the file cannot be read ({type(exc).__name__})"
    except MemoryError:
        return "a frame does not fit in memory"


def _drawn(place: Place, rule: IconRule, directory: str | None) -> bytes:
    with opened(place, directory) as (reader, values):
        number, frame = read_representative(reader, values, place.transfer_syntax_uid)
        of_frame = FrameValues(values, number)
        box = rule.rows or USUAL_SIZE, rule.columns or USUAL_SIZE
        rows, columns = frame.cells.shape[:2]
        size = fitted(rows, columns, aspect_ratio(of_frame), *box)
        for shade in shades(frame, of_frame):
            picture = scaled(frame.cells, shade, *size)
            if int(picture.max()) - int(picture.min()) > _FLAT:
                break
    return icon_value(boxed(picture, *box), rule)
