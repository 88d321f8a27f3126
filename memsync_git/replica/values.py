"""What goes into a replica and comes out of it: moments, versions, observations, revisions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from memsync_git.guards import (
    Hold,
)
from memsync_git.inference import FileState, Pending
from memsync_git.model import (
    Graph,
    Item,
    Projection,
    RecordKey,
    Rid,
)
from memsync_git.stretches import Order, Stretch
from memsync_git.values import dataclass, field


@dataclass(frozen=True, slots=True)
class Moment:
    """The circumstances of one act: wall clock, boot, a fresh token, and W (model page, section 7).

    writer_caches: the server keeps the memory for longer than W.
    """

    wall_ms: int
    boot: str
    tok: str
    window_ms: int
    writer_caches: bool = False


@dataclass(frozen=True, slots=True)
class Version:
    """A version of the memory file as it was read.

    order: entity names in row order. whole: no line was unreadable. types_fixed: the writer cannot
    change a type in place. accepted: a person has agreed to whatever it deletes of the newest state.
    """

    graph: Graph
    order: Order
    hash: str
    mtime_ms: int
    projection: Projection
    types_fixed: bool = True
    whole: bool = True
    accepted: bool = False


@dataclass(frozen=True, slots=True)
class Observed:
    """What came of a version: items taken in, a hold, or a verdict that it is a restored backup."""

    added: Sequence[Item] = ()
    removed: Sequence[Item] = ()
    hold: Hold | None = None
    restored: bool = False
    rev: int | None = None


@dataclass(frozen=True, slots=True)
class Mark:
    """How much of the own fragment a remote has accepted."""

    rev: int = 0
    next: int = 1
    tok: str = ""


@dataclass(frozen=True, slots=True)
class Txn:
    """One revision of the own fragment, for messages, history and undo.

    said: the first and the last number it minted; None where an older release kept it without them.
    beaten: values that did not show and went with those that did, where a conflict ended.
    seen: the newest revision it knew of each other machine, where the revision before it had not known that.
    """

    rid: Rid
    rev: int
    at_ms: int
    cause: str
    added: Sequence[Item]
    removed: Sequence[Item]
    said: tuple[int, int] | None = None
    beaten: Sequence[Item] = ()
    seen: Mapping[Rid, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KeptStep:
    """A row that writes some lines anew, in the stretches of the rows it names; its size in bytes."""

    name: str
    bases: frozenset[str]
    size: int


@dataclass(frozen=True, slots=True)
class KeptFile:
    """What a store keeps of the newest state of the file, and the order it makes.

    names: its stretches, each by the row that holds it but for what the `steps` write anew. index: as it is
    stored.
    """

    names: Mapping[Stretch, str] = field(default_factory=dict)
    steps: tuple[KeptStep, ...] = ()
    index: bytes = b""
    order: Order = field(default_factory=Order)

    @property
    def rows(self) -> set[str]:
        """Every row it is kept in, but for the index."""
        return {*self.names.values(), *(step.name for step in self.steps)}

    def touching(self) -> dict[str, list[str]]:
        """Row → the steps that write some of its lines anew."""
        found: dict[str, list[str]] = {}
        for step in self.steps:
            for base in step.bases:
                found.setdefault(base, []).append(step.name)
        return found


class KeptPending(NamedTuple):
    """What a store keeps of a prepared state: the state, the newest one it was saved beside, and, where it is
    kept as the file it will be, that file's rows.
    """

    pending: Pending
    newest: FileState
    file: KeptFile


@dataclass(slots=True)
class Fresh:
    """What has changed since the last save and is not found by comparing small values.

    file: the newest state of the memory file says something else.
    lines: stored lines of replicas by name, in the order of their names, as they came (None: one is
    gone); what `records` names has changed since.
    revised: of received revisions, stored lines by name that replace others.
    """

    lines: list[tuple[Rid, Iterable[tuple[str, bytes | None]]]] = field(default_factory=list)
    revised: dict[Rid, Mapping[str, bytes]] = field(default_factory=dict)
    records: set[tuple[Rid, RecordKey]] = field(default_factory=set)
    file: bool = False
    past: set[str] = field(default_factory=set)
    txns: list[Txn] = field(default_factory=list)
    versions: set[tuple[Rid, int, str]] = field(default_factory=set)
