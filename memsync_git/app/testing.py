"""`memsync-git --test`: a manual run that changes nothing.

    look at every part ─ ask the remote ─ a whole round between copies ─ what a real sync would change

Rule 1: the memory file, its witness, the stores, the remote and what people see of the clone stay as they
are; only objects come into the clone, as with every fetch.
Rule 2: a step that cannot be tried says why and what to do; it never stops those after it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from memsync_git.app.doctor import alone, examined, file, machine, place, remote, service, store
from memsync_git.app.doctor.case import Case
from memsync_git.app.doctor.finding import Finding, counted, fail, ok, warn
from memsync_git.app.opening import Rooms, not_set_up
from memsync_git.app.parts import host_parts, machines, preview_of
from memsync_git.app.rehearsal import rehearse
from memsync_git.app.resting import LookedAt
from memsync_git.app.syncing import would
from memsync_git.app.trial import try_out
from memsync_git.documents import PreviewDocument, SelfTestDocument, SelfTestRow
from memsync_git.ports import Snapshot
from memsync_git.replica import Replica
from memsync_git.sync import RoundOptions
from memsync_git.values import dataclass
from memsync_git.words import SCHEMA_VERSION

if TYPE_CHECKING:
    from memsync_git.documents import ChangePart, HostPart

LOCK_WAIT_S = 2.0
DOCTOR = "memsync-git doctor"
NEXT_SYNC = "next sync"

Step = tuple[str, Callable[[Case], Finding]]


@dataclass(frozen=True, slots=True)
class Forecast:
    """What the next sync of one store would change, and the other machines that take part in it."""

    machines: Sequence[HostPart]
    up: Sequence[ChangePart]
    down: Sequence[ChangePart]


def self_test(rooms: Rooms, *, executable: str = "") -> SelfTestDocument:
    """Try everything out; see the module.

    Raises:
        Misused: this machine was never set up.
    """
    first, *further = rooms.on_one_visit().each()
    forecasts: list[Forecast] = []
    with alone(rooms, wait_s=LOCK_WAIT_S) as is_alone:
        case = Case(first, executable=executable, is_alone=is_alone)
        if case.identity is None:
            raise not_set_up()
        rows = _tried(case, STEPS, forecasts)
        if further:
            rows = [_of_store(row, first.store.name) if row["name"] in OF_A_STORE else row for row in rows]
        for one in further:
            steps = tuple(step for step in STEPS if step[0] in OF_A_STORE)
            again = _tried(Case(one, executable=executable, is_alone=is_alone), steps, forecasts)
            rows += [_of_store(row, one.store.name, f"{row['name']} {one.store.name}") for row in again]
    rows += [_unadopted(name) for name in rooms.unadopted()]
    return {
        "schema_version": SCHEMA_VERSION,
        "rows": rows,
        "preview": _preview(forecasts) if forecasts else None,
    }


def _tried(case: Case, steps: Sequence[Step], forecasts: list[Forecast]) -> list[SelfTestRow]:
    """The rows of one store; what a sync of it would change is added to the forecasts."""
    rows = [_timed(name, partial(examined, check, case)) for name, check in steps]
    return [*rows, _timed(NEXT_SYNC, partial(examined, partial(_foreseen, forecasts), case))]


def _of_store(row: SelfTestRow, store: str, name: str = "") -> SelfTestRow:
    return {**row, "store": store, "name": name or row["name"]}


def _unadopted(store: str) -> SelfTestRow:
    return {
        "name": f"store {store}",
        "store": store,
        "verdict": "warn",
        "detail": "It stands in the configuration, but was never adopted",
        "ms": 0,
        "hint": f"memsync-git stores add {store}",
    }


def _timed(name: str, look: Callable[[], Finding]) -> SelfTestRow:
    began_s = time.monotonic()
    found = look()
    return {
        "name": name,
        "verdict": found.verdict,
        "detail": found.told,
        "ms": round((time.monotonic() - began_s) * 1000),
        "hint": "" if found.verdict == "ok" else found.cure or DOCTOR,
    }


# --- the steps that are not checks of `doctor`


def permissions(case: Case) -> Finding:
    """Owners first, then whether this account may write, then who else may look."""
    return _first_trouble(place.owners(case), place.writable(case), place.modes(case))


def memory_file(case: Case) -> Finding:
    """What stands there, and then what it says."""
    return _first_trouble(file.readable(case), file.contents(case))


def _first_trouble(*found: Finding) -> Finding:
    """The worst of several findings; the last one where all is well."""
    for verdict in ("fail", "warn"):
        for finding in found:
            if finding.verdict == verdict:
                return finding
    return found[-1]


def trial(case: Case) -> Finding:
    """A whole round on copies, with a second machine."""
    if not isinstance(case.replica, Replica):
        return warn("Not tried: there is no replica to copy", DOCTOR)
    if not isinstance(case.reading, Snapshot) or file.contents(case).verdict != "ok":
        return warn("Not tried: the memory file has to be sound for it", DOCTOR)
    fetched = next((outcome for _, outcome in case.fetched), None)
    fragments = fetched.fragments if fetched is not None else case.replica.state.fragments().values()
    tried = try_out(case.rooms, fragments, fetched.on_main if fetched is not None else {})
    if tried.problem:
        return fail(f"On copies, {tried.problem}", DOCTOR)
    return ok(f"two machines wrote and agreed, over a copy of {counted(tried.records, 'record')}")


def _foreseen(forecasts: list[Forecast], case: Case) -> Finding:
    """What a real sync would change, found by rehearsing one."""
    if not isinstance(case.replica, Replica):
        return warn("Not rehearsed: there is no replica to copy", DOCTOR)
    asked = [LookedAt(found, outcome) for found, outcome in case.remotes.values()]
    rehearsed = rehearse(case.rooms, RoundOptions(), asked)
    changes = would(rehearsed)
    others = [part for part in host_parts(rehearsed.replica) if part["id"] != rehearsed.replica.rid]
    forecasts.append(Forecast(others, changes["up"], changes["down"]))
    if rehearsed.report.file_reason:
        return warn(rehearsed.report.file_reason.rstrip("."), rehearsed.report.file_hint)
    up, down = counted(len(changes["up"]), "change"), counted(len(changes["down"]), "change")
    return ok(f"would publish {up} and bring {down} to the file")


def _preview(forecasts: Sequence[Forecast]) -> PreviewDocument:
    up = [change for each in forecasts for change in each.up]
    changes = [*(change for each in forecasts for change in each.down), *up]
    action = f"memsync-git sync  would publish {len(up)} and bring {len(changes) - len(up)} to the file"
    return preview_of(
        action, changes, machines=machines(host for each in forecasts for host in each.machines)
    )


STEPS: tuple[Step, ...] = (
    ("configuration", machine.configuration),
    ("git", machine.git),
    ("identity", store.identity),
    ("store", store.store),
    ("permissions", permissions),
    ("memory file", memory_file),
    ("format", file.shape),
    ("clone", remote.clone),
    ("fetch", remote.reach),
    ("push", remote.push),
    ("lock", machine.lock),
    ("service", service.service),
    ("clock", machine.clock),
    ("trial round", trial),
)

OF_A_STORE = ("store", "permissions", "memory file", "format", "trial round", NEXT_SYNC)
"""The steps that are tried in every store; the others are about this machine."""
