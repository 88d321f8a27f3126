"""Writing a whole memory for others: every layout that `import` reads back.

Rule 1: importing what was exported adds nothing: an export alters no record it has room for.
Rule 2: what a layout has no room for is left out and counted, never bent into something else.
Rule 3: an array is for tools that know a row by its `id`: each row has one, made from what it is about, so
that two exports of one memory give a row the same id.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from memsync_git.formats.canonical import canonical, quoted
from memsync_git.formats.variants import VARIANTS, encode
from memsync_git.formats.writing import row_of
from memsync_git.model import EVERYTHING, Entity, Generic, Graph, JsonText, Projection, Record, Relation
from memsync_git.values import dataclass, replace

ARRAY, READ_GRAPH = "json-array", "read-graph"
ID = "id"
_GRAPH_ROWS = Projection(fields=True, objects=True, generics=False)


@dataclass(frozen=True, slots=True)
class Exported:
    """An export: its bytes, what stands in it, and how many items had no room there."""

    data: bytes
    graph: Graph
    left_out: int


@dataclass(frozen=True, slots=True)
class Layout:
    """One way of writing an export, and what it has room for."""

    projection: Projection
    write: Callable[[Graph], bytes]


def exported(graph: Graph, layout: str) -> Exported:
    """The graph in one of `LAYOUTS`."""
    chosen = LAYOUTS[layout]
    shown = chosen.projection.graph(graph)
    return Exported(chosen.write(shown), shown, len(graph.items()) - len(shown.items()))


def row_id(record: Record) -> str:
    """What a row of an array is known by."""
    match record:
        case Entity(name):
            return f"entity:{name}"
        case Relation(source, target, kind):
            return f"relation:{canonical([source, target, kind])}"
        case Generic(identity):
            return identity


def without_row_id(record: Record) -> Record:
    """The record without the id that an export gave its row; any other id is a field like others."""
    if isinstance(record, Generic) or record.fields.get(ID) != quoted(row_id(record)):
        return record
    return replace(record, fields={name: text for name, text in record.fields.items() if name != ID})


def _array(graph: Graph) -> bytes:
    rows = [_with_id(record) for record in graph]
    return b"[\n" + b",\n".join(rows) + b"\n]\n" if rows else b"[\n]\n"


def _with_id(record: Record) -> bytes:
    if ID in record.fields:
        return row_of(record, EVERYTHING)
    if isinstance(record, Generic):
        bare = Generic(record.id, {ID: JsonText(quoted(record.id)), **record.fields})
        return row_of(bare, EVERYTHING)
    row = row_of(record, EVERYTHING)
    return f'{{"{ID}":{quoted(row_id(record))},'.encode() + row[1:]


def _whole_graph(graph: Graph) -> bytes:
    """As the `read_graph` tool answers; over several lines, so that no server takes it for a row."""
    entities = [_untyped(record) for record in graph if isinstance(record, Entity)]
    relations = [_untyped(record) for record in graph if isinstance(record, Relation)]
    return b'{\n"entities": ' + _listed(entities) + b',\n"relations": ' + _listed(relations) + b"\n}\n"


def _untyped(record: Record) -> bytes:
    row = row_of(record, _GRAPH_ROWS)
    return b"{" + row.partition(b",")[2]


def _listed(rows: list[bytes]) -> bytes:
    return b"[\n" + b",\n".join(rows) + b"\n]" if rows else b"[]"


def _as(variant: str) -> Layout:
    """A live format, written as its own server would, but for the end of the last line: `cat` wants one."""

    def write(graph: Graph) -> bytes:
        data = encode((), graph, variant)
        return data + b"\n" if data else data

    return Layout(VARIANTS[variant].projection, write)


LAYOUTS: Mapping[str, Layout] = MappingProxyType(
    {
        **{name: _as(name) for name in VARIANTS if name != ARRAY},
        ARRAY: Layout(EVERYTHING, _array),
        READ_GRAPH: Layout(_GRAPH_ROWS, _whole_graph),
    }
)
"""Every layout by name."""
