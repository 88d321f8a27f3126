"""Deltas as git writes them, made here: gitformat-pack(5), "Deltified representation"."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher

Step = tuple[int, int] | bytes
"""What is copied, from which byte to before which; or what is new."""
MOST_COPIED, MOST_NEW = 0xFFFFFF, 127


def delta(base: bytes, made: bytes) -> bytes:
    """How one file is made of another."""
    return written(base, steps(base, made))


def steps(base: bytes, made: bytes) -> list[Step]:
    """What both have in common is copied: how they begin, what is found between, how they end."""
    begin = shared(base, made)
    end = shared(base[begin:][::-1], made[begin:][::-1])
    inner = SequenceMatcher(
        None, base[begin : len(base) - end], made[begin : len(made) - end], autojunk=False
    )
    found: list[Step] = [(0, begin)]
    found += [
        (begin + low, begin + high) if how == "equal" else made[begin + start : begin + stop]
        for how, low, high, start, stop in inner.get_opcodes()
    ]
    found.append((len(base) - end, len(base)))
    return [step for step in found if (step if isinstance(step, bytes) else step[0] < step[1])]


def shared(one: bytes, other: bytes) -> int:
    """How many bytes both begin with."""
    differing = (at for at, (mine, theirs) in enumerate(zip(one, other, strict=False)) if mine != theirs)
    return next(differing, min(len(one), len(other)))


def written(base: bytes, some: Iterable[Step]) -> bytes:
    """Some steps as bytes."""
    short = [piece for step in some for piece in cut(step)]
    size = sum(len(step) if isinstance(step, bytes) else step[1] - step[0] for step in short)
    return number(len(base)) + number(size) + b"".join(map(command, short))


def cut(step: Step) -> Sequence[Step]:
    """A step in pieces no longer than one of them can be."""
    if isinstance(step, bytes):
        return [step[at : at + MOST_NEW] for at in range(0, len(step), MOST_NEW)]
    low, high = step
    return [(at, min(at + MOST_COPIED, high)) for at in range(low, high, MOST_COPIED)]


def number(value: int) -> bytes:
    """Seven bits a byte, the lowest first."""
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def command(step: Step) -> bytes:
    """One step; of an offset and a size only bytes that are not 0 are written, and 0x10000 is a size of 0."""
    if isinstance(step, bytes):
        return bytes([len(step)]) + step
    low, high = step
    size = 0 if high - low == 0x10000 else high - low
    fields = low.to_bytes(4, "little") + size.to_bytes(3, "little")
    there = sum(1 << bit for bit, byte in enumerate(fields) if byte)
    return bytes([0x80 | there]) + bytes(byte for byte in fields if byte)
