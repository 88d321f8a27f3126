"""How much the newest state of the memory file says, counted along with it.

Rule 1: what did not change is not counted again: that would be to read it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from memsync_git.model import Entity, Record
from memsync_git.stretches import Records, Stretch, Stretched


class Counts(NamedTuple):
    """Entities, relations and other records, and the observations of entities."""

    entities: int = 0
    relations: int = 0
    observations: int = 0
    other: int = 0

    def with_(self, more: Counts, less: Counts) -> Counts:
        """The same after a part of what was counted gave way to another one."""
        return Counts(*(mine + come - gone for mine, come, gone in zip(self, more, less, strict=True)))


def counted(records: Iterable[Record]) -> Counts:
    """How much some records say."""
    entities = relations = observations = other = 0
    for record in records:
        if isinstance(record, Entity):
            entities += 1
            observations += len(record.observations)
        elif record.key[0] == "l":
            relations += 1
        else:
            other += 1
    return Counts(entities, relations, observations, other)


def counted_on(counts: Counts | None, before: Collection[Stretch], file: Stretched) -> Counts | None:
    """How much a file says that was counted when it consisted of other stretches; None: it was not.

    Where rows of one record stand in several stretches the parts do not add up, and nothing is counted on.
    """
    if file.has_twins:
        return None
    if counts is None or not before:
        return counted(file.values())
    old = set(before)
    come = [stretch for stretch in file.distinct if stretch not in old]
    gone = [stretch for stretch in old if stretch not in file.distinct]
    return counts.with_(_in(come), _in(gone))


def _in(stretches: Iterable[Stretch]) -> Counts:
    return counted(record for stretch in stretches for record in stretch.by_key.values())


def counts_of(counts: Counts | None, records: Records) -> Counts:
    """What was counted, or else is counted now."""
    return counted(records.values()) if counts is None else counts
