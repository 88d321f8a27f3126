"""The way in: `memsync-git` and `python -m memsync_git`.

Rule 1: everything this process makes is private from its first moment (umask 077).
Rule 2: nothing is imported for `--version` that it does not need.
Rule 3: what others import and hardly use is loaded late (`late.py`): before that nothing is imported here.
"""

from __future__ import annotations

import gc
import io
import os
import sys

from memsync_git import __version__

PRIVATE_UMASK = 0o077


def main() -> None:
    """Run the command line of this process and exit with its code."""
    os.umask(PRIVATE_UMASK)
    gc.disable()  # a command lives for a second: looking for cycles among its many small values is waste
    arguments = sys.argv[1:]
    if arguments == ["--version"]:
        sys.stdout.write(f"memsync-git {__version__}\n")
        return
    _write_anything()
    from memsync_git.late import SELDOM_USED, load_late

    load_late(*SELDOM_USED)
    from memsync_git.cli.running import run

    code = run(arguments)
    gc.freeze()  # nor are they searched once more on the way out
    sys.exit(code)


def _write_anything() -> None:
    """What a terminal's encoding lacks is escaped, not an error; nor is a stream that was closed before."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: SIM115  as long as the process
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


if __name__ == "__main__":
    main()
