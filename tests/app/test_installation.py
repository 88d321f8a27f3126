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


def test_how_it_went_is_kept_for_each_store_by_itself() -> None:
    rows = MemoryStore()
    home, work = Installation(rows), Installation(rows, store="work")
    home.note_remotes([RemoteMemory("origin", digest="a")])
    work.note_remotes([RemoteMemory("origin", digest="b")])
    home.note_round(LastRound(1, "accepted", 2))
    assert (home.remote("origin").digest, work.remote("origin").digest) == ("a", "b")
    assert (home.totals().rounds != {}, work.last_round(), work.rounds()) == (True, None, [])
    home.forget_store("work", ["origin"])
    assert (home.remote("origin").digest, work.remote("origin")) == ("a", RemoteMemory("origin"))
