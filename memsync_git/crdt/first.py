"""What is said of a record nobody has spoken of: every fact of it at once.

Rule 1: the facts are those of saying its items one by one; only quicker, for there is nothing to ask.
"""

from __future__ import annotations

from typing import NamedTuple

from memsync_git.crdt.fragment import NO_FIELD_ENTRIES, NO_HINTS, Entry, Hint, RecordFacts
from memsync_git.model import Entity, Record, Rid


class FirstSaying(NamedTuple):
    """A whole record, said for the first time.

    n: the number of the first fact; they are numbered on from there. now_ms: what the clock says. ts: the
    time of registers.
    """

    record: Record
    rid: Rid
    n: int
    now_ms: int
    ts: int

    @property
    def stamped_ms(self) -> int:
        """The time of what is no register, as `Pen.add` stamps what was never seen before."""
        return max(self.now_ms, 1)

    @property
    def facts(self) -> RecordFacts:
        """The facts, made anew each time."""
        record, rid, n, now_ms, ts = self
        first, stamped_ms = n, self.stamped_ms
        wall_ms = now_ms if stamped_ms != now_ms else None
        types: tuple[Entry, ...] = ()
        observations: tuple[Entry, ...] = ()
        existence: tuple[Entry, ...] = ()
        if isinstance(record, Entity):
            types = (Entry(n, ts, record.type),)
            said = enumerate(dict.fromkeys(record.observations), n + 1)
            observations = tuple([Entry(at, stamped_ms, each, wall_ms) for at, each in said])
        else:
            existence = (Entry(n, stamped_ms, None, wall_ms),)
        n += 1 + len(observations)
        fields = {name: (Entry(at, ts, value),) for at, (name, value) in enumerate(record.fields.items(), n)}
        hinted = {name: ((ts, rid, entries[0].n), entries[0].value) for name, entries in fields.items()}
        kind = ((ts, rid, first), record.type) if isinstance(record, Entity) else None
        hint = Hint(kind, hinted or NO_HINTS) if kind is not None or hinted else None
        return RecordFacts(types, observations, existence, fields or NO_FIELD_ENTRIES, hint)
