"""The world as one round sees it: its protocols and what they can answer.

Rule 1: answers are closed unions of values, matched exhaustively; a bool never stands for an outcome.
Rule 2: a port says nothing about how it works; every implementation and its fake pass one contract suite.
Rule 3: times are wall-clock milliseconds since 1970 unless the name says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import Protocol

from memsync_git.crdt.fragment import Fragment, RecordFacts
from memsync_git.filebytes import FileBytes, Pieces
from memsync_git.model import RecordKey, Rid
from memsync_git.values import dataclass, field

# --- the memory file -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The bytes of the file at one moment, with the times and identity of the inode they came from."""

    data: FileBytes
    mtime_ms: int
    inode: int = 0


@dataclass(frozen=True, slots=True)
class Missing:
    """There is no file. That is never read as an empty one."""


@dataclass(frozen=True, slots=True)
class Unusable:
    """Something stands there that must not be read or written: a symlink, a FIFO, a directory …

    `reason` is a full sentence for people, `hint` the next command or an empty string.
    """

    reason: str
    hint: str = ""


Reading = Snapshot | Missing | Unusable


@dataclass(frozen=True, slots=True)
class Prepared:
    """A finished, fsynced new version standing beside the file under a unique temporary name."""

    path: str
    data: Pieces


@dataclass(frozen=True, slots=True)
class Displaced:
    """The swap happened. `snapshot` is what stood there, None where there was no file.

    `path` names the displaced inode, which stays until `forget`; empty where nothing was displaced.
    """

    snapshot: Snapshot | None
    path: str = ""


@dataclass(frozen=True, slots=True)
class Occupied:
    """Nothing was swapped: the file appeared, vanished or was locked meanwhile. The prepared file is gone."""


class Preparing(Protocol):
    """A new version on its way to the disk, while its maker goes on. Where its context is left before it is
    finished, nothing stays of it.
    """

    def finished(self) -> Prepared | Unusable:
        """Wait until it is durable."""
        ...

    def __enter__(self) -> Preparing: ...

    def __exit__(self, *_: object) -> None: ...


class LocalFile(Protocol):
    """One memory file, shared with writers that take no lock.

    Invariant: at every moment a reader finds either the old or the new bytes, whole.
    Nothing a writer wrote is ever unlinked before it was offered to the caller.
    """

    def read(self) -> Reading:
        """Read the file as it stands, at once and without following links."""
        ...

    def prepare(self, data: Pieces) -> Preparing:
        """Write `data` beside the file, mode 0600, and begin to fsync it."""
        ...

    def exchange(self, prepared: Prepared, *, over: Snapshot | Missing) -> Displaced | Occupied | Unusable:
        """Swap the prepared version in so that what it displaces can be inspected.

        `over` is what the caller merged from: `Missing` swaps only if there is still no file.
        With a snapshot the swap happens whatever stands there; the caller compares.
        """
        ...

    def discard(self, prepared: Prepared) -> None:
        """Unlink a prepared version that will not be used."""
        ...

    def look(self, displaced: Displaced) -> Snapshot | None:
        """Read the displaced inode once more: a writer may have held it open. None if it is gone."""
        ...

    def forget(self, displaced: Displaced) -> None:
        """Unlink the displaced inode. It is never reused."""
        ...

    def leftovers(self) -> list[Displaced]:
        """Our temporary files a crash left behind, oldest first: versions to be read before `forget`."""
        ...

    def protect(self) -> None:
        """Put the file back to mode 0600: server 2026.8.31 resets it to the umask at each save."""
        ...

    def read_witness(self) -> bytes | None:
        """The witness beside the file, or None."""
        ...

    def write_witness(self, data: bytes) -> Unusable | None:
        """Replace the witness atomically, mode 0600. An older witness is weaker, never wrong."""
        ...


# --- the replica store -----------------------------------------------------------------------------


class Rows(Protocol):
    """Rows by kind and key; both are short ASCII strings, values are bytes."""

    def rows(self, kind: str, after: str = "") -> Iterable[tuple[str, bytes]]:
        """All rows of a kind whose key comes after `after`, ordered by key."""
        ...

    def row(self, kind: str, key: str) -> bytes | None:
        """One row, or None."""
        ...


