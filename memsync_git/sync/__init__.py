"""One round, told in order, over ports only.

Rule 1: a change is durable before it travels: observe, save, publish, save pending, exchange, linger, settle.
Rule 2: a step that fails cancels only what needs it: without a remote what is already joined is still
applied, with an unusable file fetch and publish go on.
Rule 3: nothing here knows how a port works, and correctness needs no lock.
"""

from memsync_git.sync.capture import Captured, capture
from memsync_git.sync.opening import take_up
from memsync_git.sync.report import RemoteReport, RoundOptions, RoundReport, Stage
from memsync_git.sync.round import round_steps, sync_round
from memsync_git.sync.session import Session, Settings, World

__all__ = [
    "Captured",
    "RemoteReport",
    "RoundOptions",
    "RoundReport",
    "Session",
    "Settings",
    "Stage",
    "World",
    "capture",
    "round_steps",
    "sync_round",
    "take_up",
]
