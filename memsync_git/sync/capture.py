"""Reading the memory file and making what it says durable.

Rule 1: unparsable is never empty. A damaged file adds what is readable, deletes nothing, and is not written.
Rule 2: an emptied or missing file that had content stands as one hold of everything.
Rule 3: capturing is cheap and immediate: it happens at every file event, only git waits.
"""

from __future__ import annotations

from memsync_git.filebytes import FileBytes
from memsync_git.formats import Decoded, TooLarge
from memsync_git.model import Graph, Projection
from memsync_git.ports import Displaced, Missing, Reading, Snapshot, Unusable
from memsync_git.replica import Moment, Observed, Replica
from memsync_git.replica.carrying import Carried, carried_between
from memsync_git.replica.observing import observe
from memsync_git.stretches import Records, differing, last_of
from memsync_git.sync.report import FileState, RoundReport
from memsync_git.sync.session import Session
from memsync_git.values import dataclass, replace

SECOND_LOOK_S = 0.25
NEXT_PART_S = 0.02
"""An in-place writer is done with a file, or with its next half MiB, within this; a pause as long as for a
damaged file would miss what an entity's deletion and new creation looked like in between."""
MOST_LOOKS = 8
"""A writer that is caught truncating one look in three is caught eight times in a row once in 6 561."""
NOTHING = Observed()
REPAIR = "memsync-git doctor --fix  moves what cannot be read to quarantine and keeps the rest"


EMPTIED = "The memory file is empty or missing, though it held memories before."
ANSWER = "memsync-git sync --recreate  writes it anew; memsync-git holds accept  deletes everything it held"


@dataclass(frozen=True, slots=True)
class Captured:
    """The file as it was read: what stood there, and whether it may be written over.

    clean: what a mended file would hold; `decoded` is read from it then. name: that of the version that
    stands there (`Session.name_of`), empty where nothing readable does.
    """

    state: FileState
    standing: Snapshot | Missing
    decoded: Decoded | None = None
    observed: Observed = NOTHING
    reason: str = ""
    hint: str = ""
    clean: bytes | None = None
    name: str = ""

    @property
    def is_writable(self) -> bool:
        """Whether the view may take its place."""
        return self.state in ("good", "restored")


def capture(session: Session, report: RoundReport, *, accepted: bool = False) -> Captured:
    """Read the file, difference it against what it was written from, and save what it says.

    `accepted`: a person has agreed to whatever this version deletes.
    """
    captured = _standing_still(session, accepted=accepted)
    if captured.state == "emptied":
        session.act(_note_emptied)
        return captured
    if captured.decoded is None:
        return captured
    return _observe(session, report, captured, accepted=accepted)


def _note_emptied(replica: Replica, moment: Moment) -> None:
    if replica.emptied_ms is None:
        replica.emptied_ms = moment.wall_ms


def _look(session: Session, reading: Reading, *, accepted: bool = False) -> Captured:
    """What a reading is, before anything is believed."""
    match reading:
        case Unusable(reason, hint):
            return Captured("unusable", Missing(), reason=reason, hint=hint)
        case Missing():
            return _decoded(session, reading, b"", accepted=accepted)
        case Snapshot(data):
            data = session.held(data)
            return _decoded(session, replace(reading, data=data), data, accepted=accepted)


def _decoded(session: Session, standing: Snapshot | Missing, data: FileBytes, *, accepted: bool) -> Captured:
    if is_void(data) and session.replica.ring.graph.records and not accepted:
        return Captured("emptied", standing, reason=EMPTIED, hint=ANSWER)
    decoded = session.decode(data)
    if isinstance(decoded, TooLarge):
        return Captured("unusable", standing, reason=decoded.reason, hint="memsync-git doctor")
    if not decoded.whole:
        first = decoded.damage[0]
        reason = f"Line {first.line} of the memory file is not a memory record ({first.reason})."
        return Captured("damaged", standing, decoded, reason=reason, hint=REPAIR)
    return Captured("good", standing, decoded)


def is_void(data: FileBytes) -> bool:
    """Whether a file holds nothing but white space."""
    return not data or data.isspace()


def _standing_still(session: Session, *, accepted: bool) -> Captured:
    """Look again until the same stands there twice, as long as an in-place writer may be at work.

    A look meets a truncated file as often as the writer spends time writing, so one more look is not enough.
    """
    before = session.decoded
    reading = session.world.file.read()
    captured = _look(session, reading, accepted=accepted)
    for _ in range(MOST_LOOKS):
        pause_s = _doubtful_for_s(session, captured, before)
        if not pause_s:
            break
        session.world.clock.sleep(pause_s)
        again = session.world.file.read()
        if again == reading:
            break
        reading, captured = again, _look(session, again, accepted=accepted)
    return captured


def _doubtful_for_s(session: Session, captured: Captured, before: Decoded | None) -> float:
    """After how long to look again, in seconds; 0 where the file is what it seems to be."""
    if captured.state in ("damaged", "emptied"):
        return SECOND_LOOK_S
    return NEXT_PART_S if _ends_early(session, captured, before) else 0.0


def _ends_early(session: Session, captured: Captured, before: Decoded | None) -> bool:
    """Whether a sound file may be the first part of one that is just being written in place."""
    if captured.decoded is None or not isinstance(captured.standing, Snapshot):
        return False
    return _is_first_part(session, captured.standing, captured.decoded, before)


def is_unfinished(session: Session, snapshot: Snapshot, *, over: Decoded | None) -> bool:
    """Whether a displaced version may be the first part of one that is still being written over another."""
    decoded = session.decode(snapshot.data)
    return isinstance(decoded, Decoded) and _is_first_part(session, snapshot, decoded, over)


