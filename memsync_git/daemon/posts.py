"""What can be told the daemon's main loop, besides the events of the Pacer."""

from __future__ import annotations

from memsync_git.app.opening import Rooms
from memsync_git.app.pulse import Pause
from memsync_git.pacing import Event
from memsync_git.values import dataclass


@dataclass(frozen=True, slots=True)
class Tick:
    """A second has passed."""


@dataclass(frozen=True, slots=True)
class Beat:
    """It is time to say that the daemon lives."""


@dataclass(frozen=True, slots=True)
class UpkeepDue:
    """It is time to see whether the clones are to be collected."""


@dataclass(frozen=True, slots=True)
class Wished:
    """What a person wishes, as it is stored."""

    pause: Pause | None


@dataclass(frozen=True, slots=True)
class Reload:
    """The configuration is to be read again."""


@dataclass(frozen=True, slots=True)
class Reloaded:
    """It was read again. `stores`: the installation seen from each store it serves now."""

    rooms: Rooms
    stores: tuple[Rooms, ...]


@dataclass(frozen=True, slots=True)
class Stop:
    """End in order."""


Post = Event | Tick | Beat | UpkeepDue | Wished | Reload | Reloaded | Stop
