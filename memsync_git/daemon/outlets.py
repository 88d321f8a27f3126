"""What the daemon tells besides its pulse: its log, figures at an address, and a note when there is trouble.

Rule 1: all of it goes by the newest configuration; none of it keeps a round waiting.
Rule 2: where figures cannot be told, the daemon does not begin: a person asked for them.
"""

from __future__ import annotations

import logging
from contextlib import ExitStack
from typing import TYPE_CHECKING

from memsync_git.app.alerting import Alerts
from memsync_git.app.logbook import start_logging
from memsync_git.app.opening import Rooms

if TYPE_CHECKING:
    from memsync_git.metrics.endpoint import Endpoint

log = logging.getLogger("memsync_git.daemon")


class Outlets:
    """Open for a block. `metrics`: the address a person wrote for the figures, None for nowhere.

    Raises:
        Misused: at the beginning of the block, figures cannot be told at that address.
    """

    def __init__(self, rooms: Rooms, metrics: str | None) -> None:
        self.alerts = Alerts(rooms)
        self._rooms = rooms
        self._metrics = metrics
        self._open = ExitStack()

    def __enter__(self) -> Outlets:
        with ExitStack() as opened:
            endpoint = None if self._metrics is None else self._endpoint(self._metrics)
            if endpoint is not None:
                endpoint.start()
                opened.callback(endpoint.stop)
            self._log = opened.enter_context(start_logging(self._rooms, aloud=True))
            if endpoint is not None:
                log.info("Figures are told at port %d of %s.", endpoint.address.port, endpoint.address.host)
            self._open = opened.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def go_by(self, rooms: Rooms) -> None:
        """The configuration was read again."""
        self._rooms = rooms
        self._log.go_on(rooms)

    def _endpoint(self, wanted: str) -> Endpoint:
        from memsync_git.app import measuring
        from memsync_git.metrics.endpoint import Endpoint, address_of

        return Endpoint(
            address_of(wanted),
            metrics=lambda: measuring.metrics(self._rooms),
            health=lambda: measuring.health(self._rooms),
        )
