"""The report for others: versions, checks and settings; no secret, no address, nothing a memory says.

Rule 1: what may hold names from a memory (details, globs) is left out, not masked.
Rule 2: addresses are cut to their kind, and wherever else they stand they are taken out.
Rule 3: the file is for this account alone until its owner sends it.
"""

from __future__ import annotations

import json
import platform
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from memsync_git import __version__
from memsync_git.app.doctor.finding import Finding
from memsync_git.app.opening import Rooms
from memsync_git.config import Configuration
from memsync_git.errors import Misused
from memsync_git.local import disk
from memsync_git.redaction import redacted
from memsync_git.remotes.trying import git_version
from memsync_git.remotes.url import validate

if TYPE_CHECKING:
    from memsync_git.app.doctor.table import Check

PARTS = ("GitPython", "apscheduler", "click", "filelock", "orjson", "platformdirs", "tomlkit", "watchdog")
HIDDEN = "***"
_LISTS_OF_NAMES = ("include", "exclude")


def write_bundle(path: Path, rooms: Rooms, found: Iterable[tuple[str, Check, Finding]]) -> str:
    """Write the report, 0600, in one step; return its path.

    Raises:
        Misused: it cannot be written.
    """
    text = json.dumps(_bundle(rooms, found), indent=2, ensure_ascii=False) + "\n"
    target = path.expanduser().absolute()
    fresh = target.with_name(f".{target.name}.{uuid4().hex[:8]}.part")
    try:
        disk.write_durably(str(fresh), text.encode("utf-8", "backslashreplace"))
        fresh.replace(target)
    except OSError as error:
        disk.unlink_if_there(str(fresh))
        raise Misused(f"The report cannot be written to {target}: {error.strerror}") from error
    return str(target)


def _bundle(rooms: Rooms, found: Iterable[tuple[str, Check, Finding]]) -> dict[str, object]:
    hide = _Hiding(rooms)
    return {
        "schema_version": 1,
        "versions": dict(_versions()),
        "checks": [
            {
                "check": name,
                "verdict": finding.verdict,
                "evidence": hide(finding.evidence),
                "cure": hide(finding.cure),
            }
            for name, _, finding in found
        ],
        "configuration": {key: _setting(rooms.configuration, key, hide) for key in _keys(rooms)},
    }


def _versions() -> Iterator[tuple[str, str]]:
    yield "memsync-git", __version__
    yield "python", platform.python_version()
    yield "system", f"{platform.system()} {platform.release()}"
    yield "git", ".".join(map(str, git_version() or ())) or "none"
    for part in PARTS:
        with suppress(PackageNotFoundError):
            yield part, version(part)


def _keys(rooms: Rooms) -> list[str]:
    return rooms.configuration.all_keys()


def _setting(configuration: Configuration, key: str, hide: _Hiding) -> object:
    value = configuration.get(key)
    name = key.rpartition(".")[2]
    if name == "url":
        return f"{validate(str(value)).kind}:{HIDDEN}"
    if name in _LISTS_OF_NAMES and isinstance(value, tuple):
        return f"{len(value)} globs"
    return hide(value) if isinstance(value, str) else value


class _Hiding:
    """Takes addresses, credentials and the name of the person out of a text."""

    def __init__(self, rooms: Rooms) -> None:
        urls = [validate(each.url) for each in rooms.configuration.remotes]
        words = {part for url in urls for part in (url.text, url.path, url.host) if len(part) > 1}
        longest_first = sorted(words, key=len, reverse=True)
        self._addresses = re.compile("|".join(map(re.escape, longest_first))) if words else None
        self._home = str(Path.home())

    def __call__(self, text: str) -> str:
        if self._addresses is not None:
            text = self._addresses.sub(HIDDEN, text)
        return redacted(text).replace(self._home, "~")
