"""What a round has to say for itself."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Literal

from memsync_git.guards import Hold
from memsync_git.model import Item
from memsync_git.ports import Unusable
from memsync_git.values import dataclass, field

FileState = Literal["good", "damaged", "emptied", "unusable", "restored", "newer", "waiting", "too large"]
RemoteState = Literal["accepted", "nothing", "stale", "offline", "refused", "skipped"]

Stage = Literal["read", "fetch", "adopt", "publish", "write"]
"""What a round is about to do; a stage may come again, or not at all."""


def told_nobody(stage: Stage) -> None:
    """Nobody wants to know how far a round is."""
    del stage


SetAside = Callable[[Sequence[bytes]], Unusable | None]
"""Keeps pieces nobody could read; anything but None means that they are not safe."""


@dataclass(frozen=True, slots=True)
class RoundOptions:
    """What a caller wants of a round.

    fetch, publish, apply: the steps to take. capture False: the file is not even read; only without `apply`.
    push_first: only the file has changed and the remotes are asked
    again soon, so the push may come before the fetch (`order.py`). full: the unified file too. compare: find
    out anew, record by record, where file and memory differ. recreate: write an emptied or missing file
    anew. patient: linger for W (cron: nobody looks again soon). drop: items
    of a file met for the first time that the fleet has deleted stay deleted (`init --join drop`).
    only: the names to apply (a picked apply); the rest goes on waiting. None: everything.
    legacy, relocate: what an older tool's files say, and where they are moved (`init` on its repository).
    set_aside: a damaged memory file may be mended, once this has kept what cannot be read of it.
    told: hears of each stage as it begins; what it raises ends the round.
    """

    capture: bool = True
    fetch: bool = True
    publish: bool = True
    apply: bool = True
    push_first: bool = False
    full: bool = False
    compare: bool = False
    recreate: bool = False
    patient: bool = False
    drop: bool = False
    only: frozenset[str] | None = None
    legacy: tuple[Item, ...] = ()
    relocate: tuple[tuple[str, str], ...] = ()
    set_aside: SetAside | None = None
    told: Callable[[Stage], None] = told_nobody


@dataclass(slots=True)
class Tally:
    """Items that came and went; a register that got another value counts as changed."""

    added: int = 0
    removed: int = 0
    changed: int = 0

    def count(self, added: Collection[Item], removed: Collection[Item]) -> None:
        """Add one step's items, each of which comes once; what was deleted and created again did neither."""
        if not removed:
            self.added += len(added)
            return
        come, gone = set(added), set(removed)
        come, gone = come - gone, gone - come
        registers = {item[:-1] for item in gone if item[0] in ("t", "f")}
        changed = sum(1 for item in come if item[:-1] in registers and item[0] in ("t", "f"))
        self.added += len(come) - changed
        self.removed += len(gone) - changed
        self.changed += changed

    def add(self, other: Tally) -> None:
        """Add what another one counted."""
        self.added += other.added
        self.removed += other.removed
        self.changed += other.changed

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed)


@dataclass(slots=True)
class RemoteReport:
    """How it went with one remote. `reason` and `hint` are for people, empty when all is well.

    digest: names what the remote says, if it is complete and needs no second look; else empty.
    holds: names what was joined from others when it was complete (`crdt.cut.cut_name`).
    brought_news: something of another machine came from it.
    """

    name: str
    state: RemoteState = "skipped"
    reason: str = ""
    hint: str = ""
    head: str = ""
    digest: str = ""
    holds: str = ""
    fetched: bool = False
    published: bool = False
    brought_news: bool = False
    unreadable: tuple[str, ...] = ()
    newer: int | None = None


@dataclass(slots=True)
class RoundReport:
    """What one round did; text and JSON are made from it."""

    file: FileState = "good"
    file_reason: str = ""
    file_hint: str = ""
    local: Tally = field(default_factory=Tally)
    remote: Tally = field(default_factory=Tally)
    remotes: list[RemoteReport] = field(default_factory=list)
    holds: list[Hold] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    wrote_file: bool = False
    rounds: int = 0
    txn: str | None = None
    ms: int = 0

    @property
    def published(self) -> bool:
        """Whether some remote took something from this round."""
        return any(remote.published for remote in self.remotes)

    def of(self, name: str) -> RemoteReport:
        """The report on one remote, made when it is first asked for."""
        for remote in self.remotes:
            if remote.name == name:
                return remote
        self.remotes.append(RemoteReport(name))
        return self.remotes[-1]
