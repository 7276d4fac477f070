"""Video in DICOM: what a stream is, and whether its Transfer Syntax and the attributes beside it allow it.

MPEG-2 and H.264 are read as far as their headers say what PS3.5 8.2.5 to 8.2.9 rule; they are never decoded.
"""

from __future__ import annotations

from mediacreator.video.checking import check
from mediacreator.video.facts import VideoFacts
from mediacreator.video.inspecting import inspect
from mediacreator.video.instance import check_instance_video

__all__ = ["VideoFacts", "check", "check_instance_video", "inspect"]
