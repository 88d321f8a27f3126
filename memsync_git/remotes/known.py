"""What this machine knew of a remote before its last fetch, kept beside the clone's own files.

Rule 1: it is a cache like the clone: lost or damaged it reads as "nothing known", which is harmless.
Rule 2: it is replaced whole, by rename, and takes no lock.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

from memsync_git.remotes.trees import Oid
from memsync_git.values import dataclass, field, said_by

_OID = r"[0-9a-f]{40}"


@dataclass(frozen=True, slots=True)
class Known:
    """What this machine knew of the remote before the last fetch; lost with the clone, which is harmless.

    main: the newest main we built on. own: the newest commit we published per replica id.
    unified: per store, the object name of main's newest unified file and its time in milliseconds.
    shown: the files in the working tree, by path.
    """

    main: Oid | None = None
    own: Mapping[str, Oid] = field(default_factory=dict)
    unified: Mapping[str, tuple[Oid, int]] = field(default_factory=dict)
    shown: Mapping[str, Oid] = field(default_factory=dict)


def load(path: Path) -> Known:
    """Read what was known; anything unexpected is nothing."""
    try:
        raw = json.loads(path.read_bytes())
        main = raw["main"]
        return Known(
            main=_oid(main) if main else None,
            own={str(rid): _oid(oid) for rid, oid in raw["own"].items()},
            unified={str(name): (_oid(oid), int(ms)) for name, (oid, ms) in raw["unified"].items()},
            shown={str(path): _oid(oid) for path, oid in raw["shown"].items()},
        )
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return Known()


def _oid(text: str) -> Oid:
    if not re.fullmatch(_OID, text):
        raise ValueError(f"not an object name: {text!r}")
    return Oid(text)


def save(path: Path, known: Known) -> None:
    """Replace what is known. Not synced to disk, and a full disk is no reason to stop: it can be lost."""
    fresh = path.with_suffix(".new")
    with contextlib.suppress(OSError):
        fresh.write_text(json.dumps(said_by(known), sort_keys=True))
        os.replace(fresh, path)
