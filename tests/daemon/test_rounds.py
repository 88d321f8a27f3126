"""A round of the daemon, whatever becomes of it, in this process."""

from __future__ import annotations

import logging
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import TypeVar

import pytest

from memsync_git.app import App
from memsync_git.app.together import published
from memsync_git.app.working import Workplace
from memsync_git.config import Places
from memsync_git.daemon.rounds import Ran, Rounds, outcomes_of
from memsync_git.documents import SyncDocument
from memsync_git.errors import Busy, MemsyncError, StoreDamaged
from memsync_git.offering import Offer, Offering, answered_together
from memsync_git.pacing import Reason, RoundEnded, Sync
from memsync_git.ports import PublishOutcome
from memsync_git.remotes import ssh
from memsync_git.remotes.url import validate
from memsync_git.stores.lock import SharedLock
from memsync_git.sync.order import Sighting
from tests.cli.machines import new_hub
from tests.daemon.machines import Home
from tests.git.contacts import seen, traced
from tests.git.processes import nothing_left_of, processes_about
from tests.git.sshd import Sshd

T = TypeVar("T")
FULL, POLL = Sync("full", ("origin",)), Sync("poll", ("origin",))


class Alone(Workplace):
    """A workplace whose rounds are run by themselves."""

    def synced(self, reason: Reason, names: Sequence[str]) -> SyncDocument:
        return alone(self, lambda lock: self.sync(reason, names, lock))

    def flushed(self) -> SyncDocument | None:
        return alone(self, self.flush)


def alone(workplace: Alone, begin: Callable[[SharedLock], Offering[T]]) -> T:
    """What the daemon does with rounds, for one store."""
    with SharedLock(workplace._rooms.lock_path, 0.0) as lock:
        return answered_together([begin(lock)], published)[0]


def ran(workplace: Alone, sync: Sync, rounds: Rounds | None = None) -> Ran:
    """One round of the daemon."""
    rounds = rounds or Rounds(workplace._rooms, workplace)
    return alone(workplace, lambda lock: rounds.run(sync, lock))


class Failing(Workplace):
    """A workplace where every round raises."""

    error: Exception = KeyError("SECRET-OF-ALICE")

    def sync(self, reason: object, names: object, lock: object) -> Offering[SyncDocument]:
        yield from ()
        raise self.error


@pytest.fixture
def home(tmp_path: Path) -> Home:
    found = Home(tmp_path / "laptop", str(new_hub(tmp_path / "hub.git")))
    found.init()
    return found


@pytest.fixture
def workplace(home: Home) -> Iterator[Alone]:
    found = Alone(home.app.rooms)
    yield found
    found.close()


def written_by_git(home: Home) -> None:
    """Ask of the hub what only git does, so that nothing is put there without it."""
    subprocess.run(["git", "-C", home.hub, "config", "receive.fsckObjects", "true"], check=True)


def take_in_after_a_poll(home: Home, workplace: Alone) -> None:
    """A change of the file alone: all was synced, the hub was asked, and then the server wrote."""
    home.add("Alice")
    workplace.synced("full", ["origin"])
    workplace.synced("poll", ["origin"])
    home.add("Bob")
    workplace.capture()


def test_rounds_answer_the_pacer_and_say_what_they_came_to(home: Home, workplace: Alone) -> None:
    rounds = Rounds(home.app.rooms, workplace)
    home.add("Alice")
    first, second = ran(workplace, FULL, rounds), ran(workplace, POLL, rounds)
    assert first.ended == RoundEnded({"origin": "well"}, active=True)
    assert second.ended == RoundEnded({"origin": "well"}, active=False)
    assert first.document is not None
    assert second.document is not None
    assert [first.document["outcome"], second.document["outcome"]] == ["accepted", "nothing"]


