"""Reading the memory file and making what it says durable.

Rule 1: unparsable is never empty. A damaged file adds what is readable, deletes nothing, and is not written.
Rule 2: an emptied or missing file that had content stands as one hold of everything.
Rule 3: capturing is cheap and immediate: it happens at every file event, only git waits.
"""

from __future__ import annotations

from dataclasses import dataclass

from memsync_git.formats import Decoded, TooLarge
from memsync_git.ports import Displaced, Missing, Reading, Snapshot, Unusable
from memsync_git.replica import Moment, Observed, Replica
from memsync_git.replica.observing import observe
from memsync_git.sync.report import FileState, RoundReport
from memsync_git.sync.session import Session, content_hash

SECOND_LOOK_S = 0.25
MOST_LOOKS = 8
"""A writer that is caught truncating one look in three is caught eight times in a row once in 6 561."""
NOTHING = Observed()
REPAIR = "memsync-git doctor --fix  moves what cannot be read to quarantine and keeps the rest"


EMPTIED = "The memory file is empty or missing, though it held memories before."
ANSWER = "memsync-git sync --recreate  writes it anew; memsync-git holds accept  deletes everything it held"


@dataclass(frozen=True, slots=True)
class Captured:
    """The file as it was read: what stood there, and whether it may be written over.

    clean: what a mended file would hold; `decoded` is read from it then.
    """

    state: FileState
    standing: Snapshot | Missing
    decoded: Decoded | None = None
    observed: Observed = NOTHING
    reason: str = ""
    hint: str = ""
    clean: bytes | None = None

    @property
    def hash(self) -> str:
        return content_hash(self.standing.data) if isinstance(self.standing, Snapshot) else ""

    @property
    def is_writable(self) -> bool:
        """Whether the view may take its place."""
        return self.state in ("good", "restored")


def capture(session: Session, report: RoundReport, *, accepted: bool = False) -> Captured:
    """Read the file, difference it against what it was written from, and save what it says.

    `accepted`: a person has agreed to whatever this version deletes.
    """
    reading = session.world.file.read()
    captured = _look(session, reading, accepted=accepted)
    if captured.state in ("damaged", "emptied"):
        captured = _settled(session, reading, captured, accepted=accepted)
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
            return _decoded(session, reading, data, accepted=accepted)


def _decoded(session: Session, standing: Snapshot | Missing, data: bytes, *, accepted: bool) -> Captured:
    if not data.strip() and session.replica.ring.graph.records and not accepted:
        return Captured("emptied", standing, reason=EMPTIED, hint=ANSWER)
    decoded = session.decode(data)
    if isinstance(decoded, TooLarge):
        return Captured("unusable", standing, reason=decoded.reason, hint="memsync-git doctor")
    if not decoded.whole:
        first = decoded.damage[0]
        reason = f"Line {first.line} of the memory file is not a memory record ({first.reason})."
        return Captured("damaged", standing, decoded, reason=reason, hint=REPAIR)
    return Captured("good", standing, decoded)


def _settled(session: Session, before: Reading, captured: Captured, *, accepted: bool) -> Captured:
    """Look again until the same stands there twice: an in-place writer may be at work, again and again.

    A look meets a truncated file as often as the writer spends time writing, so one more look is not enough.
    """
    for _ in range(MOST_LOOKS):
        session.world.clock.sleep(SECOND_LOOK_S)
        reading = session.world.file.read()
        if reading == before:
            return captured
        captured = _look(session, reading, accepted=accepted)
        if captured.state not in ("damaged", "emptied"):
            return captured
        before = reading
    return captured


def _observe(session: Session, report: RoundReport, captured: Captured, *, accepted: bool) -> Captured:
    """Save what a readable version says."""
    decoded, standing = captured.decoded, captured.standing
    state: FileState
    assert decoded is not None
    data, mtime_ms = _bytes_of(session, standing)
    replica = session.replica
    if not replica.ring:
        state = "waiting" if captured.state == "good" else captured.state
        return Captured(state, standing, decoded, reason=captured.reason, hint=captured.hint)
    same = replica.ring.newest.hash == content_hash(data) and replica.ring.pending is None
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
    return Captured(state, standing, decoded, observed, captured.reason, captured.hint)


def _bytes_of(session: Session, standing: Snapshot | Missing) -> tuple[bytes, int]:
    if isinstance(standing, Snapshot):
        return standing.data, standing.mtime_ms
    return b"", session.world.clock.wall_ms()


def capture_displaced(
    session: Session, report: RoundReport, snapshot: Snapshot, *, below: bool = True
) -> None:
    """Take in a version that stood in the file and no longer does."""
    decoded = session.decode(snapshot.data)
    if isinstance(decoded, TooLarge) or not session.replica.ring:
        return
    if not snapshot.data.strip() and session.replica.ring.graph.records:
        return
    version = session.version(decoded, snapshot.data, snapshot.mtime_ms)
    observed = session.act(
        lambda replica, moment: observe(
            replica, version, moment, limits=session.settings.deletions, below=below
        )
    )
    tell(session, report, observed)


def capture_leftovers(session: Session, report: RoundReport) -> None:
    """Versions a crash left beside the file are read before they are swept."""
    for displaced in session.world.file.leftovers():
        snapshot = session.world.file.look(displaced)
        if snapshot is not None:
            capture_displaced(session, report, snapshot)
        session.world.file.forget(displaced)


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
