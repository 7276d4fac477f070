"""Stage 3b: EncodedInstances to Icon Image Sequence values for their directory records (PS3.3 F.7, PS3.11 X.3.3)."""

from __future__ import annotations

from mediacreator.icons.joining import Iconified, with_icons
from mediacreator.icons.making import Icons, make_icons

__all__ = ["Iconified", "Icons", "make_icons", "with_icons"]
