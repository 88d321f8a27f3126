"""A shard told by what it has in common with an earlier one, as git keeps it: pieces of that, and new bytes.

    earlier     line │ line │ line │ line │ line                  patch   [0, 120) "new" [130, 400)
    now         line │ line │ li new ne │ line │ line             lines   0-1, one that is new, 3-4

Rule 1: bytes in, values out; a patch that does not fit what it is to change is none.
Rule 2: lines that are taken over whole are never looked at. Of others the earlier ones are asked for.
Source of the format: gitformat-pack(5), "Deltified representation".
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import TypeAlias

from memsync_git.values import dataclass
from memsync_git.wire.verdicts import Invalid

Span: TypeAlias = tuple[int, int]
"""From which byte, or line, to before which."""

_OFFSET_BYTES, _SIZE_BYTES = 4, 3
_WHOLE = 0x10000
"""What a size of 0 stands for."""
_COPIES, _MORE, _SEVEN_BITS = 0x80, 0x80, 0x7F
_LONGEST_NUMBER = 10
"""Bytes of a number with 64 bits."""


@dataclass(frozen=True, slots=True)
class Patch:
    """How to make one file of another: their sizes in bytes, and what it takes over of it or brings."""

    base_size: int
    size: int
    steps: tuple[Span | bytes, ...]


def parse_patch(delta: bytes) -> Patch | None:
    """A delta of git's; None where it is none."""
    try:
        base_size, at = _number(delta, 0)
        size, at = _number(delta, at)
        steps = tuple(_steps(delta, at))
    except (IndexError, ValueError):
        return None
    made = sum(len(step) if isinstance(step, bytes) else step[1] - step[0] for step in steps)
    fits = all(isinstance(step, bytes) or step[1] <= base_size for step in steps)
    return Patch(base_size, size, steps) if fits and made == size else None


def _number(delta: bytes, at: int) -> tuple[int, int]:
    """A number, seven bits a byte, the lowest first; and where it ends."""
    found = 0
    for place in range(_LONGEST_NUMBER):
        byte = delta[at + place]
        found |= (byte & _SEVEN_BITS) << 7 * place
        if not byte & _MORE:
            return found, at + place + 1
    raise ValueError("a number without an end")


def _steps(delta: bytes, at: int) -> Iterator[Span | bytes]:
    """Raises `IndexError` or `ValueError` where there is no end."""
    while at < len(delta):
        command, at = delta[at], at + 1
        if command & _COPIES:
            fields = bytearray()
            for bit in range(_OFFSET_BYTES + _SIZE_BYTES):
                is_there = command >> bit & 1
                fields.append(delta[at] if is_there else 0)
                at += is_there
            start = int.from_bytes(fields[:_OFFSET_BYTES], "little")
            yield start, start + (int.from_bytes(fields[_OFFSET_BYTES:], "little") or _WHOLE)
        else:
            brought = delta[at : at + command]
            if not command or len(brought) != command:
                raise ValueError("an instruction without what it brings")
            yield brought
            at += command


def patched_lines(
    patch: Patch, sizes: Sequence[int], line_at: Callable[[int], bytes]
) -> Iterator[Span | bytes]:
    """The lines a patch makes of others: those it takes over, by number, and those that are new, in order.

    sizes: how long the others are, each with its end; `line_at` is one of them without.

    Raises:
        Invalid: it is no patch of these, or the last line has no end.
    """
    starts = list(accumulate(sizes, initial=0))
    if patch.base_size != starts[-1]:
        raise Invalid("a patch of other lines")
    text = bytearray()
    for step in patch.steps:
        if isinstance(step, bytes):
            text += step
            continue
        at, end = step
        while at < end:
            line, behind = bisect_right(starts, at) - 1, bisect_right(starts, end) - 1
            if at == starts[line] and behind > line and (not text or text.endswith(b"\n")):
                yield from _taken(text)
                yield line, behind
                at = starts[behind]
            else:
                start, stop = starts[line], min(end, starts[line + 1])
                text += line_at(line)[at - start : stop - start]
                text += b"\n" if stop == starts[line + 1] else b""
                at = stop
    if text and not text.endswith(b"\n"):
        raise Invalid("a last line without an end")
    yield from _taken(text)


def _taken(text: bytearray) -> list[bytes]:
    """The lines of a text, which is empty then."""
    lines = bytes(text).split(b"\n")[:-1]
    text.clear()
    return lines
