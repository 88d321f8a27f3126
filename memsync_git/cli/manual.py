"""The manual page, made of what the commands say of themselves: `python -m memsync_git.cli.manual`.

Rule 1: nothing is told here that `--help` tells; what is told besides is what no command can say of itself.
Rule 2: no date and no path of this machine, so that the same commands make the same page, whatever the
release of click: only names, metavars and helps are asked for.
Source: man(7), groff_man(7).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import click

from memsync_git.cli import exits
from memsync_git.cli.program import NAME, program

EXITS: Final = (
    (exits.DONE, "Done."),
    (exits.FAILED, "Something failed."),
    (exits.MISUSED, "Wrong use, or a wrong configuration."),
    (exits.BUG, "A bug; a report was written, without memory contents."),
    (exits.HELD, "A guard waits for a person: memsync-git holds."),
    (exits.OFFLINE, "A remote cannot be reached; what was done here is safe."),
    (exits.REFUSED, "A remote refused: credentials, permission, a hook."),
    (exits.UNUSABLE, "The memory file cannot be used; it was left as it is and nothing was deleted."),
    (exits.LOCKED, "Another sync holds the lock."),
    (exits.INTERRUPTED, "Interrupted."),
)
ENVIRONMENT: Final = (
    ("MEMSYNC_HOME", "A folder for everything that is kept, instead of the places below."),
    ("MEMSYNC_SECTION_KEY", "A setting, over the configuration file; see memsync-git config explain."),
    ("NO_COLOR", "If it is set, nothing is coloured."),
    ("EDITOR", "What memsync-git config edit opens."),
)
FILES: Final = (
    ("~/.cache/mcp-memory/memory.json", "The memory file, unless another was adopted."),
    ("~/.config/memsync-git/config.toml", "The configuration."),
    ("~/.local/state/memsync-git/", "What this machine knows. Without it, it joins again under a new id."),
    ("~/.cache/mcp-memory/logs/memory_sync.log", "The log."),
)


def manual() -> str:
    """The page, as groff reads it."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    context = click.Context(program, info_name=NAME, **program.context_settings)
    yield f'.TH {NAME.upper()} 1 "" "{NAME}" "User Commands"'
    yield from (".SH NAME", rf"{NAME} \- {plain((program.help or '').rstrip('.'))}")
    yield from (".SH SYNOPSIS", f".B {plain(NAME)}", "COMMAND [OPTIONS] [ARGUMENTS]")
    yield from (".SH OPTIONS", *_options(program, context), ".SH COMMANDS")
    yield from _commands(program, context)
    yield from (".SH EXIT STATUS", *_terms((str(code), meaning) for code, meaning in EXITS))
    yield from (".SH ENVIRONMENT", *_terms(iter(ENVIRONMENT)))
    yield from (".SH FILES", *_terms(iter(FILES)))
    yield from (".SH SEE ALSO", ".BR git (1),", ".BR systemctl (1),", ".BR crontab (5)")


def _commands(group: click.Group, context: click.Context) -> Iterator[str]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield from _command(command, click.Context(command, parent=context, info_name=name))


def _command(command: click.Command, context: click.Context) -> Iterator[str]:
    arguments = [each.make_metavar(context) for each in command.params if isinstance(each, click.Argument)]
    yield f".SS {plain(' '.join([context.command_path, *arguments]))}"
    for number, paragraph in enumerate((command.help or "").split("\n\n")):
        yield from ((".PP",) if number else ())
        yield plain(" ".join(paragraph.split()))
    yield from _options(command, context)
    yield from _examples(command)
    if isinstance(command, click.Group):
        yield from _commands(command, context)


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    options = (each for each in command.params if isinstance(each, click.Option))
    records = (option.get_help_record(context) for option in options)
    yield from _terms(record for record in records if record is not None)


def _terms(pairs: Iterator[tuple[str, str]]) -> Iterator[str]:
    for term, meaning in pairs:
        yield from (".TP", rf"\fB{plain(term)}\fR", plain(" ".join(meaning.split())))


def _examples(command: click.Command) -> Iterator[str]:
    lines = (command.epilog or "").replace("\b\n", "").splitlines()[1:]
    if lines:
        yield from (
            ".PP",
            "Example:",
            ".PP",
            ".nf",
            ".RS",
            *(plain(line.strip()) for line in lines),
            ".RE",
            ".fi",
        )


def plain(text: str) -> str:
    """A text as groff prints it: nothing in it is an order, and what is a hyphen can be copied."""
    escaped = text.replace("\\", r"\e").replace("-", r"\-")
    return rf"\&{escaped}" if escaped.startswith((".", "'")) else escaped


if __name__ == "__main__":
    click.echo(manual(), nl=False)
