"""Pictures of a report: cost against the size of the memory, both axes logarithmic.

Rule 1: what is on a picture is data; drawing it is the only thing that needs matplotlib.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.results import Report

INCHES, DOTS_PER_INCH = (8.0, 5.0), 110
LOOKS = {
    "memsync-git": ("#c0392b", "o"),
    "automerge": ("#7f8c8d", "s"),
    "loro": ("#2980b9", "^"),
    "pycrdt": ("#27ae60", "v"),
}
"""Colour and mark by the first word of a contestant's name."""
OTHER_LOOK = ("#34495e", "D")
STYLES = (
    ("cold", "--"),
    ("one line", "--"),
    ("command", "--"),
    ("join", "--"),
    ("whole", ":"),
    ("git's programs and all", ":"),
)
"""Lines by the first of these words in a name; whole where there is none."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A part of the report as a picture. goal: a horizontal line, 0 for none."""

    part: str
    title: str
    unit: str
    goal: float = 0.0
    goal_words: str = ""
    against: str = "entities"


PICTURES = (
    Picture("durable", "One new entity, until it is durable", "ms", 60, "goal, warm: 60 ms at 100 000"),
    Picture("receive", "1 % received and materialised", "ms", 250, "goal: 250 ms at 100 000"),
    Picture("memory", "The most memory a process has had", "MiB", 200, "goal: 200 MiB at 100 000"),
    Picture("adopt", "From nothing", "ms", 20_000, "goal: 20 s at 100 000"),
    Picture("hub", "One new entity, published to a hub on this disk", "ms"),
    Picture("contention", "One change of each, all at once", "ms", against="machines"),
    Picture("growth", "One observation, from one machine to another: computing", "ms", against="commits"),
    Picture("stock", "The repositories as they lie there", "KB", against="commits"),
)


def drawn(report: Report, folder: Path) -> list[str]:
    """Draw what the report has figures for; the names of the pictures.

    Raises:
        ImportError: matplotlib is not here.
    """
    import matplotlib

    matplotlib.use("Agg")
    return [
        _draw(picture, series, folder)
        for picture in PICTURES
        if (series := report.series(picture.part)) and _is_a_line(series)
    ]


def _is_a_line(series: dict[str, list[tuple[int, float]]]) -> bool:
    return any(len(points) > 1 for points in series.values())


def _draw(picture: Picture, series: dict[str, list[tuple[int, float]]], folder: Path) -> str:
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=INCHES, dpi=DOTS_PER_INCH)
    for name, points in series.items():
        _line(axes, name, points)
    if picture.goal:
        axes.axhline(
            picture.goal, color="black", linewidth=1, linestyle=(0, (6, 3)), label=picture.goal_words
        )
    axes.set(xscale="log", yscale="log", title=picture.title, xlabel=picture.against, ylabel=picture.unit)
    axes.grid(visible=True, which="major", alpha=0.3)
    axes.legend(fontsize=7, loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False)
    name = f"{picture.part}.png"
    figure.savefig(folder / name, bbox_inches="tight", metadata={"Software": None})
    pyplot.close(figure)
    return name


def _line(axes: Any, name: str, points: list[tuple[int, float]]) -> None:
    """One contestant; those of one family have one colour, those that work alike one style."""
    family = name.replace(",", " ").split()[0]
    colour, mark = LOOKS.get(family, OTHER_LOOK)
    axes.plot(
        *zip(*points, strict=True),
        label=name,
        color=colour,
        linestyle=style_of(name),
        marker=mark,
        linewidth=2.2 if family == "memsync-git" else 1.2,
    )


def style_of(name: str) -> str:
    """How the line of a contestant is drawn."""
    return next((style for words, style in STYLES if words in name), "-")
