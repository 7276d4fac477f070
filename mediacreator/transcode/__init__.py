"""Stage 3: a Selection to EncodedInstances with exact sizes (PS3.5).

``choose`` decides without reading anything, ``encode`` does it; what is in the right Transfer Syntax is never touched.
"""

from __future__ import annotations

from mediacreator.rules.uids import EXPLICIT_VR_LITTLE_ENDIAN
from mediacreator.transcode.choose import UNCOMPRESSED, Compression, choose
from mediacreator.transcode.encode import Encoding, encode
from mediacreator.transcode.plan import Plan, Rewrite
from mediacreator.transcode.sizes import estimate
from mediacreator.transcode.spool import Spool

__all__ = [
    "EXPLICIT_VR_LITTLE_ENDIAN",
    "UNCOMPRESSED",
    "Compression",
    "Encoding",
    "Plan",
    "Rewrite",
    "Spool",
    "choose",
    "encode",
    "estimate",
]
