"""Command lines that need no reading: what hooks, prompts and cron ask, day and night.

    status [--json]
    hook session-start
    sync [--quiet] [--json] [--full] [--no-fetch] [--no-push]

Rule 1: a command and flags, nothing with a value; everything else is click's, which would do the very same
with these (tests/cli/test_cli_plainly.py).
Rule 2: click is not loaded for them, which takes longer than all the rest of `status` (docs/decisions, 71).
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import TYPE_CHECKING

from memsync_git.cli.exits import DONE

if TYPE_CHECKING:
    from memsync_git.options import SyncOptions

STATUS_FLAGS = frozenset(["--json"])
SYNC_FLAGS = frozenset(["--quiet", "--json", "--full", "--no-fetch", "--no-push"])


def answered(arguments: Sequence[str]) -> int | None:
    """Run a plain command line and return its exit code; None for any other, of which nothing was done."""
    match list(arguments):
        case ["status", *flags] if STATUS_FLAGS.issuperset(flags):
            return _status(set(flags))
        case ["sync", *flags] if SYNC_FLAGS.issuperset(flags):
            return _sync(set(flags))
        case ["hook", "session-start"]:
            return _session_start()
        case _:
            return None


def _status(flags: Set[str]) -> int:
    from memsync_git.cli.opening import opened
    from memsync_git.cli.status_screen import show

    show(opened(store=""), as_json="--json" in flags)
    return DONE


def _sync(flags: Set[str]) -> int:
    from memsync_git.cli.opening import opened
    from memsync_git.cli.sync_screen import show_sync

    return show_sync(
        opened(store=""), sync_options(flags), quiet="--quiet" in flags, as_json="--json" in flags
    )


def sync_options(flags: Set[str]) -> SyncOptions:
    """What flags of `sync` ask for."""
    from memsync_git.options import SyncOptions

    return SyncOptions(full="--full" in flags, fetch="--no-fetch" not in flags, push="--no-push" not in flags)


def _session_start() -> int:
    from memsync_git.cli.session_start import speak_up

    speak_up()
    return DONE
