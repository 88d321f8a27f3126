"""How the services of this machine stand, and what a person should know and do about it.

Rule 1: pure. Services and the daemon's pulse are asked elsewhere (`app.serving`); here they are values.
Rule 2: a service that says "running" is not believed against a pulse that stopped: a wedged daemon runs.
Rule 3: nothing here is a failure. A machine without a service works; a person syncs by hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from memsync_git.app.pulse import FRESH_FOR_S
from memsync_git.ports import (
    AtLogin,
    Beginning,
    ByHand,
    DaemonStanding,
    Installed,
    Running,
    ServiceStanding,
    Stopped,
    Unserved,
)
from memsync_git.values import dataclass
from memsync_git.words import Verdict

INSTALL = "memsync-git service install"
START = "memsync-git service start"
RESTART = "memsync-git service restart"


@dataclass(frozen=True, slots=True)
class Standing:
    """One service as it stands. `daemon` and `begins` are None where nothing of ours is installed in it,
    `daemon` also where it keeps none.
    """

    name: str
    keeps_daemon: bool
    installed: ServiceStanding
    daemon: DaemonStanding | None = None
    begins: Beginning | None = None

    @property
    def is_installed(self) -> bool:
        return isinstance(self.installed, Installed)

    @property
    def is_offered(self) -> bool:
        """Whether this machine has the service."""
        return not isinstance(self.installed, Unserved)


@dataclass(frozen=True, slots=True)
class Judgement:
    """A sentence without its period, and the one command that mends it; empty where all is well.

    `install`: installing anew mends it, which needs no decision of a person; `kind` is what to install.
    """

    verdict: Verdict
    sentence: str
    cure: str = ""
    install: bool = False
    kind: str | None = None


def judged(standings: Sequence[Standing], *, is_beating: bool) -> Judgement:
    """The first thing to know about services, the gravest first."""
    trouble = next(_troubles(standings, is_beating=is_beating), None)
    return trouble if trouble is not None else Judgement("ok", praise(standings))


def praise(standings: Iterable[Standing]) -> str:
    """What syncs by itself."""
    installed = [each for each in standings if each.is_installed]
    keepers = [each.name for each in installed if each.keeps_daemon]
    timers = [each.name for each in installed if not each.keeps_daemon]
    if not keepers:
        return f"{_and(timers)} begins a sync now and then"
    after = f", and {_and(timers)} takes over if it dies" if timers else ""
    return f"{_and(keepers)} keeps the daemon running{after}"


def _troubles(standings: Sequence[Standing], *, is_beating: bool) -> Iterator[Judgement]:
    installed = [each for each in standings if each.is_installed]
    if not installed:
        yield _nothing(standings)
        return
    keepers = [each for each in installed if each.keeps_daemon]
    if len(keepers) > 1:
        yield _mended(f"{_and([each.name for each in keepers])} keep a daemon each; one is enough")
    for each in installed:
        if isinstance(each.installed, Installed) and not each.installed.is_current:
            said = f"What {each.name} runs is not what the configuration says"
            yield _mended(said, kind=None if keepers else each.name)
    for keeper in keepers:
        yield from _daemon_troubles(keeper, is_beating=is_beating)
    if keepers:
        yield from _no_fallback(standings)


def _nothing(standings: Sequence[Standing]) -> Judgement:
    """Nothing is installed: either it could be, or the machine offers nothing, or something is in the way."""
    if any(each.is_offered for each in standings):
        return _mended("Nothing syncs by itself")
    reasons = [each.installed for each in standings if isinstance(each.installed, Unserved)]
    told = " ".join(each.reason for each in reasons)
    return Judgement(
        "warn", told.rstrip(".") or "Nothing syncs by itself", reasons[-1].hint if reasons else ""
    )


def _daemon_troubles(keeper: Standing, *, is_beating: bool) -> Iterator[Judgement]:
    match keeper.daemon:
        case Stopped(_, reason):
            how = f": {reason}" if reason else ""
            yield Judgement("warn", f"The daemon that {keeper.name} keeps does not run{how}", START)
        case Running(_, _, since_s) if not is_beating and not is_young(since_s):
            said = f"{keeper.name} says that the daemon runs, but it gives no sign of life"
            yield Judgement("warn", said, RESTART)
        case Unserved(reason, hint):
            yield Judgement("warn", reason.rstrip("."), hint)
        case _:
            pass
    match keeper.begins:
        case ByHand():
            yield _mended(f"{keeper.name} does not begin the daemon by itself")
        case AtLogin(hint) if hint:
            yield Judgement("warn", "The daemon begins when you log in and ends when you log out", hint)
        case _:
            pass


def is_young(since_s: float | None) -> bool:
    """Whether a daemon may not have had the time to give a sign of life."""
    return since_s is not None and since_s < FRESH_FOR_S


def _no_fallback(standings: Iterable[Standing]) -> Iterator[Judgement]:
    """A daemon that dies should not be the end of it, where there is something that could take over."""
    timers = [each for each in standings if not each.keeps_daemon and each.is_offered]
    if timers and not any(each.is_installed for each in timers):
        yield _mended(f"{timers[0].name} would not take over if the daemon dies")


def _mended(sentence: str, *, kind: str | None = None) -> Judgement:
    """What installing mends: the best there is, or just that of a `kind`, where a person chose it alone."""
    cure = f"{INSTALL} --kind {kind}" if kind else INSTALL
    return Judgement("warn", sentence, cure, install=True, kind=kind)


def _and(names: Sequence[str]) -> str:
    return " and ".join(names)
