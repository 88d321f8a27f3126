"""A memory file in memory: the whole disk of a simulated machine, as far as one file needs it.

Rule 1: deterministic. No clock but `now_ms`, no randomness; inode numbers and names are counted.
Rule 2: what we write is durable at the swap, because the real one fsyncs. What a writer writes is not,
until the kernel has written it back by itself; until then a power cut may take it.
Rule 3: a writer that opened an inode goes on writing into it wherever its name has gone.
Rule 4: temporary names belong to the process that made them; those of a process that ended are leftovers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from memsync_git.filebytes import Pieces
from memsync_git.ports import Displaced, Missing, Occupied, Prepared, Reading, Snapshot, Unusable
from memsync_git.values import dataclass, field, replace

WRITEBACK_MS = 30_000
"""Linux writes dirty pages back after dirty_expire_centisecs = 3000."""

LOCK_STALE_MS = 30_000

Choice = Callable[[Sequence[Snapshot]], Snapshot]
"""Of the versions a power cut may leave, oldest first, the one it leaves."""


def oldest(versions: Sequence[Snapshot]) -> Snapshot:
    """The unkindest power cut: everything not surely on the disk is gone."""
    return versions[0]


@dataclass(slots=True)
class _Inode:
    """One inode, and the versions a name leading to it may fall back to, oldest first, the newest last.

    The first is on the disk; the others may be.
    """

    number: int
    versions: list[Snapshot]

    @property
    def now(self) -> Snapshot:
        return self.versions[-1]


@dataclass(frozen=True, slots=True)
class FileImage:
    """A backup of the file and its witness."""

    snapshot: Snapshot | None
    witness: bytes | None


@dataclass(slots=True)
class _Directory:
    """Everything the processes of one machine share."""

    file: _Inode | None = None
    temporaries: dict[str, tuple[int, _Inode]] = field(default_factory=dict)
    witness: bytes | None = None
    locked_at_ms: int | None = None
    inodes: int = 0
    names: int = 0
    processes: int = 0
    running: set[int] = field(default_factory=set)
    is_full: bool = False
    obstacle: Unusable | None = None


class WriterHandle:
    """A writer in place between opening the file and writing to it. Torn states are commits too."""

    def __init__(self, inode: _Inode, now_ms: Callable[[], int]) -> None:
        self._inode = inode
        self._now_ms = now_ms

    def commit(self, data: bytes) -> None:
        """Write the whole content into the inode that was opened, whatever its name is by now."""
        _written(self._inode, data, self._now_ms())


class PreparingInMemory:
    """`ports.Preparing`, all of it done when it is finished."""

    def __init__(self, prepare: Callable[[], Prepared | Unusable]) -> None:
        self._prepare = prepare

    def finished(self) -> Prepared | Unusable:
        return self._prepare()

    def __enter__(self) -> PreparingInMemory:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing stands anywhere."""


