"""The machine's own clock, and where its tokens come from.

Rule 1: `status` reads the clock, so nothing is imported here that it does not need.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_BOOT_GRAIN_S = 10
_WITH_SLEEP = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))
"""Linux has a clock of its own for that; on macOS the monotonic one goes on in sleep."""


class SystemClock:
    """`ports.Clock` of this machine."""

    def wall_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic_s(self) -> float:
        return time.monotonic()

    def elapsed_s(self) -> float:
        """Seconds that never go back and, where the system can tell, go on while the machine sleeps."""
        return time.monotonic() if _WITH_SLEEP is None else time.clock_gettime(_WITH_SLEEP)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def boot_id(self) -> str:
        with suppress(OSError):
            return _BOOT_ID.read_text("ascii").strip()
        booted_s = time.time() - time.clock_gettime(time.CLOCK_MONOTONIC)
        return f"booted-{round(booted_s / _BOOT_GRAIN_S)}"


class SystemChance:
    """`ports.Chance` of this machine."""

    def token(self) -> str:
        return os.urandom(8).hex()
