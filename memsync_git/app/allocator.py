"""Memory we are done with is given back to the system.

    one arena ──▶ what a thread leaves, the others use          at the start of a daemon, and of `init`
    maps ───────▶ what is large goes back when it is let go     then, too; what is large differs
    trim ───────▶ pages nobody uses go back                     after each of its rounds, and a preview

Rule 1: economy, not correctness: only glibc is spoken to, and elsewhere nothing happens and nothing is said.
Rule 2: Python's own small objects are not affected; it is the buffers of files, of SQLite and of git's
answers that come and go with a round and leave holes behind.
"""

from __future__ import annotations

import sys
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import ctypes

M_ARENA_MAX: Final = -8
"""mallopt(3). By default there are eight arenas a core, each with its own holes; our threads take turns."""
M_MMAP_THRESHOLD: Final = -3
"""mallopt(3). Left to itself it rises to 32 MiB once something so large was let go, a memory file for one."""
M_TRIM_THRESHOLD: Final = -1
"""mallopt(3). By default 128 KiB that are free at the end are given back at once."""
SOME_LINES_BYTES: Final = 64 * 1024
"""Some lines of a memory file: of a whole memory that is worked through they come by hundreds, and go."""
SHARD_BYTES: Final = 256 * 1024
"""A shard of a memory of 100 000 entities. Where many records change all 256 pass by, one after another: if
each is mapped, the system fills 14 000 pages with zeros, a tenth of what taking the change in costs."""


def keep_together(large_bytes: int = SHARD_BYTES) -> None:
    """Have all threads to come use one arena, and none of them what is larger than that."""
    if (libc := _glibc()) is not None:
        libc.mallopt(M_ARENA_MAX, 1)
        libc.mallopt(M_MMAP_THRESHOLD, large_bytes)
        libc.mallopt(M_TRIM_THRESHOLD, 4 * large_bytes)


def give_back() -> None:
    """Return the pages that hold nothing; a millisecond or two."""
    if (libc := _glibc()) is not None:
        libc.malloc_trim(0)


@cache
def _glibc() -> ctypes.CDLL | None:
    """The C library of this process, if it is glibc."""
    if sys.platform != "linux":
        return None
    import ctypes

    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "gnu_get_libc_version") else None
