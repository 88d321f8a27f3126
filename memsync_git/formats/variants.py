"""The family of memory file formats: one Protocol, one table, and what can be done with any of them.

Rule 1: pure functions, bytes to values and back; no disk, no clock.
Rule 2: a variant is pinned when a file is adopted. A file of another shape is damage then, not news.
Rule 3: an empty file says nothing and is no damage; whether that may be believed is a guard's matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

from memsync_git.filebytes import FileBytes, Pieces
from memsync_git.formats.arranging import arranged, step_to
from memsync_git.formats.array import ArrayVariant
from memsync_git.formats.laying import Placed, laid_out
from memsync_git.formats.lines import LineVariant
from memsync_git.formats.rows import NO_LIMITS, Limits, TooLarge
from memsync_git.formats.scratch import Scratch
from memsync_git.formats.standing import Decoded, Row, Rows
from memsync_git.model import EVERYTHING, PLAIN, Graph, Projection, Record
from memsync_git.stretches import Step

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

    def read(
        self, data: FileBytes, limits: Limits, before: Rows | None, shared: int = 0
    ) -> Decoded | TooLarge:
        """What the bytes say. Never raises, whatever they are.

        `before`: the rows of another version of the same file. What it shares with them is not read again.
        shared: so many of the first bytes are known to be those of that version.
        """
        ...

    def framed(self, rows: Rows) -> Rows:
        """The rows, with what a reader must find beside them."""
        ...

    def pieces(self, rows: Rows) -> Pieces:
        """The bytes of framed rows, as they lie now."""
        ...

    def write(self, rows: Rows) -> bytes:
        """The same by themselves. What rows hold of their own is let go while they are put together: of a
        whole memory, that is as much once more.
        """
        ...

    def settle(self, rows: Rows, data: bytes) -> None:
        """Have the rows lie in the bytes that were made of them."""
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


def decode(
    data: FileBytes,
    variant: str,
    limits: Limits = DEFAULT_LIMITS,
    before: Rows | None = None,
    shared: int = 0,
) -> Decoded | TooLarge:
    """Read a memory file of a pinned variant.

    `before`: the rows of an earlier whole version of the same variant; only what changed since is read.
    shared: so many of the first bytes are known to be those of that version.
    """
    if len(data) > limits.max_file_bytes:
        return _too_large(data, limits)
    return VARIANTS[variant].read(data, limits, before, shared)


def amend(rows: Rows, step: Step, variant: str, limits: Limits) -> tuple[Pieces, Decoded] | TooLarge:
    """The bytes of a file after a step, and what they say; `rows` are those standing in it now.

    Only rows that the step changes are written. New ones come in the order of the step.
    Whoever puts the pieces together lets the rows lie in them (`settle`).
    """
    how = VARIANTS[variant]
    found = arranged(rows, step, how.projection, limits)
    if isinstance(found, TooLarge):
        return found
    framed = how.framed(found)
    return _fitting(how.pieces(framed), framed, variant, limits)


def write_anew(
    placed: Placed, variant: str, limits: Limits, scratch: Scratch
) -> tuple[Pieces, Decoded] | TooLarge:
    """The bytes of a file that holds nothing yet, and what they say. The records come in any order; each is
    let go when it is written.

    scratch: where their rows lie until all of them are there.

    Raises:
        OSError: they cannot be read from there.
    """
    found = laid_out(placed, VARIANTS[variant].projection, limits, scratch)
    if isinstance(found, TooLarge):
        return found
    framed = VARIANTS[variant].framed(found)
    return _fitting(Pieces([VARIANTS[variant].write(framed)]), framed, variant, limits)


def _fitting(data: Pieces, rows: Rows, variant: str, limits: Limits) -> tuple[Pieces, Decoded] | TooLarge:
    """A version and what it says, if a file may hold as much."""
    if len(data) > limits.max_file_bytes:
        return _too_large(data, limits)
    return data, Decoded(variant, rows, rows.graph())


def settle(decoded: Decoded, data: bytes) -> None:
    """What was written lies in these bytes from now on, which were made of its rows."""
    VARIANTS[decoded.variant].settle(decoded.rows, data)


def encode(rows: Sequence[Row], graph: Graph, variant: str) -> bytes:
    """The bytes of `graph` in a variant; `rows` are those standing in the file now, `()` for a fresh one."""
    standing = rows if isinstance(rows, Rows) else Rows.of(*_columns(rows))
    amended = amend(standing, step_to(standing, graph), variant, NO_LIMITS)
    assert not isinstance(amended, TooLarge), "there are no limits"
    return bytes(amended[0])


def _columns(rows: Sequence[Row]) -> tuple[list[bytes], list[Record | None]]:
    return [row.raw for row in rows], [row.record for row in rows]


def _too_large(data: FileBytes | Pieces, limits: Limits) -> TooLarge:
    return TooLarge("a file", 0, len(data), limits.max_file_bytes)