class Still(Rows, Protocol):
    """What was committed at one moment, for as long as it is kept; what is written later does not show."""

    generation: int
    """How many writing transactions had been committed."""

    def keys(self, kind: str, after: str = "") -> Iterable[str]:
        """The keys of `rows`, without their values."""
        ...

    def among(self, kind: str, keys: Iterable[str]) -> Iterable[tuple[str, bytes]]:
        """The rows of a kind that have one of these keys, in any order: looked for together."""
        ...


class Readable(Rows, Protocol):
    """What a replica can be loaded from."""

    def still(self) -> Still | None:
        """What is committed at this moment; None where that cannot be held.

        It costs what is written while it is kept, and ends with the last reference to it, and with the store.
        """
        ...


class Transaction(Readable, Protocol):
    """Reads and writes that become durable together, or not at all. A still shows nothing of it."""

    generation: int
    """How many writing transactions were committed before this one began, by any process."""

    def put(self, kind: str, key: str, value: bytes) -> None: ...

    def put_all(self, kind: str, rows: Iterable[tuple[str, bytes | None]]) -> None:
        """Write many rows of a kind, one by one as they come; None drops one. Of one key the last stands."""
        ...

    def drop(self, kind: str, key: str) -> None: ...


class Store(Readable, Protocol):
    """What one replica knows about one memory: durable, transactional, shared by processes.

    Invariant: transactions of all processes are one after another (`BEGIN IMMEDIATE`); after `transaction`
    ends without an exception its rows survive a power cut; with one, nothing was written.
    """

    def transaction(self) -> AbstractContextManager[Transaction]:
        """Begin a writing transaction.

        Raises:
            StoreDamaged: the store cannot be read or written.
        """
        ...

    def generation(self) -> int:
        """How many writing transactions have been committed."""
        ...

    def close(self) -> None: ...


KnownRecords = Callable[[Rid], Mapping[RecordKey, RecordFacts]]
"""By replica, what is known of its records: their lines need not be read again."""


def nothing_known(rid: Rid) -> Mapping[RecordKey, RecordFacts]:
    """No line was read before."""
    del rid
    return {}


# --- the remote ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something on the remote that could not be understood: where it stands and why. It is left there."""

    where: str
    reason: str


@dataclass(frozen=True, slots=True)
class Fetched:
    """What one fetch found.

    fragments: every readable version, from host refs and from main, in any order, own rid included.
    on_main: rid → (rev, tok) of the fragments in main's tree.
    head: name of main's newest commit, empty where there is none.
    unified_ms: time of main's newest unified file, None where there is none.
    newer: the `min_reader` found if it is beyond what this release reads.
    digest: names everything the remote's refs said; equal digests, equal fetches.
    unchanged: the digest is the one the caller knew (`known_digest`), so nothing was read:
    only `head`, `digest` and, where it is remembered, `unified_ms` are filled.
    """

    fragments: tuple[Fragment, ...] = ()
    on_main: Mapping[Rid, tuple[int, str]] = field(default_factory=dict)
    head: str = ""
    unified_ms: int | None = None
    unreadable: tuple[Unreadable, ...] = ()
    newer: int | None = None
    digest: str = ""
    unchanged: bool = False


@dataclass(frozen=True, slots=True)
class Publication:
    """What a replica wants the remote to hold.

    own: this replica's fragment, to be durable on its host ref. None repairs main only.
    usable: every fragment this replica uses, own included: main gets those it has older or not at all.
    unified: the unified view for main in pieces, made each time it is gone through; None leaves the one that
    is there.
    message: subject line for people; trailers follow it.
    relocate: (path, new path) moves in main's tree, for adopting a repository of an older tool.
    onto: the (rev, tok) under the own rid that the remote is known to have accepted, where nothing of it was
    read in this round. If the remote was last seen with another one, or otherwise than `Remote.known_digest`
    says, the answer is Stale and nothing is sent. None: it builds on whatever the last fetch saw.
    """

    own: Fragment | None
    usable: Mapping[Rid, Fragment]
    unified: Iterable[bytes] | None
    message: str
    trailers: tuple[tuple[str, str], ...] = ()
    relocate: tuple[tuple[str, str], ...] = ()
    onto: tuple[int, str] | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """Durable on the remote: some ref carrying the own revision was accepted.

    on_main: main has it too. main_refused: main is not for this machine to move, so trying again is no use.
    """

    on_main: bool
    head: str = ""
    main_refused: bool = False


