"""When Python looks for cycles of objects that nobody can reach.

Rule 1: never in the middle of a piece of work: a memory is millions of small values without any cycle, and
they would be gone through again and again while they come about. A command never does (`__main__`).
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let Python look for cycles only when the block has ended, if it did so before.

    Blocks of several threads may overlap: whoever began first lets it go on.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
