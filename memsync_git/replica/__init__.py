"""One replica of one memory: what it holds, and what it makes of a file version or a fragment.

Rule 1: pure. Values in, values out; time, tokens and bytes come from the caller.
Rule 2: every change is made inside one store transaction: load what is newer, act, save (`rows.py`).
Rule 3: the own fragment is written by `crdt.pen.Pen` only, one revision per act.
"""

from memsync_git.replica.replica import Replica
from memsync_git.replica.values import Mark, Moment, Observed, Txn, Version

__all__ = ["Mark", "Moment", "Observed", "Replica", "Txn", "Version"]
