"""A round of the daemon, whatever becomes of it, in this process."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from memsync_git.app import App
from memsync_git.app.working import Workplace
from memsync_git.config import Places
from memsync_git.daemon.rounds import Rounds, outcomes_of
from memsync_git.documents import SyncDocument
from memsync_git.errors import Busy, MemsyncError, StoreDamaged
from memsync_git.pacing import RoundEnded, Sync
from memsync_git.remotes import ssh
from memsync_git.remotes.url import validate
from memsync_git.sync.order import Sighting
from tests.cli.machines import new_hub
from tests.daemon.machines import Home
from tests.git.contacts import seen, traced
from tests.git.processes import nothing_left_of, processes_about
from tests.git.sshd import Sshd

FULL, POLL = Sync("full", ("origin",)), Sync("poll", ("origin",))


class Failing(Workplace):
    """A workplace where every round raises."""

    error: Exception = KeyError("SECRET-OF-ALICE")

    def sync(self, reason: object, names: object) -> SyncDocument:
        raise self.error


@pytest.fixture
def home(tmp_path: Path) -> Home:
    found = Home(tmp_path / "laptop", str(new_hub(tmp_path / "hub.git")))
    found.init()
    return found


@pytest.fixture
def workplace(home: Home) -> Iterator[Workplace]:
    found = Workplace(home.app.rooms)
    yield found
    found.close()


def test_rounds_answer_the_pacer_and_say_what_they_came_to(home: Home, workplace: Workplace) -> None:
    rounds = Rounds(home.app.rooms, workplace)
    home.add("Alice")
    first, second = rounds.run(FULL), rounds.run(POLL)
    assert first.ended == RoundEnded({"origin": "well"}, active=True)
    assert second.ended == RoundEnded({"origin": "well"}, active=False)
    assert first.document is not None
    assert second.document is not None
    assert [first.document["outcome"], second.document["outcome"]] == ["accepted", "nothing"]


def test_a_bug_leaves_a_report_and_is_an_outcome_like_any_other(
    home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    ran = Rounds(home.app.rooms, Failing(home.app.rooms)).run(FULL)
    assert ran.ended == RoundEnded({"origin": "failed"}, active=False)
    (report,) = (home.path / "logs").glob("report-*.txt")
    assert "command: daemon" in report.read_text()
    document = ran.document
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
    ran = Rounds(home.app.rooms, workplace).run(FULL)
    assert ran.ended == RoundEnded({"origin": outcome}, active=False)  # type: ignore[dict-item]
    assert (ran.document is not None) is is_told
    assert list((home.path / "logs").glob("report-*.txt")) == []


def test_a_remote_that_was_not_spoken_to_is_no_success(home: Home, workplace: Workplace) -> None:
    document = workplace.sync("full", ["origin"])
    assert outcomes_of(document, ["origin", "backup"]) == {"origin": "well", "backup": "failed"}


def test_remotes_asked_each_in_its_own_time_are_a_success_together(home: Home, tmp_path: Path) -> None:
    home.set(remotes__second__kind="git", remotes__second__url=str(new_hub(tmp_path / "second.git")))
    workplace = Workplace(home.app.rooms)
    try:
        home.add("Alice")
        workplace.sync("full", ["origin", "second"])
        for name in ("origin", "second"):
            workplace.sync("poll", [name])
            assert last_went(home) == "well"
        (tmp_path / "second.git").rename(tmp_path / "gone.git")
        workplace.sync("poll", ["second"])
        workplace.sync("poll", ["origin"])
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
        workplace = Workplace(replace(app.rooms, keeps_connections=True))
        home.add("Alice")
        workplace.sync("full", ["origin"])
        home.add("Bob")
        workplace.sync("local", ["origin"])
        workplace.sync("poll", ["origin"])
        assert server.connections() == 1
        socket = ssh.socket_of(validate(server.url(Path(home.hub))), app.rooms.places.clone / ".git")
        assert processes_about(str(socket))
        workplace.close()
        assert nothing_left_of(str(socket))
    finally:
        server.stop()


def test_quiet_polls_count_as_looks(
    home: Home, workplace: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They end before a round begins; what they saw is remembered beside the session."""
    home.add("Alice")
    workplace.sync("full", ["origin"])
    session = workplace._session
    assert session is not None
    session.sightings = {"origin": Sighting(looked_ms=1)}
    workplace.sync("poll", ["origin"])
    home.add("Bob")
    workplace.capture()
    trace = traced(tmp_path / "trace", monkeypatch)
    workplace.sync("local", ["origin"])
    assert seen(trace) == ["push"]


