"""What keeps an idle daemon small: memory that is given back, and what is not imported."""

from __future__ import annotations

import subprocess
import sys

import pytest

from memsync_git.app import allocator
from tests.daemon.machines import ROOT

HOLES = """
import os
from memsync_git.app.allocator import give_back, keep_together

def resident_kib():
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024

keep_together()
held = [bytes(2000) for _ in range(20_000)]
pinned = bytes(2000)
del held
before = resident_kib()
give_back()
print(before - resident_kib())
"""

LIGHT = """
import sys
from queue import SimpleQueue
from memsync_git.daemon.timing import Timing

called = SimpleQueue()
timing = Timing({lambda: called.put(1): 0.05})
timing.start()
assert called.get(timeout=20) and called.get(timeout=20)
timing.close()
assert "asyncio" not in sys.modules, "asyncio"

import asyncio

async def answer():
    return 42

print(asyncio.run(answer()))
"""


def said_by(program: str) -> str:
    """What a Python of its own prints."""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.skipif(
    allocator._glibc() is None, reason="only glibc keeps holes and can be asked to give them back"
)
def test_the_holes_below_something_that_is_kept_are_given_back() -> None:
    assert int(said_by(HOLES)) > 20_000


def test_time_is_told_without_asyncio_which_can_still_be_imported_afterwards() -> None:
    assert said_by(LIGHT) == "42"
