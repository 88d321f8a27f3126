"""The app, opened for one command."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from memsync_git.cli.declaring import PICKED
from memsync_git.config.places import Places

if TYPE_CHECKING:
    from memsync_git.app import App

NAME = "memsync-git"


def opened(options: Mapping[str, object] | None = None) -> App:
    """The app with this machine's configuration; `options` are values by dotted key.

    A command that takes `--store` is answered of that store.
    """
    from memsync_git.app import App

    context = click.get_current_context(silent=True)
    store = context.meta.get(PICKED, "") if context is not None else ""
    executable = own_executable(sys.argv[0], sys.executable)
    return App.open(Places.of(), options or {}, executable=executable, store=store)


def own_executable(called: str, python: str) -> str:
    """The absolute path by which a service can call this program, empty where there is none.

    `called` is how this process was started; with `python -m memsync_git` the program stands beside the
    interpreter, if it was installed at all.
    """
    script = Path(called)
    if script.stem == NAME and script.is_absolute():
        return str(script)
    beside = Path(python).with_name(NAME)
    if beside.is_file():
        return str(beside)
    from shutil import which

    found = which(NAME)
    return str(Path(found).absolute()) if found else ""
