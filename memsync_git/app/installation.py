"""What an installation knows about itself: its replica id, and how it last went with each remote.

Rule 1: the rid is minted once per installation and never derived from the machine.
Rule 2: a machine-id that changed means the folder was copied: nothing known about remotes is trusted then.
Rule 3: reading must work while another process writes, and must create nothing.
Rule 4: how rounds and remotes went is kept for each store by itself; who this is, pulse, pause and what a
person was told are not.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from memsync_git.app.history import (
    NOTHING_MOVED,
    LastRound,
    Streak,
    Totals,
    folded,
    streak_after,
    superfluous,
    totals_after,
)
from memsync_git.app.pulse import Pause, Pulse
from memsync_git.values import dataclass, said_by
from memsync_git.words import OutcomeWord

if TYPE_CHECKING:
    from memsync_git.alerts import Concern, Mark, Marks
    from memsync_git.app.summary import Summary
    from memsync_git.model import Rid
    from memsync_git.ports import Rows, Store, Transaction

_ONE = "one"
_UNMARKED = "default"
"""The store whose rows carry no name: the one that every installation begins with."""
_MACHINE_IDS = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))


@dataclass(frozen=True, slots=True)
class Identity:
    """Who this installation is."""

    rid: Rid
    machine: str
    created_ms: int


@dataclass(frozen=True, slots=True)
class RemoteMemory:
    """How it last went with one remote. Times are None for never; `digest`, `holds` and `hint` as
    in `sync.RemoteReport`.

    news_ms: when something of another machine last came from it.
    refs_mode: which refs the hub was found to take, and when that was found; empty where it takes all.
    """

    name: str
    outcome: OutcomeWord | None = None
    reason: str = ""
    hint: str = ""
    head: str = ""
    digest: str = ""
    holds: str = ""
    fetched_ms: int | None = None
    published_ms: int | None = None
    news_ms: int | None = None
    refs_mode: str = ""
    refs_mode_ms: int = 0


class Installation:
    """`identity.db`, as values. `store`: of which store it is told how rounds and remotes went."""

    def __init__(self, rows: Store, *, store: str = _UNMARKED) -> None:
        self._store = rows
        self._mark = _mark(store)
        self._open: Transaction | None = None

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is noted in the block is durable at once, or none of it; until then reading shows what was."""
        with self._writing() as transaction:
            self._open = transaction
            try:
                yield
            finally:
                self._open = None

    def identity(self) -> Identity | None:
        """Who this is, or None before `init`."""
        found = self._read("identity", _ONE)
        return (
            None
            if found is None
            else Identity(cast("Rid", found["rid"]), found["machine"], found["created_ms"])
        )

    def set_identity(self, identity: Identity) -> None:
        self._write("identity", _ONE, said_by(identity))

    def remote(self, name: str) -> RemoteMemory:
        found = self._read(self._of("remote"), name)
        return RemoteMemory(name) if found is None else RemoteMemory(**found)

    def note_remotes(self, remotes: Iterable[RemoteMemory]) -> None:
        for remote in remotes:
            self._write(self._of("remote"), remote.name, said_by(remote))

    def forget_store(self, store: str, remotes: Iterable[str]) -> None:
        """Know nothing any more of what a store was, and of how it went with its remotes."""
        with self._writing() as transaction:
            transaction.drop("summary", store)
            for name in remotes:
                transaction.drop(f"remote{_mark(store)}", name)

    def last_round(self) -> LastRound | None:
        found = self._store.row(self._of("round"), _ONE)
        return None if found is None else _round_of(found)

    def note_round(self, last: LastRound) -> LastRound:
        """Remember a round: as the last, in the totals, in the streak, and if it was not quiet, by itself.

        The round comes back, with how often it has gone just so.
        """
        with self._writing() as transaction:
            _put(transaction, self._of("round"), _ONE, said_by(last))
            streak = Streak(**_get(transaction, self._of("streak"), _ONE))
            _put(transaction, self._of("streak"), _ONE, said_by(streak_after(streak, last)))
            totals = _totals(transaction, self._of("totals"))
            _put(transaction, self._of("totals"), _ONE, said_by(totals_after(totals, last)))
            return last if last.is_quiet else _kept(transaction, self._of("past"), last)

    def rounds(self) -> list[LastRound]:
        """The rounds that did something or failed, oldest first, at most `KEPT_ROUNDS`."""
        return [_round_of(value) for _, value in self._store.rows(self._of("past"))]

    def streak(self) -> Streak:
        """Since when it goes how it goes."""
        return Streak(**_get(self._store, self._of("streak"), _ONE))

    def totals(self) -> Totals:
        """What all rounds add up to."""
        return _totals(self._store, self._of("totals"))

    def marks(self) -> dict[Concern, Mark]:
        """What a person was told of which concern, of whatever store."""
        said = _get(self._store, "marks", _ONE)
        if not said:
            return {}
        from memsync_git.alerts import Mark

        return {concern: Mark(**mark) for concern, mark in said.items()}

    def note_marks(self, marks: Marks) -> None:
        self._write("marks", _ONE, {concern: said_by(mark) for concern, mark in marks.items()})

    def pulse(self) -> Pulse | None:
        """The daemon's last sign of life, however old; None where none runs or it ended in order."""
        found = self._read("pulse", _ONE)
        return None if found is None else Pulse(**found)

    def note_pulse(self, pulse: Pulse | None) -> None:
        self._write_or_drop("pulse", None if pulse is None else said_by(pulse))

    def pause(self) -> Pause | None:
        """The wish that nothing syncs by itself, whether it still holds or not."""
        found = self._read("pause", _ONE)
        return None if found is None else Pause(**found)

    def note_pause(self, pause: Pause | None) -> None:
        self._write_or_drop("pause", None if pause is None else said_by(pause))

    def collected_ms(self) -> int:
        """When the clones were last collected whole; 0 for never."""
        found = self._read("upkeep", _ONE)
        return 0 if found is None else int(found["collected_ms"])

    def note_collected(self, now_ms: int) -> None:
        self._write("upkeep", _ONE, {"collected_ms": now_ms})

    def summary(self, store: str) -> Summary | None:
        """The last summary of a replica, whatever has happened to it since."""
        found = self._read("summary", store)
        return None if found is None else cast("Summary", found)

    def note_summary(self, store: str, summary: Summary) -> None:
        self._write("summary", store, dict(summary))

    def close(self) -> None:
        self._store.close()

    def _of(self, kind: str) -> str:
        """The kind of row that tells of our store."""
        return f"{kind}{self._mark}"

    def _read(self, kind: str, key: str) -> dict[str, Any] | None:
        found = self._store.row(kind, key)
        return None if found is None else dict(json.loads(found))

    def _write_or_drop(self, kind: str, value: dict[str, Any] | None) -> None:
        if value is not None:
            self._write(kind, _ONE, value)
            return
        with self._writing() as transaction:
            transaction.drop(kind, _ONE)

    def _write(self, kind: str, key: str, value: dict[str, Any]) -> None:
        with self._writing() as transaction:
            _put(transaction, kind, key, value)

    def _writing(self) -> AbstractContextManager[Transaction]:
        return self._store.transaction() if self._open is None else nullcontext(self._open)


