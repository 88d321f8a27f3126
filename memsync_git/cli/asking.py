"""Asking before something changes.

Rule 1: without a terminal and without --yes nothing changes, and the exit code is 2.
Rule 2: the answer no changes nothing and exits with 1: what was asked for was not done.
"""

from __future__ import annotations

import sys

from memsync_git.cli.exits import FAILED
from memsync_git.cli.printing import leave, say
from memsync_git.errors import Misused


def agree(question: str, *, yes: bool) -> None:
    """Come back if the person agrees.

    Raises:
        Misused: there is nobody to ask.
    """
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise Misused(
            "This would change something, and there is no terminal to ask on.",
            unharmed="Nothing was changed.",
            hint="Add --yes to go on without being asked",
        )
    from click import confirm

    if not confirm(question, default=False, err=True):
        say("Nothing was changed.", sys.stderr)
        leave(FAILED)
