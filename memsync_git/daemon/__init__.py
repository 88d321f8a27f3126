"""The daemon: captures at once, syncs soon, and says that it lives.

Rule 1: the daemon decides nothing. `pacing.Pacer` says what to do and when, `app.working.Workplace` does it.
Rule 2: it is always possible to kill it: what it captured is saved, and no lock of it outlives it.
Rule 3: one catch-all, around a round. It reports, and the daemon goes on, later each time.
"""

from memsync_git.daemon.serving import serve

__all__ = ["serve"]
