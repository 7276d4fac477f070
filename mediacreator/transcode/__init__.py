"""Stage 3: a Selection to EncodedInstances with exact sizes (PS3.5).

``plan`` decides without reading anything, ``encode`` does it; what is in the right Transfer Syntax is never touched.
"""

from __future__ import annotations

from mediacreator.transcode.encode import EXPLICIT_VR_LITTLE_ENDIAN, Encoding, encode, plan
from mediacreator.transcode.plan import Plan, Rewrite
from mediacreator.transcode.spool import Spool

__all__ = ["EXPLICIT_VR_LITTLE_ENDIAN", "Encoding", "Plan", "Rewrite", "Spool", "encode", "plan"]
