"""`memsync-git service`: the services of this machine, as documents.

Rule 1: what is done is told as it stands afterwards, never as it was meant.
Rule 2: what a service refuses ends the command; what it refuses on the way to another is a notice.
"""

from __future__ import annotations

from memsync_git.app.opening import Rooms, not_set_up
from memsync_git.app.serving import Served, daemon_part, looked_at, offered, program, serve, told, unserve
from memsync_git.app.standing import INSTALL, Standing, judged
from memsync_git.documents import BeginsWord, NoticePart, ServiceAction, ServiceDocument, ServicePart
from memsync_git.errors import MemsyncError, Misused
from memsync_git.ports import (
    AtLogin,
    Beginning,
    ByHand,
    DaemonStanding,
    Installed,
    Removed,
    Running,
    Service,
    Stopped,
    Unserved,
    WithMachine,
)
from memsync_git.services.table import Program
from memsync_git.values import dataclass
from memsync_git.words import SCHEMA_VERSION

WHY = "memsync-git doctor  looks for what stands in its way"


@dataclass(frozen=True, slots=True)
class Done:
    """What an action did. `is_fresh`: a daemon was begun just now, so its sign of life is on its way."""

    changed: bool = False
    is_fresh: bool = False
    notices: tuple[NoticePart, ...] = ()


def tend(rooms: Rooms, executable: str, action: ServiceAction, kind: str | None = None) -> ServiceDocument:
    """Look at the services, or change something about them (all, or that of a `kind`).

    Raises:
        Misused: no such kind; to install: not set up yet, or no place a service could call.
        MemsyncError: no service takes it, nothing is installed that could be started or stopped, or the
        daemon did not come up.
    """
    ours = program(rooms, executable)
    match action:
        case "status":
            done = Done()
        case "install":
            done = _installed(rooms, ours, kind)
        case "uninstall":
            done = _uninstalled(ours, kind)
        case "start":
            done = _begun(_keeper(ours, kind).start())
        case "restart":
            done = _begun(_keeper(ours, kind).restart())
        case "stop":
            done = _ended(_keeper(ours, kind).stop())
    return _document(rooms, ours, action, done)


def _installed(rooms: Rooms, ours: Program, kind: str | None) -> Done:
    if rooms.identity() is None:
        raise not_set_up()
    if not ours.executable:
        raise Misused(
            "It is not known where the program memsync-git stands, so no service could call it.",
            unharmed="Nothing was changed.",
            hint="python3 setup_machine.py  installs it",
        )
    match serve(ours, kind):
        case Unserved() as refused:
            raise _refusal(refused)
        case Served() as served:
            return Done(served.changed, is_fresh=True, notices=told(served.refusals))


def _uninstalled(ours: Program, kind: str | None) -> Done:
    gone, stay = unserve(ours, kind)
    if stay:
        harm = f"Removed: {', '.join(gone)}" if gone else "Nothing was changed."
        raise MemsyncError(" ".join(each.reason for each in stay), unharmed=harm, hint=stay[0].hint)
    return Done(changed=bool(gone))


def _begun(outcome: DaemonStanding) -> Done:
    match outcome:
        case Running(changed):
            return Done(changed, is_fresh=changed)
        case Stopped(_, reason):
            raise MemsyncError(
                f"The daemon did not come up: {reason or 'it ended at once'}",
                unharmed="Your memory was not touched.",
                hint=WHY,
            )
        case Unserved() as refused:
            raise _refusal(refused)


def _ended(outcome: Stopped | Unserved) -> Done:
    match outcome:
        case Stopped(changed):
            return Done(changed)
        case Unserved() as refused:
            raise _refusal(refused)


def _refusal(refused: Unserved) -> MemsyncError:
    return MemsyncError(refused.reason, unharmed="Nothing was changed.", hint=refused.hint)


def _keeper(ours: Program, kind: str | None) -> Service:
    """The installed service to be started or stopped: one that keeps a daemon, if there is one."""
    installed = [each for each in offered(ours, kind) if isinstance(each.status(), Installed)]
    keeper = next((each for each in installed if each.keeps_daemon), next(iter(installed), None))
    if keeper is not None:
        return keeper
    raise MemsyncError(
        "No service of memsync-git is installed.", unharmed="Nothing was changed.", hint=INSTALL
    )


# --- telling


def _document(rooms: Rooms, ours: Program, action: ServiceAction, done: Done) -> ServiceDocument:
    """Everything as it stands after an action."""
    standings = looked_at(ours)
    daemon = daemon_part(rooms)
    judgement = judged(standings, is_beating=daemon["running"] or done.is_fresh)
    return {
        "schema_version": SCHEMA_VERSION,
        "action": action,
        "changed": done.changed,
        "verdict": judgement.verdict,
        "sentence": judgement.sentence,
        "next": judgement.cure,
        "services": [_part(each) for each in standings],
        "daemon": daemon,
        "notices": list(done.notices),
    }


def _part(standing: Standing) -> ServicePart:
    part: ServicePart = {
        "name": standing.name,
        "keeps_daemon": standing.keeps_daemon,
        "offered": standing.is_offered,
        "installed": standing.is_installed,
        "what": None,
        "current": None,
        "running": None,
        "pid": None,
        "begins": None,
        "reason": "",
        "hint": "",
    }
    match standing.installed:
        case Installed(what, _, is_current):
            part["what"], part["current"] = what, is_current
        case Unserved(reason, hint):
            part["reason"], part["hint"] = reason, hint
        case Removed():
            pass
    match standing.daemon:
        case Running(_, pid):
            part["running"], part["pid"] = True, pid
        case Stopped(_, reason):
            part["running"], part["reason"] = False, reason
        case Unserved(reason, hint):
            part["reason"], part["hint"] = reason, hint
        case None:
            pass
    part["begins"] = _begins_word(standing.begins)
    return part


def _begins_word(begins: Beginning | None) -> BeginsWord | None:
    match begins:
        case WithMachine():
            return "boot"
        case AtLogin():
            return "login"
        case ByHand():
            return "hand"
        case Unserved() | None:
            return None
