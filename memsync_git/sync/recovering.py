"""A store older than its memory file: restored from a backup, or gone.

Rule 1: the witness beside the file says which revisions the file was written from. A store that lacks one
of them infers nothing and writes nothing until a fetch holds them all.
Rule 2: then it is a new replica; its base is the cut the witness names, from the history of the host refs.
Without this, 300 restores brought 696 deletes back; with it 36 (fleet simulation).
"""

from __future__ import annotations

from memsync_git.crdt.fragment import Fragment
from memsync_git.formats import TooLarge
from memsync_git.ports import Fetched, Missing, Remote, Snapshot, Unusable
from memsync_git.replica import Replica, Version
from memsync_git.replica.identity import rebuild_from_witness
from memsync_git.sync.capture import tell
from memsync_git.sync.report import RoundReport
from memsync_git.sync.session import Session
from memsync_git.values import replace
from memsync_git.wire.rid import new_rid
from memsync_git.wire.witness import Witness, decode_witness, encode_witness

STORE_REBUILT = "The replica store was older than the memory file; it was rebuilt from the remote."


def witness_of(replica: Replica) -> bytes:
    """The witness of a file that equals the newest state of the store."""
    header = replica.header
    others = ((rid, replica.state.header(rid)) for rid in replica.state.rids if rid != replica.rid)
    seen = {rid: other.rev for rid, other in others if other is not None}
    return encode_witness(Witness(replica.rid, header.rev, header.tok, replica.accepted_mark.rev, seen))


def newer_witness(session: Session) -> Witness | None:
    """The witness beside the file, if it knows what the store lacks."""
    data = session.world.file.read_witness()
    session.witness = data
    witness = decode_witness(data) if data is not None else None
    if witness is None or not _knows_more(witness, session.replica):
        return None
    return witness


def _knows_more(witness: Witness, replica: Replica) -> bool:
    if witness.rev > 0 and (witness.rid, witness.rev, witness.tok) not in replica.versions:
        return True
    return any(_rev(replica, rid) < rev for rid, rev in witness.seen.items() if rid != replica.rid)


def _rev(replica: Replica, rid: str) -> int:
    header = replica.state.header(rid)  # type: ignore[arg-type]
    return header.rev if header is not None else 0


def recover(
    session: Session, witness: Witness, remote: Remote, fetched: Fetched, report: RoundReport
) -> bool:
    """Rebuild the store from what a remote holds; False if the remote does not hold it all yet."""
    cut = _past_cut(witness, remote, fetched)
    version = _standing(session)
    if cut is None or version is None:
        return False
    rid = new_rid(session.replica.host, session.world.chance.token())
    observed = session.act(
        lambda replica, moment: rebuild_from_witness(replica, rid, cut, fetched.fragments, version, moment)
    )
    for displaced in session.world.file.leftovers():
        session.world.file.forget(displaced)
    tell(session, report, observed)
    report.notes.append(STORE_REBUILT)
    return True


def _standing(session: Session) -> Version | None:
    """The file as it stands; what is missing from a damaged, emptied or vanished one was not deleted."""
    match session.world.file.read():
        case Unusable():
            return None
        case Missing():
            data, mtime_ms = b"", session.world.clock.wall_ms()
        case Snapshot(data, mtime_ms):
            pass
    decoded = session.decode(data)
    if isinstance(decoded, TooLarge):
        return None
    version = session.version(decoded, data, mtime_ms)
    return version if data.strip() else replace(version, whole=False)


def _past_cut(witness: Witness, remote: Remote, fetched: Fetched) -> list[Fragment] | None:
    """What the file was written from, if the remote holds all of it."""
    newest: dict[str, int] = {}
    for fragment in fetched.fragments:
        newest[fragment.rid] = max(newest.get(fragment.rid, 0), fragment.rev)
    if newest.get(witness.rid, 0) < witness.pub:
        return None
    if any(newest.get(rid, 0) < rev for rid, rev in witness.seen.items()):
        return None
    found = [remote.revision(rid, rev) for rid, rev in witness.seen.items() if rev > 0]
    if any(fragment is None for fragment in found):
        return None
    own = remote.revision(witness.rid, witness.rev) if witness.pub else None
    return [fragment for fragment in (*found, own) if fragment is not None]
