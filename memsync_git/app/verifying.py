"""`verify`: whether the file, the store and every remote hold the same, in every store that is meant.

Rule 1: nothing is written, but objects fetched into the clone, which is a cache.
Rule 2: a digest names what something says, not how it is laid out: the order of rows is no difference.
Rule 3: two fragments of one revision that differ are damage or a copied machine; another revision is only
not here yet, or not there yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import TYPE_CHECKING

from memsync_git.app.doctor import alone
from memsync_git.app.doctor.case import NOT_ALONE, Broken, Case
from memsync_git.app.doctor.finding import counted
from memsync_git.app.opening import not_set_up
from memsync_git.crdt.cut import closed_cut
from memsync_git.crdt.state import State
from memsync_git.documents import VerifiedPart, VerifyDocument
from memsync_git.formats import TooLarge
from memsync_git.formats.writing import row_of
from memsync_git.model import EVERYTHING, Entity, Graph, Record
from memsync_git.ports import Fetched, Missing, Refused, Snapshot, Unreachable, Unusable
from memsync_git.replica import Replica
from memsync_git.stores.checking import complaint
from memsync_git.values import dataclass, replace
from memsync_git.wire.fragments import encode
from memsync_git.words import SCHEMA_VERSION, OutcomeWord, Verdict, worst_outcome

if TYPE_CHECKING:
    from memsync_git.app.opening import Rooms
    from memsync_git.crdt.fragment import Fragment

DIGITS = 16
"""Of a sha256, for people to compare: no two states of one memory share them."""
LOOK_WAIT_S = 2.0
SAME: OutcomeWord = "accepted"


@dataclass(frozen=True, slots=True)
class Compared:
    """What was found of one thing, and what that means for the whole."""

    part: VerifiedPart
    outcome: OutcomeWord = SAME


def verify(rooms: Rooms) -> VerifyDocument:
    """Compare everything with the store.

    Raises:
        Misused: this machine was never set up.
    """
    if rooms.identity() is None:
        raise not_set_up()
    stores = rooms.on_one_visit().each()
    with alone(rooms, wait_s=LOOK_WAIT_S) as is_alone:
        told = [(one.store.name, list(_compared(Case(one, is_alone=is_alone)))) for one in stores]
    apart = [each.outcome for _, found in told for each in found if each.outcome != SAME]
    parts = [_placed(each.part, name, is_one=len(told) == 1) for name, found in told for each in found]
    return {
        "schema_version": SCHEMA_VERSION,
        "outcome": worst_outcome(apart) if apart else SAME,
        "parts": [*parts, *map(_unadopted, rooms.unadopted())],
    }


def _placed(part: VerifiedPart, store: str, *, is_one: bool) -> VerifiedPart:
    """A part, with the store it was found in where there are several."""
    return part if is_one else {**part, "store": store}


def _unadopted(name: str) -> VerifiedPart:
    never = f"it was never adopted, so there is nothing to compare: memsync-git stores add {name}"
    return {**_part("store", "", "", "warn", never).part, "store": name}


def _compared(case: Case) -> Iterator[Compared]:
    replica = case.replica
    if not isinstance(replica, Replica):
        reason = replica.reason if isinstance(replica, Broken) else "there is no replica"
        yield _part("store", "", "", "fail", reason, "failed")
        return
    graph = replica.state.graph()
    wrong = complaint(case.rooms.places.store(case.rooms.store.name))
    verdict: Verdict = "fail" if wrong else "ok"
    told = wrong or f"revision {replica.header.rev}"
    yield _part("store", "", digest_of(graph), verdict, told, "failed" if wrong else SAME)
    yield _file(case, replica)
    if not case.is_alone:
        yield _part("remote", "", "", "warn", NOT_ALONE, "locked")
    for name, (_, outcome) in case.remotes.items():
        match outcome:
            case Fetched():
                yield from _remote(name, outcome.fragments, replica, digest_of(graph))
            case Unreachable(reason):
                yield _part("remote", name, "", "fail", f"it cannot be reached: {reason}", "offline")
            case Refused(reason):
                yield _part("remote", name, "", "fail", f"it refused: {reason}", "refused")


# --- the file


def _file(case: Case, replica: Replica) -> Compared:
    match case.reading:
        case Unusable(reason):
            return _part("file", "", "", "fail", reason, "unusable")
        case Missing():
            return _part("file", "", "", "warn", "there is none", "failed")
        case Snapshot():
            decoded = case.decoded
    if isinstance(decoded, TooLarge) or not decoded.whole:
        return _part("file", "", "", "fail", "it cannot be read whole: memsync-git doctor", "unusable")
    digest, target = digest_of(decoded.graph), replica.target_graph()
    if digest == digest_of(target):
        return _part("file", "", digest, "ok", "it says what the store says")
    apart = counted(len(decoded.graph.items() ^ target.items()), "item")
    is_known = bool(replica.behind) or digest != digest_of(replica.ring.graph)
    cure = "memsync-git sync" if is_known else "memsync-git sync --full"
    return _part("file", "", digest, "warn", f"it differs in {apart}: {cure}", "failed")


# --- remotes


def _remote(name: str, found: Iterable[Fragment], replica: Replica, wanted: str) -> Iterator[Compared]:
    there = closed_cut({}, found)
    digest = digest_of(State(there.values()).graph())
    same = digest == wanted
    told = "it shows what the store shows" if same else "it shows something else than the store"
    yield _part("remote", name, digest, "ok" if same else "warn", told, SAME if same else "failed")
    here = {rid: fragment for rid, fragment in replica.state.fragments().items() if fragment.rev}
    for rid in sorted({*here, *there}):
        yield fragment_compared(name, here.get(rid), there.get(rid), is_own=rid == replica.rid)


def fragment_compared(
    remote: str, here: Fragment | None, there: Fragment | None, *, is_own: bool
) -> Compared:
    """What one machine says, here and on one remote."""
    known = here or there
    assert known is not None
    name = f"{known.rid} on {remote}"
    digest = fragment_digest(known)
    if here is None or there is None or here.rev != there.rev:
        told, is_wrong = _apart(_rev(here), _rev(there), is_own=is_own)
        return _part("fragment", name, digest, "fail" if is_wrong else "warn", told, "failed")
    if here.version != there.version:
        told = f"two different revisions {here.rev}: a copied machine, or a remote that was rolled back"
        return _part("fragment", name, digest, "fail", told, "failed")
    if digest != fragment_digest(there):
        return _part("fragment", name, digest, "fail", f"revision {here.rev} differs: damage", "failed")
    return _part("fragment", name, digest, "ok", f"revision {here.rev}")


def _rev(fragment: Fragment | None) -> int:
    return 0 if fragment is None else fragment.rev


def _apart(here: int, there: int, *, is_own: bool) -> tuple[str, bool]:
    """What it means that one side has a newer revision, and whether that should not be."""
    if here > there:
        behind = f"revision {there}, here {here}" if there else "not there"
        return f"{behind}: memsync-git sync publishes it", False
    if is_own:
        return f"revision {there}, here only {here}: another installation writes as this machine", True
    return f"revision {there}, here {here or 'none'}: memsync-git sync fetches it", False


# --- digests


def digest_of(graph: Graph) -> str:
    """A name for what a graph says, whatever the order."""
    rows = sorted(row_of(_ordered(record), EVERYTHING) for record in graph)
    return sha256(b"\n".join(rows)).hexdigest()[:DIGITS]


def _ordered(record: Record) -> Record:
    ordered = replace(record, fields=dict(sorted(record.fields.items())))
    if not isinstance(ordered, Entity):
        return ordered
    return replace(ordered, observations=tuple(sorted(ordered.observations, key=repr)))


def fragment_digest(fragment: Fragment) -> str:
    """A name for everything a fragment says."""
    return sha256(encode(fragment)).hexdigest()[:DIGITS]


def _part(
    what: str, name: str, digest: str, verdict: Verdict, evidence: str, outcome: OutcomeWord = SAME
) -> Compared:
    part: VerifiedPart = {
        "what": what,  # type: ignore[typeddict-item]
        "name": name,
        "digest": digest,
        "verdict": verdict,
        "evidence": evidence,
    }
    return Compared(part, outcome)
