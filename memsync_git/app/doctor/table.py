"""The checks, in the order they are made and shown.

Rule 1: a check is a function from a case to a finding, named for the one thing it looks at.
Rule 2: the clone is looked at before anything is fetched, because a fetch mends it.
Rule 3: cures are made in this order too: stores before the file, the file before the remote.
"""

from __future__ import annotations

from collections.abc import Callable

from memsync_git.app.doctor import assistants, file, machine, place, remote, service, store
from memsync_git.app.doctor.case import Case
from memsync_git.app.doctor.finding import Finding

Check = Callable[[Case], Finding]

BEFORE_INIT: tuple[tuple[str, Check], ...] = (
    ("python", machine.python),
    ("git", machine.git),
    ("configuration", machine.configuration),
    ("set up", machine.set_up),
)
"""What can be said of a machine where nothing was set up yet."""

CHECKS: tuple[tuple[str, Check], ...] = (
    *BEFORE_INIT,
    ("disk", machine.disk),
    ("owners", place.owners),
    ("write", place.writable),
    ("modes", place.modes),
    ("machine", machine.copied),
    ("lock", machine.lock),
    ("identity", store.identity),
    ("store", store.store),
    ("witness", store.witness),
    ("memory file", file.readable),
    ("assistants", assistants.memory_file),
    ("server versions", assistants.versions),
    ("writers", assistants.writers),
    ("links", place.links),
    ("file system", place.file_system),
    ("format", file.shape),
    ("contents", file.contents),
    ("leftovers", place.leftovers),
    ("server leftovers", place.server_leftovers),
    ("names", file.names),
    ("holds", store.holds),
    ("conflicts", store.conflicts),
    ("unpublished", store.unpublished),
    ("remote", remote.configured),
    ("clone leftovers", remote.clone_leftovers),
    ("clone", remote.clone),
    ("fetch", remote.reach),
    ("push", remote.push),
    ("fragments", remote.unreadable),
    ("release", remote.newer),
    ("revisions", remote.twins),
    ("history", remote.rolled_back),
    ("id", store.shared_id),
    ("retired", store.retired),
    ("privacy", remote.public),
    ("clock", machine.clock),
    ("service", service.service),
    ("service fetch", service.reaches),
)

OF_A_STORE = (
    "store",
    "witness",
    "memory file",
    "links",
    "format",
    "contents",
    "leftovers",
    "holds",
    "conflicts",
    "unpublished",
)
"""The checks that say something else in every store."""
