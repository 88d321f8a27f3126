"""The page of a report, in Markdown.

Rule 1: pure: a report in, text out.
Rule 2: what stands outside the markers was written by a person and is left as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.goals import Verdict, verdicts
from benchmarks.results import Figure, Report, Table, amount, size_of

BEGIN = "<!-- measured: begin (python -m benchmarks --write docs/benchmarks) -->"
END = "<!-- measured: end -->"


def into(page: str, measured: str) -> str:
    """A page with its measured part replaced; appended where it has none."""
    block = f"{BEGIN}\n\n{measured.strip()}\n\n{END}"
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        return f"{page.rstrip()}\n\n{block}\n"
    return f"{before}{block}{after}"


def rendered(report: Report, plots: Sequence[str]) -> str:
    """The measured part. plots: names of pictures beside the page."""
    parts = [
        _versions(report),
        "## Goals",
        _goals(verdicts(report)),
        *(f"![{name.removesuffix('.png')} by size]({name})" for name in plots),
        "## Figures",
        *map(_table, report.tables),
    ]
    if report.troubles:
        parts += ["## Not measured in this run", "\n".join(f"- {each}" for each in report.troubles)]
    return "\n\n".join(parts)


def _versions(report: Report) -> str:
    said = ", ".join(f"{name} {version}" for name, version in sorted(report.versions.items()))
    return f"Versions: {said}. The last run took {report.took_s / 60:.0f} minutes."


def _goals(found: Iterable[Verdict]) -> str:
    rows = [
        "| work | size | goal | found | of the goal | reached |",
        "|---|---|---|---|---|---|",
    ]
    for each in found:
        goal = each.goal
        share = "" if each.found is None or not goal.limit else f"{each.found / goal.limit:.2f}"
        cells = [
            goal.words,
            amount(goal.size) if goal.size else "",
            f"≤ {with_unit(goal.limit, goal.unit_word)}",
            "" if each.found is None else with_unit(each.found, goal.unit_word),
            share,
            word_of(each),
        ]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def word_of(verdict: Verdict) -> str:
    """A verdict in a word."""
    return {None: "not measured", True: "yes", False: "**no**"}[verdict.is_reached]


def _table(table: Table) -> str:
    rows = [
        f"### {table.title}{size_of(table)}",
        "",
        *([table.machine, ""] if table.machine else []),
        "| | median | least | p95 | CPU | ratio | runs |",
        "|---|---|---|---|---|---|---|",
        *(_row(table, figure) for figure in table.figures),
        *(["", table.note] if table.note else []),
    ]
    return "\n".join(rows)


def _row(table: Table, figure: Figure) -> str:
    cpu, ratio = figure.cpu_median_ms, table.ratio(figure)
    cells = [
        figure.name,
        with_unit(figure.median, figure.unit),
        with_unit(min(figure.values), figure.unit),
        with_unit(figure.p95, figure.unit),
        "" if cpu is None else with_unit(cpu, "ms"),
        "" if ratio is None else f"{ratio:.2f}",
        str(len(figure.values)),
    ]
    return f"| {' | '.join(cells)} |"


def with_unit(value: float, unit: str) -> str:
    """A figure for a person: three digits say enough."""
    if unit == "ms" and value >= 1000:
        return f"{value / 1000:.3g} s" if value < 100_000 else f"{value / 1000:.0f} s"
    return f"{value:.3g} {unit}" if value < 1000 else f"{amount(round(value))} {unit}"
