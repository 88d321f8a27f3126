"""`doctor`: what is wrong on this machine, and the one command that cures it.

    look at everything ─ (fix) cure what needs no decision, under the lock ─ look at it again ─ report

Rule 1: looking changes nothing. What is cured was found first, and is looked at again afterwards.
Rule 2: one check that cannot be made never hides another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from memsync_git.app.doctor.bundle import write_bundle
from memsync_git.app.doctor.case import Case
from memsync_git.app.doctor.finding import Finding, fail, ok, warn
from memsync_git.app.doctor.table import BEFORE_INIT, CHECKS, OF_A_STORE, Check
from memsync_git.app.opening import Rooms
from memsync_git.config import load
from memsync_git.documents import DoctorDocument, DoctorRow
from memsync_git.errors import Busy, MemsyncError
from memsync_git.stores.lock import round_lock
from memsync_git.values import replace
from memsync_git.words import SCHEMA_VERSION, Verdict

__all__ = ["Case", "Finding", "doctor", "examined"]

LOOK_WAIT_S = 2.0
FIX_WAIT_S = 10.0
GRAVEST_FIRST: Final[tuple[Verdict, ...]] = ("fail", "warn", "ok")
NOTHING_TO_CURE = ok("There is nothing --fix can cure, so nothing was changed")


def doctor(
    rooms: Rooms, *, fix: bool = False, bundle: str | None = None, executable: str = ""
) -> DoctorDocument:
    """Check everything; with `fix` cure what needs no decision; write a report to `bundle`.

    Raises:
        Busy: `fix`, and another round held the lock for ten seconds.
        Misused: the report cannot be written.
    """
    with alone(rooms, wait_s=FIX_WAIT_S if fix else LOOK_WAIT_S, required=fix) as is_alone:
        case = Case(rooms, executable=executable, is_alone=is_alone)
        table = BEFORE_INIT if case.identity is None else CHECKS
        found = [(name, check, examined(check, case)) for name, check in table]
        rows = [_row(name, finding) for name, _, finding in found]
        if fix:
            rows = _cured(found, lambda: Case(_as_it_is_now(rooms), executable=executable, is_alone=is_alone))
        if case.identity is not None:
            rows += _further_rows(_as_it_is_now(rooms), executable=executable, is_alone=is_alone)
        written = write_bundle(Path(bundle), rooms, found) if bundle else None
    return {"schema_version": SCHEMA_VERSION, "rows": rows, "bundle": written}


def _as_it_is_now(rooms: Rooms) -> Rooms:
    """The same installation; a cure may have changed its configuration."""
    return replace(rooms, configuration=load(rooms.places))


def _further_rows(rooms: Rooms, *, executable: str, is_alone: bool) -> Iterator[DoctorRow]:
    """A row for each store that was not looked at closely: the gravest of what there is to say of it."""
    for one in rooms.each()[1:]:
        case = Case(one, executable=executable, is_alone=is_alone)
        found = [examined(check, case) for name, check in CHECKS if name in OF_A_STORE]
        gravest = min(found, key=lambda finding: GRAVEST_FIRST.index(finding.verdict))
        closer = f"memsync-git doctor --store {one.store.name}"
        well = ok(f"{len(found)} checks, all is well")
        told = well if gravest.verdict == "ok" else replace(gravest, cure=closer, mend=None)
        yield _row(f"store {one.store.name}", told)
    for name in rooms.unadopted():
        never = "It stands in the configuration, but was never adopted"
        yield _row(f"store {name}", warn(never, f"memsync-git stores add {name}"))


@contextmanager
def alone(rooms: Rooms, *, wait_s: float, required: bool = False) -> Iterator[bool]:
    """Hold the lock of the round while the block runs; False if somebody else does.

    Nothing is created where nothing was set up. With `required` a taken lock is an error.

    Raises:
        Busy: `required`, and somebody else holds the lock.
    """
    with ExitStack() as stack:
        is_alone = True
        if rooms.places.state.is_dir():
            try:
                stack.enter_context(round_lock(rooms.lock_path, wait_s))
            except Busy:
                if required:
                    raise
                is_alone = False
        yield is_alone


def examined(check: Check, case: Case) -> Finding:
    """A check's finding; what it could not look at is a finding too."""
    try:
        return check(case)
    except MemsyncError as error:
        return fail(error.message.rstrip("."), error.hint)
    except OSError as error:
        return fail(f"It could not be looked at: {error.strerror or error}")


def _cured(found: Sequence[tuple[str, Check, Finding]], look_again: Callable[[], Case]) -> list[DoctorRow]:
    """Cure what can be cured, in order. A cure may cure what comes after it: that is looked at first."""
    rows: list[DoctorRow] = []
    changed: Case | None = None
    for name, check, before in found:
        finding = before if changed is None else examined(check, changed)
        if finding.verdict == "ok" or finding.mend is None:
            rows.append(_row(name, finding, fixed=finding.verdict == "ok" != before.verdict))
            continue
        done = _mended(finding)
        changed = look_again()
        rows.append(_row_after(name, finding, done, examined(check, changed)))
    return rows if changed is not None else [*rows, _row("cure", NOTHING_TO_CURE)]


def _mended(finding: Finding) -> str | MemsyncError:
    """Cure one finding: what was done, or why it could not be."""
    assert finding.mend is not None
    try:
        return finding.mend()
    except MemsyncError as error:
        return error


def _row_after(name: str, before: Finding, done: str | MemsyncError, after: Finding) -> DoctorRow:
    if isinstance(done, MemsyncError):
        return _row(name, replace(before, details=f"not cured: {done.message}", cure=done.hint))
    if after.verdict != "ok":
        return _row(name, after)
    return _row(name, ok(f"{before.evidence}: {done}"), fixed=True)


def _row(name: str, finding: Finding, *, fixed: bool = False) -> DoctorRow:
    cure = "" if finding.verdict == "ok" else finding.cure
    return {
        "check": name,
        "verdict": finding.verdict,
        "evidence": finding.told,
        "cure": cure,
        "curable": finding.verdict != "ok" and finding.mend is not None,
        "fixed": fixed,
    }
