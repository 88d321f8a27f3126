"""What a check finds: a verdict, its evidence, and the cure.

Rule 1: evidence holds nothing a memory says; that stands in `details`, which never leaves the machine.
Rule 2: `mend` is there only where a program can cure it without deciding anything for a person.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from memsync_git.values import dataclass
from memsync_git.words import Verdict

FIX = "memsync-git doctor --fix"
MOST_LISTED = 5

Mend = Callable[[], str]
"""Cures it and says in a sentence what was done; raises a `MemsyncError` where it cannot."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check. `cure` is one command, or empty where there is nothing to do."""

    verdict: Verdict
    evidence: str
    cure: str = ""
    details: str = ""
    mend: Mend | None = None

    @property
    def told(self) -> str:
        """The evidence as the person at this machine may see it."""
        return f"{self.evidence}: {self.details}" if self.details else self.evidence


def ok(evidence: str) -> Finding:
    """All is well."""
    return Finding("ok", evidence)


def warn(evidence: str, cure: str = "", *, details: str = "", mend: Mend | None = None) -> Finding:
    """Something to know; nothing is broken yet."""
    return Finding("warn", evidence, cure, details, mend)


def fail(evidence: str, cure: str = "", *, details: str = "", mend: Mend | None = None) -> Finding:
    """Something does not work."""
    return Finding("fail", evidence, cure, details, mend)


def listed(things: Iterable[str]) -> str:
    """The first of some things, and how many more there are."""
    every = list(things)
    more = [f"and {len(every) - MOST_LISTED} more"] if len(every) > MOST_LISTED else []
    return ", ".join(every[:MOST_LISTED] + more)


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 line`, `2 lines`."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"
