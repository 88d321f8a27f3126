"""Learning what remotes hold, and joining it.

Rule 1: what stands under the own rid is compared, never joined; a clone takes a new rid before it publishes.
Rule 2: a fragment from a newer format is left alone, and nothing is materialised until this release
can read it.
Rule 3: an answer is believed next time only for what was held and offered when it was given: what is joined
later, or was seen and could not be joined, has the remote read again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from memsync_git.crdt.cut import cut_name
from memsync_git.crdt.fragment import Fragment, RecordFacts
from memsync_git.model import RecordKey, Rid
from memsync_git.ports import Fetched, Refused, Remote, Unreachable
from memsync_git.replica import Moment, Replica
from memsync_git.replica.identity import is_retired, is_shared, take_new_rid
from memsync_git.replica.receiving import Received, has_joinable, receive
from memsync_git.sync.report import RemoteReport, RoundReport
from memsync_git.sync.session import Session
from memsync_git.values import replace
from memsync_git.wire.rid import new_rid

OWN_IDENTITY_CHANGED = "This installation shared its id with another one and took a new id."


def pull(session: Session, remote: Remote, report: RoundReport) -> Fetched | None:
    """Fetch one remote and join what it holds; None if it could not be read."""
    line = report.of(remote.name)
    line.hint = ""
    spare_reading(session, remote)
    if has_more_than(session, remote.name):
        remote.known_digest = ""
    match remote.fetch():
        case Unreachable(reason):
            line.state, line.reason = "offline", reason
            return None
        case Refused(reason, _, hint):
            line.state, line.reason, line.hint = "refused", reason, hint
            return None
        case Fetched() as fetched:
            _note(line, fetched)
            received = take_in(session, fetched, report)
            _sight(session, line, fetched, received)
            return fetched


def has_more_than(session: Session, name: str) -> bool:
    """Whether something was joined since a remote was seen to hold everything: from another one, then.

    What it holds has to be read again, unchanged or not, to see what is to be carried there.
    """
    held = session.complete_for.get(name, "")
    return bool(held) and held != cut_of(session.replica)


def cut_of(replica: Replica) -> str:
    """Names what was joined from others."""
    return cut_name(replica.state.headers, replica.rid)


def is_exhausted(session: Session, name: str, fetched: Fetched | None, replica: Replica) -> bool:
    """Whether nothing that a remote shows could still be joined to what a replica holds.

    A fragment whose past was on another remote waits for it (the closed cut). So what was not read in this
    round is exhausted only for what was held when it was.
    """
    if fetched is None or fetched.unchanged:
        return session.complete_for.get(name, "") == cut_of(replica)
    return not has_joinable(replica, fetched.fragments)


def note_complete(session: Session, line: RemoteReport, digest: str, holds: str) -> None:
    """A remote holds everything of a cut, by its name: its answer and the name are remembered."""
    line.digest = digest
    if digest:
        line.holds = session.complete_for[line.name] = holds


def spare_reading(session: Session, remote: Remote) -> None:
    """Tell a remote which records need not be read again."""
    remote.known_records = partial(_known_records, session)


def _known_records(session: Session, rid: Rid) -> Mapping[RecordKey, RecordFacts]:
    """What is known of a fragment when the remote comes to read it."""
    return session.replica.state.records_of(rid)


def _note(line: RemoteReport, fetched: Fetched) -> None:
    line.state, line.fetched, line.head = "nothing", True, fetched.head
    line.unreadable = tuple(f"{odd.where}: {odd.reason}" for odd in fetched.unreadable)
    line.newer = fetched.newer


def _sight(session: Session, line: RemoteReport, fetched: Fetched, received: Received) -> None:
    """Remember when the remote was looked at, and whether another machine had written."""
    now_ms = session.world.clock.wall_ms()
    seen = replace(session.sighting(line.name), looked_ms=now_ms, unified_ms=fetched.unified_ms)
    if received.fragments:
        line.brought_news, seen = True, replace(seen, news_ms=now_ms)
    session.sightings[line.name] = seen


def take_in(session: Session, fetched: Fetched, report: RoundReport) -> Received:
    """Join what was fetched; find out whether the own rid is still ours alone."""
    if fetched.unchanged or not fetched.fragments:
        return Received()
    received = session.act(lambda replica, moment: _received(session, replica, fetched, report, moment))
    report.remote.count(received.added, received.removed)
    report.remote.added += received.new
    report.holds += received.holds
    return received


def _received(
    session: Session, replica: Replica, fetched: Fetched, report: RoundReport, moment: Moment
) -> Received:
    own = [fragment for fragment in fetched.fragments if fragment.rid == replica.rid]
    if is_shared(replica, own):
        newest = max(own, key=lambda fragment: fragment.version)
        _become_new(session, replica, newest, report, moment)
    received = receive(replica, fetched.fragments, moment, limits=session.settings.inbound)
    if is_retired(replica):
        _become_new(session, replica, _newest(own), report, moment)
    return received


def _become_new(
    session: Session, replica: Replica, upstream: Fragment | None, report: RoundReport, moment: Moment
) -> None:
    take_new_rid(replica, new_rid(replica.host, session.world.chance.token()), upstream, moment)
    report.notes.append(OWN_IDENTITY_CHANGED)


def _newest(fragments: Sequence[Fragment]) -> Fragment | None:
    return max(fragments, key=lambda fragment: fragment.version, default=None)
