"""Checks of what memsync-git stands on: Python, git, disk, configuration, lock, clock."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from memsync_git.app.doctor.case import Broken, Case
from memsync_git.app.doctor.finding import FIX, Finding, fail, ok, warn
from memsync_git.app.installation import machine_id
from memsync_git.config import validate
from memsync_git.remotes.trying import OLDEST_GIT
from memsync_git.stores.lock import RoundLock

OLDEST_PYTHON = (3, 11)
LEAST_FREE_BYTES = 256 << 20
"""Four of the largest memory files: one round may need the file, its successor, a pack and the store."""
MOST_SKEW_MS = 10 * 60 * 1000
"""Ten minutes: more than an idle laptop drifts between two looks at a time server."""
CLOCK_CURE = "timedatectl set-ntp true"
EARLIEST_MS = 1_704_067_200_000
"""2024-01-01: before this release, so no clock that is right says so."""


def python(_case: Case) -> Finding:
    said = f"Python {platform.python_version()}"
    if sys.version_info[:2] < OLDEST_PYTHON:
        return fail(f"{said} is too old", "install Python 3.11 or newer")
    return ok(said)


def git(case: Case) -> Finding:
    version = case.git
    if version is None:
        return fail("git was not found", "install git 2.36 or newer")
    said = "git " + ".".join(map(str, version))
    if version[:2] < OLDEST_GIT:
        return fail(f"{said} is too old: a power cut can damage the clone", "install git 2.36 or newer")
    return ok(said)


def disk(case: Case) -> Finding:
    free = [(shutil.disk_usage(place).free, place) for place in _standing(case)]
    if not free:
        return ok("no place to look at yet")
    least, place = min(free)
    said = f"{least >> 20} MiB free at {place}"
    return ok(said) if least >= LEAST_FREE_BYTES else warn(f"Only {said}", f"df -h {place}")


def _standing(case: Case) -> Iterator[Path]:
    """The folders that are written to, where they are there."""
    places = case.rooms.places
    for place in (case.path.parent, places.state, places.clone):
        if place.is_dir():
            yield place


def set_up(case: Case) -> Finding:
    match case.identity:
        case None:
            return fail("memsync-git is not set up on this machine yet", "memsync-git init")
        case Broken():
            return warn("Who this machine is could not be read", FIX)
        case found:
            return ok(f"This machine is {found.rid}")


def configuration(case: Case) -> Finding:
    path = case.rooms.places.config
    problems = validate(path)
    if problems:
        return fail(f"{problems[0].where}: {problems[0].reason}", "memsync-git config validate")
    if not path.exists():
        return warn(f"There is no {path}, so the defaults hold", "memsync-git init")
    return ok(str(path))


def copied(case: Case) -> Finding:
    identity = case.identity
    if identity is None or isinstance(identity, Broken):
        return ok("not known yet")
    if identity.machine != machine_id():
        return warn(
            "This installation was made on another machine, or the machine's id has changed",
            "memsync-git sync  takes a new id if the other one is still in use",
        )
    return ok("made on this machine")


def lock(case: Case) -> Finding:
    if case.is_alone:
        return ok("free")
    holder = RoundLock(case.rooms.lock_path).holder()
    who = f"process {holder}" if holder is not None else "a process that did not leave its id"
    return warn(f"Another round is being run by {who}", "run the command again when it has ended")


def clock(case: Case) -> Finding:
    now_ms = case.clock.wall_ms()
    if now_ms < EARLIEST_MS:
        return warn("This machine's clock is years behind", CLOCK_CURE)
    last = case.last_round
    if last is not None and last.at_ms - now_ms > MOST_SKEW_MS:
        return warn(
            f"The clock was set back: the last round is {_ago(last.at_ms - now_ms)} ahead", CLOCK_CURE
        )
    ahead = [(ms - now_ms, host) for host, ms in _elsewhere(case)]
    furthest, host = max(ahead, default=(0, ""))
    if furthest > MOST_SKEW_MS:
        return warn(f"{host} is {_ago(furthest)} ahead of this machine: one clock is wrong", CLOCK_CURE)
    return ok("in step with the other machines" if ahead else "nobody to compare it with")


def _elsewhere(case: Case) -> Iterator[tuple[str, int]]:
    """When other machines last wrote, by their own clocks."""
    identity = case.identity
    own = identity.rid if identity is not None and not isinstance(identity, Broken) else ""
    for _, fetched in case.fetched:
        for fragment in fetched.fragments:
            if fragment.rid != own and fragment.header.wall_ms:
                yield fragment.header.host, fragment.header.wall_ms


def _ago(ms: int) -> str:
    minutes = ms // 60_000
    if minutes < 120:
        return f"{minutes} minutes"
    return f"{minutes // 60} hours" if minutes < 2880 else f"{minutes // 1440} days"
