"""Logs numbered lines into one file, as one of several processes: path, name, how many, largest bytes."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

from memsync_git.logs.handlers import LogHandler
from memsync_git.logs.writing import RotatingFile

path, name, wanted, max_bytes = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
file = RotatingFile(path, max_bytes=max_bytes, keep=100)
handler = LogHandler(file, sys.stderr, manner="silent", falls_back=True, with_messages=False)
log = logging.getLogger("memsync_git")
log.setLevel(logging.INFO)
log.addHandler(handler)
for number in range(wanted):
    log.info("%s %s", name, number, extra={"filler": "x" * 80})
