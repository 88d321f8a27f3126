"""The JSON of the modules as tables.

Rule 1: pure. Whoever measures may write tables as `results` has them, or has a reading of its own here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from benchmarks import names
from benchmarks.results import Figure, Table, tables_of

Said = Mapping[str, Any]


def tables_in(said: Said, program: str) -> tuple[Table, ...]:
    """The tables of what a module has said.

    Raises:
        ValueError, KeyError, TypeError: it is of no shape that is known.
    """
    reading = tables_of if "tables" in said else READINGS.get(program, tables_of)
    return reading(said, part=program)


def contests(said: Said, *, part: str) -> tuple[Table, ...]:
    """A table for each number of machines."""
    rows = said["contests"]
    numbers = sorted({row["machines"] for row in rows})
    return tuple(
        Table(
            part,
            "one change of each, all at once",
            0,
            tuple(_contest([row for row in rows if row["machines"] == many])),
            names.SCRIPT,
            machine=said["machine"],
            machines=many,
        )
        for many in numbers
    )


def _contest(rows: list[Said]) -> Iterable[Figure]:
    ours = [row for row in rows if row["how"] == "memsync-git"]
    others = [row for row in rows if row["how"] != "memsync-git"]
    yield Figure(names.ALL_DURABLE, _ms(ours, "durable_s"))
    yield Figure(names.ALL_ON_MAIN, _ms(ours, "on_main_s"))
    if others:
        yield Figure(names.SCRIPT, _ms(others, "on_main_s"))
    yield Figure(names.LOST, tuple(float(row["lost"]) for row in ours), "lost")


def ways(said: Said, *, part: str) -> tuple[Table, ...]:
    """A table for each way to a hub: ours beside the bare git commands."""
    floors = {
        name.removeprefix(names.OVER_BARE): name for name in said["ms"] if name.startswith(names.OVER_BARE)
    }
    return tuple(
        Table(
            part,
            f"from one machine over a hub to another, {way}",
            0,
            tuple(Figure(name, tuple(said["ms"][name])) for name in (floor, names.OVER_OURS + way)),
            floor,
            machine=said["machine"],
        )
        for way, floor in floors.items()
    )


# --- years


def years(said: Said, *, part: str) -> tuple[Table, ...]:
    """What an edit leaves behind, and a table of times and one of bytes for each point of the history."""
    entities, machine = said["entities"], said["machine"]
    left = (*_edit(said["growth"], ""), *_edit(said["shared"], names.SHARED))
    along = [
        Table(each, title, entities, tuple(_point(point, rows)), machine=machine, commits=point["commits"])
        for point in said["points"]
        for each, title, rows in ((part, "one observation, from one machine to another", TIMES), ROOM)
    ]
    return (Table("edits", "what an edit leaves behind", entities, left, machine=machine), *along)


EDIT: Mapping[str, str] = {
    "hub_loose_kb": names.EDIT_LOOSE,
    "clone_loose_kb": "an edit, loose in the clone",
    "packed_kb": names.EDIT_PACKED,
    "push_kb": names.EDIT_PUSHED,
}
TIMES: Mapping[str, str] = {
    "up_ms": "memsync-git, the sender",
    "up_git_ms": "git for the sender",
    "down_ms": "memsync-git, the receiver",
    "down_git_ms": "git for the receiver",
}
ROOM = ("stock", "the repositories as they lie there", {"hub_kb": "the hub", "clone_kb": "the clone"})


def _edit(growth: Said, whose: str) -> Iterable[Figure]:
    return (Figure(name + whose, (growth[what],), "KB") for what, name in EDIT.items())


def _point(point: Said, rows: Mapping[str, str]) -> Iterable[Figure]:
    return (
        Figure(name, (point[what],), "ms" if what.endswith("_ms") else "KB") for what, name in rows.items()
    )


def _ms(rows: Iterable[Said], what: str) -> tuple[float, ...]:
    return tuple(row[what] * 1000 for row in rows)


READINGS: Mapping[str, Callable[..., tuple[Table, ...]]] = {
    "contention": contests,
    "distances": ways,
    "growth": years,
}
"""By program; the others write tables."""
PARTS = frozenset({"edits", "stock"})
"""Parts that only come about here."""
