"""`metrics`: figures of this installation, from what is stored; nothing is asked of the network.

Rule 1: of several stores what is counted is summed, and what happened is told by the store that fared worst.
Rule 2: a textfile stands whole or not at all, and a reader of another account (node_exporter) may read it.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final
from uuid import uuid4

from memsync_git import __version__
from memsync_git.app.history import BUCKETS_MS, LastRound, Streak, Totals, summed
from memsync_git.app.picture import status
from memsync_git.app.signs import signs_of
from memsync_git.errors import Misused
from memsync_git.local import disk
from memsync_git.metrics.exposition import Figures, RemoteFigures, StoreFigures, render
from memsync_git.values import dataclass
from memsync_git.words import worst_outcome

if TYPE_CHECKING:
    from memsync_git.app.installation import RemoteMemory
    from memsync_git.app.opening import Rooms
    from memsync_git.documents import FilePart, StatusDocument

PUBLIC_FILE: Final = 0o644
"""Counts and labels only, and node_exporter runs as an account of its own (decision 15)."""


def metrics(rooms: Rooms) -> str:
    """The exposition text.

    Raises:
        Misused: this machine was never set up.
        StoreDamaged: the replica store cannot be read.
    """
    return render(figures(rooms, status(rooms)))


def health(rooms: Rooms) -> tuple[bool, str]:
    """Whether nothing needs a person, and the state in a word; raises like `metrics`."""
    state = status(rooms)["state"]
    return state not in ("attention", "stopped"), state


def figures(rooms: Rooms, document: StatusDocument) -> Figures:
    """Everything there is to tell, beside what the status says already."""
    pasts = [_past(one) for one in rooms.each()]
    with rooms.reading() as installation:
        signs = signs_of(installation)
    totals = summed(past.totals for past in pasts)
    return Figures(
        version=__version__,
        replica=document["replica"]["id"],
        state=document["state"],
        rounds=totals.rounds,
        bounds_ms=BUCKETS_MS,
        buckets=totals.buckets,
        total_ms=totals.ms,
        up=document["pending"]["up"],
        down=document["pending"]["down"],
        conflicts=document["conflicts"],
        holds=document["holds"],
        clone_bytes=_bytes_under(rooms.places.clone),
        daemon_is_up=signs.is_running,
        beat_ms=signs.pulse.beat_ms if signs.pulse is not None else None,
        last_ms=_latest(past.last.at_ms if past.last is not None else None for past in pasts),
        succeeded_ms=_earliest(past.streak.succeeded_ms for past in pasts),
        failing_ms=min((past.streak.failing_ms for past in pasts if past.streak.failing_ms), default=None),
        remotes=[_of_remote(memories) for memories in zip(*(past.remotes for past in pasts), strict=True)],
        stores=[_of_store(rooms, file) for file in document["stores"]],
    )


@dataclass(frozen=True, slots=True)
class _Past:
    """How it went with one store."""

    totals: Totals
    streak: Streak
    last: LastRound | None
    remotes: Sequence[RemoteMemory]


def _past(rooms: Rooms) -> _Past:
    with rooms.reading() as installation:
        remotes = [installation.remote(each.name) for each in rooms.configuration.remotes]
        return _Past(installation.totals(), installation.streak(), installation.last_round(), remotes)


def _of_remote(memories: Sequence[RemoteMemory]) -> RemoteFigures:
    """One remote, as every store has met it: by the worst outcome, read when it was read for all of them."""
    outcomes = [memory.outcome for memory in memories if memory.outcome is not None]
    return RemoteFigures(
        memories[0].name,
        worst_outcome(outcomes) if outcomes else None,
        _earliest(memory.fetched_ms for memory in memories),
        _latest(memory.published_ms for memory in memories),
    )


def _earliest(times_ms: Iterable[int | None]) -> int | None:
    """The first of some moments; never, if one of them never was."""
    told = list(times_ms)
    return None if None in told else min((each for each in told if each is not None), default=None)


def _latest(times_ms: Iterable[int | None]) -> int | None:
    return max((each for each in times_ms if each is not None), default=None)


def _of_store(rooms: Rooms, file: FilePart) -> StoreFigures:
    folder = rooms.places.store(file["store"]).parent
    counts = file["entities"], file["relations"], file["observations"]
    return StoreFigures(file["store"], *counts, _bytes_under(folder))


def _bytes_under(folder: Path) -> int:
    """The size of all files of a folder; what vanishes meanwhile has none."""
    total = 0
    for place, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += os.lstat(os.path.join(place, name)).st_size  # noqa: PTH118  thousands of objects
    return total


def write_textfile(path: Path, text: str) -> None:
    """Put the text at `path` in one step, readable for all.

    Raises:
        Misused: it cannot be written there.
    """
    target = path.expanduser().absolute()
    fresh = target.with_name(f".{target.name}.{uuid4().hex[:8]}.part")
    try:
        disk.write_durably(str(fresh), text.encode("utf-8", "backslashreplace"))
        fresh.chmod(PUBLIC_FILE)
        fresh.replace(target)
    except OSError as error:
        disk.unlink_if_there(str(fresh))
        raise Misused(
            f"The metrics cannot be written to {target}: {error.strerror}.",
            unharmed="What stood there is as it was.",
            hint=f"mkdir -p {target.parent}",
        ) from error
