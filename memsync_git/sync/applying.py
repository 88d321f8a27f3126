"""Writing the view back into the memory file without losing a write of the server.

    ┌ write ─ fsync ┐
    └ save pending ─┴─ exchange ─ inspect ─ save settled ┄ linger ┄ look once more ─ forget

Rule 1: only when the items differ in the file's projection; order alone is no reason.
Rule 2: what the swap displaced is inspected. If it is not what was merged, it is taken in, and round we go.
Rule 3: after the linger the displaced inode *and* the path are read once more: a server that read before
the swap and wrote after it would otherwise look like a deletion of everything joined.
A plain read-merge-rename lost 70 of 720 server writes under stress; this lost none.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from memsync_git.filebytes import FileBytes, Pieces
from memsync_git.formats import Decoded, Rows, TooLarge
from memsync_git.formats.arranging import step_to
from memsync_git.model import Graph
from memsync_git.ports import Displaced, Occupied, Snapshot, Unusable
from memsync_git.replica import Moment, Replica, Version
from memsync_git.replica.carrying import Carried
from memsync_git.replica.picking import picked_graph, picked_keys
from memsync_git.replica.replica import Joined
from memsync_git.stretches import Step, among
from memsync_git.sync.capture import (
    Captured,
    capture,
    capture_displaced,
    carry_what_it_adds,
    displaced_differs,
    is_unfinished,
)
from memsync_git.sync.recovering import witness_of
from memsync_git.sync.report import RoundReport
from memsync_git.sync.session import Drafted, Session
from memsync_git.values import dataclass

Picked = AbstractSet[str] | None
"""The names that were picked; None: everything."""

MOST_TRIES = 16
SHORTEST_LINGER_S = 0.3
PARSES_PER_LINGER = 20


@dataclass(frozen=True, slots=True)
class Lingering:
    """A displaced inode that a writer may still hold, and the bytes that were taken in when it was inspected.

    inspected: None where a writer was just at work on it, so that what it deletes is still to be taken in;
    and where nothing stood: who found no file may write one over ours all the same.
    by: the state of the ring that took its place.
    """

    displaced: Displaced
    inspected: FileBytes | None
    by: int


def apply(session: Session, captured: Captured, report: RoundReport, only: Picked = None) -> list[Lingering]:
    """Bring the file to the target, or only what is picked of it; return what was displaced on the way."""
    lingering: list[Lingering] = []
    for _ in range(MOST_TRIES):
        if not needs_writing(session, captured, only):
            if session.replica.carried:
                session.act(_carried_over)
            break
        outcome = _swapped(session, captured, report, only)
        match outcome:
            case None:
                break
            case Displaced():
                by = session.act(_settled)
                report.wrote_file = True
                lingering += _inspect(session, captured, outcome, by, report)
            case Occupied():
                session.act(lambda replica, _: replica.ring.abandon())
            case Unusable(reason, hint):
                session.act(lambda replica, _: replica.ring.abandon())
                report.file, report.file_reason, report.file_hint = "unusable", reason, hint
                break
        captured = capture(session, report)
        if not captured.is_writable:
            break
    return lingering


def _carried_over(replica: Replica, _moment: Moment) -> None:
    replica.carried = Carried()


def _settled(replica: Replica, moment: Moment) -> int:
    """What was made is in place, and what was carried with it; return the name of that state."""
    replica.settle(moment)
    _carried_over(replica, moment)
    return replica.ring.newest.seq


def _swapped(
    session: Session, captured: Captured, report: RoundReport, only: Picked
) -> Displaced | Occupied | Unusable | None:
    """Put the new version in its place; None where there can be none."""
    made = _made(session, captured, only)
    if isinstance(made.file, TooLarge):
        report.file = "too large"
        report.file_reason = f"The joined memory does not fit the limits: {made.file.reason}."
        report.file_hint = "memsync-git config set guards.max_file_mib 128"
        return None
    data, decoded = made.file
    file = session.world.file
    with file.prepare(data) as preparing:
        _save_pending(session, captured, made, session.version(decoded, data, 0))
        prepared = preparing.finished()
    if isinstance(prepared, Unusable):
        return prepared
    outcome = file.exchange(prepared, over=captured.standing)
    if isinstance(outcome, Displaced):
        session.wrote(data, decoded)
    return outcome


def needs_writing(session: Session, captured: Captured, only: Picked = None) -> bool:
    """Whether the file differs from the target in its items, is to be mended, or is not there at all.

    only: the names to look at; None looks at everything.
    """
    return (
        bool(picked_keys(session.replica, only))
        or not _is_newest(session, captured)
        or bool(_carried_step(session, captured))
    )


def _is_newest(session: Session, captured: Captured) -> bool:
    """Whether the newest known state is what stands in the file and is to be changed."""
    if not isinstance(captured.standing, Snapshot) or captured.clean is not None:
        return False
    return captured.name == session.replica.ring.newest.hash


def _made(session: Session, captured: Captured, only: Picked) -> _Made:
    """The new version."""
    rows = captured.decoded.rows if captured.decoded is not None else Rows()
    is_anew = only is None and not len(rows) and not session.replica.carried
    return _anew(session) if is_anew else _stepped(session, captured, rows, only)


def _save_pending(session: Session, captured: Captured, made: _Made, written: Version) -> None:
    """Save the new version before it stands there, so that a crash can tell what it was made of."""
    ahead = _ahead(written, made.step) if made.made_of is None and _is_newest(session, captured) else None
    session.act(
        lambda replica, moment: replica.intend(
            written.graph, written.order, written.hash, moment, ahead=ahead, made_of=made.made_of
        )
    )


class _Made(NamedTuple):
    """A new version, and by which step it was made; or of what, where it holds the whole target."""

    file: tuple[Pieces, Decoded] | TooLarge
    step: Step
    made_of: Joined | None = None


def _anew(session: Session) -> _Made:
    """The whole target, where nothing stands; as it was made before, if nothing was joined since."""
    joined = session.replica.joined
    return _Made(session.drafted(joined) or _written(session), {}, joined)


def drafted(session: Session) -> Drafted | None:
    """What would be written where nothing stands; None where that is more than a file may hold."""
    joined, written = session.replica.joined, _written(session)
    return None if isinstance(written, TooLarge) else Drafted(joined, written)


def _written(session: Session) -> tuple[Pieces, Decoded] | TooLarge:
    """The whole target, record by record, for together they are a whole memory."""
    hides, targets = session.projection.hides, session.replica.targets_placed()
    return session.write_anew(each for each in targets if not hides(each[1].key))


def _stepped(session: Session, captured: Captured, rows: Rows, only: Picked) -> _Made:
    """What stands there, changed where it is to be changed."""
    step = _step(session, captured, rows, only)
    return _Made(session.amend(rows, {**step, **_carried_step(session, captured)}), step)


def _carried_step(session: Session, captured: Captured) -> Step:
    """What is to be written under names left out, of what a version said that was displaced."""
    carried = session.replica.carried
    if not carried:
        return {}
    standing = captured.decoded.graph.records if captured.decoded is not None else {}
    return carried.step_over(standing)


def _ahead(written: Version, step: Step) -> Step:
    """A step as the file shows it, whose variant may not hold all of what it brings."""
    found = among(written.graph.records, step.keys())
    return {key: found.get(key) for key in step}


def _step(session: Session, captured: Captured, rows: Rows, only: Picked) -> Step:
    """What is to change: what the newest state lacks, or, over any other version, all that it differs in."""
    replica = session.replica
    picked = picked_keys(replica, only)
    if _is_newest(session, captured):
        return replica.lacking(picked)
    step = step_to(rows, picked_graph(replica, replica.behind - picked))
    hides = session.projection.hides
    return (
        {key: record for key, record in step.items() if not hides(key)} if session.projection.hidden else step
    )


def _inspect(
    session: Session, captured: Captured, outcome: Displaced, by: int, report: RoundReport
) -> list[Lingering]:
    """Take in what the swap displaced, if it is not what the view was merged from."""
    if outcome.snapshot is None:
        return [Lingering(outcome, None, by)]
    unexpected = displaced_differs(outcome, captured.standing)
    if unexpected is None:
        return [Lingering(outcome, outcome.snapshot.data, by)]
    is_whole = not is_unfinished(session, unexpected, over=captured.decoded)
    over = captured.decoded.graph if captured.decoded is not None else Graph()
    capture_displaced(session, report, unexpected, over=over, by=by, is_whole=is_whole)
    return [Lingering(outcome, unexpected.data if is_whole else None, by)]


def linger_s(session: Session, lingering: Sequence[Lingering], *, patient: bool) -> float:
    """How long a server that read before the swap may take to write after it, in seconds.

    Who found no file had nothing to parse.
    """
    if patient:
        return session.window_ms / 1000
    has_parsed = any(each.displaced.snapshot is not None for each in lingering)
    return max(SHORTEST_LINGER_S, PARSES_PER_LINGER * session.parse_ms / 1000 if has_parsed else 0.0)


def look_once_more(session: Session, lingering: list[Lingering], report: RoundReport) -> None:
    """After the linger: read every displaced inode again, then let it go."""
    for waiting in lingering:
        if waiting.displaced.snapshot is None:
            continue
        late = session.world.file.look(waiting.displaced)
        if late is not None and late.data != waiting.inspected:
            _take_in_late(session, waiting, late, report)
        session.world.file.forget(waiting.displaced)


def _take_in_late(session: Session, waiting: Lingering, late: Snapshot, report: RoundReport) -> None:
    """Take in what a writer has made of a displaced version since it was inspected."""
    before = session.decode(waiting.inspected) if waiting.inspected is not None else None
    if not isinstance(before, Decoded) and not session.has_read(late.data):
        carry_what_it_adds(session, late)
    over = before.graph if isinstance(before, Decoded) else None
    capture_displaced(session, report, late, over=over, by=waiting.by)


def confirm(session: Session, captured: Captured) -> None:
    """The file says what the view says: note it in the ring, and beside the file."""
    replica = session.replica
    if captured.is_writable and not needs_writing(session, captured):
        if not replica.is_confirmed:
            session.act(_confirm)
        write_witness(session)


def _confirm(replica: Replica, moment: Moment) -> None:
    replica.confirm(moment)


def write_witness(session: Session) -> None:
    """Leave beside the file which state of the store it equals (model page, section 6)."""
    data = witness_of(session.replica)
    if session.witness is None:
        session.witness = session.world.file.read_witness()
    if data != session.witness:
        session.world.file.write_witness(data)
        session.witness = data
