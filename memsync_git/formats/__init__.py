"""Memory files: bytes ↔ `Graph`, one table of variants, repair and import.

Everything here is pure. What a file says is decided line by line exactly as the memory servers' own
`JSON.parse` decides it.
"""

from __future__ import annotations

from memsync_git.formats.canonical import Json, NotJson, Number, TooDeep, canonical, compact, parse, quoted
from memsync_git.formats.detecting import READ_GRAPH, detect
from memsync_git.formats.importing import Imported, Note, read_import
from memsync_git.formats.rows import Damage, Decoded, Limits, Row, Rows, TooLarge
from memsync_git.formats.salvage import Salvaged, salvage
from memsync_git.formats.variants import AIM_HEADER, VARIANTS, Variant, decode, encode

__all__ = [
    "AIM_HEADER",
    "READ_GRAPH",
    "VARIANTS",
    "Damage",
    "Decoded",
    "Imported",
    "Json",
    "Limits",
    "NotJson",
    "Note",
    "Number",
    "Row",
    "Rows",
    "Salvaged",
    "TooDeep",
    "TooLarge",
    "Variant",
    "canonical",
    "compact",
    "decode",
    "detect",
    "encode",
    "parse",
    "quoted",
    "read_import",
    "salvage",
]
