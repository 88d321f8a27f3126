"""`pause` and `resume`: a person's wish, kept where daemon and cron look before they sync by themselves."""

from __future__ import annotations

from memsync_git.app.clocks import SystemClock
from memsync_git.app.opening import Rooms, not_set_up
from memsync_git.app.pulse import Pause
from memsync_git.app.signs import signs_of
from memsync_git.app.times import timestamp
from memsync_git.documents import PauseDocument
from memsync_git.words import SCHEMA_VERSION


def pause(rooms: Rooms, for_ms: int | None) -> PauseDocument:
    """Let nothing sync by itself for so long; None: until `resume`.

    Raises:
        Misused: this machine was never set up.
    """
    until_ms = None if for_ms is None else SystemClock().wall_ms() + for_ms
    return _wished(rooms, Pause(until_ms))


def resume(rooms: Rooms) -> PauseDocument:
    """Let everything sync by itself again.

    Raises:
        Misused: this machine was never set up.
    """
    return _wished(rooms, None)


def _wished(rooms: Rooms, wish: Pause | None) -> PauseDocument:
    if rooms.identity() is None:
        raise not_set_up()
    with rooms.installation() as installation:
        installation.note_pause(wish)
        signs = signs_of(installation)
    return {
        "schema_version": SCHEMA_VERSION,
        "paused": wish is not None,
        "until": None if wish is None else timestamp(wish.until_ms),
        "daemon": signs.daemon_part(),
    }
