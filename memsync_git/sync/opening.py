"""Taking up work: what comes before the first capture of a process that goes on watching.

Rule 1: nothing is captured into a store that is older than its file; a round brings it up to date first.
Rule 2: what a crash left beside the file is older than the file, so it is read first.
"""

from __future__ import annotations

from memsync_git.sync.capture import capture_leftovers
from memsync_git.sync.recovering import newer_witness
from memsync_git.sync.report import RoundReport
from memsync_git.sync.session import Session


def take_up(session: Session) -> bool:
    """Read what a crash left. False, and nothing read, if only a round can bring the store up to date.

    Raises:
        StoreDamaged: the replica store cannot be read or written.
    """
    if newer_witness(session) is not None:
        return False
    capture_leftovers(session, RoundReport())
    return True
