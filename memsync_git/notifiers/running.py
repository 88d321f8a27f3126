"""Starting the command of a notifier."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from shutil import which
from typing import Final

from memsync_git.ports import Told, Untold

TIMEOUT_S: Final = 5.0
"""A note is handed over in milliseconds; a session that does not take it in five seconds takes none."""
LONGEST_SAID_CHARS: Final = 200


def told(argv: Sequence[str], environment: Mapping[str, str]) -> Told | Untold:
    """Run the command to its end."""
    program = which(argv[0], path=environment.get("PATH"))
    if program is None:
        return Untold(f"This machine has no {argv[0]} command.")
    try:
        done = subprocess.run(
            [program, *argv[1:]],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=dict(environment),
            timeout=TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Untold(f"{argv[0]} did not answer in {TIMEOUT_S:.0f} seconds.")
    except OSError as problem:
        return Untold(f"{argv[0]} could not be run: {problem.strerror}.")
    if done.returncode == 0:
        return Told()
    said = done.stderr.decode(errors="replace").strip()[:LONGEST_SAID_CHARS]
    return Untold(f"{argv[0]} failed: {said or done.returncode}")