@dataclass(frozen=True, slots=True)
class Stale:
    """Somebody else wrote the own host ref first: fetch, compare (rev, tok), apply the clone rule."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unreachable:
    """Nothing was learnt and nothing is lost. After a time-out the remote may still have taken it:
    publishing the same again is idempotent."""

    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The remote answered and would not: credentials, a hook, a protected branch, its disk.

    `hub_trouble`: the hub itself seems broken (stale lock, disk, quota) rather than unwilling.
    `hint`: the next command, or an empty string.
    """

    reason: str
    hub_trouble: bool = False
    hint: str = ""


FetchOutcome = Fetched | Unreachable | Refused
PublishOutcome = Accepted | Stale | Unreachable | Refused


@dataclass(frozen=True, slots=True)
class PastView:
    """A cut that once stood on main: its fragments, and when it came there.

    at_ms: by the clock of the machine that wrote it; None where the remote keeps no times.
    is_first: main began with it; where the last view is none such, older ones exist and cannot be had.
    """

    head: str
    fragments: tuple[Fragment, ...]
    at_ms: int | None = None
    is_first: bool = False


@dataclass(frozen=True, slots=True)
class PastHead:
    """A commit that once stood on main, without what it held; else as `PastView`."""

    head: str
    at_ms: int | None = None
    is_first: bool = False


class Remote(Protocol):
    """A shared place for fragments of one store.

    Invariant: a fragment on a host ref changes only by its owner's `publish`; nothing published is
    overwritten by force; publishing the same twice is harmless.

    known_digest: set by the caller from what it stored; a fetch that finds the remote there reads nothing.
    known_records: set by the caller: the records of a replica as it has them; their lines are not read again.
    """

    name: str
    known_digest: str
    known_records: KnownRecords

    @property
    def digest(self) -> str:
        """Names everything the remote said at the last fetch or publish; empty before the first."""
        ...

    def fetch(self) -> FetchOutcome:
        """Learn everything that is new on the remote."""
        ...

    def publish(self, publication: Publication) -> PublishOutcome:
        """Make the own fragment durable and bring main up to date, in one push.

        Builds on what the last `fetch` of this object saw, or on what it remembers of an earlier one: each
        ref is compared and swapped. So a publish without a fetch before it is its own check: where another
        machine was quicker, main stays (`Accepted.on_main` is False); where somebody wrote under the own
        rid, the answer is Stale, as it is where `Publication.onto` is not what was last seen there.
        """
        ...

    def revision(self, rid: Rid, rev: int) -> Fragment | None:
        """The newest published fragment of `rid` with a revision ≤ `rev`, from its host ref's history."""
        ...

    def past_views(self, head: str = "") -> Iterator[PastView]:
        """The cuts main held, newest first; reads history only as far as it is asked.

        `head`: begin with that commit of main instead of the newest.
        """
        ...

    def past_heads(self) -> Iterator[PastHead]:
        """The commits of main, newest first; cheap where only times matter."""
        ...


# --- what runs a sync without a person -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Installed:
    """Syncs run by themselves. `what` names the line or unit that does it; `changed` is False where it
    already stood there word for word. `is_current`: it is what `install` would write now.
    """

    what: str
    changed: bool = True
    is_current: bool = True


@dataclass(frozen=True, slots=True)
class Removed:
    """Nothing of ours runs by itself. `changed` is False where nothing of ours was there."""

    changed: bool = True


@dataclass(frozen=True, slots=True)
class Running:
    """The daemon runs, or is starting. `changed` is False where it ran before.

    pid and since_s (seconds it has run) are None where the service does not tell.
    """

    changed: bool = True
    pid: int | None = None
    since_s: float | None = None


