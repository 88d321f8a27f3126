"""The round: stash, pull, push, apply, in that order, and once more if something came late.

file event → capture ─┐
                      ├→ fetch → receive → publish → apply → linger → look once more ─→ settled
the clock ────────────┘                                                    └─ something new: again

A round that a file event alone has caused may publish first, and fetch only if that shows news (`order.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from memsync_git.crdt.fragment import Fragment
from memsync_git.crdt.state import State
from memsync_git.model import Projection, Record, same_items
from memsync_git.offering import Offering, answered
from memsync_git.ports import Fetched, Missing, Remote
from memsync_git.replica import Mark, Observed, Version
from memsync_git.replica.adopting import adopt, adopt_from, deleted_by_fleet
from memsync_git.replica.picking import picked_keys
from memsync_git.sync.applying import apply, confirm, linger_s, look_once_more, needs_writing
from memsync_git.sync.capture import Captured, capture, capture_leftovers, tell
from memsync_git.sync.order import Outlook, pushes_first
from memsync_git.sync.pulling import has_more_than, pull
from memsync_git.sync.pushing import push, push_first
from memsync_git.sync.recovering import newer_witness, recover
from memsync_git.sync.report import RemoteReport, RoundOptions, RoundReport
from memsync_git.sync.session import Session
from memsync_git.values import replace

MOST_ROUNDS = 4
PAST_VIEWS_SEARCHED = 500
OLDER_STORE = (
    "The replica store is older than the memory file, and the remote does not yet hold what it lacks."
)
NEWER_FORMAT = (
    "A newer release of memsync-git wrote to the shared repository; this one cannot read all of it."
)
NOT_READ = Captured("good", Missing())
"""Stands for the file where a round only speaks to the remotes."""
UPGRADE = "install the newest memsync-git on this machine"


def sync_round(session: Session, options: RoundOptions | None = None) -> RoundReport:
    """Bring file, store and remotes into step, as far as each allows.

    Raises:
        StoreDamaged: the replica store cannot be read or written.
    """
    return answered(round_steps(session, options or RoundOptions()))


def round_steps(session: Session, options: RoundOptions) -> Offering[RoundReport]:
    """The same for several stores together: what it would publish it offers; raises like `sync_round`."""
    report = RoundReport()
    began_s = session.world.clock.monotonic_s()
    fetched: dict[str, Fetched | None] = {}
    _expect_remotes(session)
    if options.compare:
        session.act(lambda replica, _: replica.compare_anew())
    if session.settings.writer_caches:
        session.act(lambda replica, moment: replica.begin_run(moment.wall_ms))
    if not _is_current(session, options, fetched, report):
        report.file, report.file_reason, report.file_hint = "waiting", OLDER_STORE, "memsync-git sync"
        return _closed(session, report, began_s)
    if not options.capture:
        report.rounds = 1
        yield from _exchanged(session, options, NOT_READ, fetched, report)
        return _closed(session, report, began_s)
    capture_leftovers(session, report)
    captured = _read(session, options, report)
    for report.rounds in range(1, MOST_ROUNDS + 1):
        again = yield from _once(session, options, captured, fetched, report)
        if again is None:
            break
        captured, fetched = again, {}
    return _closed(session, report, began_s)


def _expect_remotes(session: Session) -> None:
    """From its first round on, something waits for a remote until it has accepted it."""
    new = [remote.name for remote in session.world.remotes if remote.name not in session.replica.accepted]
    if new:
        session.act(lambda replica, _: replica.expect_remotes(new))


def _read(session: Session, options: RoundOptions, report: RoundReport) -> Captured:
    options.told("read")
    if options.set_aside is None:
        return capture(session, report)
    from memsync_git.sync.mending import capture_mended

    return capture_mended(session, report, options.set_aside)


def _closed(session: Session, report: RoundReport, began_s: float) -> RoundReport:
    report.ms = round((session.world.clock.monotonic_s() - began_s) * 1000)
    return report


def _is_current(
    session: Session, options: RoundOptions, fetched: dict[str, Fetched | None], report: RoundReport
) -> bool:
    """Whether the store is at least as new as its file, if need be after a rebuild from a remote."""
    witness = newer_witness(session)
    if witness is None:
        return True
    for remote in session.world.remotes if options.fetch else ():
        remote.known_digest = ""  # what is known of the remote may be newer than the store
        found = fetched[remote.name] = pull(session, remote, report)
        if found is not None and recover(session, witness, remote, found, report):
            return True
    return not session.replica.ring


def _once(
    session: Session,
    options: RoundOptions,
    captured: Captured,
    fetched: dict[str, Fetched | None],
    report: RoundReport,
) -> Offering[Captured | None]:
    """One pass. Return the file as captured after the linger if it said something new."""
    captured = yield from _exchanged(session, options, captured, fetched, report)
    session.apply_rules(captured.decoded.graph if captured.decoded is not None else None)
    if captured.is_writable and captured.clean is None and needs_writing(session, captured, options.only):
        captured = capture(session, report)  # the network took its time: write over what stands there now
    _note_file(captured, report)
    if not options.apply or not _may_apply(session, options, captured, report):
        return None
    over = _writable(options, captured)
    if needs_writing(session, over, options.only):
        options.told("write")
    lingering = apply(session, over, report, options.only)
    if not lingering:
        captured = _recaptured(session, captured, report)
        if report.wrote_file:
            _note_file(captured, report)
        confirm(session, captured)
        return None
    session.world.clock.sleep(linger_s(session, lingering, patient=options.patient))
    rev = session.replica.header.rev
    look_once_more(session, lingering, report)
    late = capture(session, report)
    _note_file(late, report)
    confirm(session, late)
    replica = session.replica
    is_more_to_write = bool(picked_keys(replica, options.only) or replica.carried)
    if late.is_writable and (replica.header.rev > rev or is_more_to_write):
        return late
    return _unpublished(session, options, late)


def _exchanged(
    session: Session,
    options: RoundOptions,
    captured: Captured,
    fetched: dict[str, Fetched | None],
    report: RoundReport,
) -> Offering[Captured]:
    """Fetch and publish; a file met for the first time is adopted in between."""
    for remote in session.world.remotes if options.fetch else ():
        if remote.name in fetched:
            continue
        options.told("fetch")
        if captured.state != "waiting" and _may_push_first(session, remote, options, report):
            yield from push_first(session, remote, report, options)
        else:
            fetched[remote.name] = pull(session, remote, report)
    if captured.state == "waiting":
        options.told("adopt")
        captured = _first(session, options, captured, fetched, report)
    for remote in session.world.remotes if options.publish else ():
        if fetched.get(remote.name) is not None or not options.fetch:
            options.told("publish")
            yield from push(session, remote, fetched.get(remote.name), report, options)
    return captured


def _may_push_first(session: Session, remote: Remote, options: RoundOptions, report: RoundReport) -> bool:
    """Whether the push is check enough, for a caller who asks for news again soon."""
    if not (options.push_first and options.publish):
        return False
    replica, line = session.replica, report.of(remote.name)
    outlook = Outlook(
        has_news=not replica.is_published(remote.name),
        is_confirmed=replica.accepted.get(remote.name, Mark()).rev > 0,
        is_complete=_is_complete(session, remote, line),
        sighting=session.sighting(remote.name),
    )
    return pushes_first(outlook, session.world.clock.wall_ms(), quiet_ms=session.settings.quiet_ms)


def _is_complete(session: Session, remote: Remote, line: RemoteReport) -> bool:
    """Whether a remote lacks nothing that is held here, by what was last seen of it."""
    digest = line.digest if line.fetched or line.published else remote.known_digest
    return bool(digest) and not has_more_than(session, remote.name)


def _unpublished(session: Session, options: RoundOptions, late: Captured) -> Captured | None:
    """Go round again if something own came in after the publish of this pass."""
    if not options.publish:
        return None
    replica = session.replica
    accepted = replica.accepted
    reached = [remote for remote in session.world.remotes if accepted.get(remote.name, Mark()).rev]
    if late.is_writable and any(not replica.is_published(remote.name) for remote in reached):
        return late
    return None


def _recaptured(session: Session, captured: Captured, report: RoundReport) -> Captured:
    """The file as it stands after an apply that swapped nothing."""
    return capture(session, report) if report.wrote_file else captured


def _may_apply(session: Session, options: RoundOptions, captured: Captured, report: RoundReport) -> bool:
    if any(line.newer is not None for line in report.remotes):
        report.file, report.file_reason, report.file_hint = "newer", NEWER_FORMAT, UPGRADE
        return False
    if captured.state == "emptied":
        return options.recreate
    return captured.is_writable and bool(session.replica.ring)


def _writable(options: RoundOptions, captured: Captured) -> Captured:
    if captured.state == "emptied" and options.recreate:
        return Captured("good", captured.standing)
    return captured


def _note_file(captured: Captured, report: RoundReport) -> None:
    if report.file in ("good", "restored") or captured.state == "good":
        report.file = captured.state
        report.file_reason, report.file_hint = captured.reason, captured.hint


def _first(
    session: Session,
    options: RoundOptions,
    captured: Captured,
    fetched: dict[str, Fetched | None],
    report: RoundReport,
) -> Captured:
    """Adopt the file this replica meets for the first time (guard 4)."""
    if any(fetched.get(remote.name) is None for remote in session.world.remotes):
        return captured
    decoded = captured.decoded
    if decoded is None:
        return captured
    data = getattr(captured.standing, "data", b"") if captured.clean is None else captured.clean
    mtime_ms = getattr(captured.standing, "mtime_ms", session.world.clock.wall_ms())
    version = session.version(decoded, data, mtime_ms)
    observed = _adopted(session, options, version)
    tell(session, report, observed)
    if options.legacy:
        session.act(lambda replica, moment: replica.write((), options.legacy, moment, cause="import"))
    return replace(captured, state="good", observed=observed, reason="", hint="")


def _adopted(session: Session, options: RoundOptions, version: Version) -> Observed:
    """Take the file as written from a past view of the fleet, or else unite the two."""
    past = _past_cuts(session) if any(_said_by(version)) else iter(())
    origin = next((cut for cut in past if _shows(cut, version)), None)
    if origin is not None:
        return session.act(lambda replica, moment: adopt_from(replica, origin, version, moment))
    without = deleted_by_fleet(session.replica, version, _past_cuts(session)) if options.drop else set()
    return session.act(lambda replica, moment: adopt(replica, version, moment, without=without))


def _said_by(version: Version) -> Iterator[Record]:
    """What a version says, as far as its variant can hold it."""
    return filter(None, map(version.projection.record, version.graph))


def _shows(cut: Sequence[Fragment], version: Version) -> bool:
    """Whether a past view is what a file says; most are not, and show it by the first record that differs."""
    view, projection = State(cut), version.projection
    if not all(_says(view, record, projection) for record in _said_by(version)):
        return False
    return projection.graph(view.graph()) == projection.graph(version.graph)


def _says(view: State, record: Record, projection: Projection) -> bool:
    shown = view.record(record.key)
    held = None if shown is None else projection.record(shown)
    return held is not None and same_items(held, record)


def _past_cuts(session: Session) -> Iterator[tuple[Fragment, ...]]:
    """What the fleet once said, newest first, read as far as it is asked for."""
    for remote in session.world.remotes:
        for view in islice(remote.past_views(), PAST_VIEWS_SEARCHED):
            yield view.fragments
