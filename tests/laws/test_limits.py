"""The documented limits of base inference (docs/MODEL.md), pinned: one that moves should be noticed."""

from __future__ import annotations

import json

import pytest

from memsync_git.remotes.loopback import LoopbackHub
from memsync_git.sync import Settings, sync_round
from tests.fakes import EventfulClock, QuietClock
from tests.laws.machines import Machine

W_MS = 2_000


def rows(**entities: list[str]) -> bytes:
    """A memory file with these entities and what is known of them."""
    lines = (
        {"type": "entity", "name": name, "entityType": "person", "observations": said}
        for name, said in entities.items()
    )
    return "\n".join(json.dumps(line, separators=(",", ":")) for line in lines).encode()


@pytest.fixture
def pair() -> tuple[Machine, Machine]:
    """A laptop that knows Alice, and a desk that has just joined."""
    clock = QuietClock()
    hub = LoopbackHub(clock.wall_ms)
    laptop, desk = Machine("laptop", hub, clock, rows(Alice=["likes tea"])), Machine("desk", hub, clock, b"")
    laptop.sync()
    desk.sync()
    laptop.write(rows(Alice=["likes tea"], Bob=["plays chess"]))
    laptop.sync()
    return laptop, desk


def deleted_after(desk: Machine, pause_ms: int) -> None:
    """Bob arrives on the desk, and a server there deletes him so much later."""
    desk.sync()
    assert desk.data == rows(Alice=["likes tea"], Bob=["plays chess"])
    desk.clock.now_ms += pause_ms
    desk.file.writer_rename(rows(Alice=["likes tea"]))
    sync_round(desk.session)


def test_deleting_what_arrived_within_the_window_is_undone(pair: tuple[Machine, Machine]) -> None:
    _, desk = pair
    deleted_after(desk, W_MS // 4)
    assert desk.data == rows(Alice=["likes tea"], Bob=["plays chess"])


def test_deleting_it_after_the_window_is_a_deletion_everywhere(pair: tuple[Machine, Machine]) -> None:
    laptop, desk = pair
    deleted_after(desk, 2 * W_MS)
    laptop.sync()
    assert laptop.data == desk.data == rows(Alice=["likes tea"])


def cached(desk: Machine) -> None:
    """A server that has kept the file as it was before Bob arrived adds to that, long after."""
    desk.sync()
    desk.clock.now_ms += 10 * W_MS
    desk.file.writer_rename(rows(Alice=["likes tea", "lives in Oslo"]))
    sync_round(desk.session)


def test_a_server_that_keeps_the_file_for_longer_takes_away_what_arrived(
    pair: tuple[Machine, Machine],
) -> None:
    _, desk = pair
    cached(desk)
    assert desk.data == rows(Alice=["likes tea", "lives in Oslo"])


def test_a_server_said_to_keep_the_file_takes_nothing_away(pair: tuple[Machine, Machine]) -> None:
    _, desk = pair
    desk.session.settings = Settings(writer_caches=True)
    cached(desk)
    assert desk.data == rows(Alice=["likes tea", "lives in Oslo"], Bob=["plays chess"])


@pytest.mark.parametrize(("pause_ms", "wanted"), [(8, ["likes tea"]), (W_MS // 4, ["likes tea", "sings"])])
def test_noting_again_at_once_the_last_of_what_a_swap_took_is_taken_for_a_reading_before_it(
    pause_ms: int, wanted: list[str]
) -> None:
    clock = EventfulClock()
    hub = LoopbackHub(clock.wall_ms)
    desk = Machine("desk", hub, clock, rows(Alice=["likes tea", "hums", "sings"]))
    laptop = Machine("laptop", hub, clock, b"")
    desk.sync()
    laptop.sync()
    laptop.write(rows(Alice=["likes tea"]))
    laptop.sync()

    def note_again() -> None:
        assert desk.data == rows(Alice=["likes tea"])
        clock.now_ms += pause_ms
        desk.file.writer_rename(rows(Alice=["likes tea", "sings"]))

    clock.meanwhile = note_again
    desk.sync()
    desk.sync()
    assert desk.data == rows(Alice=wanted)


def test_deleting_the_very_last_entity_waits_for_a_person(pair: tuple[Machine, Machine]) -> None:
    laptop, desk = pair
    desk.sync()
    desk.write(b"")
    assert desk.sync().file == "emptied"
    assert desk.data == b""
    laptop.sync()
    assert laptop.data == rows(Alice=["likes tea"], Bob=["plays chess"])
