"""A shard told by what it has in common with an earlier one, as git keeps it: pieces of that, and new bytes.

    earlier     line │ line │ line │ line │ line                  patch   [0, 120) "new" [130, 400)
    now         line │ line │ li new ne │ line │ line             lines   0-1, one that is new, 3-4

Rule 1: bytes in, values out; a patch that does not fit what it is to change is none.
Rule 2: lines that are taken over whole are never looked at. Which others are needed is told before they are.
Source of the format: gitformat-pack(5), "Deltified representation".
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple, TypeAlias

from memsync_git.values import dataclass
from memsync_git.wire.verdicts import Invalid

Span: TypeAlias = tuple[int, int]
"""From which byte, or line, to before which."""

Piece: TypeAlias = "tuple[int, int, int] | bytes"
"""Of a line, by its number, from which byte to before which, its end being the last; or what is new."""
Text: TypeAlias = list[Piece]
"""Pieces that make lines, the last of them whole."""

_OFFSET_BITS, _OFFSET = 32, 0xFFFFFFFF
_SHIFTS = tuple([tuple([8 * bit for bit in range(7) if command >> bit & 1]) for command in range(0x100)])
"""By command, where the bytes behind it belong: four of an offset, three of a size; any may be left out."""
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
    steps: Sequence[Span | bytes]


class Plan(NamedTuple):
    """The lines a patch makes of others: some that it takes over, by number, then new ones, and so on.

    needed: the numbers of those of which new ones are made.
    """

    parts: list[Span | Text]
    needed: set[int]


def parse_patch(delta: bytes) -> Patch | None:
    """A delta of git's; None where it is none."""
    try:
        base_size, at = _number(delta, 0)
        size, at = _number(delta, at)
        steps, made, reach = _steps(delta, at)
    except (IndexError, ValueError):
        return None
    return Patch(base_size, size, steps) if made == size and reach <= base_size else None


def _number(delta: bytes, at: int) -> tuple[int, int]:
    """A number, seven bits a byte, the lowest first; and where it ends."""
    found = 0
    for place in range(_LONGEST_NUMBER):
        byte = delta[at + place]
        found |= (byte & _SEVEN_BITS) << 7 * place
        if not byte & _MORE:
            return found, at + place + 1
    raise ValueError("a number without an end")


def _steps(delta: bytes, at: int) -> tuple[list[Span | bytes], int, int]:
    """What is done, how many bytes that makes, and the end of what is taken over.

    Git takes over 64 KiB at most in one go. What follows on from that is one step here: no line is cut by it.
    Raises `IndexError` or `ValueError` where there is no end.
    """
    steps: list[Span | bytes] = []
    made = reach = 0
    first, behind = 0, -1
    while at < len(delta):
        command, at = delta[at], at + 1
        if command & _COPIES:
            fields = 0
            for shift in _SHIFTS[command]:
                fields |= delta[at] << shift
                at += 1
            start, size = fields & _OFFSET, fields >> _OFFSET_BITS or _WHOLE
            if start == behind:
                steps.pop()
            else:
                first = start
            behind = start + size
            steps.append((first, behind))
            if behind > reach:
                reach = behind
            made += size
        else:
            steps.append(delta[at : at + command])
            at += command
            made += command
            behind = -1
            if not command or at > len(delta):
                raise ValueError("an instruction without what it brings")
    return steps, made, reach


def planned(patch: Patch, sizes: Sequence[int]) -> Plan:
    """What a patch makes of lines. `sizes`: how long they are, each with its end.

    Raises:
        Invalid: it is no patch of these, or the last line has no end.
    """
    starts = list(accumulate(sizes, initial=0))
    if patch.base_size != starts[-1]:
        raise Invalid("a patch of other lines")
    planning = _Planning(starts)
    for step in patch.steps:
        if isinstance(step, bytes):
            planning.bring(step)
        else:
            planning.take(*step)
    return planning.finished()


class _Planning:
    """A plan that grows step by step. starts: where each of the others begins, and where they all end."""

    def __init__(self, starts: Sequence[int]) -> None:
        self._starts = starts
        self._plan = Plan([], set())
        self._text: Text = []
        self._is_ended = True

    def bring(self, new: bytes) -> None:
        """Bytes that are new."""
        self._text.append(new)
        self._is_ended = new.endswith(b"\n")

    def take(self, at: int, end: int) -> None:
        """Bytes of the others: what is left of a line, whole lines, and with what one begins."""
        starts = self._starts
        line = bisect_right(starts, at) - 1
        if at > starts[line] or not self._is_ended:
            line, begun = line + 1, line
            self._take_piece(begun, at, min(end, starts[line]))
            if end <= starts[line]:
                return
        behind = bisect_right(starts, end, line) - 1
        if behind > line:
            self._end_text()
            self._plan.parts.append((line, behind))
        if end > starts[behind]:
            self._take_piece(behind, starts[behind], end)

    def _take_piece(self, line: int, at: int, end: int) -> None:
        begin = self._starts[line]
        self._text.append((line, at - begin, end - begin))
        self._plan.needed.add(line)
        self._is_ended = end == self._starts[line + 1]

    def _end_text(self) -> None:
        if self._text:
            self._plan.parts.append(self._text)
            self._text = []

    def finished(self) -> Plan:
        """All of it.

        Raises:
            Invalid: the last line has no end.
        """
        if not self._is_ended:
            raise Invalid("a last line without an end")
        self._end_text()
        return self._plan


def lines_of(text: Text, others: Mapping[int, bytes]) -> list[bytes]:
    """The lines a text makes; `others`: those that are needed, each with its end."""
    pieces = [piece if isinstance(piece, bytes) else others[piece[0]][piece[1] : piece[2]] for piece in text]
    return b"".join(pieces).split(b"\n")[:-1]
