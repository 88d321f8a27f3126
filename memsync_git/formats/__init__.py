"""Memory files: bytes ↔ `Graph`, one table of variants, repair and import.

Rule 1: everything here is pure. What a file says is decided line by line exactly as the memory servers' own
`JSON.parse` decides it.
Rule 2: what every round needs is offered here; `detecting`, `importing` and `salvage` are asked for by name.
"""

from __future__ import annotations

from memsync_git.formats.canonical import Json, NotJson, Number, TooDeep, canonical, compact, parse, quoted
from memsync_git.formats.laying import Placed
from memsync_git.formats.rows import Damage, Limits, TooLarge
from memsync_git.formats.scratch import Scratch, ScratchBytes, Scratches, scratch_in_memory
from memsync_git.formats.standing import Decoded, Row, Rows
from memsync_git.formats.variants import (
    AIM_HEADER,
    VARIANTS,
    Variant,
    amend,
    decode,
    encode,
    settle,
    write_anew,
)

__all__ = [
    "AIM_HEADER",
    "VARIANTS",
    "Damage",
    "Decoded",
    "Json",
    "Limits",
    "NotJson",
    "Number",
    "Placed",
    "Row",
    "Rows",
    "Scratch",
    "ScratchBytes",
    "Scratches",
    "TooDeep",
    "TooLarge",
    "Variant",
    "amend",
    "canonical",
    "compact",
    "decode",
    "encode",
    "parse",
    "quoted",
    "scratch_in_memory",
    "settle",
    "write_anew",
]
