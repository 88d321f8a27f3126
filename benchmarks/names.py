"""What the contestants are called, in tables, in goals and on plots."""

from __future__ import annotations

ASKING = "git ls-remote + Python importing click, sqlite3 and git"
SYNC = "memsync-git sync, nothing to do"
STATUS = "memsync-git status"
HOOK = "memsync-git hook session-start"

WARM = "memsync-git, a daemon's session"
COLD = "memsync-git, a command without git"
RECEIVE = "memsync-git, a daemon's session, without git's programs"
RECEIVE_ALL = "memsync-git, a daemon's session, git's programs and all"
RECEIVE_FLOOR = "only what changed read through git, and the file written"
RECEIVE_COLD = "memsync-git sync, a command, git and all"

SYNC_LEFT_OUT = "memsync-git sync, names left out"
WARM_LEFT_OUT = "memsync-git, a daemon's session, names left out"
COLD_LEFT_OUT = "memsync-git, a command without git, names left out"

TAKING = "memsync-git, a daemon that takes changes in"
RECEIVING = "memsync-git, a daemon that receives"

SYNC_ONE = "memsync-git sync, one entity"
BARE_GIT = "the bare git commands, the whole file + Python"
BARE_GIT_SMALL = "the bare git commands, one line + Python"

ADOPT = "memsync-git, adopt"
JOIN = "memsync-git, join"

OVER_BARE, OVER_OURS = "bare git, ", "memsync-git, "
"""In front of a way to a hub."""

ALL_DURABLE = "memsync-git, all durable"
ALL_ON_MAIN = "memsync-git, all on main"
LOST = "memsync-git, changes lost"
EDIT_LOOSE = "an edit, loose in the hub"
EDIT_PACKED = "an edit, after upkeep"
EDIT_PUSHED = "an edit, pushed"
SHARED = ", of one of four machines"
"""After what an edit leaves."""
SCRIPT = "a plain script on main"

IDLE_CPU = "the busier of both, processor"
IDLE_MEMORY = "the larger of both, memory"

LIBRARIES = ("automerge", "loro", "pycrdt")
APPENDING = ("loro", "pycrdt")
"""Those that read a change they wrote apart from the document."""


def cold(library: str) -> str:
    """A process that starts, loads the document, changes it and appends the change."""
    return f"{library}, cold, change appended"


def cold_whole(library: str) -> str:
    """The same, the document saved whole."""
    return f"{library}, cold, saved whole"


def warm(library: str) -> str:
    """A process that holds the document and appends a change it is told."""
    return f"{library}, warm, change appended"


def warm_whole(library: str) -> str:
    """The same, the document saved whole."""
    return f"{library}, warm, saved whole"


def receive(library: str) -> str:
    """A process that holds the document and the lines, and renders the touched ones."""
    return f"{library}, warm, touched lines"


def receive_whole(library: str) -> str:
    """A process that holds the document and renders all of it."""
    return f"{library}, warm, rendered whole"


def build(library: str) -> str:
    """From a memory file to a document on disk."""
    return f"{library}, from the file to a document"


COLD_RIVALS = tuple(name for library in LIBRARIES for name in (cold(library), cold_whole(library)))
