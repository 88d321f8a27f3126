"""`memsync-git completion`: what a shell needs to complete command lines."""

from __future__ import annotations

import sys

import click

from memsync_git.cli.declaring import examples
from memsync_git.config.places import COMPLETIONS

BESIDES = {"zsh": "   (with fpath+=~/.zfunc before compinit)"}
"""What a shell has to be told once."""


@click.command(epilog=examples("memsync-git completion bash"))
@click.argument("shell", type=click.Choice(list(COMPLETIONS)))
def completion(shell: str) -> None:
    """Print the script by which SHELL completes commands, options and values.

    On a terminal it also says where that script belongs.
    """
    from click.shell_completion import get_completion_class

    from memsync_git.cli.program import COMPLETING, NAME, program

    found = get_completion_class(shell)
    assert found is not None, "click completes every shell that is offered"
    click.echo(found(program, {}, NAME, COMPLETING).source_template % _names(NAME, COMPLETING))
    if sys.stdout.isatty():
        kept = f"memsync-git completion {shell} > ~/{COMPLETIONS[shell]}{BESIDES.get(shell, '')}"
        click.echo(f"To keep it: {kept}", err=True)


def _names(program: str, variable: str) -> dict[str, str]:
    """What click fills into its templates."""
    function = f"_{program.replace('-', '_')}_completion"
    return {"complete_func": function, "complete_var": variable, "prog_name": program}
