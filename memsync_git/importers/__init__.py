"""What other memory tools keep, as a graph: one table of sources, one module each.

Rule 1: everything here is pure. A source takes the bytes of a file and never raises, whatever they are.
Rule 2: a source is told by what a file holds, never by its name.
Rule 3: what is deleted there is not said here: a tombstone is counted and left out.
Rule 4: a memory that is no row of a graph becomes a generic record under the id it has there, with the fields
it has there; `entities.py` is the other way to take it.
"""

from __future__ import annotations

from memsync_git.importers.table import SOURCES, Source, read_source

__all__ = ["SOURCES", "Source", "read_source"]
