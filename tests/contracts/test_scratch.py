"""What every scratch promises."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from memsync_git.formats import Scratch, scratch_in_memory
from memsync_git.local.scratch import ScratchFile, scratch_in

PLACES = ["memory", "disk", "a folder that is gone", "a disk that is full", "a disk that fills up"]


@pytest.fixture(params=PLACES)
def scratch(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Scratch]:
    with ExitStack() as closing:
        match request.param:
            case "memory":
                yield closing.enter_context(scratch_in_memory())
            case "disk":
                yield closing.enter_context(scratch_in(tmp_path))
            case "a folder that is gone":
                yield closing.enter_context(scratch_in(tmp_path / "gone"))
            case "a disk that is full":
                yield ScratchFile(closing.enter_context(open("/dev/full", "r+b", buffering=0)).fileno())
            case "a disk that fills up":
                most = resource.getrlimit(resource.RLIMIT_FSIZE)
                closing.callback(resource.setrlimit, resource.RLIMIT_FSIZE, most)
                closing.callback(signal.signal, signal.SIGXFSZ, signal.signal(signal.SIGXFSZ, signal.SIG_IGN))
                resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, most[1]))
                yield closing.enter_context(scratch_in(tmp_path))


def test_what_was_put_somewhere_lies_there(scratch: Scratch) -> None:
    pieces = [b"one", b"", b"\x00\xff\n", b"x" * 3_000_000, b"last"]
    for piece in pieces:
        scratch.put(piece)
    starts = [sum(map(len, pieces[:at])) for at in range(len(pieces))]
    for at in (3, 0, 4, 2, 1):
        assert scratch.at(starts[at], len(pieces[at])) == pieces[at]
    assert scratch.at(starts[3] + 1, 2) == b"xx"


def test_a_scratch_on_a_disk_leaves_nothing_there(tmp_path: Path) -> None:
    with scratch_in(tmp_path) as scratch:
        scratch.put(b"a memory")
        assert list(tmp_path.iterdir()) == []
    assert list(tmp_path.iterdir()) == []
