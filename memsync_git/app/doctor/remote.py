"""Checks of the clone and of the remotes: whether they answer, take, and can be read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from memsync_git.app.doctor.case import NOT_ALONE, Case
from memsync_git.app.doctor.finding import FIX, Finding, counted, fail, listed, ok, warn
from memsync_git.app.doctor.mending import renew_clone, sweep_clone
from memsync_git.app.planning import IS_PUBLIC
from memsync_git.config import RemoteSettings
from memsync_git.model import Rid
from memsync_git.ports import Accepted, Fetched, Refused, Stale, Unreachable
from memsync_git.remotes.survey import is_public, seen_by_anybody
from memsync_git.remotes.url import validate
from memsync_git.replica import Replica
from memsync_git.sync.round import NEWER_FORMAT, UPGRADE

AGAIN = "run the command again when the other round has ended"


def configured(case: Case) -> Finding:
    """Whether there is anywhere to publish to."""
    remotes = case.rooms.configuration.remotes
    if not remotes:
        return fail("No remote is configured, so nothing leaves this machine", "memsync-git init")
    return ok(listed(each.name for each in remotes))


def clone(case: Case) -> Finding:
    """Whether git finds the clone sound. Looked at before anything is fetched, which would mend it."""
    remote = next(iter(case.rooms.configuration.remotes), None)
    if remote is None or not case.is_alone:
        return ok("no remote") if remote is None else warn(NOT_ALONE, AGAIN)
    found = case.clone(remote)
    if not found.is_there():
        return ok("not made yet: the next sync makes it")
    wrong = found.complaint()
    if not wrong:
        return ok(str(found.path))
    return fail(
        f"The clone {found.path} is damaged: {wrong.splitlines()[0]}",
        f"{FIX}  sets it aside and fetches it anew",
        mend=lambda: renew_clone(case.rooms, found),
    )


def clone_leftovers(case: Case) -> Finding:
    """Locks and temporary files that killed git commands left in the clone."""
    remote = next(iter(case.rooms.configuration.remotes), None)
    if remote is None or not case.is_alone:
        return ok("no remote") if remote is None else warn(NOT_ALONE, AGAIN)
    found = case.clone(remote)
    left = found.abandoned()
    if not left:
        return ok("none")
    told = (
        f"{counted(len(left), 'file', 'files')} of killed git commands in the clone: {listed(_names(left))}"
    )
    return warn(told, f"{FIX}  removes them", mend=lambda: sweep_clone(found))


def _names(paths: list[Path]) -> Iterator[str]:
    return (path.name for path in paths)


def reach(case: Case) -> Finding:
    """Whether every remote answers."""
    if not case.is_alone:
        return warn(NOT_ALONE, AGAIN)
    for settings in case.rooms.configuration.remotes:
        match case.remotes[settings.name][1]:
            case Unreachable(reason):
                return fail(f"{settings.name} cannot be reached: {reason}", _look_at(settings))
            case Refused(reason):
                return fail(f"{settings.name} refused: {reason}", _look_at(settings))
            case Fetched():
                pass
    return ok(listed(f"{name} answers" for name, _ in case.fetched) or "no remote")


def push(case: Case) -> Finding:
    """Whether every remote that answers takes a push, as far as a rehearsal tells."""
    if not case.is_alone:
        return warn(NOT_ALONE, AGAIN)
    for settings in case.rooms.configuration.remotes:
        match case.pushes.get(settings.name):
            case Refused(reason):
                return fail(f"{settings.name} refuses to take anything: {reason}", _look_at(settings))
            case Unreachable(reason) | Stale(reason):
                return fail(
                    f"{settings.name} did not say whether it would take it: {reason}", _look_at(settings)
                )
            case Accepted() | None:
                pass
    return ok(listed(f"{name} would take a push" for name in case.pushes) or "no remote answers")


def _look_at(settings: RemoteSettings) -> str:
    return f"git ls-remote {settings.url}"


def unreadable(case: Case) -> Finding:
    """Things on the remote that could not be understood; they are left there."""
    odd = [f"{each.where} ({each.reason})" for _, fetched in case.fetched for each in fetched.unreadable]
    if not odd:
        return ok("everything can be read")
    told = f"{counted(len(odd), 'thing')} on the remote cannot be read and is left alone"
    return warn(told, "memsync-git doctor  on the machine that wrote it", details=listed(odd))


def newer(case: Case) -> Finding:
    """Whether a newer release writes to the repository."""
    asked = [fetched.newer for _, fetched in case.fetched if fetched.newer is not None]
    return fail(NEWER_FORMAT.rstrip("."), UPGRADE) if asked else ok("this release can read it")


def twins(case: Case) -> Finding:
    """Two different revisions of one number: a cloned machine, or a remote that was rolled back."""
    toks: dict[tuple[Rid, int], set[str]] = defaultdict(set)
    for rid, rev, tok in _versions(case):
        toks[rid, rev].add(tok)
    split = dict.fromkeys(rid for (rid, _), found in toks.items() if len(found) > 1)
    if not split:
        return ok("every revision is there once")
    return warn(f"Two machines write as {listed(split)}: one is a copy", "memsync-git sync  on both of them")


def _versions(case: Case) -> Iterator[tuple[Rid, int, str]]:
    for _, fetched in case.fetched:
        for fragment in fetched.fragments:
            yield (fragment.rid, *fragment.version)
    if isinstance(case.replica, Replica):
        state = case.replica.state
        for header in map(state.header, state.rids):
            if header is not None and header.rev:
                yield (header.rid, *header.version)


def rolled_back(case: Case) -> Finding:
    """Whether a remote still holds what it had accepted."""
    replica = case.replica
    if not isinstance(replica, Replica):
        return ok("nothing was published")
    for name, fetched in case.fetched:
        own = [fragment.rev for fragment in fetched.fragments if fragment.rid == replica.rid]
        mark = replica.accepted.get(name)
        if mark is not None and max(own, default=0) < mark.rev:
            told = f"{name} no longer holds revision {mark.rev} of this machine, which it had accepted"
            return warn(told, "memsync-git sync --full  publishes it again")
    return ok("what was accepted is still there")


def public(case: Case) -> Finding:
    """Whether anybody could read the repository; only what speaks https can tell, or a known service."""
    for settings in case.rooms.configuration.remotes if case.is_alone else ():
        url = seen_by_anybody(validate(settings.url))
        if url.kind == "https" and is_public(url, timeout_s=settings.timeout_s):
            return fail(IS_PUBLIC.rstrip("."), "make the repository private where it is hosted")
    return ok("not readable without credentials, as far as can be told")
