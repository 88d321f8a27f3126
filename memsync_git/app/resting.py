"""A quiet `sync`: nothing changed here, nothing there, nothing was left to do. It costs a look at each.

Rule 1: what a look found is handed on: a round that has work to do does not ask the remote twice.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from memsync_git.app.history import LastRound
from memsync_git.app.logbook import log_round
from memsync_git.app.passing import PassingRemote
from memsync_git.options import Cause
from memsync_git.values import dataclass, replace
from memsync_git.words import SCHEMA_VERSION

QUIET_NOTED_MS = 5 * 60_000
"""Between notes of a daemon's quiet polls: a write for each would be most of what an idle machine does. Well
below what counts as looked at lately (`sync.order`), and as silence."""

if TYPE_CHECKING:
    from memsync_git.app.opening import Rooms
    from memsync_git.app.summary import Summary
    from memsync_git.config import RemoteSettings
    from memsync_git.documents import CountPart, SyncDocument
    from memsync_git.ports import FetchOutcome, Remote


class LookedAt(PassingRemote):
    """A remote whose first fetch has happened already."""

    def __init__(self, remote: Remote, outcome: FetchOutcome) -> None:
        super().__init__(remote)
        self._outcome: FetchOutcome | None = outcome

    @property
    def is_unchanged(self) -> bool:
        """Whether the remote is where it was known to be."""
        from memsync_git.ports import Fetched

        return isinstance(self._outcome, Fetched) and self._outcome.unchanged

    def fetch(self) -> FetchOutcome:
        outcome, self._outcome = self._outcome, None
        return outcome if outcome is not None else self.remote.fetch()


@dataclass(frozen=True, slots=True)
class Look:
    """What a look found: the answer of a `sync` if everything rests, else the remotes, fetched where they
    were asked (None: not looked at).
    """

    rests: SyncDocument | None
    remotes: Sequence[Remote] | None


def look(rooms: Rooms, remotes: Sequence[Remote] | None = None, *, cause: Cause = "command") -> Look:
    """Look at near remotes, file, witness and far remotes, in this order, as far as they are what they were.

    A hub on this disk costs less to look at than the file, and has mostly moved when a daemon looks.
    `remotes`: all of the configuration, where they are at hand; they know what they said last.
    """
    began_s = time.monotonic()
    summary = rooms.current_summary()
    if summary is None or summary["at_rest"] is None:
        return Look(None, None)
    are_near = all(rooms.is_near(each) for each in rooms.configuration.remotes)
    if are_near and not all(_glanced(rooms, each) for each in rooms.configuration.remotes):
        return Look(None, None)
    if not _is_same(rooms, *summary["at_rest"]):
        return Look(None, None)
    if are_near:
        return Look(_rested(rooms, summary, began_s, cause), None)
    asked = rooms.remotes() if remotes is None else remotes
    looked_at = [LookedAt(remote, remote.fetch()) for remote in asked]
    if all(remote.is_unchanged for remote in looked_at):
        return Look(_rested(rooms, summary, began_s, cause), looked_at)
    return Look(None, looked_at)


def _rested(rooms: Rooms, summary: Summary, began_s: float, cause: Cause) -> SyncDocument:
    """Nothing to do: note that all is well, unless that was noted a moment ago, and say so."""
    ms = round((time.monotonic() - began_s) * 1000)
    names = [remote.name for remote in rooms.configuration.remotes]
    last = LastRound(time.time_ns() // 1_000_000, "nothing", ms, cause, "well")
    if cause != "daemon" or not _is_noted(rooms, names, last.at_ms):
        _note(rooms, names, last)
    log_round(rooms, last)
    none: CountPart = {"added": 0, "removed": 0, "changed": 0}
    return {
        "schema_version": SCHEMA_VERSION,
        "outcome": "nothing",
        "local": none,
        "remote": none,
        "conflicts": summary["conflicts"],
        "holds": 0,
        "published": False,
        "wrote_file": False,
        "rounds": 1,
        "ms": ms,
        "txn": None,
        "dry_run": False,
        "remotes": [{"name": name, "outcome": "nothing", "reason": ""} for name in names],
        "notices": [],
    }


def _is_noted(rooms: Rooms, names: Sequence[str], now_ms: int) -> bool:
    """Whether it stands already that everything was well a moment ago."""
    with rooms.reading() as installation:
        last = installation.last_round()
        outcomes = {installation.remote(name).outcome for name in names}
    if last is None or not last.is_quiet or last.went != "well":
        return False
    return outcomes <= {"nothing"} and abs(now_ms - last.at_ms) < QUIET_NOTED_MS


def _note(rooms: Rooms, names: Sequence[str], last: LastRound) -> None:
    with rooms.installation() as installation, installation.together():
        installation.note_remotes(
            replace(installation.remote(name), outcome="nothing", reason="", hint="", fetched_ms=last.at_ms)
            for name in names
        )
        installation.note_round(last)


def _glanced(rooms: Rooms, settings: RemoteSettings) -> bool:
    """Whether the refs of a hub on this disk are where they were; cheaper than a fetch, and as sure."""
    from memsync_git.remotes.glance import glance
    from memsync_git.remotes.url import validate

    known = rooms.known_digest(settings.name)
    git_dir = rooms.places.clone / ".git"
    if not known or not git_dir.is_dir():
        return False
    url = validate(settings.url)
    return glance(url, git_dir, branch=settings.branch, timeout_s=settings.timeout_s) == known


def _is_same(rooms: Rooms, file_hash: str, witness_hash: str, rules: str = "") -> bool:
    """Whether file, witness and rules are what they were; an earlier release never rested under rules."""
    from memsync_git.local.glance import digest_of_file
    from memsync_git.local.names import witness_name

    path, max_bytes = rooms.store.path, rooms.configuration.guards.max_file_mib << 20
    witness = path.with_name(witness_name(path.name))
    return (
        rooms.rules_text == rules
        and digest_of_file(path, max_bytes=max_bytes) == file_hash
        and digest_of_file(witness, max_bytes=max_bytes) == witness_hash
    )
