"""The files in the clone's working tree, for people to look at: what main holds, as ordinary files.

Rule 1: an output. Nothing here is ever read back, so what happens to these files does not matter.
Rule 2: only paths this package made; the shards of a large fragment are left in git.
Rule 3: HEAD names main's commit and no branch, so `git log` works in the folder and blocks nobody.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from memsync_git.remotes.clone import Clone
from memsync_git.remotes.readme import README_PATH
from memsync_git.remotes.seen import Branch
from memsync_git.remotes.trees import Load, Oid, lookup
from memsync_git.wire.fragments import LIMITS
from memsync_git.wire.repository import MARKER_PATH
from memsync_git.wire.rid import fragment_path, unified_path


def wanted(main: Branch, store: str, load: Load) -> dict[str, Oid]:
    """The paths worth showing of a store, and what stands there."""
    paths = [README_PATH, MARKER_PATH, unified_path(store)]
    paths += [fragment_path(rid, store) for rid in main.found]
    entries = ((path, lookup(main.root, path, load)) for path in paths)
    return {path: entry.oid for path, entry in entries if entry is not None and entry.is_file}


def refresh(
    clone: Clone, paths: Mapping[str, Oid], shown: Mapping[str, Oid], at_hand: Mapping[Oid, Iterable[bytes]]
) -> dict[str, Oid]:
    """Write the files that changed; answers what is shown now. `at_hand`: contents that need no reading, in
    pieces.
    """
    changed = {path: oid for path, oid in paths.items() if shown.get(path) != oid}
    missing = {path: oid for path, oid in changed.items() if oid not in at_hand}
    for path in changed.keys() - missing.keys():
        _replace(clone.path / path, at_hand[changed[path]])
    if missing:
        with clone.objects() as objects:
            for path, oid in missing.items():
                data = objects.read(oid, "blob", limit=LIMITS.max_fragment_bytes)
                if isinstance(data, bytes):
                    _replace(clone.path / path, (data,))
    return {**shown, **changed}


def point_head(clone: Clone, main: Oid) -> None:
    """Let HEAD of the clone name main's newest commit."""
    _replace(clone.git_dir / "HEAD", (f"{main}\n".encode(),))


def _replace(path: Path, pieces: Iterable[bytes]) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)
    with open(descriptor, "wb") as stream:
        stream.writelines(pieces)
    os.replace(fresh, path)
