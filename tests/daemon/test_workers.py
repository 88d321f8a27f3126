"""A worker does one job after the other, and is known to be stuck when it is."""

from __future__ import annotations

import logging
from threading import Event

import pytest

from memsync_git.daemon.workers import Worker
from tests.daemon.machines import until


@pytest.fixture
def worker() -> Worker:
    return Worker("test")


def test_jobs_are_done_in_order_and_one_that_waits_already_is_not_repeated(worker: Worker) -> None:
    gate, done = Event(), list[str]()
    worker.post("first", gate.wait)
    for name in ("capture", "look", "capture"):
        worker.post(name, lambda name=name: done.append(name))  # type: ignore[misc]
    assert not worker.drained(0.01)
    gate.set()
    assert worker.drained(10)
    assert done == ["capture", "look"]


def test_a_job_that_fails_ends_alone_and_its_message_is_not_logged(
    worker: Worker, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)

    def fail() -> None:
        raise ValueError("SECRET-OF-ALICE")

    done = list[str]()
    worker.post("bad", fail)
    worker.post("good", lambda: done.append("good"))
    assert worker.drained(10)
    assert done == ["good"]
    assert "The job bad failed: ValueError at tests/daemon/test_workers.py" in caplog.text
    assert "SECRET-OF-ALICE" not in caplog.text


def test_who_is_not_heard_of_in_time_is_wedged_until_it_is(worker: Worker) -> None:
    begun, gate, over = Event(), Event(), Event()

    def hang() -> None:
        worker.expect(0.01)
        begun.set()
        gate.wait(10)
        worker.expect(60)
        over.set()

    worker.post("hang", hang)
    assert begun.wait(10)
    until(lambda: worker.is_wedged)
    gate.set()
    assert over.wait(10)
    assert worker.drained(10)
    assert not worker.is_wedged


def test_a_closed_worker_forgets_what_waits(worker: Worker) -> None:
    gate, done = Event(), list[str]()
    worker.post("first", gate.wait)
    worker.post("second", lambda: done.append("second"))
    worker.close()
    gate.set()
    assert worker.drained(10)
    assert done == []
