"""Lines a revision of another machine changed, kept together in a store until there is time for their places.

    facts   rid:name      a line that stood                   ◀── a later act puts it there
    beside  rid:number    name, line, name, line …                what stands there by now, in one row

Rule 1: what is durable when does not change: they are saved in the transaction that saves their header.
Rule 2: only what replaces a line that stands lies beside it: how many lines there are, and under which names,
is what the rows of `facts` say.
Rule 3: whatever else is written under one of their names, they come into their places first.

The names are hashes, so that the places of a thousand lines are a thousand pages of 4 KiB, and 350 KB in one
row are 90. Whoever waits for the memory file need not wait for that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain

from memsync_git.model import Rid
from memsync_git.replica.filelines import LineReader, LineWriter

BESIDE = "beside"

MOST_BESIDE = 2000
"""Lines: about 1 MiB, which a process that starts reads as well."""

Lines = Mapping[str, bytes]
"""Stored lines by name."""


class Beside:
    """The lines that lie beside those they replace, by replica and name, and the rows that say so."""

    __slots__ = ("_rows", "lines")

    def __init__(self) -> None:
        self.lines: dict[Rid, dict[str, bytes]] = {}
        self._rows: list[str] = []

    @classmethod
    def of(cls, rows: LineReader) -> Beside:
        """Those of a store.

        Raises:
            ValueError: a row is none of ours.
        """
        found = cls()
        for key, value in rows.rows(BESIDE):
            parts = value.split(b"\n")
            said = zip((name.decode("ascii") for name in parts[::2]), parts[1::2], strict=True)
            found._note(key, Rid(key.partition(":")[0]), said)
        return found

    def __bool__(self) -> bool:
        return bool(self._rows)

    def __len__(self) -> int:
        return sum(map(len, self.lines.values()))

    def of_rid(self, rid: Rid) -> Lines:
        """Those of one replica."""
        return self.lines.get(rid, {})

    def lay(self, rid: Rid, lines: Lines, rows: LineWriter) -> None:
        """Save lines of a replica beside those they replace."""
        key = f"{rid}:{len(self._rows):06d}"
        parts = chain.from_iterable((name.encode("ascii"), line) for name, line in lines.items())
        rows.put(BESIDE, key, b"\n".join(parts))
        self._note(key, rid, lines.items())

    def _note(self, key: str, rid: Rid, lines: Iterable[tuple[str, bytes]]) -> None:
        self._rows.append(key)
        self.lines.setdefault(rid, {}).update(lines)

    def let_go(self) -> list[str]:
        """All of it is in its places: the rows that are not needed any more."""
        rows, self._rows, self.lines = self._rows, [], {}
        return rows
