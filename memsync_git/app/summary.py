"""A summary of the replica, kept beside it, so that `status` and a quiet `sync` need not load it.

Rule 1: a summary is believed only while the store's generation is the one it was made at.
Rule 2: a machine at rest is one whose last round found nothing left to do anywhere; it stays so while the
file, the witness beside it and every remote are what they were.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NotRequired, TypedDict

if TYPE_CHECKING:
    from memsync_git.app.opening import Rooms
    from memsync_git.documents import FilePart, HostPart
    from memsync_git.replica import Replica
    from memsync_git.sync import RoundReport, Session


class Summary(TypedDict):
    """What `status` tells of a replica; `at_rest` names file and witness if nothing is left to do.

    `up_since_ms`: when the oldest change was made that waits to go up, None where none does.
    """

    generation: int
    rid: str
    host: str
    file: FilePart
    up: int
    up_since_ms: NotRequired[int | None]
    down: int
    conflicts: int
    holds: int
    emptied: bool
    hosts: list[HostPart]
    at_rest: tuple[str, str] | None


def summarise(rooms: Rooms, replica: Replica, generation: int) -> Summary:
    """The summary of a replica as it stands."""
    from memsync_git.app.parts import file_part, host_parts, pending_since, pending_up
    from memsync_git.app.telling import count_conflicts, count_holds

    remotes = [remote.name for remote in rooms.configuration.remotes]
    return {
        "generation": generation,
        "rid": replica.rid,
        "host": replica.host,
        "file": file_part(rooms.store, replica),
        "up": pending_up(remotes, replica),
        "up_since_ms": pending_since(remotes, replica),
        "down": len(replica.behind),
        "conflicts": count_conflicts(replica),
        "holds": count_holds(replica),
        "emptied": replica.emptied,
        "hosts": host_parts(replica),
        "at_rest": None,
    }


def after_round(rooms: Rooms, session: Session, report: RoundReport) -> Summary:
    """The summary after a round, at rest if the round left nothing to do."""
    from memsync_git.sync.session import content_hash

    replica = session.replica
    summary = summarise(rooms, replica, session.world.store.generation())
    is_quiet = (
        report.file == "good"
        and len(report.remotes) == len(rooms.configuration.remotes)
        and all(line.digest and not line.unreadable and not line.reason for line in report.remotes)
        and not (summary["up"] or summary["down"] or summary["holds"])
    )
    if is_quiet and session.witness is not None:
        summary["at_rest"] = (replica.ring.newest.hash, content_hash(session.witness))
    return summary