def _is_first_part(session: Session, snapshot: Snapshot, decoded: Decoded, before: Decoded | None) -> bool:
    """Whether a version was written this very moment and lacks the last row of the one `before`.

    A part of a file may end with a line, and then nothing but that tells it from a whole one. Who knows no
    version before looks again at anything that is missing.
    """
    age_s = (session.world.clock.wall_ms() - snapshot.mtime_ms) / 1000
    if not decoded.whole or abs(age_s) >= SECOND_LOOK_S:
        return False
    shown = decoded.graph.records
    if before is None:
        return session.exists and _lacks_any(shown, session.replica.ring.graph.records)
    last = last_of(before.graph.records)
    return last is not None and last not in shown


def _lacks_any(shown: Records, known: Records) -> bool:
    return any(now is None for _, now, _ in differing(shown, known))


def _observe(session: Session, report: RoundReport, captured: Captured, *, accepted: bool) -> Captured:
    """Save what a readable version says."""
    decoded, standing = captured.decoded, captured.standing
    state: FileState
    assert decoded is not None
    data, mtime_ms = _bytes_of(session, standing)
    projection = session.apply_rules(decoded.graph)
    name = session.name_of(data) + session.mark_of(decoded, projection)
    captured = replace(captured, name=name)
    replica = session.replica
    if not replica.ring:
        state = "waiting" if captured.state == "good" else captured.state
        return replace(captured, state=state)
    same = replica.ring.newest.hash == name and replica.ring.pending is None
    if replica.carried.split(projection.hides)[1]:
        session.act(lambda replica, moment: replica.share_carried(projection, moment))
    if captured.state == "good" and same and not replica.emptied and not accepted:
        return captured
    version = session.version(decoded, data, mtime_ms, accepted=accepted)
    settings = session.settings

    def taken_in(replica: Replica, moment: Moment) -> Observed:
        replica.emptied_ms = None
        return observe(replica, version, moment, limits=settings.deletions)

    observed = session.act(taken_in)
    tell(session, report, observed)
    state = "restored" if observed.restored else captured.state
    return replace(captured, state=state, observed=observed)


def _bytes_of(session: Session, standing: Snapshot | Missing) -> tuple[FileBytes, int]:
    if isinstance(standing, Snapshot):
        return standing.data, standing.mtime_ms
    return b"", session.world.clock.wall_ms()


def capture_displaced(
    session: Session,
    report: RoundReport,
    snapshot: Snapshot,
    *,
    over: Graph | None = None,
    by: int | None = None,
    is_whole: bool = True,
) -> None:
    """Take in a version that stood in the file and no longer does; of one that is not whole, what it adds.

    over: what the version that took its place was made from. None where that is not known; then nothing of
    what is left out is carried over. by: the state of the ring that took its place, likewise.
    """
    decoded = session.decode(snapshot.data)
    if isinstance(decoded, TooLarge) or not session.replica.ring:
        return
    if is_void(snapshot.data) and session.replica.ring.graph.records:
        return
    version = session.version(decoded, snapshot.data, snapshot.mtime_ms)
    version = replace(version, whole=version.whole and is_whole)
    carried = _carried(version.projection, over, decoded.graph) if over is not None else Carried()
    if not version.whole:
        carried = carried.without_deletions()
    limits = session.settings.deletions

    def taken_in(replica: Replica, moment: Moment) -> Observed:
        replica.carry(carried)
        return observe(replica, version, moment, limits=limits, below=True, displaced_by=by)

    tell(session, report, session.act(taken_in))


def _carried(projection: Projection, over: Graph | None, said: Graph) -> Carried:
    return carried_between(over, said, projection.hides) if projection.hidden else Carried()


def capture_leftovers(session: Session, report: RoundReport) -> None:
    """Versions a crash left beside the file are read before they are swept.

    One that is known has nothing to say any more: it was taken in, or is ours and never stood there. Read by
    other rules than then it would look like a state that the file has left.
    """
    for displaced in session.world.file.leftovers():
        snapshot = session.world.file.look(displaced)
        if snapshot is not None and not session.has_read(snapshot.data):
            carry_what_it_adds(session, snapshot)
            capture_displaced(session, report, snapshot)
        session.world.file.forget(displaced)


def carry_what_it_adds(session: Session, snapshot: Snapshot) -> None:
    """Carry over what a displaced version says under names left out and the file does not.

    For a version nobody had read before: of one that was, what took its place was made.
    """
    if not session.settings.rules:
        return
    decoded, standing = session.decode(snapshot.data), session.world.file.read()
    if isinstance(decoded, TooLarge):
        return
    projection = session.apply_rules(decoded.graph)
    now = session.decode(standing.data) if isinstance(standing, Snapshot) else None
    carried = _carried(projection, now.graph if isinstance(now, Decoded) else None, decoded.graph)
    if carried.come:
        session.act(lambda replica, _: replica.carry(carried.without_deletions()))


def tell(session: Session, report: RoundReport, observed: Observed) -> None:
    """Enter what an observation brought into the report."""
    report.local.count(observed.added, observed.removed)
    if observed.hold is not None:
        report.holds.append(observed.hold)
    if observed.rev is not None:
        report.txn = f"{session.replica.rid}:{observed.rev}"


def displaced_differs(displaced: Displaced, merged_from: Snapshot | Missing) -> Snapshot | None:
    """What was displaced, if it is not what the view was merged from."""
    if displaced.snapshot is None:
        return None
    if isinstance(merged_from, Snapshot) and displaced.snapshot.data == merged_from.data:
        return None
    return displaced.snapshot
