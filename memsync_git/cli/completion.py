"""`memsync-git completion`: what a shell needs to complete command lines."""

from __future__ import annotations

import sys

import click

from memsync_git.cli.declaring import examples

INSTALLING = {
    "bash": "memsync-git completion bash > ~/.local/share/bash-completion/completions/memsync-git",
    "zsh": "memsync-git completion zsh > ~/.zfunc/_memsync-git   (with fpath+=~/.zfunc before compinit)",
    "fish": "memsync-git completion fish > ~/.config/fish/completions/memsync-git.fish",
}
"""Where each shell looks by itself."""


@click.command(epilog=examples("memsync-git completion bash"))
@click.argument("shell", type=click.Choice(list(INSTALLING)))
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
        click.echo(f"To keep it: {INSTALLING[shell]}", err=True)


def _names(program: str, variable: str) -> dict[str, str]:
    """What click fills into its templates."""
    function = f"_{program.replace('-', '_')}_completion"
    return {"complete_func": function, "complete_var": variable, "prog_name": program}
