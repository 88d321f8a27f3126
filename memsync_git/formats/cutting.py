"""What a version says without the names that are left out, in the lines in which it stands.

    lines    [ a ][ b  ][ c ][ d ]
    shared   [ a ][ b' ][ c ][ d ]        only lines in which a name left out stands are others

Rule 1: lines stay the very same from version to version, whole or cut, so that versions are compared by them.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import NamedTuple

from memsync_git.formats.standing import Lines
from memsync_git.model import Graph, Projection
from memsync_git.stretches import Stretch, Stretched


class Part(NamedTuple):
    """What is left of some lines, and the names left out that stand in them."""

    left: Stretch
    names: frozenset[str] = frozenset()


class Cut(NamedTuple):
    """A version without what a projection hides. parts: its lines. names: those left out in it."""

    whole: Graph
    projection: Projection
    graph: Graph
    parts: Mapping[Stretch, Part]
    names: frozenset[str]


def cut(whole: Graph, projection: Projection, before: Cut | None = None) -> Cut:
    """Cut a version; `before`: the last one that was."""
    if before is not None and before.projection != projection:
        before = None
    if before is not None and before.whole is whole:
        return before
    records = whole.records
    if not isinstance(records, Stretched) or records.has_twins:
        left, names = _without(Stretch(records.values()), projection)
        return Cut(whole, projection, Graph(left.by_key), {}, names)
    known = before.parts if before is not None else {}
    parts = {each: known.get(each) or _without(each, projection) for each in records.stretches}
    last = before.graph.records if before is not None else None
    graph = Graph(
        Stretched(
            [left for left, _ in parts.values() if left.keys],
            last if isinstance(last, Stretched) else None,
            has_twins=False,
        )
    )
    return Cut(whole, projection, graph, parts, _together(parts))


def _together(parts: Mapping[Stretch, Part]) -> frozenset[str]:
    return frozenset(chain.from_iterable(names for _, names in parts.values()))


def _without(stretch: Stretch, projection: Projection) -> Part:
    gone = {key for key in stretch.keys if projection.hides(key)}
    if not gone:
        return Part(stretch)
    names = projection.hidden.intersection(chain.from_iterable(key[1:3] for key in gone))
    if not isinstance(stretch, Lines):
        left = Stretch(record for record in stretch.records if record is None or record.key not in gone)
        return Part(left, names)
    rows = zip(stretch.raws, stretch.records, strict=True)
    kept = [(raw, record) for raw, record in rows if record is None or record.key not in gone]
    text = b"\n".join(raw for raw, _ in kept)
    return Part(Lines(text, (record for _, record in kept), stretch.projection), names)
