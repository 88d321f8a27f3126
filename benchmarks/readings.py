"""The JSON of the modules as tables.

Rule 1: pure. Whoever measures may write tables as `results` has them, or has a reading of its own here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from benchmarks import names
from benchmarks.results import Figure, Table, tables_of

Said = Mapping[str, Any]


def tables_in(said: Said, part: str) -> tuple[Table, ...]:
    """The tables of what a module has said.

    Raises:
        ValueError, KeyError, TypeError: it is of no shape that is known.
    """
    reading = tables_of if "tables" in said else READINGS.get(part, tables_of)
    return reading(said, part=part)


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


def _ms(rows: Iterable[Said], what: str) -> tuple[float, ...]:
    return tuple(row[what] * 1000 for row in rows)


READINGS: Mapping[str, Callable[..., tuple[Table, ...]]] = {"contention": contests}
"""By part; the others write tables."""
