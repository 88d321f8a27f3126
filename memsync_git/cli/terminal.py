"""How things look: harmless texts, marks, times as people say them. Pure, but for `Screen.of`.

Rule 1: `safe` stands between every text that is not ours and the terminal: an observation may hold escape
codes that retitle a window, hide a line or answer a prompt.
Rule 2: colour only on a terminal, and never if NO_COLOR is set (no-color.org); meaning never by colour alone.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final, TextIO

from memsync_git.values import dataclass
from memsync_git.words import Verdict

NARROWEST: Final = 40
USUAL_WIDTH: Final = 80
WIDEST: Final = 120
"""Longer lines are hard to read, however wide the window."""

MARKS: Final[Mapping[Verdict, str]] = {"ok": "✓", "warn": "!", "fail": "✗"}
_COLOURS: Final = {"ok": "32", "warn": "33", "fail": "31", "strong": "1", "faint": "2"}

_JOINERS: Final = "\u200c\u200d\u00a0\u202f\u3000"
"""Not printable by Python's word, harmless and needed: joiners of scripts and emoji, fixed spaces."""

_STEPS_S: Final = ((86_400, "day"), (3_600, "hour"), (60, "minute"))
MONTH_S: Final = 30 * 86_400
SOON_S: Final = 5


def safe(text: str) -> str:
    """A text on one line without control characters, direction overrides or halves of characters."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char in _JOINERS else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    named = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(char)
    code = ord(char)
    return named or (
        f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    )


def cut(text: str, width: int) -> str:
    """A harmless text of at most `width` characters."""
    shown = safe(text)
    return shown if len(shown) <= width else shown[: width - 1] + "…"


def cells(text: str) -> int:
    """How many columns a text takes."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)


def columns(rows: Sequence[Sequence[str]], *, gap: str = "  ") -> list[str]:
    """Rows as lines with their cells one below the other; the last cell is not padded."""
    widths = [max(map(cells, column)) for column in zip(*rows, strict=True)]
    return [
        gap.join(cell + " " * (width - cells(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]


def counted(number: int, noun: str) -> str:
    """`1 entity`, `2 entities`, `0 relations`."""
    if number == 1:
        return f"1 {noun}"
    return f"{number} {noun[:-1]}ies" if noun.endswith("ty") else f"{number} {noun}s"


@dataclass(frozen=True, slots=True)
class Screen:
    """What a text is made for: the time it is read, its colours and its width."""

    now: datetime
    colour: bool = False
    width: int = USUAL_WIDTH

    @classmethod
    def of(cls, stream: TextIO, environment: Mapping[str, str]) -> Screen:
        """The screen behind a stream, as it is now."""
        on_terminal = stream.isatty()
        colour = on_terminal and not environment.get("NO_COLOR") and environment.get("TERM") != "dumb"
        return cls(datetime.now(UTC), colour=colour, width=_width(stream) if on_terminal else USUAL_WIDTH)

    def ago(self, at: str | None) -> str:
        """A time of a document as people say it; `never` for None."""
        if at is None:
            return "never"
        moment = _moment(at)
        if moment is None:
            return safe(at)
        seconds = (self.now - moment).total_seconds()
        if abs(seconds) > MONTH_S:
            return moment.strftime("on %Y-%m-%d")
        return _said(seconds)

    def due(self, at: str) -> str:
        """A time to come, as people say it; one that has passed is about to be made good."""
        moment = _moment(at)
        is_near = moment is not None and (moment - self.now).total_seconds() < SOON_S
        return "in a moment" if is_near else self.ago(at)

    def mark(self, verdict: Verdict) -> str:
        """✓ ! or ✗."""
        return self.paint(MARKS[verdict], verdict)

    def paint(self, text: str, colour: str) -> str:
        """A text in one of the colours ok, warn, fail, strong, faint, where there is colour."""
        return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if self.colour else text


def _width(stream: TextIO) -> int:
    try:
        found = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        return USUAL_WIDTH
    return min(max(found, NARROWEST), WIDEST)


def _moment(at: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _said(seconds: float) -> str:
    distance = abs(seconds)
    for length, noun in _STEPS_S:
        if distance >= length:
            count = counted(int(distance // length), noun)
            return f"{count} ago" if seconds > 0 else f"in {count}"
    if distance < SOON_S:
        return "just now"
    count = counted(int(distance), "second")
    return f"{count} ago" if seconds > 0 else f"in {count}"
