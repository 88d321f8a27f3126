"""What a command asks of the app, as values.

Rule 1: an option that was not given has the default a command line without it means.
"""

from __future__ import annotations

from typing import Literal

from memsync_git.values import dataclass

Join = Literal["keep", "drop"]
Cause = Literal["command", "cron", "daemon"]
"""Who had a round run: a person at the keyboard, cron, or the daemon."""

LOCK_WAIT_S = 10.0
"""How long `sync` waits for another one (interface page); a round takes well under a second."""


@dataclass(frozen=True, slots=True)
class SyncOptions:
    """How one `sync` should go.

    wait_s: how long to wait for the lock. if_stale_min: do nothing while the daemon's heartbeat is younger
    or another sync holds the lock; None means a person asked. push_first: a file event alone has caused this
    sync, and the next poll asks for news; see `sync.order`. full: find out anew where file and memory differ,
    and write the unified file anew. cause: who asked.
    """

    dry_run: bool = False
    fetch: bool = True
    push: bool = True
    full: bool = False
    recreate: bool = False
    wait_s: float = LOCK_WAIT_S
    if_stale_min: int | None = None
    push_first: bool = False
    cause: Cause = "command"

    @property
    def is_local(self) -> bool:
        """Whether a person wants the file and the store of this machine brought into step, and no more."""
        return not (self.fetch or self.push) and self.if_stale_min is None


@dataclass(frozen=True, slots=True)
class InitOptions:
    """How a machine joins. `remote` None: an embedded hub on this machine.

    adopt: take over a repository with foreign content. join: what happens to items of the local file that
    the fleet has deleted.
    """

    remote: str | None = None
    file: str | None = None
    host: str | None = None
    branch: str | None = None
    service: bool = True
    adopt: bool = False
    join: Join = "keep"


@dataclass(frozen=True, slots=True)
class ShowOptions:
    """What to show of a name. `at` is a moment as a person wrote it, None for now."""

    name: str
    at: str | None = None
    history: bool = False


@dataclass(frozen=True, slots=True)
class LogOptions:
    """Which changes to tell, newest first: of one name or of everything, at most `last`."""

    name: str | None = None
    last: int = 20


@dataclass(frozen=True, slots=True)
class UndoOptions:
    """What to take back: one revision (`<rid>:<rev>`), or the last ones of this machine."""

    txn: str | None = None
    last: int = 1


@dataclass(frozen=True, slots=True)
class RestoreOptions:
    """Where to go back to: a moment as a person wrote it, for some names or the whole memory (no names).

    exactly: what other machines added since goes too.
    """

    at: str
    names: tuple[str, ...] = ()
    exactly: bool = False


@dataclass(frozen=True, slots=True)
class Take:
    """Let one machine's value win: a host or rid, `newest` or `mine`."""

    host: str


@dataclass(frozen=True, slots=True)
class Write:
    """Write this value, whatever the others said."""

    value: str


@dataclass(frozen=True, slots=True)
class Restore:
    """An entity edited while it was deleted: bring back what the delete took."""


@dataclass(frozen=True, slots=True)
class Delete:
    """An entity edited while it was deleted: delete what was added meanwhile too."""


Choice = Take | Write | Restore | Delete


@dataclass(frozen=True, slots=True)
class ResolveOptions:
    """Which conflicts to end, and how. `name` None: all of them. `field` None: the only one there is."""

    name: str | None
    choice: Choice
    field: str | None = None


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """How to export. layout: one of `formats.exporting.LAYOUTS`. output None: only the bytes are wanted."""

    layout: str = "jsonl"
    output: str | None = None
    force: bool = False
