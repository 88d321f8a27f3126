"""What is measured, part by part: commands beside their floors here, ours beside documents in `beside`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from benchmarks import names
from benchmarks.bare import BareGit, asking
from benchmarks.beside import durable, memory, receive
from benchmarks.results import Figure, Table
from benchmarks.sharing import rules
from benchmarks.timing import command, in_turn
from benchmarks.wishes import Part, Wish, figures, tables


def quiet(wish: Wish) -> Iterator[Table]:
    """A sync with nothing to do, status and the assistant's hook, beside asking the remote."""
    fleet = wish.ground.fleet
    fleet.run(0, "sync")
    contestants = {
        names.ASKING: asking(fleet),
        names.SYNC: command(*fleet.words("sync"), env=fleet.at(0)),
        names.STATUS: command(*fleet.words("status"), env=fleet.at(0)),
        names.HOOK: command(*fleet.words("hook", "session-start"), env=fleet.at(0)),
    }
    rows = in_turn(contestants, runs=wish.runs)
    yield Table("quiet", "nothing to do", wish.entities, figures(rows), names.ASKING)


def hub(wish: Wish) -> Iterator[Table]:
    """One new entity published to a hub on this disk, by a command, beside the bare git commands."""
    fleet = wish.ground.fleet
    whole = BareGit(fleet, fleet.folder / "bare", fleet.memory(0).read_bytes())
    small = BareGit(fleet, fleet.folder / "bare-small", b"")
    turn = iter(range(10**6))
    contestants = {
        names.BARE_GIT: whole.publish,
        names.BARE_GIT_SMALL: small.publish,
        names.SYNC_ONE: command(*fleet.words("sync"), env=fleet.at(0)),
    }
    rows = in_turn(contestants, runs=wish.starts, prepare=lambda: fleet.note(f"Published {next(turn)}"))
    yield Table("hub", "one new entity, published", wish.entities, figures(rows), names.BARE_GIT)


def adopt(wish: Wish) -> Iterator[Table]:
    """From a memory file to a synchronised one, then a second machine; once, as it is done once."""
    found: list[Figure] = []
    with wish.noted(names.ADOPT):
        fleet = wish.ground.fleet
        found += [
            fleet.adopted.figure("command", names.ADOPT),
            fleet.joined.figure("command", names.JOIN),
        ]
    for library in names.LIBRARIES:
        with wish.noted(library):
            found.append(wish.ground.document(library).built.figure("build", names.build(library)))
    yield from tables("adopt", "from nothing", wish, found)


SIZED: Mapping[str, Part] = {
    "quiet": quiet,
    "adopt": adopt,
    "durable": durable,
    "receive": receive,
    "hub": hub,
    "memory": memory,
    "rules": rules,
}
"""Parts that are measured at every size."""
