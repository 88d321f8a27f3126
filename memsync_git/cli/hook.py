"""`memsync-git hook`: what an assistant's own hooks call; see `session_start`."""

from __future__ import annotations

from typing import Final

import click

from memsync_git.cli.declaring import examples
from memsync_git.cli.lazy import LazyGroup
from memsync_git.cli.session_start import speak_up

ANYTHING: Final = {"ignore_unknown_options": True, "allow_extra_args": True}


@click.group(cls=LazyGroup, places={}, epilog=examples("memsync-git hook session-start"))
def hook() -> None:
    """Speak to an assistant's hooks."""


@hook.command(
    "session-start",
    context_settings=ANYTHING,
    epilog=examples("memsync-git hook session-start"),
)
def session_start() -> None:
    """Say in one line what is wrong with the sync; nothing if all is well. Exits 0 always."""
    speak_up()
