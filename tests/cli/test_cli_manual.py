"""The manual page and the completion of shells: made of the commands, and never behind them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest

from memsync_git.cli import exits
from memsync_git.cli.manual import EXITS, manual, plain
from memsync_git.cli.program import COMPLETING, program
from memsync_git.config.places import COMPLETIONS
from tests.cli.conftest import Command

PAGE = Path(__file__).parents[2] / "docs" / "man" / "memsync-git.1"


# --- the page


def test_the_page_says_what_the_commands_say_now() -> None:
    """`python -m memsync_git.cli.manual > docs/man/memsync-git.1` writes it anew."""
    assert PAGE.read_text("utf-8") == manual()


def test_every_command_is_on_the_page() -> None:
    text = manual()
    for name in program.list_commands(click.Context(program)):
        assert f".SS memsync\\-git {plain(name)}" in text
    assert r"\fB\-\-dry\-run\fR" in text
    assert ".SS memsync\\-git holds accept" in text


def test_every_exit_code_is_explained_once() -> None:
    codes = {value for name, value in vars(exits).items() if name.isupper() and isinstance(value, int)}
    assert sorted(code for code, _ in EXITS) == sorted(codes)


def test_nothing_in_a_text_is_an_order_to_groff() -> None:
    assert plain(".TH and 'x") == r"\&.TH and 'x"
    assert plain("'x \\n --y") == r"\&'x \en \-\-y"


def test_groff_finds_nothing_wrong_with_the_page() -> None:
    groff = shutil.which("groff")
    if groff is None:
        if os.environ.get("CI"):
            pytest.fail("No groff on this machine: apt-get install groff-base")
        pytest.skip("No groff on this machine: apt-get install groff-base")
    done = subprocess.run(
        [groff, "-man", "-Tascii", "-ww", "-z", PAGE], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stderr == ""


# --- completion


@pytest.mark.parametrize("shell", COMPLETIONS)
def test_every_shell_gets_a_script_that_asks_this_program(memsync: Command, shell: str) -> None:
    ended = memsync("completion", shell)
    assert ended.code == 0
    assert f"{COMPLETING}={shell}_complete" in ended.out
    assert "memsync-git" in ended.out
    assert ended.err == "", "where it belongs is told on a terminal only"


def test_another_shell_is_named_as_what_it_is(memsync: Command) -> None:
    ended = memsync("completion", "csh")
    assert ended.code == exits.MISUSED
    assert "csh" in ended.err


def completed(process: Command, words: str) -> list[str]:
    variables = {
        COMPLETING: "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
    }
    ended = process(**variables)
    assert ended.code in (0, 1)
    return re.findall(r"^\w+,(.+)$", ended.out, re.MULTILINE)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("memsync-git ho", ["holds", "hosts", "hook"]),
        ("memsync-git hosts re", ["retire", "rename"]),
        ("memsync-git export --fo", ["--format", "--force"]),
        ("memsync-git export --format json-", ["json-array"]),
    ],
)
def test_a_command_line_is_completed(process: Command, words: str, found: list[str]) -> None:
    assert sorted(completed(process, words)) == sorted(found)


def test_a_real_bash_completes(process: Command, memsync: Command, tmp_path: Path) -> None:
    """The script, sourced as a person would, with this very program on the path."""
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    link = bin_folder / "memsync-git"
    link.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m memsync_git "$@"\n')
    link.chmod(0o755)
    (tmp_path / "script").write_text(memsync("completion", "bash").out)
    asking = (
        f'source "{tmp_path}/script"; COMP_WORDS=(memsync-git hos); COMP_CWORD=1; '
        '_memsync_git_completion memsync-git; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", asking],
        env={**os.environ, "PATH": f"{bin_folder}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stdout.split() == ["hosts"]
