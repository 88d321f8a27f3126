"""What `hook session-start` says to an assistant.

Rule 1: exit code 0 and no word on stderr, whatever happens: a hook must never stop an assistant.
Rule 2: silent while all is well; else one line on stdout: what, and the next command. It goes into the
assistant's context, so it holds only sentences of ours: nothing a remote or a memory says.
Rule 3: standard input is not read, so nothing on it can keep the hook waiting.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from memsync_git.alerts import ADVICE, Troubles, advice_on, concerns_of
from memsync_git.cli.opening import opened
from memsync_git.cli.printing import say, silence_stdout
from memsync_git.cli.terminal import safe
from memsync_git.errors import Busy, MemsyncError, Misused, StoreDamaged

if TYPE_CHECKING:
    from memsync_git.app.opening import Rooms

PATIENCE_S: Final = 0.2
"""Reading takes a few milliseconds, on a busy machine ten times that; 300 are promised in all."""


def speak_up() -> None:
    """Say in one line what is wrong with the sync; nothing if all is well. Never raises."""
    with contextlib.suppress(KeyboardInterrupt):
        from memsync_git.app.troubles import troubles  # before the clock starts: a cold disk is no trouble

        line = in_time(lambda: line_now(troubles), PATIENCE_S)
        if line:
            _put(line)


def _put(line: str) -> None:
    try:
        say(f"memsync-git: {line}")
    except (OSError, ValueError):
        silence_stdout()


def in_time(answer: Callable[[], str], patience_s: float) -> str:
    """The answer, or that it took too long: a locked store must not keep an assistant waiting."""
    from queue import Empty, SimpleQueue
    from threading import Thread

    answers: SimpleQueue[str] = SimpleQueue()
    Thread(target=lambda: answers.put(answer()), daemon=True).start()
    try:
        return answers.get(timeout=patience_s)
    except Empty:
        return line_of("The state of sync could not be read in time.", "memsync-git status")


def line_now(troubles: Callable[[Rooms], Troubles]) -> str:
    """What is wrong now; empty if nothing is. Never raises."""
    try:
        found = troubles(opened(store="").rooms)
    except Busy:
        return ""  # somebody is syncing at this very moment
    except Misused as error:
        return line_of(error.message.split("\n")[0], _command_of(error))
    except StoreDamaged:
        return line_of(ADVICE["store"].sentence, ADVICE["store"].command)
    except MemsyncError:
        return line_of(ADVICE["other"].sentence, ADVICE["other"].command)
    except Exception:  # noqa: BLE001  rule 1
        return line_of("The state of sync could not be told.", "memsync-git doctor")
    gravest = advice_on(concerns_of(found), found)[:1]
    return line_of(gravest[0].sentence, gravest[0].command) if gravest else ""


def _command_of(error: Misused) -> str:
    hint = error.hint.split("\n")[0]
    return hint if hint.startswith("memsync-git ") else "memsync-git config validate"


def line_of(sentence: str, command: str) -> str:
    """What, and the next command, on one line."""
    return safe(f"{sentence.rstrip('.')}. Next: {command}")
