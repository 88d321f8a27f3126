"""`sync`: one round under the lock, noted for `status`, told as a document.

Rule 1: a rehearsal (`--dry-run`) is a real round on copies: nothing here knows how a round decides.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from memsync_git.app.history import state_still
from memsync_git.app.installation import Identity, Installation, RemoteMemory, machine_id
from memsync_git.app.keeping import bare, collect, collect_if_due, keep_small
from memsync_git.app.logbook import log_round, start_logging
from memsync_git.app.noting import noted, tell_of_trouble
from memsync_git.app.opening import Rooms, not_set_up
from memsync_git.app.pulse import FRESH_FOR_S
from memsync_git.app.resting import Look, look
from memsync_git.app.signs import signs_of
from memsync_git.app.summary import after_round
from memsync_git.app.telling import (
    count_conflicts,
    count_holds,
    outcome_of,
    remembered,
    remote_outcome,
    sync_document,
)
from memsync_git.errors import Busy
from memsync_git.offering import answered
from memsync_git.options import Cause, SyncOptions
from memsync_git.stores.lock import SharedLock
from memsync_git.values import replace

if TYPE_CHECKING:
    from memsync_git.app.rehearsal import Rehearsed
    from memsync_git.documents import SyncDocument, WouldPart
    from memsync_git.model import Graph, Item
    from memsync_git.offering import Offering
    from memsync_git.ports import Remote
    from memsync_git.replica import Replica
    from memsync_git.sync import RemoteReport, RoundOptions, RoundReport, Session
    from memsync_git.sync.report import Stage, Tally


ALL_REFS = "host+main"
SAVED = "What the memory file says was saved; the file itself is as it was."


def sync(rooms: Rooms, options: SyncOptions) -> SyncDocument:
    """One round, both ways; with several stores one for each that is meant, published together.

    Raises:
        Misused: this machine was never set up.
        Busy: another sync held the lock for `wait_s`.
        StoreDamaged: the replica store cannot be used.
    """
    if rooms.identity() is None:
        raise not_set_up()
    if options.dry_run:
        return _synced_each(rooms, options)
    if options.if_stale_min is not None and is_left_to_daemon(rooms, options.if_stale_min):
        return _left_to_another(rooms)
    try:
        return _synced_each(rooms, options)
    finally:
        if options.cause == "cron":
            tell_of_trouble(rooms)


def _synced_each(rooms: Rooms, options: SyncOptions) -> SyncDocument:
    stores = rooms.each()
    wait_s = 0.0 if options.if_stale_min is not None else options.wait_s
    with SharedLock(rooms.lock_path, wait_s) as lock:
        if len(stores) == 1 and not rooms.unadopted():
            return answered(_sync_one(stores[0], options, lock))
        from memsync_git.app.several import sync_each

        return sync_each(rooms, lambda one: _sync_one(one, options, lock))


def _sync_one(rooms: Rooms, options: SyncOptions, lock: SharedLock) -> Offering[SyncDocument]:
    if options.dry_run:
        return _rehearsed(rooms, options)
    with noted(rooms, options.cause):
        return (yield from _looked_and_synced(rooms, options, lock))


def _looked_and_synced(rooms: Rooms, options: SyncOptions, lock: SharedLock) -> Offering[SyncDocument]:
    seen = _look(rooms, options)
    if seen.rests is not None:
        return seen.rests
    with start_logging(rooms):
        try:
            if options.is_local:
                return (yield from _saved(rooms, options, lock))
            lock.take()
            return (yield from _synced(rooms, options, seen.remotes))
        except Busy:
            if options.if_stale_min is None:
                raise
            if is_held_by_wedged_daemon(rooms):
                return (yield from _synced(rooms, options, seen.remotes))
            return _left_to_another(rooms)


def _look(rooms: Rooms, options: SyncOptions) -> Look:
    """See whether there is anything to do; a special wish is something to do, and so is a file event."""
    special = not options.fetch or not options.push or options.full or options.recreate
    if special or options.push_first:
        return Look(None, None)
    return look(rooms, cause=options.cause)


def _synced(rooms: Rooms, options: SyncOptions, remotes: Sequence[Remote] | None) -> Offering[SyncDocument]:
    with rooms.session(remotes) as session:
        document = yield from one_round(rooms, session, round_options(options), cause=options.cause)
        keep_small(session.world.remotes)
        if options.cause == "cron":
            collect_if_due(rooms, lambda: collect(rooms, session.world.remotes))
    return document


def _saved(rooms: Rooms, options: SyncOptions, lock: SharedLock) -> Offering[SyncDocument]:
    """A round that speaks to no remote. What it reads it saves as a daemon does, without the lock."""

    def take_lock(stage: Stage) -> None:
        if stage == "read":
            return
        try:
            lock.take()
        except Busy as error:
            raise Busy(error.message, unharmed=SAVED, hint=error.hint) from error

    wanted = replace(round_options(options), told=take_lock)
    with rooms.session() as session:
        return (yield from one_round(rooms, session, wanted, cause=options.cause))


def one_round(
    rooms: Rooms, session: Session, options: RoundOptions, *, cause: Cause, captured: Tally | None = None
) -> Offering[SyncDocument]:
    """One round of a session, noted for `status`. The caller sees to the round lock, and keeps clones small.

    captured: what was taken in from the file before, and belongs to this round.
    """
    from memsync_git.sync import round_steps

    report = yield from round_steps(session, options)
    if captured is not None:
        report.local.add(captured)
    session.world.file.protect()
    note(rooms, session, report, cause=cause)
    return document_of(report, session.replica)


def round_options(options: SyncOptions) -> RoundOptions:
    """The options of a command as those of a round."""
    from memsync_git.sync import RoundOptions

    return RoundOptions(
        fetch=options.fetch,
        publish=options.push,
        full=options.full,
        compare=options.full,
        recreate=options.recreate,
        patient=options.if_stale_min is not None,
        push_first=options.push_first,
    )


def document_of(report: RoundReport, replica: Replica, *, dry_run: bool = False) -> SyncDocument:
    """A report, with what waits in the replica."""
    return sync_document(
        report, conflicts=count_conflicts(replica), holds=count_holds(replica), dry_run=dry_run
    )


def is_left_to_daemon(rooms: Rooms, stale_min: int) -> bool:
    """Whether cron has nothing to do: a daemon lives, or a person wants nothing to sync by itself."""
    with rooms.reading() as installation:
        signs = signs_of(installation, fresh_for_s=min(FRESH_FOR_S, stale_min * 60))
    return signs.is_running or signs.is_paused


def is_held_by_wedged_daemon(rooms: Rooms) -> bool:
    """Whether the lock is in the hands of a daemon that no longer shows a sign of life.

    A lock is for economy: what a stopped process does when it goes on is safe beside any round.
    """
    from memsync_git.stores.lock import RoundLock

    with rooms.reading() as installation:
        pulse = installation.pulse()
    return pulse is not None and pulse.pid == RoundLock(rooms.lock_path).holder()


def _left_to_another(rooms: Rooms) -> SyncDocument:
    """Cron met a sync at work, or a daemon: nothing to do."""
    from memsync_git.sync import RoundReport

    return document_of(RoundReport(), rooms.replica())


# --- noting how it went


def note(rooms: Rooms, session: Session, report: RoundReport, *, cause: Cause = "command") -> None:
    """Keep how the round and each remote did, and who this is by now; the log has its line of it."""
    now_ms = session.world.clock.wall_ms()
    replica = session.replica
    outcome = outcome_of(report, holds=count_holds(replica))
    summary = after_round(rooms, session, report)
    with rooms.installation() as installation, installation.together():
        _note_identity(rooms, installation, replica, now_ms)
        lines = {line.name: line for line in report.remotes}
        unasked = [each.name for each in rooms.configuration.remotes if each.name not in lines]
        states = [_state_still(installation.remote(name), now_ms) if lines else "skipped" for name in unasked]
        installation.note_remotes(
            _remembered(installation.remote(remote.name), lines[remote.name], _refs_mode(remote), now_ms)
            for remote in session.world.remotes
            if remote.name in lines
        )
        last = installation.note_round(remembered(report, outcome, states, at_ms=now_ms, cause=cause))
        installation.note_summary(rooms.store.name, summary)
    log_round(rooms, last)


def _note_identity(rooms: Rooms, installation: Installation, replica: Replica, now_ms: int) -> None:
    """Keep who this is: the machine, and the rid of the first store. What the other stores knew of remotes
    on another machine is forgotten, for this machine is now believed.
    """
    identity, machine = installation.identity(), machine_id()
    is_here = identity is not None and identity.machine == machine
    if not is_here:
        remotes = [each.name for each in rooms.configuration.remotes]
        for other in {each.name for each in rooms.configuration.stores} - {rooms.store.name}:
            installation.forget_store(other, remotes)
    rid = replica.rid if identity is None or rooms.is_first else identity.rid
    if identity is None or (identity.rid, identity.machine) != (rid, machine):
        created_ms = identity.created_ms if identity is not None else now_ms
        installation.set_identity(Identity(rid, machine, created_ms))


def _state_still(memory: RemoteMemory, now_ms: int) -> str:
    reached_ms = max((ms for ms in (memory.fetched_ms, memory.published_ms) if ms is not None), default=None)
    return state_still(memory.outcome, reached_ms, now_ms)


def _refs_mode(remote: Remote) -> str:
    """Which refs a hub was found to take; empty where it takes all, or is not git."""
    found = getattr(bare(remote), "refs_mode", ALL_REFS)
    return "" if found == ALL_REFS else str(found)


def _remembered(before: RemoteMemory, line: RemoteReport, refs_mode: str, now_ms: int) -> RemoteMemory:
    if refs_mode != before.refs_mode:
        before = replace(before, refs_mode=refs_mode, refs_mode_ms=now_ms)
    return replace(
        before,
        outcome=remote_outcome(line),
        reason=line.reason,
        hint=line.hint,
        head=line.head or before.head,
        digest=line.digest if line.fetched or line.published else before.digest,
        holds=line.holds if line.fetched or line.published else before.holds,
        fetched_ms=now_ms if line.fetched else before.fetched_ms,
        published_ms=now_ms if line.published else before.published_ms,
        news_ms=now_ms if line.brought_news else before.news_ms,
    )


# --- rehearsing


def _rehearsed(rooms: Rooms, options: SyncOptions) -> SyncDocument:
    """A whole round on copies of the file and the store; the remote is read, nothing is pushed."""
    from memsync_git.app.rehearsal import rehearse

    rehearsed = rehearse(rooms, round_options(options))
    document = document_of(rehearsed.report, rehearsed.replica, dry_run=True)
    document["published"] = False
    document["wrote_file"] = False
    document["would"] = would(rehearsed)
    return document


def would(rehearsed: Rehearsed) -> WouldPart:
    """The exact changes of a rehearsed round, in both directions."""
    from memsync_git.app.parts import change_parts, netted

    return {
        "up": change_parts(*netted(rehearsed.up)),
        "down": change_parts(*_between(rehearsed.before, rehearsed.after)),
    }


def _between(before: Graph, after: Graph) -> tuple[list[Item], list[Item]]:
    from memsync_git.app.parts import in_order

    old, new = before.items(), after.items()
    return in_order(new - old), in_order(old - new)
