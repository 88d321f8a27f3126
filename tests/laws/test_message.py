"""What a commit says to people, whatever the size of the change."""

from __future__ import annotations

from memsync_git.model import Item, Rid
from memsync_git.replica import Txn
from memsync_git.sync.message import MOST_NAMED, message


def _txn(added: list[Item], removed: list[Item] | None = None) -> Txn:
    return Txn(Rid("ash-0001"), 1, 0, "edit", tuple(added), tuple(removed or ()))


def _said(entities: int) -> list[Item]:
    return [item for at in range(entities) for item in (("t", f"E{at}", "thing"), ("o", f"E{at}", "x"))]


def test_a_small_change_names_what_it_is_about() -> None:
    told = message("ash", [_txn([("o", "Alice", "likes tea"), ("o", "Alice", "x"), ("l", "a", "b", "c")])])
    assert told == "ash: +2 observations on Alice, +1 relation"


def test_what_was_added_and_removed_again_is_not_told() -> None:
    told = message("ash", [_txn([("o", "Alice", "x")]), _txn([], [("o", "Alice", "x")])])
    assert told == "ash: −1 observation on Alice"


def test_a_change_too_large_to_name_everything_is_counted_by_kind() -> None:
    many = MOST_NAMED // 2 + 1
    assert message("ash", [_txn(_said(many))]) == f"ash: +{many} entities, +{many} observations"
