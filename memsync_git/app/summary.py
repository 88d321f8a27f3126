"""A summary of the replica, kept beside it, so that `status` and a quiet `sync` need not load it.

Rule 1: a summary is believed only while the store's generation is the one it was made at.
Rule 2: a machine at rest is one whose last round found nothing left to do anywhere; it stays so while the
file, the witness beside it and every remote are what they were. One with rules about what is shared never is:
when they change, the same file says something else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NotRequired, TypedDict

if TYPE_CHECKING:
    from memsync_git.app.opening import Rooms
    from memsync_git.documents import FilePart, HostPart
    from memsync_git.replica import Replica
    from memsync_git.sync import RemoteReport, RoundReport, Session


MOST_NAMED = 20
"""Names that `status --json` tells of what is staged or waits; a person is told the first few."""


class Summary(TypedDict):
    """What `status` tells of a replica; `at_rest` names file, witness and rules if nothing is left to do.

    `up_by`: what waits for each remote. `up_names`, `down_names`: the first names that is about.
    `up_since_ms`: when the oldest change was made that waits to go up, None where none does.
    """

    generation: int
    rid: str
    host: str
    file: FilePart
    up: int
    up_since_ms: NotRequired[int | None]
    down: int
    up_by: NotRequired[dict[str, int]]
    up_names: NotRequired[list[str]]
    down_names: NotRequired[list[str]]
    conflicts: int
    holds: int
    emptied: bool
    hosts: list[HostPart]
    at_rest: tuple[str, str, str] | None


def summarise(rooms: Rooms, replica: Replica, generation: int) -> Summary:
    """The summary of a replica as it stands."""
    from memsync_git.app.parts import file_part, host_parts, pending_since, pending_up, staged_names
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
        "up_by": {name: pending_up([name], replica) for name in remotes},
        "up_names": staged_names(remotes, replica)[:MOST_NAMED],
        "down_names": sorted({key[1] for key in replica.behind})[:MOST_NAMED],
        "conflicts": count_conflicts(replica),
        "holds": count_holds(replica),
        "emptied": replica.emptied,
        "hosts": host_parts(replica),
        "at_rest": None,
    }


def _needs_nothing(line: RemoteReport, held: str) -> bool:
    """Whether a remote was found complete, and nothing was joined from another one since."""
    return bool(line.digest) and line.holds == held and not line.unreadable and not line.reason


def after_round(rooms: Rooms, session: Session, report: RoundReport) -> Summary:
    """The summary after a round, at rest if the round left nothing to do."""
    from memsync_git.crdt.cut import cut_name
    from memsync_git.sync.naming import bare, content_hash

    replica = session.replica
    summary = summarise(rooms, replica, session.world.store.generation())
    held = cut_name(replica.state.headers, replica.rid)
    is_quiet = (
        report.file == "good"
        and len(report.remotes) == len(rooms.configuration.remotes)
        and all(_needs_nothing(line, held) for line in report.remotes)
        and not (summary["up"] or summary["down"] or summary["holds"])
    )
    if is_quiet and session.witness is not None:
        file = bare(replica.ring.newest.hash)
        summary["at_rest"] = (file, content_hash(session.witness), rooms.rules_text)
    return summary
