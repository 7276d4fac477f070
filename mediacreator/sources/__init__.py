"""Where instances come from: folders, ZIP archives, media; each gives SourceFiles."""

from mediacreator.sources.search import Limits, MediumRoot, Sources, find_sources

__all__ = ["Limits", "MediumRoot", "Sources", "find_sources"]