def _mark(store: str) -> str:
    """What the rows of a store carry behind their kind; no name of a store holds a slash."""
    return "" if store == _UNMARKED else f"/{store}"


def _kept(transaction: Transaction, kind: str, last: LastRound) -> LastRound:
    """Put a round behind those that are kept, or into the newest of them if it goes on with it."""
    kept = dict(transaction.rows(kind))
    newest = max(kept, default="")
    longer = folded(_round_of(kept[newest]) if newest else None, last)
    key = newest if longer is not None else f"{int(newest or 0) + 1:010d}"
    _put(transaction, kind, key, said_by(longer or last))
    for old in superfluous(sorted({*kept, key})):
        transaction.drop(kind, old)
    return longer or last


def _round_of(value: bytes) -> LastRound:
    said = json.loads(value)
    ways = {way: tuple(said.get(way, NOTHING_MOVED)) for way in ("local", "remote")}
    return LastRound(**{**said, **ways})


def _totals(rows: Rows, kind: str) -> Totals:
    said = _get(rows, kind, _ONE)
    return Totals(said["rounds"], tuple(said["buckets"]), said["ms"]) if said else Totals()


def _get(rows: Rows, kind: str, key: str) -> dict[str, Any]:
    """A row as it was put, empty where there is none."""
    found = rows.row(kind, key)
    return {} if found is None else dict(json.loads(found))


def _put(transaction: Transaction, kind: str, key: str, value: dict[str, Any]) -> None:
    transaction.put(kind, key, json.dumps(value).encode("ascii"))


def machine_id() -> str:
    """A digest of this machine's own id; empty where it has none."""
    from hashlib import sha256  # brings OpenSSL with it, which `status` does without

    for path in _MACHINE_IDS:
        with suppress(OSError):
            return sha256(path.read_bytes().strip()).hexdigest()[:16]
    return ""
