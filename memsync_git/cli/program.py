"""The program as click reads it: its top-level options and its commands."""

from __future__ import annotations

import os
from collections.abc import Sequence

import click

from memsync_git import __version__
from memsync_git.cli import exits
from memsync_git.cli.declaring import examples
from memsync_git.cli.lazy import LazyGroup
from memsync_git.errors import Misused

NAME = "memsync-git"
COMPLETING = "_MEMSYNC_GIT_COMPLETE"
"""The variable by which a shell asks how a command line may go on; see `cli.completion`."""
_COMMANDS = {
    "init": "memsync_git.cli.init:init",
    "sync": "memsync_git.cli.sync:sync",
    "stash": "memsync_git.cli.staged:stash",
    "pull": "memsync_git.cli.staged:pull",
    "apply": "memsync_git.cli.staged:apply",
    "push": "memsync_git.cli.staged:push",
    "status": "memsync_git.cli.status:status",
    "daemon": "memsync_git.cli.daemon:daemon",
    "pause": "memsync_git.cli.pause:pause",
    "resume": "memsync_git.cli.pause:resume",
    "show": "memsync_git.cli.show:show",
    "log": "memsync_git.cli.log:log",
    "blame": "memsync_git.cli.blame:blame",
    "undo": "memsync_git.cli.undo:undo",
    "restore": "memsync_git.cli.restore:restore",
    "conflicts": "memsync_git.cli.conflicts:conflicts",
    "resolve": "memsync_git.cli.resolve:resolve",
    "holds": "memsync_git.cli.holds:holds",
    "hosts": "memsync_git.cli.hosts:hosts",
    "import": "memsync_git.cli.imports:import_",
    "export": "memsync_git.cli.export:export",
    "stores": "memsync_git.cli.stores:stores",
    "remote": "memsync_git.cli.remote:remote",
    "service": "memsync_git.cli.service:service",
    "config": "memsync_git.cli.config:config",
    "doctor": "memsync_git.cli.doctor:doctor",
    "verify": "memsync_git.cli.verify:verify",
    "logs": "memsync_git.cli.logs:logs",
    "metrics": "memsync_git.cli.metrics:metrics",
    "gc": "memsync_git.cli.gc:gc",
    "hook": "memsync_git.cli.hook:hook",
    "completion": "memsync_git.cli.completion:completion",
}


@click.group(
    NAME,
    cls=LazyGroup,
    places=_COMMANDS,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples("memsync-git init git@github.com:me/memory.git", "memsync-git --test"),
)
@click.version_option(__version__, prog_name=NAME, message="%(prog)s %(version)s")
@click.option(
    "--test", is_flag=True, help="Try everything out, change nothing, and say what a sync would do."
)
@click.option("--json", "as_json", is_flag=True, help="With --test: print JSON.")
@click.pass_context
def program(context: click.Context, test: bool, as_json: bool) -> None:
    """Keep the memory of AI assistants in step across machines."""
    if as_json and not test:
        raise click.UsageError("--json here belongs to --test; a command takes its own behind its name")
    if test:
        from memsync_git.cli.self_test import self_test

        self_test(as_json=as_json)
    elif context.invoked_subcommand is None:
        click.echo(context.get_help())


def answered(arguments: Sequence[str]) -> int:
    """Run one command line as click reads it and return its exit code.

    Raises:
        MemsyncError: what a person must be told.
        KeyboardInterrupt: they had enough.
    """
    if COMPLETING in os.environ:
        return _completed(os.environ[COMPLETING])
    try:
        return _finished(arguments)
    except click.Abort:
        raise KeyboardInterrupt from None
    except click.ClickException as error:
        raise _misuse(error) from error


def _finished(arguments: Sequence[str]) -> int:
    """Run to the end. Not `program.main`, which answers a reader that left by exit code 1."""
    try:
        with program.make_context(NAME, list(arguments)) as context:
            program.invoke(context)
    except click.exceptions.Exit as end:
        return end.exit_code
    return exits.DONE


def _completed(instruction: str) -> int:
    """Answer a shell that asks how a command line may go on."""
    from click.shell_completion import shell_complete

    return shell_complete(program, {}, NAME, COMPLETING, instruction)


def _misuse(error: click.ClickException) -> Misused:
    """Click's refusal of a command line, told as every other error."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    help_of = context.command_path if context is not None else NAME
    return Misused(error.format_message(), hint=f"{help_of} --help")
