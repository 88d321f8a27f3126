"""Publishing: the own fragment durable on its host ref, and main brought up to date.

Rule 1: published as soon as any ref carrying the own revision is accepted; main may follow.
Rule 2: no own change, main complete, unified file not due: nothing is pushed. A quiet fleet is silent.
Rule 3: a machine repairs at once what only it can (its own revision, and what the remote lacks altogether);
what another machine is about to bring to main itself waits a quarter of an hour.
Rule 4: a push that comes before any fetch is compared with what the remote had accepted; where it shows that
something moved, or cannot show it, a fetch follows at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from memsync_git.crdt.fragment import Fragment, Header
from memsync_git.crdt.state import Shown, State
from memsync_git.formats import Scratches, scratch_in_memory
from memsync_git.model import Rid
from memsync_git.offering import Offer, Offering
from memsync_git.ports import (
    Accepted,
    Fetched,
    Publication,
    PublishOutcome,
    Refused,
    Remote,
    Stale,
    Unreachable,
)
from memsync_git.replica import Mark, Replica, Txn
from memsync_git.sync.message import message
from memsync_git.sync.pulling import cut_of, has_more_than, is_exhausted, note_complete, pull, spare_reading
from memsync_git.sync.report import RemoteReport, RoundOptions, RoundReport
from memsync_git.sync.session import Session
from memsync_git.values import replace
from memsync_git.wire.unified import Provenance, unified

FOLLOW_UPS = 2
"""Main stale: again at once, twice; then at the next round (formats page, publish round, step 6)."""
UNIFIED_EAGER_BYTES = 64 * 1024
UNIFIED_LAZY_MS = 15 * 60 * 1000
MAIN_BEHIND_MS = 15 * 60 * 1000
SMALLEST_ROW_BYTES = 100


def push(
    session: Session, remote: Remote, fetched: Fetched | None, report: RoundReport, options: RoundOptions
) -> Offering[None]:
    """Publish what a remote lacks, following up while somebody else is quicker on main."""
    line = report.of(remote.name)
    for _ in range(1 + FOLLOW_UPS):
        if line.newer is not None:
            return
        if fetched is not None and fetched.unchanged and has_more_than(session, remote.name):
            fetched = pull(session, remote, report)  # another remote brought news since: is it there?
            if fetched is None:
                return
        replica = session.replica
        holds = cut_of(replica) if is_exhausted(session, remote.name, fetched, replica) else ""
        publication = _publication(session, replica, remote, fetched, options)
        if publication is None:
            if fetched is not None and holds and not _lacking(replica, fetched):
                note_complete(session, line, fetched.digest, holds)
            return
        outcome = yield Offer(remote, publication)
        _note(session, remote, publication, outcome, line, holds)
        fetched = _look_again(session, remote, report) if _was_overtaken(outcome) else None
        if fetched is None:
            return


def push_first(
    session: Session, remote: Remote, report: RoundReport, options: RoundOptions
) -> Offering[None]:
    """Publish what this machine has changed; the push is the check that nobody else was quicker."""
    replica = session.replica
    holds = cut_of(replica) if is_exhausted(session, remote.name, None, replica) else ""
    publication = _publication(session, replica, remote, None, options)
    if publication is None:
        return
    spare_reading(session, remote)
    outcome = yield Offer(remote, publication)
    _note(session, remote, publication, outcome, report.of(remote.name), holds)
    match outcome:
        case Accepted(on_main=True):
            remote.known_digest = remote.digest
        case Unreachable():
            pass
        case Refused():
            _look_again(session, remote, report)
        case Accepted() | Stale():
            fetched = _look_again(session, remote, report)
            if fetched is not None:
                yield from push(session, remote, fetched, report, options)


def _was_overtaken(outcome: PublishOutcome) -> bool:
    """Whether somebody was quicker, so that a second look and a second try help."""
    match outcome:
        case Accepted(on_main, _, main_refused):
            return not on_main and not main_refused
        case Stale():
            return True
        case Unreachable() | Refused():
            return False


def _note(
    session: Session,
    remote: Remote,
    publication: Publication,
    outcome: PublishOutcome,
    line: RemoteReport,
    holds: str,
) -> None:
    """Enter what a remote answered into the report, and into the store what it accepted.

    holds: names what was offered, by the time of the answer more may be held; empty where the remote has to
    be read again in any case.
    """
    match outcome:
        case Accepted(on_main, head, main_refused):
            line.state, line.reason, line.hint, line.published = "accepted", "", "", True
            line.head = head or line.head
            is_complete = bool(holds) and (on_main or bool(main_refused))
            note_complete(session, line, remote.digest if is_complete else "", holds)
            if on_main and publication.unified is not None:
                _sight_unified(session, remote)
            _note_published(session, remote.name, publication.own)
        case Stale(reason):
            line.state, line.reason = "stale", reason
        case Unreachable(reason):
            line.state, line.reason = "offline", reason
        case Refused(reason, _, hint):
            line.state, line.reason, line.hint = "refused", reason, hint


def _sight_unified(session: Session, remote: Remote) -> None:
    """Remember that main's unified file is of this moment."""
    now_ms = session.world.clock.wall_ms()
    session.sightings[remote.name] = replace(session.sighting(remote.name), unified_ms=now_ms)


