"""What several commands declare alike: their options, and the example under their help."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

Decorator = Callable[[Any], Any]

json_option: Decorator = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON, with schema_version."
)
PICKED = "memsync_git.store"
"""Where the context of a command keeps which store is meant."""


def _picked(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
    del parameter
    if value is not None:
        context.meta[PICKED] = value


store_option: Decorator = click.option(
    "--store", metavar="NAME", expose_value=False, callback=_picked, help="The store meant."
)
yes_option: Decorator = click.option("--yes", is_flag=True, help="Do not ask.")


def off_switch(flag: str, name: str, *, meaning: str) -> Decorator:
    """An option that turns something off which is on without it: `--no-fetch` makes `fetch` False."""
    return click.option(flag, name, is_flag=True, callback=_turned, help=meaning)


def _turned(context: click.Context, parameter: click.Parameter, value: bool) -> bool:
    del context, parameter
    return not value


def examples(*lines: str) -> str:
    """The epilog of a command's help, its lines left as they are."""
    return "\n".join(["\b", "Example:", *(f"  {line}" for line in lines)])