def test_clones_are_collected_once_a_month(home: Home, workplace: Workplace) -> None:
    rounds = Rounds(home.app.rooms, workplace)
    home.add("Alice")
    rounds.run(FULL)
    rounds.collect()
    packs = set((home.path / "memory-backup-repo" / ".git" / "objects" / "pack").iterdir())
    assert packs
    home.add("Bob")
    rounds.run(FULL)
    rounds.collect()
    assert set((home.path / "memory-backup-repo" / ".git" / "objects" / "pack").iterdir()) == packs


# --- the place of work


def test_what_was_captured_before_a_round_is_counted_in_it_once(home: Home, workplace: Workplace) -> None:
    workplace.sync("full", ["origin"])
    home.add("Alice")
    workplace.capture()
    home.add("Bob")
    workplace.capture()
    assert workplace.sync("local", ["origin"])["local"] == {"added": 4, "removed": 0, "changed": 0}
    home.add("Carol")
    assert workplace.sync("local", ["origin"])["local"] == {"added": 2, "removed": 0, "changed": 0}


def test_a_quiet_poll_of_a_hub_on_this_disk_starts_no_program(
    home: Home, workplace: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.add("Alice")
    workplace.sync("full", ["origin"])
    trace = tmp_path / "trace"
    monkeypatch.setenv("GIT_TRACE", str(trace))
    assert workplace.sync("poll", ["origin"])["outcome"] == "nothing"
    assert not trace.exists()


def test_a_full_check_believes_nothing_and_makes_no_commit(home: Home, workplace: Workplace) -> None:
    home.add("Alice")
    workplace.sync("local", ["origin"])
    head = home.status()["remote"]["head"]  # type: ignore[index]
    assert workplace.sync("full", ["origin"])["outcome"] == "nothing"
    assert home.status()["remote"]["head"] == head  # type: ignore[index]


def test_a_capture_says_whether_there_is_news(home: Home, workplace: Workplace) -> None:
    assert not workplace.capture()
    home.add("Alice")
    assert workplace.capture()
    assert not workplace.capture()
    home.file.write_text("{broken")
    assert workplace.capture()
    assert not workplace.capture()
    home.write("Alice")
    assert workplace.capture()


def test_what_another_process_wrote_is_seen_at_once(home: Home, workplace: Workplace) -> None:
    home.add("Alice")
    workplace.sync("full", ["origin"])
    home.add("Bob")
    assert home.run("sync").returncode == 0
    assert not workplace.capture()
    assert workplace.sync("poll", ["origin"])["outcome"] == "nothing"


def test_a_change_of_the_file_alone_is_one_contact_with_the_hub(
    home: Home, workplace: Workplace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.add("Alice")
    workplace.sync("full", ["origin"])
    workplace.sync("poll", ["origin"])
    home.add("Bob")
    workplace.capture()
    trace = traced(tmp_path / "trace", monkeypatch)
    assert workplace.sync("local", ["origin"])["published"]
    assert seen(trace) == ["push"]


def test_before_the_end_only_what_nobody_has_is_published(home: Home, workplace: Workplace) -> None:
    home.add("Alice")
    workplace.sync("full", ["origin"])
    assert workplace.flush() is None
    home.add("Bob")
    workplace.capture()
    document = workplace.flush()
    assert document is not None
    assert document["published"]
