"""How a part is to be measured, and what becomes of what cannot be.

Rule 1: what was not measured is a trouble, said loudly, and the rest goes on.
Rule 2: nothing is measured without an end: fewer runs where one takes long, a limit for each process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

from benchmarks.grounds import Ground
from benchmarks.measured import GivenUp
from benchmarks.results import Figure, Table
from benchmarks.timing import Timed

LARGE, LARGE_STARTS = 50_000, 3
"""From so many entities on every start of a process loads tens of megabytes: three are enough to see it."""
STARTS = 5
"""Each of them is followed by several samples of a warm process."""


@dataclass
class Troubles:
    """What was not measured, in the order in which it turned out."""

    said: list[str] = field(default_factory=list)
    tell: Callable[[str], None] = print

    @contextmanager
    def noted(self, what: str) -> Iterator[None]:
        """Go on after whatever of the block cannot be measured."""
        try:
            yield
        except Exception as error:  # noqa: BLE001  one contestant that fails must not end the others
            words = str(error) if isinstance(error, GivenUp) else f"{type(error).__name__}: {error}"
            self.note(f"{what}: {words}")

    def note(self, words: str) -> None:
        if words not in self.said:
            self.said.append(words)
            self.tell(f"NOT MEASURED  {words}")


@dataclass(frozen=True)
class Wish:
    """How a part is to be measured."""

    ground: Ground
    runs: int
    troubles: Troubles

    @property
    def entities(self) -> int:
        return self.ground.entities

    @property
    def starts(self) -> int:
        """How often a process that loads a whole memory is started."""
        return min(self.runs, LARGE_STARTS if self.entities >= LARGE else STARTS)

    def noted(self, what: str) -> AbstractContextManager[None]:
        """Go on after whatever of the block cannot be measured."""
        return self.troubles.noted(f"{what} at {self.entities} entities")

    def tried(self, what: str, step: Callable[[], str]) -> str | None:
        """What a step says; None where it could not be measured."""
        said: list[str] = []
        with self.noted(what):
            said.append(step())
        return said[0] if said else None


Part = Callable[[Wish], Iterable[Table]]


# --- tables


def figures(rows: Iterable[Timed]) -> tuple[Figure, ...]:
    return tuple(Figure(row.name, tuple(row.ms), "ms", tuple(row.cpu_ms)) for row in rows)


def tables(part: str, title: str, wish: Wish, found: list[Figure], floor: str = "") -> Iterator[Table]:
    """The table of what was found, if anything was."""
    if found:
        known = floor if any(each.name == floor for each in found) else ""
        yield Table(part, title, wish.entities, tuple(found), known)
