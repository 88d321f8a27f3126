"""The sources, in the order they are asked.

Rule 1: exactly one of them answers for any bytes: the last takes whatever no other knows.
"""

from __future__ import annotations

from collections.abc import Callable

from memsync_git.formats.detecting import detect
from memsync_git.formats.importing import Imported, read_import
from memsync_git.importers import contextfs, memory_service_database, memory_service_export
from memsync_git.values import dataclass


@dataclass(frozen=True, slots=True)
class Source:
    """One kind of file that can be imported.

    title: what people call it. recognise: the name of its layout, None where the bytes are not this kind.
    read: what it says; never raises.
    """

    title: str
    recognise: Callable[[bytes], str | None]
    read: Callable[[bytes], Imported]


SOURCES: tuple[Source, ...] = (
    Source(
        "SQLite database of mcp-memory-service",
        memory_service_database.recognise,
        memory_service_database.read,
    ),
    Source("SQLite database of ContextFS", contextfs.recognise, contextfs.read),
    Source("JSON export of mcp-memory-service", memory_service_export.recognise, memory_service_export.read),
    Source("memory file, JSON array, read_graph object, file of the older tool", detect, read_import),
)


def read_source(data: bytes) -> tuple[str, Imported]:
    """The layout of a file, and what it says."""
    for source in SOURCES:
        layout = source.recognise(data)
        if layout is not None:
            return layout, source.read(data)
    raise AssertionError("the last source takes everything")
