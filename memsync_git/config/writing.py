"""Changing the configuration file: comments and order of everything else survive.

Rule 1: a text is checked before it is written; what would not be read again is never written.
Rule 2: the file is replaced whole, 0600, never half written; a link is written through to its target.
Rule 3: values stand in the file as typed values, never as what an environment variable made of them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from memsync_git.config.configuration import Address, find
from memsync_git.config.draft import Problem
from memsync_git.config.kinds import Unfit
from memsync_git.config.layers import parsed
from memsync_git.config.reading import problems_in, text_of
from memsync_git.config.settings import LISTS, settings_of
from memsync_git.errors import Misused
from memsync_git.local import disk

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

HEADER = "# memsync-git, the settings of this machine. memsync-git config explain  lists every key.\n"


def set_value(path: Path, key: str, text: str) -> object:
    """Set one key to a typed text, and return the value it holds now.

    Raises:
        Misused: no such key, no fitting value, or a file that cannot be read or written.
    """
    address = find(key)
    kind = settings_of(address.section)[address.key].kind
    try:
        value = kind.fit(kind.read(text))
    except Unfit as error:
        raise Misused(f"{key} {error}", unharmed=f"{path} is as it was.") from error
    change(path, {key: value})
    return value


def change(path: Path, values: Mapping[str, object]) -> None:
    """Set several keys at once, in a file that need not exist.

    A named remote or store that is not in the file is added to it.

    Raises:
        Misused: the file is not readable, or would be wrong afterwards.
    """
    import tomlkit

    before = _parseable_text(path)
    document = tomlkit.parse(before or HEADER)
    for key, value in values.items():
        address = find(key)
        _table(document, address)[address.key] = _plain(value)
    write_text(path, tomlkit.dumps(document), before=before)


def remove(path: Path, section: str, name: str) -> bool:
    """Take a remote or store out of the file; False where none of that name stands there.

    Raises:
        Misused: the file is not readable, or would be wrong afterwards.
    """
    import tomlkit

    before = _parseable_text(path)
    document = tomlkit.parse(before)
    rows = document.get(section, [])
    at = next((at for at, row in enumerate(rows) if _row_name(section, row) == name), None)
    if at is None:
        return False
    del rows[at]
    if not rows:
        del document[section]
    write_text(path, tomlkit.dumps(document), before=before)
    return True


def write_text(path: Path, text: str, *, before: str = "") -> None:
    """Replace the file by `text`, if nothing is wrong with it that was not wrong `before`.

    Raises:
        Misused: something is, or the file cannot be written; the file is as it was.
    """
    known = problems_in(before, path)
    fresh = next((problem for problem in problems_in(text, path) if problem not in known), None)
    if fresh is not None:
        raise _unwritten(path, fresh)
    try:
        _replace(path, text.encode())
    except OSError as error:
        raise Misused(
            f"{path} cannot be written: {error.strerror}",
            unharmed="It is as it was.",
            hint=f"ls -ld {path.parent}",
        ) from error


def _replace(path: Path, data: bytes) -> None:
    target = path.resolve()
    target.parent.mkdir(mode=disk.PRIVATE_DIRECTORY, parents=True, exist_ok=True)
    fresh = f"{target}.{uuid4().hex[:8]}.tmp"
    try:
        disk.write_durably(fresh, data)
        os.replace(fresh, target)
    except BaseException:
        disk.unlink_if_there(fresh)
        raise
    disk.sync_directory(str(target.parent))


def _parseable_text(path: Path) -> str:
    """The text of the file; one that is not TOML is not changed by a machine."""
    text = text_of(path)
    parsed(text, path)
    return text


def _unwritten(path: Path, problem: Problem) -> Misused:
    return Misused(problem.reason, unharmed=f"{path} is as it was.", hint=problem.hint)


def _table(document: TOMLDocument, address: Address) -> Any:
    """The table a key stands in, added where it is missing."""
    import tomlkit

    is_list = address.section in LISTS
    if address.section not in document:
        document.add(tomlkit.nl())
        document[address.section] = tomlkit.aot() if is_list else tomlkit.table()
    rows: Any = document[address.section]
    if not is_list:
        return rows
    for row in rows:
        if not address.row or _row_name(address.section, row) == address.row:
            return row
    rows.append(_named_table(address))
    return rows[-1]


def _named_table(address: Address) -> Any:
    import tomlkit

    table = tomlkit.table()
    table["name"] = address.row or settings_of(address.section)["name"].default
    return table


def _row_name(section: str, row: Mapping[str, object]) -> object:
    return row.get("name", settings_of(section)["name"].default)


def _plain(value: object) -> object:
    """A value as TOML writes it: lists for tuples, no fraction where there is none."""
    if isinstance(value, tuple):
        return [_plain(member) for member in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
