"""What runs syncs without a person on this machine: installed, removed, started, stopped, and told.

    the better services first ─ the first one that takes it ─ cron beside it, to take over

Rule 1: one service keeps the daemon; the cron line stays beside it and does nothing while the daemon lives.
Rule 2: a machine that offers no service is no failure for `init` and `setup_machine.py`: it is told so.
Rule 3: names of services stand in `services.table`, what is to be known about them in `app.standing`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from memsync_git.app.opening import Rooms
from memsync_git.app.signs import signs_of
from memsync_git.app.standing import Standing
from memsync_git.app.telling import notice
from memsync_git.config import Places
from memsync_git.documents import DaemonPart, NoticePart
from memsync_git.errors import Misused
from memsync_git.ports import Installed, Removed, Service, Unserved
from memsync_git.services.table import SERVICES, Program, suited
from memsync_git.values import dataclass, replace

# --- which


def program(rooms: Rooms, executable: str) -> Program:
    """What the services of this installation run; `executable` is an absolute path, empty where unknown."""
    return program_at(rooms.places, executable, rooms.configuration.sync.cron_interval_min)


def program_at(places: Places, executable: str, interval_min: int) -> Program:
    """The same without a configuration."""
    return Program(executable, interval_min, str(places.home) if places.home else None)


def offered(program: Program, kind: str | None = None, *, platform: str = sys.platform) -> list[Service]:
    """The services this platform may have, the better ones first; only that of a `kind`.

    Raises:
        Misused: there is no service of this kind, or not here.
    """
    rows = suited(platform)
    if kind is None:
        return [row.make(program) for row in rows]
    found = [row.make(program) for row in rows if row.name == kind]
    if found:
        return found
    known = any(row.name == kind for row in SERVICES)
    raise Misused(
        f"{kind} is for other machines than this." if known else f"There is no service {kind!r}",
        unharmed="Nothing was changed.",
        hint=f"The services of this machine are {', '.join(row.name for row in rows) or 'none'}",
    )


# --- looking


def looked_at(program: Program) -> list[Standing]:
    """Every service as it stands; changes nothing."""
    return [_standing(each, is_placed=bool(program.executable)) for each in offered(program)]


def _standing(service: Service, *, is_placed: bool) -> Standing:
    installed = service.status()
    if not isinstance(installed, Installed):
        return Standing(service.name, service.keeps_daemon, installed)
    if not is_placed:  # there is nothing to compare it with
        installed = replace(installed, is_current=True)
    daemon = service.running() if service.keeps_daemon else None
    return Standing(service.name, service.keeps_daemon, installed, daemon, service.begins())


def daemon_part(rooms: Rooms) -> DaemonPart:
    """The daemon by its own signs of life, whoever started it."""
    with rooms.reading() as installation:
        return signs_of(installation).daemon_part()


# --- installing and removing


@dataclass(frozen=True, slots=True)
class Served:
    """What was installed: the service that took it, and the one that would take over.

    `refusals`: why a better one, or the fallback, is not there although the machine has it.
    """

    service: Service
    installed: Installed
    fallback: Installed | None
    refusals: tuple[Unserved, ...]

    @property
    def changed(self) -> bool:
        """Whether anything stands there that did not before."""
        return self.installed.changed or (self.fallback is not None and self.fallback.changed)


def serve(program: Program, kind: str | None = None) -> Served | Unserved:
    """Install the best service that takes it, or that of a `kind`, with a fallback beside a daemon.

    Raises:
        Misused: there is no such kind.
    """
    refusals: list[Unserved] = []
    for service in offered(program, kind):
        match service.install():
            case Installed() as installed:
                fallback, refused_beside = _beside(service, offered(program))
                known = [each for each in (*refusals, *refused_beside) if not each.lacks_tool]
                return Served(service, installed, fallback, tuple(known))
            case Unserved() as refused:
                refusals.append(refused)
    return _together(refusals)


def _beside(chosen: Service, every: Sequence[Service]) -> tuple[Installed | None, list[Unserved]]:
    """Take away what would keep a second daemon; beside a daemon, install what takes over if it dies.

    What takes over, and what was refused.
    """
    fallback: Installed | None = None
    refusals: list[Unserved] = []
    for other in every:
        if other.name == chosen.name or not (other.keeps_daemon or chosen.keeps_daemon):
            continue
        match other.remove() if other.keeps_daemon else other.install():
            case Installed() as installed:
                fallback = installed
            case Unserved() as refused:
                refusals.append(refused)
            case Removed():
                pass
    return fallback, refusals


def _together(refusals: Sequence[Unserved]) -> Unserved:
    """Several refusals as one."""
    if not refusals:
        return Unserved("This platform has no service that memsync-git knows.", "memsync-git sync")
    missing = all(each.lacks_tool for each in refusals)
    return Unserved(" ".join(each.reason for each in refusals), refusals[-1].hint, lacks_tool=missing)


def would_serve(rooms: Rooms, executable: str) -> NoticePart:
    """What `serve` would try first; nothing is installed."""
    answering = [each for each in looked_at(program(rooms, executable)) if each.is_offered]
    if not answering:
        return notice("This machine offers nothing that would sync by itself.")
    best, *others = answering
    if not best.keeps_daemon:
        return notice(f"{best.name} would begin a sync now and then.")
    after = ", and ".join(each.name for each in others if not each.keeps_daemon)
    beside = f", and {after} would take over if it dies" if after else ""
    return notice(f"{best.name} would keep a daemon running{beside}.")


def unserve(program: Program, kind: str | None = None) -> tuple[list[str], list[Unserved]]:
    """Remove every service of ours, or that of a `kind`: the names of those that were there, and what stays.

    Raises:
        Misused: there is no such kind.
    """
    gone: list[str] = []
    stay: list[Unserved] = []
    for service in offered(program, kind):
        match service.remove():
            case Removed(changed):
                gone += [service.name] if changed else []
            case Unserved() as refused:
                stay += [] if refused.lacks_tool else [refused]
    return gone, stay


def told(refusals: Sequence[Unserved]) -> tuple[NoticePart, ...]:
    """What was refused, as notices."""
    return tuple(notice(each.reason, hint=each.hint) for each in refusals)


def renew(rooms: Rooms, executable: str) -> list[NoticePart]:
    """Bring installed services in step with a configuration that changed; what there is to know of it."""
    notices: list[NoticePart] = []
    for service in offered(program(rooms, executable)):
        before = service.status()
        if not isinstance(before, Installed) or before.is_current:
            continue
        match service.renew():
            case Installed(what, changed=True):
                notices.append(notice(f"{service.name} runs this now: {what}"))
            case Unserved() as refused:
                notices += told([refused])
            case _:
                pass  # it serves another installation
    return notices
