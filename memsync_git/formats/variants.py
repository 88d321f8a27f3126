"""The family of memory file formats: one Protocol, one table, and what can be done with any of them.

Rule 1: pure functions, bytes to values and back; no disk, no clock.
Rule 2: a variant is pinned when a file is adopted. A file of another shape is damage then, not news.
Rule 3: an empty file says nothing and is no damage; whether that may be believed is a guard's matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

from memsync_git.formats.array import ArrayVariant
from memsync_git.formats.lines import LineVariant
from memsync_git.formats.rows import Decoded, Limits, Row, TooLarge
from memsync_git.model import EVERYTHING, PLAIN, Graph, Projection, Record

AIM_HEADER = b'{"type":"_aim","source":"mcp-knowledge-graph"}'
"""First line of the files of mcp-knowledge-graph 1.4.0; its server refuses a file without it."""

WITH_FIELDS = Projection(fields=True, objects=False, generics=False)
WITH_OBJECTS = Projection(fields=True, objects=True, generics=False)


class Variant(Protocol):
    """One way of writing a memory file.

    Invariant: what `write` wrote, `read` reads back whole, with the same items in `projection`;
    rows that say the same afterwards keep their bytes.
    """

    @property
    def name(self) -> str:
        """The name the configuration pins."""
        ...

    @property
    def projection(self) -> Projection:
        """What the variant can hold; the rest is neither added to the file nor missed in it."""
        ...

    @property
    def updates_in_place(self) -> bool:
        """Whether the server that writes it can change a type without deleting and creating."""
        ...

    def read(self, data: bytes, limits: Limits, known: Mapping[bytes, Record]) -> Decoded | TooLarge:
        """What the bytes say. Never raises, whatever they are."""
        ...

    def write(self, rows: Sequence[Row], graph: Graph) -> bytes:
        """The bytes of `graph`, built on the `rows` that stand in the file now."""
        ...


_TABLE: tuple[Variant, ...] = (
    LineVariant("jsonl", PLAIN, updates_in_place=False),
    LineVariant("aim", WITH_FIELDS, updates_in_place=False, header=AIM_HEADER),
    LineVariant("jsonl-fields", WITH_FIELDS, updates_in_place=True),
    LineVariant("jsonl-objects", WITH_OBJECTS, updates_in_place=True),
    ArrayVariant("json-array", EVERYTHING, updates_in_place=True),
)

VARIANTS: Mapping[str, Variant] = MappingProxyType({variant.name: variant for variant in _TABLE})
"""Every live variant by name."""

DEFAULT_LIMITS = Limits()
NOTHING_KNOWN: Mapping[bytes, Record] = MappingProxyType({})


def decode(
    data: bytes, variant: str, limits: Limits = DEFAULT_LIMITS, known: Mapping[bytes, Record] | None = None
) -> Decoded | TooLarge:
    """Read a memory file of a pinned variant.

    `known` maps raw rows to their records (`Decoded.known` of an earlier reading of the same variant),
    so that an unchanged row is not parsed again.
    """
    if len(data) > limits.max_file_bytes:
        return TooLarge("a file", 0, len(data), limits.max_file_bytes)
    return VARIANTS[variant].read(data, limits, NOTHING_KNOWN if known is None else known)


def encode(rows: Sequence[Row], graph: Graph, variant: str) -> bytes:
    """The bytes of `graph` in a variant; `rows` are those standing in the file now, `()` for a fresh one."""
    return VARIANTS[variant].write(rows, graph)