def test_a_bug_leaves_a_report_and_is_an_outcome_like_any_other(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    came_to = ran(Failing(home.app.rooms), FULL)
    assert came_to.ended == RoundEnded({"origin": "failed"}, active=False)
    (report,) = (home.path / "logs").glob("report-*.txt")
    assert "command: daemon" in report.read_text()
    document = came_to.document
    assert document is not None
    assert (document["outcome"], home.status()["state"]) == ("failed", "attention")
    (noted,) = home.rounds()[-1:]
    assert (noted.outcome, noted.cause, noted.went) == ("failed", "daemon", "badly")
    assert noted.reason == document["notices"][0]["message"]
    assert "KeyError at tests/daemon/test_rounds.py" in document["notices"][0]["message"]
    assert "SECRET-OF-ALICE" not in caplog.text + report.read_text() + str(document)


@pytest.mark.parametrize(
    ("error", "outcome", "is_told"),
    [
        (StoreDamaged("The store cannot be read."), "failed", True),
        (Busy("Another round is being run."), "busy", False),
    ],
)
def test_an_expected_failure_leaves_no_report(
    home: Home, error: MemsyncError, outcome: str, is_told: bool
) -> None:
    workplace = Failing(home.app.rooms)
    workplace.error = error
    came_to = ran(workplace, FULL)
    assert came_to.ended == RoundEnded({"origin": outcome}, active=False)  # type: ignore[dict-item]
    assert (came_to.document is not None) is is_told
    assert list((home.path / "logs").glob("report-*.txt")) == []


def test_a_remote_that_was_not_spoken_to_is_no_success(home: Home, workplace: Alone) -> None:
    document = workplace.synced("full", ["origin"])
    assert outcomes_of(document, ["origin", "backup"]) == {"origin": "well", "backup": "failed"}


def test_remotes_asked_each_in_its_own_time_are_a_success_together(home: Home, tmp_path: Path) -> None:
    home.set(remotes__second__kind="git", remotes__second__url=str(new_hub(tmp_path / "second.git")))
    workplace = Alone(home.app.rooms)
    try:
        home.add("Alice")
        workplace.synced("full", ["origin", "second"])
        for name in ("origin", "second"):
            workplace.synced("poll", [name])
            assert last_went(home) == "well"
        (tmp_path / "second.git").rename(tmp_path / "gone.git")
        workplace.synced("poll", ["second"])
        workplace.synced("poll", ["origin"])
        assert last_went(home) == "badly", "the second one is still away"
    finally:
        workplace.close()


def last_went(home: Home) -> str:
    with home.app.rooms.reading() as installation:
        last = installation.last_round()
    assert last is not None
    assert last.cause == "daemon"
    return last.went


def test_one_connection_over_ssh_serves_every_round_and_ends_with_the_work(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Sshd(tmp_path / "sshd")
    try:
        monkeypatch.setenv("GIT_SSH_COMMAND", server.command)
        places = Places.of({"MEMSYNC_HOME": str(home.path)})
        app = App.open(places, {"remotes.origin.url": server.url(Path(home.hub))})
        workplace = Alone(replace(app.rooms, keeps_connections=True))
        home.add("Alice")
        workplace.synced("full", ["origin"])
        home.add("Bob")
        workplace.synced("local", ["origin"])
        workplace.synced("poll", ["origin"])
        assert server.connections() == 1
        socket = ssh.socket_of(validate(server.url(Path(home.hub))), app.rooms.places.clone / ".git")
        assert processes_about(str(socket))
        workplace.close()
        assert nothing_left_of(str(socket))
    finally:
        server.stop()


def test_quiet_polls_count_as_looks(
    home: Home, workplace: Alone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They end before a round begins; what they saw is remembered beside the session."""
    home.add("Alice")
    workplace.synced("full", ["origin"])
    session = workplace._session
    assert session is not None
    session.sightings = {"origin": Sighting(looked_ms=1)}
    workplace.synced("poll", ["origin"])
    written_by_git(home)
    home.add("Bob")
    workplace.capture()
    trace = traced(tmp_path / "trace", monkeypatch)
    workplace.synced("local", ["origin"])
    assert seen(trace) == ["push"]


def test_clones_are_collected_once_a_month(home: Home, workplace: Alone) -> None:
    rounds = Rounds(home.app.rooms, workplace)
    home.add("Alice")
    ran(workplace, FULL, rounds)
    rounds.collect()
    packs = set((home.path / "memory-backup-repo" / ".git" / "objects" / "pack").iterdir())
    assert packs
    home.add("Bob")
    ran(workplace, FULL, rounds)
    rounds.collect()
    assert set((home.path / "memory-backup-repo" / ".git" / "objects" / "pack").iterdir()) == packs


# --- the place of work


def test_what_was_captured_before_a_round_is_counted_in_it_once(home: Home, workplace: Alone) -> None:
    workplace.synced("full", ["origin"])
    home.add("Alice")
    workplace.capture()
    home.add("Bob")
    workplace.capture()
    assert workplace.synced("local", ["origin"])["local"] == {"added": 4, "removed": 0, "changed": 0}
    home.add("Carol")
    assert workplace.synced("local", ["origin"])["local"] == {"added": 2, "removed": 0, "changed": 0}


def test_a_capture_goes_on_while_a_round_waits_for_what_it_publishes(home: Home, workplace: Alone) -> None:
    """As it does while the round of another store is still speaking to the hub."""
    workplace.synced("full", ["origin"])
    home.add("Alice")
    pending: list[int] = []

    def meanwhile(offers: Sequence[Offer]) -> Sequence[PublishOutcome]:
        if not pending:
            home.add("Bob")
            capture = Thread(target=workplace.capture, daemon=True)
            capture.start()
            capture.join(20)
            pending.append(workplace._at_work().replica.header.next)
        return published(offers)

    with SharedLock(home.app.rooms.lock_path, 0.0) as lock:
        (document,) = answered_together([workplace.sync("local", ["origin"], lock)], meanwhile)
    assert document["local"] == {"added": 2, "removed": 0, "changed": 0}
    assert workplace._at_work().replica.header.next == pending[0], "Bob was taken in meanwhile"
    assert workplace.synced("local", ["origin"])["local"] == {"added": 2, "removed": 0, "changed": 0}
    assert home.status()["pending"]["up"] == 0


def test_what_publishing_raises_is_the_failure_of_the_round(home: Home, workplace: Alone) -> None:
    home.add("Alice")

    def broken(offers: Sequence[Offer]) -> Sequence[PublishOutcome]:
        raise ArithmeticError(f"{len(offers)} offers")

    rounds = Rounds(home.app.rooms, workplace)
    with SharedLock(home.app.rooms.lock_path, 0.0) as lock:
        (came_to,) = answered_together([rounds.run(FULL, lock)], broken)
    assert came_to.ended == RoundEnded({"origin": "failed"}, active=False)
    assert ran(workplace, FULL, rounds).ended == RoundEnded({"origin": "well"}, active=True)


def test_a_quiet_poll_of_a_hub_on_this_disk_starts_no_program(
    home: Home, workplace: Alone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.add("Alice")
    workplace.synced("full", ["origin"])
    trace = tmp_path / "trace"
    monkeypatch.setenv("GIT_TRACE", str(trace))
    assert workplace.synced("poll", ["origin"])["outcome"] == "nothing"
    assert not trace.exists()


def test_a_full_check_believes_nothing_and_makes_no_commit(home: Home, workplace: Alone) -> None:
    home.add("Alice")
    workplace.synced("local", ["origin"])
    head = home.status()["remote"]["head"]  # type: ignore[index]
    assert workplace.synced("full", ["origin"])["outcome"] == "nothing"
    assert home.status()["remote"]["head"] == head  # type: ignore[index]


def test_a_capture_says_whether_there_is_news(home: Home, workplace: Alone) -> None:
    assert not workplace.capture()
    home.add("Alice")
    assert workplace.capture()
    assert not workplace.capture()
    home.file.write_text("{broken")
    assert workplace.capture()
    assert not workplace.capture()
    home.write("Alice")
    assert workplace.capture()


def test_what_another_process_wrote_is_seen_at_once(home: Home, workplace: Alone) -> None:
    home.add("Alice")
    workplace.synced("full", ["origin"])
    home.add("Bob")
    assert home.run("sync").returncode == 0
    assert not workplace.capture()
    assert workplace.synced("poll", ["origin"])["outcome"] == "nothing"


def test_a_change_of_the_file_alone_is_one_contact_with_the_hub(
    home: Home, workplace: Alone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written_by_git(home)
    take_in_after_a_poll(home, workplace)
    trace = traced(tmp_path / "trace", monkeypatch)
    assert workplace.synced("local", ["origin"])["published"]
    assert seen(trace) == ["push"]


def test_a_change_of_the_file_alone_starts_no_program_for_a_plain_hub_on_this_disk(
    home: Home, workplace: Alone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_in_after_a_poll(home, workplace)
    trace = tmp_path / "trace"
    monkeypatch.setenv("GIT_TRACE", str(trace))
    assert workplace.synced("local", ["origin"])["published"]
    assert not trace.exists()


def test_before_the_end_only_what_nobody_has_is_published(home: Home, workplace: Alone) -> None:
    home.add("Alice")
    workplace.synced("full", ["origin"])
    assert workplace.flushed() is None
    home.add("Bob")
    workplace.capture()
    document = workplace.flushed()
    assert document is not None
    assert document["published"]
