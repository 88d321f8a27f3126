"""How long this machine takes to read a whole file, told by a sample.

Rule 1: it is measured where nothing was read before: what is known of a file never shortens it (model page,
section 7).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from memsync_git.filebytes import FileBytes
    from memsync_git.ports import Clock

SAMPLE_BYTES = 64 * 1024
"""A millisecond or two of reading."""
SAMPLES = 2
"""The quicker one counts: in the other something may have come in between."""
MIB = 1 << 20


class Pace:
    """What was measured so far."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sampled_bytes, self._ms_per_mib = 0, 0.0

    def measure(self, data: FileBytes, read: Callable[[bytes], object]) -> None:
        """Find out how long reading takes.

        Once more where the last sample was much smaller and says little: of a few bytes all is overhead.
        """
        sample = data[:SAMPLE_BYTES]
        if len(sample) > 2 * self._sampled_bytes:
            spent_s = min(self._spent_s(sample, read) for _ in range(SAMPLES))
            self._ms_per_mib, self._sampled_bytes = spent_s * 1000 * MIB / len(sample), len(sample)

    def _spent_s(self, sample: bytes, read: Callable[[bytes], object]) -> float:
        began_s = self._clock.monotonic_s()
        read(sample)
        return self._clock.monotonic_s() - began_s

    def ms_for(self, size: int) -> float:
        """How long reading so many bytes takes, in milliseconds."""
        return self._ms_per_mib * size / MIB
