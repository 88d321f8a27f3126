"""Everything a replica may be asked, side by side with another one."""

from __future__ import annotations

from typing import Any

from memsync_git.crdt.pen import Written
from memsync_git.model import RecordKey
from memsync_git.replica import Observed, Replica, Txn
from memsync_git.replica.receiving import Received
from memsync_git.wire.fragments import encode


def assert_same_replica(one: Replica, other: Replica) -> None:
    """What decides the behaviour of two replicas is equal, part by part."""
    assert (one.rid, one.host, one.store, one.boot) == (other.rid, other.host, other.store, other.boot)
    assert _fragments(one) == _fragments(other)
    assert list(one.target_graph()) == list(other.target_graph())
    assert one.unshared == other.unshared
    assert one.behind == other.behind
    assert one.contested == other.contested == _contested(one)
    assert _ring(one) == _ring(other)
    assert one.holds == other.holds
    assert list(one.past.items()) == list(other.past.items())
    assert one.undone == other.undone
    assert one.accepted == other.accepted
    assert one.versions == other.versions
    assert [_txn(txn) for txn in one.unpublished] == [_txn(txn) for txn in other.unpublished]


def _contested(replica: Replica) -> set[RecordKey]:
    """What a look at everything finds."""
    state = replica.state
    conflicts = (conflict.register for conflict in state.all_conflicts())
    return {("e", r[1]) if r[0] == "t" else r[1] for r in conflicts} | set(state.unanchored())


def _fragments(replica: Replica) -> dict[str, bytes]:
    return {rid: encode(fragment) for rid, fragment in replica.state.fragments().items()}


def _ring(replica: Replica) -> list[tuple[Any, ...]]:
    return [
        (
            state.hash,
            state.from_ms,
            state.until_ms,
            dict(state.vv),
            dict(state.unseen),
            state.order,
            state.kind,
            base.records(),
        )
        for base in replica.ring.bases()
        for state in [base.state]
    ]


def _txn(txn: Txn) -> tuple[Any, ...]:
    return txn.rev, txn.at_ms, txn.cause, txn.added, set(txn.removed)


def assert_same_answer(one: Any, other: Any) -> None:
    """The answers of two replicas to one act."""
    assert _answer(one) == _answer(other)


def _answer(answer: Any) -> Any:
    match answer:
        case Observed():
            return answer.added, set(answer.removed), answer.hold, answer.restored, answer.rev
        case Received():
            return set(answer.added), set(answer.removed), answer.fragments, [h.id for h in answer.holds]
        case Written():
            return answer.added, set(answer.removed), answer.records
        case _:
            return answer