@dataclass(frozen=True, slots=True)
class Stopped:
    """The daemon does not run. `changed` is False where it did not run before.

    `reason` is how it ended, in words that follow a colon; empty where it ended in order.
    """

    changed: bool = True
    reason: str = ""


@dataclass(frozen=True, slots=True)
class WithMachine:
    """It begins when the machine comes up, whether anybody logs in or not."""


@dataclass(frozen=True, slots=True)
class AtLogin:
    """It begins when the person logs in. `hint`: the command that makes it begin with the machine, or ""."""

    hint: str = ""


@dataclass(frozen=True, slots=True)
class ByHand:
    """It is installed, but begins only when a person starts it."""


@dataclass(frozen=True, slots=True)
class Unserved:
    """This machine does not offer the service, or not this part of it; nothing was changed.

    `reason` is a full sentence for people, `hint` the next command or an empty string.
    `lacks_tool`: the service is not there at all, so nothing of ours can be in it.
    """

    reason: str
    hint: str = ""
    lacks_tool: bool = False


ServiceStanding = Installed | Removed | Unserved
DaemonStanding = Running | Stopped | Unserved
Beginning = WithMachine | AtLogin | ByHand | Unserved


class Service(Protocol):
    """Something of the machine that runs syncs without a person: cron, systemd, launchd …

    Invariant: what the service holds for others (lines, units) is never touched, not even its spacing;
    installing or removing twice is the same as once.
    """

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    @property
    def keeps_daemon(self) -> bool:
        """Whether it keeps a daemon running; otherwise it starts a sync now and then."""
        ...

    def install(self) -> Installed | Unserved:
        """Make syncs run by themselves from now on, replacing an older installation of ours.

        A daemon is started, and started anew where what it was started from has changed; whether it came
        up is what `running` tells.
        """
        ...

    def remove(self) -> Removed | Unserved:
        """Take out what `install` put in, and end the daemon it kept."""
        ...

    def status(self) -> ServiceStanding:
        """What stands there now; changes nothing, `changed` is False."""
        ...

    def renew(self) -> ServiceStanding:
        """Bring what this installation has installed in step with its configuration.

        Nothing is installed that was not there, and what serves another installation is left.
        """
        ...

    def start(self) -> DaemonStanding:
        """Let the installed daemon run now. `Stopped` if it ended at once."""
        ...

    def stop(self) -> Stopped | Unserved:
        """Let the daemon end in order. It stays installed and begins again as `begins` says."""
        ...

    def restart(self) -> DaemonStanding:
        """Stop and start: also a daemon that is wedged."""
        ...

    def running(self) -> DaemonStanding:
        """Whether the daemon runs; changes nothing, `changed` is False."""
        ...

    def begins(self) -> Beginning:
        """When what is installed begins by itself; changes nothing."""
        ...


# --- a person who is not looking --------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Told:
    """The note was handed over to whatever shows it."""


@dataclass(frozen=True, slots=True)
class Untold:
    """Nobody took the note; `reason` is a full sentence."""

    reason: str


class Notifier(Protocol):
    """Something that puts a short note where a person sees it without having asked.

    Invariant: what is told arrives word for word; nothing in it is run or taken for an option.
    """

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    def tell(self, title: str, text: str) -> Told | Untold:
        """Hand over one note, within a few seconds."""
        ...


# --- time and chance ---------------------------------------------------------------------------------


class Clock(Protocol):
    """Time and sleep; a simulation tells its own."""

    def wall_ms(self) -> int:
        """Milliseconds since 1970 by the wall clock, which may jump."""
        ...

    def monotonic_s(self) -> float:
        """Seconds that never go back, from an arbitrary start."""
        ...

    def sleep(self, seconds: float) -> None: ...

    def boot_id(self) -> str:
        """Changes at every boot of the machine, so a power cut can be told."""
        ...


class Chance(Protocol):
    """Where fresh names come from."""

    def token(self) -> str:
        """16 random hex digits."""
        ...
