"""What runs syncs without a person on this machine."""

from __future__ import annotations

from memsync_git.app.opening import Rooms
from memsync_git.services.cron import CronService


def cron(rooms: Rooms, executable: str) -> CronService:
    """The cron line of this installation; `executable` is the absolute path it would call."""
    home = rooms.places.home
    minutes = rooms.configuration.sync.cron_interval_min
    return CronService(executable, minutes, str(home) if home else None)
