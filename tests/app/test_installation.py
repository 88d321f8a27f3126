"""What an installation notes about itself: together or not at all."""

from __future__ import annotations

import pytest

from memsync_git.app.history import LastRound
from memsync_git.app.installation import Installation, RemoteMemory
from memsync_git.stores.memory import MemoryStore


def test_what_is_noted_together_is_one_transaction() -> None:
    store = MemoryStore()
    installation = Installation(store)
    with installation.together():
        installation.note_remotes([RemoteMemory("origin", head="abc")])
        installation.note_round(LastRound(1, "accepted", 7))
        assert installation.last_round() is None
    assert store.generation() == 1
    assert installation.remote("origin").head == "abc"
    assert installation.last_round() == LastRound(1, "accepted", 7)
    assert installation.rounds() == [LastRound(1, "accepted", 7)]
    assert installation.totals().rounds == {"accepted": 1}


def test_nothing_of_it_is_noted_when_one_thing_fails() -> None:
    installation = Installation(MemoryStore())

    def interrupted() -> None:
        with installation.together():
            installation.note_round(LastRound(1, "accepted", 7))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert installation.last_round() is None
    assert installation.rounds() == []
    installation.note_round(LastRound(2, "nothing", 3))
    assert installation.last_round() == LastRound(2, "nothing", 3)
