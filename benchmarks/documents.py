"""The same memory as a document of libraries that replicate documents.

    entities: a map, name → { entityType, observations: a list }

Rule 1: each library is used as its own documentation advises: one transaction for what belongs together, a
snapshot to start from, small updates beside it where the library can write and read them.
Rule 2: what a library cannot do is None here, and said on the page; nothing is made up for it.
Rule 3: a library is imported when it is used: importing it is part of a cold start.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from benchmarks.names import LIBRARIES
from benchmarks.workloads import line

Rows = Iterable[tuple[str, list[str]]]


class Document(Protocol):
    """A memory as a document."""

    def build(self, rows: Rows) -> None:
        """Hold this memory, in one transaction."""
        ...

    def load(self, snapshot: bytes) -> None: ...

    def save(self) -> bytes:
        """All of it."""
        ...

    def note(self, name: str, said: list[str]) -> bytes | None:
        """A new entity. The change alone as bytes; None where the library reads no such bytes again."""
        ...

    def note_on(self, names: Iterable[str], words: str) -> bytes:
        """One observation more on each, in one transaction; what another replica is to receive."""
        ...

    def receive(self, update: bytes) -> set[str] | None:
        """Take in what another replica said; the entities it touched, None if the library does not tell."""
        ...

    def rows(self) -> Rows:
        """All it says."""
        ...

    def observations(self, name: str) -> list[str]: ...


class Automerge:
    """`automerge` 1.0.0rc1, the core bindings.

    The bindings read whole documents and messages of the sync protocol, no single changes; its patches can
    be compared but not read. So a change is durable when the document is saved, and what another replica
    says comes as a message.
    """

    def __init__(self) -> None:
        import automerge.core as core

        self._core: Any = core
        self._doc: Any = core.Document()
        self._peer: Any = None

    def build(self, rows: Rows) -> None:
        core = self._core
        with self._doc.transaction() as tx:
            entities = tx.put_object(core.ROOT, "entities", core.ObjType.Map)
            for name, said in rows:
                self._put(tx, entities, name, said)

    def _put(self, tx: Any, entities: bytes, name: str, said: list[str]) -> None:
        core = self._core
        entity = tx.put_object(entities, name, core.ObjType.Map)
        tx.put(entity, "entityType", core.ScalarType.Str, "thing")
        observations = tx.put_object(entity, "observations", core.ObjType.List)
        for at, each in enumerate(said):
            tx.insert(observations, at, core.ScalarType.Str, each)

    def load(self, snapshot: bytes) -> None:
        self._doc = self._core.Document.load(snapshot)

    def save(self) -> bytes:
        saved: bytes = self._doc.save()
        return saved

    def note(self, name: str, said: list[str]) -> None:
        with self._doc.transaction() as tx:
            self._put(tx, self._entities(tx), name, said)

    def note_on(self, names: Iterable[str], words: str) -> bytes:
        """The message a replica sends that was told the old heads, as the one that receives it will."""
        core = self._core
        other, theirs, ours = self._doc.fork(), core.SyncState(), core.SyncState()
        with self._doc.transaction() as tx:
            entities = self._entities(tx)
            for name in names:
                _, observations = tx.get(tx.get(entities, name)[1], "observations")
                tx.insert(observations, tx.length(observations), core.ScalarType.Str, words)
        self._doc.receive_sync_message(ours, other.generate_sync_message(theirs))
        message: bytes = self._doc.generate_sync_message(ours).encode()
        return message

    def receive(self, update: bytes) -> None:
        core = self._core
        before, state = self._doc.get_heads(), core.SyncState()
        self._doc.generate_sync_message(state)
        self._doc.receive_sync_message(state, core.Message.decode(update))
        if self._doc.get_heads() == before:
            raise ValueError("automerge took nothing from the message")

    def rows(self) -> Rows:
        said = self._core.extract(self._doc, self._core.ROOT)
        return ((name, entity["observations"]) for name, entity in said["entities"].items())

    def observations(self, name: str) -> list[str]:
        doc = self._doc
        found = doc.get(doc.get(self._entities(doc), name)[1], "observations")[1]
        return [value[1] for value, _ in doc.values(found)]

    def _entities(self, at: Any) -> bytes:
        found: bytes = at.get(self._core.ROOT, "entities")[1]
        return found


class Loro:
    """`loro`: snapshots, updates beside them, events for what changed."""

    def __init__(self) -> None:
        import loro

        self._loro: Any = loro
        self._doc: Any = self._loro.LoroDoc()

    @property
    def _entities(self) -> Any:
        return self._doc.get_map("entities")

    def build(self, rows: Rows) -> None:
        entities = self._entities
        for name, said in rows:
            self._put(entities, name, said)
        self._doc.commit()

    def _put(self, entities: Any, name: str, said: list[str]) -> None:
        entity = entities.insert_container(name, self._loro.LoroMap())
        entity.insert("entityType", "thing")
        observations = entity.insert_container("observations", self._loro.LoroList())
        for each in said:
            observations.push(each)

    def load(self, snapshot: bytes) -> None:
        self._doc.import_(snapshot)

    def save(self) -> bytes:
        saved: bytes = self._doc.export(self._loro.ExportMode.Snapshot())
        return saved

    def note(self, name: str, said: list[str]) -> bytes:
        return self._since(lambda: self._put(self._entities, name, said))

    def note_on(self, names: Iterable[str], words: str) -> bytes:
        def change() -> None:
            entities = self._entities
            for name in names:
                entities.get(name).container.get("observations").container.push(words)

        return self._since(change)

    def _since(self, change: Callable[[], None]) -> bytes:
        before = self._doc.oplog_vv
        change()
        self._doc.commit()
        update: bytes = self._doc.export(self._loro.ExportMode.Updates(before))
        return update

    def receive(self, update: bytes) -> set[str]:
        found: set[str] = set()

        def told(event: Any) -> None:
            for each in event.events:
                if len(each.path) > 1:
                    found.add(each.path[1].index.key)
                else:
                    found.update(each.diff.diff.updated)

        listening = self._doc.subscribe_root(told)
        self._doc.import_(update)
        listening.unsubscribe()
        return found

    def rows(self) -> Rows:
        said = self._entities.get_deep_value()
        return ((name, entity["observations"]) for name, entity in said.items())

    def observations(self, name: str) -> list[str]:
        said: list[str] = self._entities.get(name).container.get("observations").container.to_vec()
        return said


class Pycrdt:
    """`pycrdt` (Yrs): the state as one update, further updates beside it, events for what changed."""

    def __init__(self) -> None:
        import pycrdt

        self._pycrdt: Any = pycrdt
        self._doc: Any = pycrdt.Doc()

    @property
    def _entities(self) -> Any:
        return self._doc.get("entities", type=self._pycrdt.Map)

    def build(self, rows: Rows) -> None:
        entities = self._entities
        with self._doc.transaction():
            for name, said in rows:
                entities[name] = self._entity(said)

    def _entity(self, said: list[str]) -> Any:
        return self._pycrdt.Map({"entityType": "thing", "observations": self._pycrdt.Array(said)})

    def load(self, snapshot: bytes) -> None:
        self._doc.apply_update(snapshot)

    def save(self) -> bytes:
        saved: bytes = self._doc.get_update()
        return saved

    def note(self, name: str, said: list[str]) -> bytes:
        entities = self._entities
        updates: list[bytes] = []
        listening = self._doc.observe(lambda event: updates.append(event.update))
        with self._doc.transaction():
            entities[name] = self._entity(said)
        self._doc.unobserve(listening)
        return updates[0]

    def note_on(self, names: Iterable[str], words: str) -> bytes:
        before, entities = self._doc.get_state(), self._entities
        with self._doc.transaction():
            for name in names:
                entities[name]["observations"].append(words)
        update: bytes = self._doc.get_update(before)
        return update

    def receive(self, update: bytes) -> set[str]:
        found: set[str] = set()

        def told(events: list[Any]) -> None:
            for each in events:
                found.update([each.path[0]] if each.path else each.keys)

        entities = self._entities
        listening = entities.observe_deep(told)
        self._doc.apply_update(update)
        entities.unobserve(listening)
        return found

    def rows(self) -> Rows:
        return ((name, entity["observations"]) for name, entity in self._entities.to_py().items())

    def observations(self, name: str) -> list[str]:
        said: list[str] = self._entities[name]["observations"].to_py()
        return said


DOCUMENTS: Mapping[str, Callable[[], Document]] = dict(zip(LIBRARIES, (Automerge, Loro, Pycrdt), strict=True))


def rendered(document: Document) -> dict[str, bytes]:
    """Every line of the memory file the document stands for."""
    return {name: line(name, said) for name, said in document.rows()}
