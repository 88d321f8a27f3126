"""The troubles of this machine, store by store, as `alerts.py` tells them.

Rule 1: only what is stored is looked at, and nothing is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from memsync_git.alerts import Trouble, troubles_of
from memsync_git.app.picture import status
from memsync_git.errors import StoreDamaged

if TYPE_CHECKING:
    from memsync_git.app.opening import Rooms


def troubles(rooms: Rooms) -> dict[str, tuple[Trouble, ...]]:
    """The troubles of every store that is meant, by its name; one that cannot be read is a trouble too.

    Raises:
        Misused: this machine was never set up.
        Busy: a sync has a store for itself at this moment.
    """
    return {one.store.name: _of(one) for one in rooms.each()}


def _of(rooms: Rooms) -> tuple[Trouble, ...]:
    try:
        return troubles_of(status(rooms))
    except StoreDamaged:
        return ("store",)
