"""What was measured, as values: figures in tables, tables in a report, and the same as JSON.

Rule 1: values only. No clock, no disk: whoever draws or writes them may do so without measuring again.
Rule 2: every sample is kept, so that a median is never the only thing that is known.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

SCHEMA = 1
Unit = Literal["ms", "MiB", "KB", "B", "%", "lost"]


@dataclass(frozen=True, slots=True)
class Figure:
    """The samples of one contestant. cpu_ms: processor time of the same runs, where it was taken."""

    name: str
    values: tuple[float, ...]
    unit: Unit = "ms"
    cpu_ms: tuple[float, ...] = ()

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def p95(self) -> float:
        """Of a single sample, itself."""
        if len(self.values) == 1:
            return self.values[0]
        return statistics.quantiles(self.values, n=20, method="inclusive")[-1]

    @property
    def cpu_median_ms(self) -> float | None:
        return statistics.median(self.cpu_ms) if self.cpu_ms else None


@dataclass(frozen=True, slots=True)
class Table:
    """The contestants of one piece of work at one size. floor: the figure ratios are taken to, "" for none.

    entities, commits, machines: how large the memory, its history and the fleet were, 0 where the work does
    not depend on it. machine: where and when it was measured.
    """

    part: str
    title: str
    entities: int
    figures: tuple[Figure, ...]
    floor: str = ""
    note: str = ""
    machine: str = ""
    commits: int = 0
    machines: int = 0

    @property
    def size(self) -> int:
        """What the table's figures are drawn against."""
        return self.commits or self.machines or self.entities

    def figure(self, name: str) -> Figure | None:
        return next((each for each in self.figures if each.name == name), None)

    def ratio(self, figure: Figure) -> float | None:
        """How many times the floor; None where there is none, or it is of another unit."""
        floor = self.figure(self.floor)
        if floor is None or floor.unit != figure.unit or not floor.median:
            return None
        return figure.median / floor.median


@dataclass(frozen=True, slots=True)
class Report:
    """One run of the benchmarks. troubles: what was not measured, and why."""

    versions: dict[str, str]
    tables: tuple[Table, ...]
    troubles: tuple[str, ...] = ()
    took_s: float = 0.0

    def find(self, part: str, size: int, name: str) -> Figure | None:
        """One figure of one part at one size."""
        for table in self.tables:
            if table.part == part and table.size == size:
                found = table.figure(name)
                if found is not None:
                    return found
        return None

    def series(self, part: str) -> dict[str, list[tuple[int, float]]]:
        """The medians of a part's contestants over the sizes that were measured, smallest first."""
        found: dict[str, list[tuple[int, float]]] = {}
        for size, figure in sorted(self._sized(part), key=lambda each: each[0]):
            found.setdefault(figure.name, []).append((size, figure.median))
        return found

    def _sized(self, part: str) -> Iterator[tuple[int, Figure]]:
        for table in self.tables:
            if table.part == part and table.size:
                yield from ((table.size, figure) for figure in table.figures)


# --- JSON


def dumped(report: Report) -> str:
    """The report as JSON."""
    return json.dumps({"schema_version": SCHEMA, **asdict(report)}, indent=1, ensure_ascii=False) + "\n"


def loaded(text: str) -> Report:
    """A report as it was dumped.

    Raises:
        ValueError: it is of another schema.
    """
    said = json.loads(text)
    if not isinstance(said, dict) or said.get("schema_version") != SCHEMA:
        raise ValueError(f"not a report of these benchmarks (schema {SCHEMA})")
    return Report(
        versions=said["versions"],
        tables=tables_of(said),
        troubles=tuple(said["troubles"]),
        took_s=said["took_s"],
    )


def tables_of(said: Mapping[str, Any], *, part: str = "") -> tuple[Table, ...]:
    """The tables of a report, or of a module that measures one part.

    Raises:
        ValueError: there are none.
    """
    if "tables" not in said:
        raise ValueError('there are no "tables"')
    return tuple(_table({"part": part, **each}) for each in said["tables"])


def _table(said: Mapping[str, Any]) -> Table:
    """Only a title, and figures with a name and values, must be there."""
    figures = tuple(Figure(**{**each, **_tuples(each)}) for each in said["figures"])
    return Table(**{"entities": 0, **said, "figures": figures})


def _tuples(said: Mapping[str, Any]) -> dict[str, tuple[float, ...]]:
    return {name: tuple(said.get(name, ())) for name in ("values", "cpu_ms")}


def joined(older: Report, newer: Report) -> Report:
    """The newer report, with the tables of the older one that it does not replace."""
    fresh = set(map(_place, newer.tables))
    kept = [each for each in older.tables if _place(each) not in fresh]
    return Report(
        versions={**older.versions, **newer.versions},
        tables=tuple(sorted((*kept, *newer.tables), key=_place)),
        troubles=newer.troubles,
        took_s=newer.took_s,
    )


def _place(table: Table) -> tuple[str, int, int, str]:
    """What makes a table the same one in two reports, and where it stands."""
    return table.part, table.entities, table.size, table.title


# --- text


def text_of(table: Table) -> str:
    """A table for a terminal."""
    lines = [f"\n{table.title}{size_of(table)}"]
    lines.append(f"{'':58} {'median':>10} {'min':>9} {'p95':>9} {'CPU ms':>9} {'ratio':>7}")
    lines += [_line(table, figure) for figure in table.figures]
    return "\n".join(lines)


def size_of(table: Table) -> str:
    """Behind a title: how large the memory, its history and the fleet were."""
    sizes = ((table.entities, "entities"), (table.commits, "commits"), (table.machines, "machines"))
    return "".join(f", {amount(size)} {word}" for size, word in sizes if size)


def amount(number: int) -> str:
    """A number with its thousands apart."""
    return f"{number:,}".replace(",", " ")


def _line(table: Table, figure: Figure) -> str:
    cpu, ratio = figure.cpu_median_ms, table.ratio(figure)
    cells = [f"{figure.median:10.1f}", f"{min(figure.values):9.1f}", f"{figure.p95:9.1f}"]
    cells.append(f"{'':9}" if cpu is None else f"{cpu:9.1f}")
    cells.append(f"{'':7}" if ratio is None else f"{ratio:7.2f}")
    return f"{figure.name:58} {' '.join(cells)} {figure.unit}"
