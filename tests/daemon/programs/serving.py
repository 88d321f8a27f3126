"""The daemon as `memsync-git daemon` runs it, with its log on standard error."""

from __future__ import annotations

import logging
import sys

from memsync_git.__main__ import main

logging.basicConfig(level=logging.WARNING, format="%(relativeCreated)d %(name)s %(message)s")
logging.getLogger("memsync_git").setLevel(logging.DEBUG)
sys.argv = ["memsync-git", "daemon"]
main()
