"""The daemon, with the moments of its work written down: `python -m benchmarks.traced FILE`.

A line is `SECONDS WORDS`, seconds of `time.monotonic`; a word in front of each end is that of its beginning.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from memsync_git.__main__ import main
from memsync_git.local.file import OsFile
from memsync_git.pacing import Action, Captured, Event, Now, Pacer, RoundEnded, Sync, Ticked
from memsync_git.remotes.git import GitRemote

Note = Callable[[str], None]


def told_aloud(note: Note) -> Callable[[Pacer, Event, Now], tuple[Pacer, tuple[Action, ...]]]:
    """`Pacer.told`, noting what it is told and what it answers."""
    told = Pacer.told

    def noting(pacer: Pacer, event: Event, now: Now) -> tuple[Pacer, tuple[Action, ...]]:
        if not isinstance(event, Ticked):
            note(word_of(event))
        answer = told(pacer, event, now)
        for action in answer[1]:
            if isinstance(action, Sync):
                note(f"Sync {action.reason}")
        return answer

    return noting


def word_of(event: Event) -> str:
    match event:
        case Captured(news):
            return f"Captured {'news' if news else 'nothing'}"
        case RoundEnded(_, active):
            return f"RoundEnded {'active' if active else 'quiet'}"
        case _:
            return type(event).__name__


def timed(owner: type, name: str, note: Note) -> None:
    """Note when a method begins and ends."""
    method = getattr(owner, name)

    def noting(self: object, *given: Any, **named: Any) -> Any:
        note(f"{name} begins")
        try:
            return method(self, *given, **named)
        finally:
            note(f"{name} ends")

    setattr(owner, name, noting)


def begin(trace: Path) -> None:
    with trace.open("w", buffering=1) as lines:

        def note(words: str) -> None:
            lines.write(f"{time.monotonic():.6f} {words}\n")

        Pacer.told = told_aloud(note)  # type: ignore[method-assign]
        for owner, name in ((GitRemote, "fetch"), (GitRemote, "publish"), (OsFile, "exchange")):
            timed(owner, name, note)
        sys.argv = ["memsync-git", "daemon"]
        main()


if __name__ == "__main__":
    begin(Path(sys.argv[1]))
