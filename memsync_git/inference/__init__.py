"""Base inference: what a version of the memory file was written from, and so what it really says.

ring ── the states a writer can have read      origin ── which of them it was      saying ── the difference
"""

from memsync_git.inference.origin import SURE_PART, is_taken_back, nearest, readable
from memsync_git.inference.ring import (
    CACHED_FOR_MS,
    MOST_KEPT,
    NEWEST_KEPT,
    PAST_HASHES_KEPT,
    UNWRITTEN_FOR_MS,
    Base,
    FileState,
    Kind,
    Knowledge,
    Pending,
    Ring,
    window_ms,
)
from memsync_git.inference.saying import Inference, infer, moved_entities, standing

__all__ = [
    "CACHED_FOR_MS",
    "MOST_KEPT",
    "NEWEST_KEPT",
    "PAST_HASHES_KEPT",
    "SURE_PART",
    "UNWRITTEN_FOR_MS",
    "Base",
    "FileState",
    "Inference",
    "Kind",
    "Knowledge",
    "Pending",
    "Ring",
    "infer",
    "is_taken_back",
    "moved_entities",
    "nearest",
    "readable",
    "standing",
    "window_ms",
]
