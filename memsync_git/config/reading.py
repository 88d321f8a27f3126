"""From the text of a configuration file to a `Configuration`, or to everything that is wrong with it.

default → file → environment → option          the later speaks over the earlier
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from memsync_git.config.configuration import Configuration, Origin, find
from memsync_git.config.draft import Draft, Problem
from memsync_git.config.fitting import Fitting
from memsync_git.config.layers import take_environment, take_file
from memsync_git.config.places import MEMORY_FILE, Places
from memsync_git.errors import Misused

MOST_BYTES = 1 << 20
"""A configuration is a page or two; this is a mistaken path."""


def load(
    places: Places,
    *,
    options: Mapping[str, object] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Configuration:
    """The configuration that holds now; without a file, the defaults.

    `options` are values by dotted key.

    Raises:
        Misused: the file cannot be read, or something in it, a variable or an option is wrong.
    """
    draft = Draft()
    take_file(draft, places.config, text_of(places.config))
    take_environment(draft, os.environ if environment is None else environment)
    for key, value in (options or {}).items():
        draft.say(find(key), value, Origin("option"))
    configuration = Fitting(draft, str(places.config), str(places.memory_file)).configuration()
    if draft.problems:
        raise _misused(draft.problems)
    return configuration


def validate(path: Path) -> list[Problem]:
    """Everything wrong with the file at `path`, alone: no variable is asked."""
    try:
        return problems_in(text_of(path), path)
    except Misused as error:
        return [Problem(str(path), "", error.message, error.hint)]


def problems_in(text: str, path: Path) -> list[Problem]:
    """Everything wrong with a text that is, or is to become, the file at `path`."""
    draft = Draft()
    try:
        take_file(draft, path, text)
    except Misused as error:
        return [Problem(str(path), "", error.message, error.hint)]
    Fitting(draft, str(path), str(path.absolute().parent / MEMORY_FILE)).configuration()
    return draft.problems


def text_of(path: Path) -> str:
    """The text of the file, "" where there is none."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise Misused(f"{path} cannot be read: {error.strerror}", hint=f"ls -l {path}") from error
    if len(data) > MOST_BYTES:
        raise Misused(f"{path} is larger than {MOST_BYTES} bytes, so it is no configuration")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Misused(f"Line {line} of {path} is not UTF-8, which TOML must be") from error


def _misused(problems: list[Problem]) -> Misused:
    first = problems[0]
    more = f"\n{len(problems) - 1} more of the kind" if len(problems) > 1 else ""
    return Misused(
        f"{first.where}: {first.reason}{more}",
        unharmed="Nothing was changed.",
        hint=first.hint or "memsync-git config validate",
    )
