"""Read a file in a loop, as a server does at each call, until a line comes on stdin; tell what was seen.

A version is `N:xxx…:N`: whole if both ends agree.
"""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path


def main(path: Path) -> dict[str, int]:
    seen = {"reads": 0, "absent": 0, "torn": 0}
    versions = set()
    stop = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.readline(), stop.set()), daemon=True).start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while not stop.is_set():
        seen["reads"] += 1
        try:
            first, _, last = path.read_bytes().partition(b":")
        except FileNotFoundError:
            seen["absent"] += 1
            continue
        seen["torn"] += first != last.rpartition(b":")[2]
        versions.add(first)
    return {**seen, "versions": len(versions)}


if __name__ == "__main__":
    json.dump(main(Path(sys.argv[1])), sys.stdout)