class MemoryFile:
    """`ports.LocalFile` as one process of a simulated machine meets it, with the writers' side."""

    def __init__(self, now_ms: Callable[[], int], data: bytes | None = None) -> None:
        self._now_ms = now_ms
        self._directory = _Directory()
        self._process = self._started()
        if data is not None:
            self._directory.file = self._durable_inode(data)

    # --- the port

    def read(self) -> Reading:
        if self._directory.obstacle is not None:
            return self._directory.obstacle
        inode = self._directory.file
        return Missing() if inode is None else inode.now

    def prepare(self, data: Pieces) -> PreparingInMemory:
        return PreparingInMemory(partial(self._prepared, data))

    def _prepared(self, data: Pieces) -> Prepared | Unusable:
        if self._directory.obstacle is not None:
            return self._directory.obstacle
        if self._directory.is_full:
            return Unusable("The simulated disk is full", "Free some space")
        name = self._fresh_name("new")
        self._directory.temporaries[name] = (self._process, self._durable_inode(bytes(data)))
        return Prepared(name, data)

    def exchange(self, prepared: Prepared, *, over: Snapshot | Missing) -> Displaced | Occupied | Unusable:
        _, inode = self._directory.temporaries.pop(prepared.path, (0, None))
        if self._directory.obstacle is not None:
            return self._directory.obstacle
        is_first = isinstance(over, Missing)
        displaced = self._directory.file
        if inode is None or self._is_locked() or is_first != (displaced is None):
            return Occupied()
        self._directory.file = inode
        if displaced is None:
            return Displaced(None)
        name = self._fresh_name("old")
        self._directory.temporaries[name] = (self._process, displaced)
        return Displaced(displaced.now, name)

    def discard(self, prepared: Prepared) -> None:
        self._directory.temporaries.pop(prepared.path, None)

    def look(self, displaced: Displaced) -> Snapshot | None:
        _, inode = self._directory.temporaries.get(displaced.path, (0, None))
        return None if inode is None else inode.now

    def forget(self, displaced: Displaced) -> None:
        self._directory.temporaries.pop(displaced.path, None)

    def leftovers(self) -> list[Displaced]:
        found = self._directory.temporaries.items()
        running = self._directory.running
        return [Displaced(inode.now, name) for name, (owner, inode) in found if owner not in running]

    def protect(self) -> None:
        """Modes are not simulated."""

    def read_witness(self) -> bytes | None:
        return self._directory.witness

    def write_witness(self, data: bytes) -> Unusable | None:
        if self._directory.is_full:
            return Unusable("The simulated disk is full", "Free some space")
        self._directory.witness = data
        return None

    # --- processes of ours

    def beside(self) -> MemoryFile:
        """The same file as a second process meets it while this one runs."""
        twin = MemoryFile(self._now_ms)
        twin._directory = self._directory
        twin._process = twin._started()
        return twin

    def restarted(self) -> MemoryFile:
        """This process was killed: the same file as the next one meets it."""
        self._directory.running.discard(self._process)
        return self.beside()

    # --- writers

    def writer_read(self) -> bytes | None:
        """What a server reads: None where there is no file, which it takes for an empty graph."""
        inode = self._directory.file
        return None if inode is None else bytes(inode.now.data)

    def writer_open(self) -> WriterHandle:
        """Begin a write in place, creating the file if there is none."""
        if self._directory.file is None:
            self._directory.file = self._durable_inode(b"")
        return WriterHandle(self._directory.file, self._now_ms)

    def writer_write_in_place(self, data: bytes) -> None:
        """Open and write at once, as servers before 2026.8.31 do."""
        self.writer_open().commit(data)

    def writer_rename(self, data: bytes) -> None:
        """Rename a new file over the path, without fsync, as server 2026.8.31 does."""
        before = self._directory.file
        inode = self._durable_inode(data)
        if before is not None:
            inode.versions = [*_at_risk(before, self._now_ms()), inode.now]
        self._directory.file = inode

    def writer_remove(self) -> None:
        """Somebody deletes the file."""
        self._directory.file = None

    def writer_lock(self) -> None:
        """Create the `<file>.lock` sidecar."""
        self._directory.locked_at_ms = self._now_ms()

    def writer_unlock(self) -> None:
        """Remove the sidecar."""
        self._directory.locked_at_ms = None

    # --- accidents, backups, clones

    def at_risk(self) -> tuple[Snapshot, ...]:
        """What a power cut now may leave at the path, oldest first; the last is what stands there."""
        inode = self._directory.file
        return () if inode is None else tuple(_at_risk(inode, self._now_ms()))

    def power_cut(self, choose: Choice = oldest) -> MemoryFile:
        """Cut the power: no process survives, and every inode falls back to the version chosen for it."""
        directory = self._directory
        displaced = [inode for _, inode in directory.temporaries.values()]
        for inode in [*displaced, *([directory.file] if directory.file is not None else [])]:
            left = choose(_at_risk(inode, self._now_ms()))
            inode.number, inode.versions = left.inode, [left]
        directory.running.clear()
        return self.beside()

    def fill_disk(self, *, full: bool) -> None:
        """From now on the disk takes nothing more, or has room again."""
        self._directory.is_full = full

    def obstruct(self, obstacle: Unusable | None) -> None:
        """From now on something unusable stands in the file's place, or no longer does."""
        self._directory.obstacle = obstacle

    def image(self) -> FileImage:
        """A backup of the file and its witness as they are now."""
        inode = self._directory.file
        return FileImage(None if inode is None else inode.now, self._directory.witness)

    def restore(self, image: FileImage, *, with_witness: bool = True) -> None:
        """Put a backup back, under a new inode and with the old mtime."""
        self._directory.file = None
        if image.snapshot is not None:
            inode = self._durable_inode(bytes(image.snapshot.data))
            inode.versions = [replace(inode.now, mtime_ms=image.snapshot.mtime_ms)]
            self._directory.file = inode
        if with_witness:
            self._directory.witness = image.witness

    def clone(self, now_ms: Callable[[], int] | None = None) -> MemoryFile:
        """The file of another machine set up as a copy of this one, its leftovers included."""
        twin = MemoryFile(now_ms or self._now_ms)
        twin.restore(self.image())
        for name, (_, inode) in self._directory.temporaries.items():
            twin._directory.temporaries[name] = (0, twin._durable_inode(bytes(inode.now.data)))
        twin._directory.names = self._directory.names
        return twin

    def temporaries(self) -> tuple[str, ...]:
        """The temporary names of all processes, oldest first."""
        return tuple(self._directory.temporaries)

    # --- names and inodes

    def _started(self) -> int:
        self._directory.processes += 1
        self._directory.running.add(self._directory.processes)
        return self._directory.processes

    def _fresh_name(self, role: str) -> str:
        self._directory.names += 1
        return f".memory.json.memsync-{self._directory.names}.{role}"

    def _durable_inode(self, data: bytes) -> _Inode:
        self._directory.inodes += 1
        number = self._directory.inodes
        return _Inode(number, [Snapshot(data, self._now_ms(), number)])

    def _is_locked(self) -> bool:
        since = self._directory.locked_at_ms
        return since is not None and abs(self._now_ms() - since) <= LOCK_STALE_MS


def _written(inode: _Inode, data: bytes, now_ms: int) -> None:
    inode.versions = [*_at_risk(inode, now_ms), Snapshot(data, now_ms, inode.number)]


def _at_risk(inode: _Inode, now_ms: int) -> list[Snapshot]:
    """The versions a power cut may leave: from the newest that was surely written back."""
    written_back = [i for i, version in enumerate(inode.versions) if now_ms - version.mtime_ms > WRITEBACK_MS]
    return inode.versions[written_back[-1] if written_back else 0 :]