def _note_published(session: Session, name: str, own: Fragment | None) -> None:
    if own is not None:
        session.act(lambda replica, _: replica.published(name, own))


def _look_again(session: Session, remote: Remote, report: RoundReport) -> Fetched | None:
    """Fetch after losing a race, and read what is there; what was accepted before stays accepted."""
    line = report.of(remote.name)
    remote.known_digest = ""
    before = (line.state, line.reason, line.hint)
    fetched = pull(session, remote, report)
    if line.published or fetched is not None:
        line.state, line.reason, line.hint = before
    return fetched


def _publication(
    session: Session, replica: Replica, remote: Remote, fetched: Fetched | None, options: RoundOptions
) -> Publication | None:
    """What to publish, or None if there is nothing to do."""
    now_ms = session.world.clock.wall_ms()
    has_news = replica.header.rev > 0 and not replica.is_published(remote.name)
    due = options.full or _unified_is_due(session, remote, fetched)
    if not (has_news or options.full or options.relocate or _main_lacks(replica, fetched, now_ms)):
        return None
    usable = replica.state.fragments()
    own = usable[replica.rid] if replica.header.rev > 0 else None
    return Publication(
        own=own,
        usable={rid: fragment for rid, fragment in usable.items() if fragment.rev > 0},
        unified=unified_view(replica.state, due=due, scratch=session.world.scratch),
        message=message(replica.host, _untold(replica, remote.name)),
        trailers=_trailers(own),
        relocate=options.relocate,
        onto=None if fetched is not None and not fetched.unchanged else _accepted(replica, remote.name),
    )


def _accepted(replica: Replica, name: str) -> tuple[int, str] | None:
    """The own version a remote is known to hold, where nothing was read there in this round."""
    mark = replica.accepted.get(name, Mark())
    return (mark.rev, mark.tok) if mark.rev else None


def _untold(replica: Replica, name: str) -> list[Txn]:
    """The own revisions a remote has not accepted yet."""
    mark = replica.accepted.get(name)
    return [txn for txn in replica.unpublished if mark is None or txn.rev > mark.rev]


def _trailers(own: Fragment | None) -> tuple[tuple[str, str], ...]:
    if own is None:
        return ()
    txn = f"{own.rid}:{own.rev}"
    return (("Memsync-Replica", own.rid), ("Memsync-Rev", str(own.rev)), ("Memsync-Txn", txn))


def _main_lacks(replica: Replica, fetched: Fetched | None, now_ms: int) -> bool:
    """Whether main lacks a revision that this machine should bring there."""
    if fetched is None:
        return False
    found: dict[Rid, int] = {}
    for fragment in fetched.fragments:
        found[fragment.rid] = max(found.get(fragment.rid, 0), fragment.rev)
    return any(
        header.rid == replica.rid
        or found.get(header.rid, 0) < header.rev
        or abs(now_ms - header.wall_ms) > MAIN_BEHIND_MS
        for header in _lacking(replica, fetched)
    )


def _lacking(replica: Replica, fetched: Fetched) -> list[Header]:
    """The usable revisions main does not carry."""
    if fetched.unchanged:
        return []
    headers = (replica.state.header(rid) for rid in replica.state.rids)
    return [
        header
        for header in headers
        if header is not None and header.rev and fetched.on_main.get(header.rid, (0, "")) < header.version
    ]


def _unified_is_due(session: Session, remote: Remote, fetched: Fetched | None) -> bool:
    unified_ms = session.sighting(remote.name).unified_ms
    if unified_ms is None:
        return fetched is not None and not fetched.unchanged
    return abs(session.world.clock.wall_ms() - unified_ms) > UNIFIED_LAZY_MS


def unified_view(
    state: State, *, due: bool, scratch: Scratches = scratch_in_memory
) -> Iterable[bytes] | None:
    """The unified file: while it is small always, beyond 64 KiB only when it is due."""
    if state.is_larger_than(UNIFIED_EAGER_BYTES // SMALLEST_ROW_BYTES):
        return UnifiedView(State(state.fragments().values()), scratch) if due else None
    data = b"".join(UnifiedView(state, scratch_in_memory))
    return (data,) if due or len(data) <= UNIFIED_EAGER_BYTES else None


class UnifiedView:
    """The unified file of a state that nobody else changes, written each time it is gone through."""

    def __init__(self, state: State, scratch: Scratches) -> None:
        self._state = state
        self._scratch = scratch

    def __iter__(self) -> Iterator[bytes]:
        state = self._state
        records = ((place, shown.record, _provenance(state, shown)) for place, shown in state.placed())
        with self._scratch() as scratch:
            yield from unified(records, scratch)


def _provenance(state: State, shown: Shown) -> Provenance:
    _, rid, n = shown.last
    header = state.header(rid)
    return Provenance(header.host if header is not None else rid, shown.wall_ms, rid, n)
