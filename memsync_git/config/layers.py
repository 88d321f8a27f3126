"""The layers a configuration is made of: the file and the environment, each said into a draft.

Rule 1: nothing unknown is passed over: a misspelt key is a setting that silently does nothing.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from memsync_git.config.configuration import Address, Origin, nearest
from memsync_git.config.draft import Draft, Given, Problem, name_of
from memsync_git.config.kinds import shown
from memsync_git.config.settings import LISTS, SECTIONS, settings_of
from memsync_git.errors import Misused

VARIABLE = "MEMSYNC_"
_AT_LINE = r"(?P<what>.*?) \(at (?P<where>line (?P<line>\d+), column \d+|end of document)\)"


def take_file(draft: Draft, path: Path, text: str) -> None:
    """Add what the text of a file says.

    Raises:
        Misused: it is not TOML; the message names the line.
    """
    where = Origin("file", str(path))
    for section, content in parsed(text, path).items():
        if section not in SECTIONS:
            draft.problems.append(_unknown_section(section, content, str(path)))
            continue
        for table in _tables(draft, section, content, str(path)):
            given: Given = {}
            draft.tables[section].append(given)
            for key, value in table.items():
                if key in settings_of(section):
                    given[key] = (value, where)
                else:
                    draft.problems.append(_unknown_key(section, key, str(path)))


def parsed(text: str, path: Path) -> dict[str, Any]:
    """The tables of a text; raises `Misused` with the line that is not TOML."""
    try:
        return tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        found = re.fullmatch(_AT_LINE, str(error))
        line = (found and found["line"]) or str(text.count("\n") + 1)
        reason = found["what"] if found else str(error)
        raise Misused(
            f"Line {line} of {path} is not TOML: {reason}",
            unharmed="Nothing was changed.",
            hint="memsync-git config edit",
        ) from error


def _tables(draft: Draft, section: str, content: object, where: str) -> list[dict[str, object]]:
    """The tables a section stands in: one, or any number for a list."""
    wanted = f"[[{section}]]" if section in LISTS else f"[{section}]"
    tables = content if section in LISTS else [content]
    if isinstance(tables, list) and all(isinstance(table, dict) for table in tables):
        return tables
    draft.problems.append(Problem(where, section, f"{section} must stand as {wanted}", f"Write {wanted}"))
    return []


def _unknown_section(section: str, content: object, where: str) -> Problem:
    if not isinstance(content, dict | list):
        home = next((name for name in SECTIONS if section in settings_of(name)), "")
        hint = f"Write it under [{home}]" if home else ""
        return Problem(where, section, f"the key {section!r} stands outside every section", hint)
    found = nearest(section, SECTIONS)
    hint = f"The nearest is [{found}]" if found else f"There are {', '.join(SECTIONS)}"
    return Problem(where, section, f"there is no section [{section}]", hint)


def _unknown_key(section: str, key: str, where: str) -> Problem:
    found = nearest(key, settings_of(section))
    elsewhere = next((name for name in SECTIONS if key in settings_of(name)), "")
    hint = f"{key} belongs to [{elsewhere}]" if elsewhere else f"The nearest is {found}" if found else ""
    return Problem(
        where,
        f"{section}.{key}",
        f"section [{section}] has no key {shown(key)}",
        hint or f"It has {', '.join(settings_of(section))}",
    )


def take_environment(draft: Draft, environment: Mapping[str, str]) -> None:
    """Add what variables say, over the file."""
    known = dict(_variables(draft))
    sections = tuple(f"{VARIABLE}{section.upper()}_" for section in SECTIONS)
    for variable in sorted(environment):
        if not variable.startswith(sections):
            continue
        address = known.get(variable)
        if address is None:
            found = nearest(variable, known)
            hint = f"The nearest is {found}" if found else f"unset {variable}"
            draft.problems.append(Problem("environment", variable, f"{variable} is no setting", hint))
            continue
        kind = settings_of(address.section)[address.key].kind
        draft.say(address, kind.read(environment[variable]), Origin("environment", variable))


def _variables(draft: Draft) -> Iterator[tuple[str, Address]]:
    """Every variable that means something: `MEMSYNC_SYNC_POLL_S`, `MEMSYNC_STORES_DEFAULT_FILE` …"""
    for section in SECTIONS:
        rows = draft.tables[section] if section in LISTS else []
        for name in ["", *(name_of(section, row) for row in rows)]:
            infix = f"{name}_".upper().replace("-", "_") if name else ""
            for key in settings_of(section):
                if key != "name":
                    yield f"{VARIABLE}{section.upper()}_{infix}{key.upper()}", Address(section, name, key)
