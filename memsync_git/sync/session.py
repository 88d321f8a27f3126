"""A session: one process's hold of one replica.

Rule 1: every act runs inside one store transaction that first loads what another process wrote, so two
processes can never mint one dot.
Rule 2: an act that fails leaves no trace: the store rolls back, and the replica is loaded again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, TypeVar

from memsync_git.errors import StoreDamaged
from memsync_git.filebytes import Continued, FileBytes, Pieces, same_beginning
from memsync_git.formats import (
    VARIANTS,
    Decoded,
    Limits,
    Placed,
    Rows,
    Scratches,
    TooLarge,
    Variant,
    amend,
    decode,
    scratch_in_memory,
    settle,
    write_anew,
)
from memsync_git.formats.cutting import Cut, cut
from memsync_git.guards import INBOUND, DeletionLimits
from memsync_git.inference import window_ms
from memsync_git.model import Graph, Projection
from memsync_git.ports import Chance, Clock, LocalFile, Remote, Store, Transaction
from memsync_git.replica import Moment, Replica, Version, rows
from memsync_git.replica.adopting import order_of
from memsync_git.replica.filtering import Rules
from memsync_git.replica.replica import Joined
from memsync_git.replica.resting import let_rest
from memsync_git.stretches import Step
from memsync_git.sync.naming import Named, Trail, bare, suffix
from memsync_git.sync.order import QUIET_MS, Sighting
from memsync_git.sync.pace import Pace
from memsync_git.values import dataclass, field

T = TypeVar("T")

NEVER = -1
"""No generation: what is held is loaded anew before it is used again."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a round is told by the configuration.

    window_ms: W; None lets the time of a full parse decide (model page, section 7).
    rules: which records this machine shares.
    quiet_ms: how long another machine must have been silent for a push to come first.
    """

    variant: str = "jsonl"
    limits: Limits = field(default_factory=Limits)
    deletions: DeletionLimits = field(default_factory=DeletionLimits)
    inbound: DeletionLimits = INBOUND
    writer_caches: bool = False
    window_ms: int | None = None
    quiet_ms: int = QUIET_MS
    rules: Rules = field(default_factory=Rules)


@dataclass(slots=True)
class World:
    """Everything a round touches.

    sightings: what an earlier session remembers of the remotes, by name. complete_for: what was joined from
    others when a remote last was seen to hold everything (`crdt.cut.cut_name`). scratch: where the rows of a
    whole memory lie until all are there.
    """

    file: LocalFile
    store: Store
    clock: Clock
    chance: Chance
    remotes: Sequence[Remote] = ()
    settings: Settings = field(default_factory=Settings)
    sightings: Mapping[str, Sighting] = field(default_factory=dict)
    complete_for: Mapping[str, str] = field(default_factory=dict)
    scratch: Scratches = scratch_in_memory


class Drafted(NamedTuple):
    """A first version of the file, its bytes and what they say, made before anybody wants to write it.

    made_of: what was joined when it was made; all of that is in it.
    """

    made_of: Joined
    file: tuple[Pieces, Decoded]


class Session:
    """The replica of one store, kept current, the last decoded version of its file, and what is remembered
    of each remote.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.settings = world.settings
        self.sightings: dict[str, Sighting] = dict(world.sightings)
        self.complete_for: dict[str, str] = dict(world.complete_for)
        self.witness: bytes | None = None
        self._replica: Replica | None = None
        self._generation = NEVER
        self._acts = 0
        self._decoded: Decoded | None = None
        self._projection = self.variant.projection
        self._cut: Cut | None = None
        self._drafted: Drafted | None = None
        self._known: Named | None = None
        self._named = Named(b"")
        self._trailed = ""
        self._pace = Pace(world.clock)

    def sighting(self, remote: str) -> Sighting:
        """What is remembered of a remote."""
        return self.sightings.get(remote, Sighting())

    # --- the replica

    @property
    def replica(self) -> Replica:
        """The replica as the store holds it now; to be read, not changed.

        Raises:
            LookupError: the store is empty; `begin` comes first.
        """
        store = self.world.store
        while self._replica is None or self._generation != store.generation():
            generation = store.generation()
            try:
                found = self._loaded(store)
            except StoreDamaged:
                if store.generation() == generation:
                    raise
                continue  # rows of two moments do not fit together
            self._replica, self._generation = found, generation  # at once: it is as old as it says
            if found is None:
                break
        return _present(self._replica)

    def _loaded(self, store: Store | Transaction) -> Replica | None:
        replica = rows.load(store, self._replica)
        if replica is not None:
            file = self._decoded.graph if self._decoded is not None else None
            replica.share_by(self.settings.rules, self.variant.projection, file)
            self._projection = replica.projection
        return replica

    @property
    def exists(self) -> bool:
        """Whether the store holds a replica."""
        return self._replica is not None or self.world.store.row("replica", rows.ONE) is not None

    def begin(self, replica: Replica) -> None:
        """Put a new replica into an empty store."""
        with self.world.store.transaction() as transaction:
            rows.save(replica, transaction)
        self._replica = None

    def act(self, do: Callable[[Replica, Moment], T]) -> T:
        """Change the replica in one transaction.

        Raises:
            StoreDamaged: the store cannot be read or written.
        """
        store = self.world.store
        try:
            with store.transaction() as transaction:
                known = self._replica if transaction.generation == self._generation else None
                replica = _present(known if known is not None else self._loaded(transaction))
                self._acts = begun = self._acts + 1
                result = do(replica, self.moment())
                rows.save(replica, transaction)
                self._save_trail(replica, transaction)
        except BaseException:
            self._generation, self._trailed = NEVER, ""
            raise
        self._replica, self._generation = replica, transaction.generation + 1
        let_rest(replica, store, self._generation, is_idle=lambda: self._acts == begun)
        return result

    def _save_trail(self, replica: Replica, transaction: Transaction) -> None:
        """Keep by what the newest state of the file is known, where this session knows it."""
        known = self._known
        if known is not None and replica.ring and known.name == replica.ring.newest.hash != self._trailed:
            transaction.put("trail", rows.ONE, known.trail.line())
            self._trailed = known.name

    def moment(self) -> Moment:
        """The circumstances of an act that happens now."""
        clock = self.world.clock
        return Moment(
            clock.wall_ms(),
            clock.boot_id(),
            self.world.chance.token(),
            self.window_ms,
            self.settings.writer_caches,
        )

    # --- the file

    @property
    def variant(self) -> Variant:
        return VARIANTS[self.settings.variant]

    @property
    def projection(self) -> Projection:
        """What of a memory is shared through this file."""
        return self._projection

    def apply_rules(self, file: Graph | None) -> Projection:
        """Find out anew what is left out, now that the file says this, and the others what they say.

        Return what is shared then. It holds for this file only: another process that saves something is
        reason enough to find out anew.
        """
        if not self.settings.rules:
            return self._projection
        projection = self.replica.shared(self.variant.projection, file)
        if self.replica.projection != projection:
            self.act(lambda replica, _: replica.project(projection))
        self._projection = projection
        return projection

    def mark_of(self, decoded: Decoded, projection: Projection) -> str:
        """Tells apart the same bytes, read with other rules: the names in them that are left out."""
        found = sorted(self._shared(decoded.graph, projection).names) if projection.hidden else ()
        return suffix(json.dumps(found).encode()) if found else ""

    @property
    def decoded(self) -> Decoded | None:
        """The last version that was decoded whole."""
        return self._decoded

    def decode(self, data: FileBytes) -> Decoded | TooLarge:
        """Decode a version; lines that did not change since the last one are not parsed again."""
        if self._decoded is not None and self._known is not None and data == self._known.data:
            return self._decoded
        before, shared = self._before(data)
        decoded = decode(data, self.settings.variant, self.settings.limits, before, shared)
        if isinstance(decoded, Decoded) and decoded.whole:
            self._keep(data, decoded)
        return decoded

    def know(self, data: FileBytes, decoded: Decoded) -> None:
        """A version that was decoded before this session began, by the same settings."""
        if decoded.whole and self._decoded is None:
            self._keep(data, decoded)

    def _before(self, data: FileBytes) -> tuple[Rows | None, int]:
        """The rows of another version: the last one decoded, or the newest that the store knows; and how many
        of their first bytes are known to be those of this one.
        """
        if self._decoded is not None and self._known is not None:
            return self._decoded.rows, same_beginning(self._known.data, data)
        ring = self.replica.ring if self.exists else ()
        before = Rows.behind(ring.graph.records, self.variant.projection) if ring else None
        if before is None or not ring:
            return before, 0
        kept = Trail.read(self.world.store.row("trail", rows.ONE) or b"")
        if (kept.name, kept.size) != (ring.newest.hash, before.size):
            return before, 0
        self._named = Named(data)
        return before, kept.shared_with(self._named.trail)

    def amend(self, rows: Rows, step: Step) -> tuple[Pieces, Decoded] | TooLarge:
        """The next version of the file: the bytes of `rows` after a step, and what they say."""
        return amend(rows, step, self.settings.variant, self.settings.limits)

    def write_anew(self, placed: Placed) -> tuple[Pieces, Decoded] | TooLarge:
        """A whole file, where there is none: its bytes, and what they say; see `formats.write_anew`."""
        with self.world.scratch() as scratch:
            return write_anew(placed, self.settings.variant, self.settings.limits, scratch)

    def wrote(self, pieces: Pieces, decoded: Decoded) -> None:
        """This version stands in the file now."""
        data = bytes(pieces)
        if self._named.data is pieces:
            self._named.data = data
        settle(decoded, data)
        self._keep(data, decoded)

    def draft(self, drafted: Drafted) -> None:
        """A first version that was made before this session began, by the same settings."""
        self._drafted = drafted

    def drafted(self, joined: Joined) -> tuple[Pieces, Decoded] | None:
        """That version, if it was made of just what is joined; it is not held for long."""
        drafted, self._drafted = self._drafted, None
        return drafted.file if drafted is not None and drafted.made_of == joined else None

    def _keep(self, data: FileBytes, decoded: Decoded) -> None:
        if self._named.data is data:
            named, self._named = self._named, Named(b"")
        else:
            named = Named(data, self._known, decoded.shared)
        self._decoded, self._known = decoded, named
        decoded.rows.lie_in(data)
        self._pace.measure(data, lambda sample: decode(sample, self.settings.variant, self.settings.limits))

    def held(self, data: FileBytes) -> FileBytes:
        """The bytes of a version as they are held already, if they are: a large one need not lie twice."""
        match self._known:
            case Named(data=bytes() | Continued() as known) if known == data:
                return known
        return data

    def name_of(self, data: FileBytes | Pieces) -> str:
        """The name of a version. One that is read again is compared, which is a tenth of hashing it."""
        for named in (self._known, self._named):
            if named is not None and data == named.data:
                return named.name
        self._named = Named(data)
        return self._named.name

    def has_read(self, data: FileBytes) -> bool:
        """Whether a version is one of the ring's states, or prepared to be one, by whatever rules."""
        name, ring = self.name_of(data), self.replica.ring
        states = ring.states if ring.pending is None else [*ring.states, ring.pending.state]
        return any(bare(state.hash) == name for state in states)

    @property
    def parse_ms(self) -> float:
        """How long a whole parse of a file of the last size takes (measured, never shortened by reuse)."""
        return self._pace.ms_for(len(self._known.data if self._known else b""))

    @property
    def window_ms(self) -> int:
        """W: how long a writer may hold a version in its hands."""
        if self.settings.window_ms is not None:
            return self.settings.window_ms
        return window_ms(self.parse_ms)

    def version(
        self, decoded: Decoded, data: FileBytes | Pieces, mtime_ms: int, *, accepted: bool = False
    ) -> Version:
        """A decoded version as the replica observes it."""
        variant, projection = self.variant, self.apply_rules(decoded.graph)
        graph = self._shared(decoded.graph, projection).graph if projection.hidden else decoded.graph
        return Version(
            graph=graph,
            order=order_of(graph),
            hash=self.name_of(data) + self.mark_of(decoded, projection),
            mtime_ms=mtime_ms,
            projection=projection,
            types_fixed=not variant.updates_in_place,
            whole=decoded.whole,
            accepted=accepted,
        )

    def _shared(self, graph: Graph, projection: Projection) -> Cut:
        """A version without what is left out."""
        self._cut = cut(graph, projection, self._cut)
        return self._cut


def _present(replica: Replica | None) -> Replica:
    if replica is None:
        raise LookupError("the replica store is empty")
    return replica
