"""What stands in a file at this moment, as a digest: enough to see that nothing changed.

Rule 1: nothing heavy is imported: a quiet `sync` is mostly the start of its programs.
Rule 2: like every reading: links are not followed, nothing but a regular file is opened for long.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from hashlib import sha256
from pathlib import Path

DIGEST_CHARS = 32

_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def digest_of_file(path: Path, *, max_bytes: int) -> str | None:
    """The digest of a regular file of at most `max_bytes`; None for anything else, or nothing."""
    with suppress(OSError):
        descriptor = os.open(path, _FLAGS)
        with os.fdopen(descriptor, "rb") as file:
            about = os.fstat(descriptor)
            if stat.S_ISREG(about.st_mode) and about.st_size <= max_bytes:
                return digest(file.read(max_bytes + 1))
    return None


def digest(data: bytes) -> str:
    """A short name for some bytes."""
    return sha256(data).hexdigest()[:DIGEST_CHARS]
