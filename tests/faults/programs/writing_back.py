"""One write-back under the circumstances given on the command line as JSON; tells its outcomes as JSON.

path: the file · size: write so many bytes, not "new" · ways: names of swaps
uid: who to be · largest: ulimit -f in bytes
denied: {system call: errno} from the start · denied_later: the same, once the file is prepared
"""

from __future__ import annotations

import json
import os
import resource
import sys
from dataclasses import asdict
from typing import Any

from denying import deny

from memsync_git.filebytes import Pieces
from memsync_git.local import swaps
from memsync_git.local.file import OsFile
from memsync_git.ports import Prepared, Unusable


def told(outcome: object) -> dict[str, Any]:
    fields = asdict(outcome) if outcome is not None else {}  # type: ignore[call-overload]
    plain = json.dumps(fields, default=lambda held: bytes(held).decode())
    return {"kind": type(outcome).__name__, **json.loads(plain)}


def main(circumstances: dict[str, Any]) -> list[dict[str, Any]]:
    ways = [getattr(swaps, name)() for name in circumstances.get("ways", ("ExchangeSwap", "LinkSwap"))]
    file = OsFile(circumstances["path"], swaps=ways)
    if "largest" in circumstances:
        resource.setrlimit(resource.RLIMIT_FSIZE, (circumstances["largest"],) * 2)
    if "uid" in circumstances:
        os.setgroups([])
        os.setgid(circumstances["uid"])
        os.setuid(circumstances["uid"])
    if circumstances.get("denied"):
        deny(circumstances["denied"])
    return [told(outcome) for outcome in written_back(file, circumstances)]


def written_back(file: OsFile, circumstances: dict[str, Any]) -> list[object]:
    reading = file.read()
    data = b"x" * circumstances["size"] if "size" in circumstances else b"new"
    prepared = file.prepare(Pieces([data])).finished()
    outcomes: list[object] = [reading, prepared, file.write_witness(b"witness")]
    if circumstances.get("denied_later"):
        deny(circumstances["denied_later"])
    if isinstance(prepared, Prepared) and not isinstance(reading, Unusable):
        outcomes.append(file.exchange(prepared, over=reading))
    return outcomes


if __name__ == "__main__":
    # Everything that is imported late must be imported before rights are dropped.
    import ctypes  # noqa: F401

    json.dump(main(json.loads(sys.argv[1])), sys.stdout)
