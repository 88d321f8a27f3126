"""Every way a command line can end: words, exit codes, reports; and what is asked before anything changes."""

from __future__ import annotations

import ast
import errno
import os
import pty
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from itertools import permutations
from pathlib import Path

import click
import pytest

import memsync_git
from memsync_git import __version__
from memsync_git.app import reports
from memsync_git.cli import exits, failures
from memsync_git.cli.exits import CODES, worst
from memsync_git.cli.opening import own_executable
from memsync_git.cli.program import program
from memsync_git.errors import Busy, Denied, FileUnusable, Held, MemsyncError, Misused, Offline
from memsync_git.words import OUTCOMES_WORST_FIRST
from tests.cli.conftest import Command

COMMANDS = [
    [],
    *([name] for name in program.list_commands(click.Context(program))),
    *(["config", name] for name in ("path", "get", "set", "validate", "explain", "edit")),
    *(["holds", name] for name in ("list", "accept", "reject")),
    *(["hosts", name] for name in ("retire", "rename")),
    *(["remote", name] for name in ("list", "add", "set", "remove", "check")),
    *(["stores", name] for name in ("list", "add", "remove")),
    *(["service", name] for name in ("install", "uninstall", "start", "stop", "restart", "status")),
    ["hook", "session-start"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_has_help_with_an_example_that_is_one_of_its_own(
    memsync: Command, command: list[str]
) -> None:
    ended = memsync(*command, "--help")
    assert ended.code == 0
    _, found, example = ended.out.partition("\n  Example:\n")
    assert found
    lines = [line.split("memsync-git ", 1)[1] for line in example.splitlines()]
    assert lines
    assert all(line.startswith(" ".join(command)) for line in lines)


def test_every_command_of_a_group_is_tried_above() -> None:
    context = click.Context(program)
    for name in program.list_commands(context):
        command = program.get_command(context, name)
        if isinstance(command, click.Group):
            for inner in command.list_commands(context):
                assert [name, inner] in COMMANDS


def test_the_version_is_printed_both_ways(process: Command, memsync: Command) -> None:
    assert process("--version").out == f"memsync-git {__version__}\n"
    assert memsync("--version").out == f"memsync-git {__version__}\n"


def test_without_a_command_the_help_is_shown(memsync: Command) -> None:
    ended = memsync()
    assert ended.code == 0
    assert "Commands:" in ended.out


def test_a_misspelt_command_is_answered_with_the_nearest(memsync: Command) -> None:
    ended = memsync("stauts")
    assert ended.code == 2
    assert "There is no command 'stauts'. The nearest is status" in ended.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("resolve", "Alice"),
        ("resolve", "Alice", "--take", "mine", "--value", "x"),
        ("resolve", "--take", "mine"),
        ("resolve", "--all", "--value", "x"),
        ("resolve", "Alice", "--all", "--take", "mine"),
        ("sync", "--wait", "-1"),
        ("sync", "--if-stale", "soon"),
        ("--json", "status"),
        ("show",),
        ("blame",),
        ("log", "--last", "0"),
        ("log", "Alice", "--stats"),
        ("undo", "desk-91c2:17", "--last", "2"),
        ("undo", "--last", "0"),
        ("undo", "desk-91c2:17", "desk-91c2:18"),
        ("restore",),
        ("restore", "Alice"),
        ("init", "--join", "maybe"),
    ],
)
def test_wrong_use_ends_with_2_before_anything_is_opened(
    memsync: Command, home: Path, arguments: tuple[str, ...]
) -> None:
    ended = memsync(*arguments)
    assert ended.code == 2
    assert ended.out == ""
    assert "Error: " in ended.err
    assert not home.exists()


def test_a_wrong_configuration_ends_every_command_with_2(memsync: Command, home: Path) -> None:
    home.mkdir()
    (home / "config.toml").write_text("[sync]\ndebounce = 1\n")
    ended = memsync("status")
    assert ended.code == 2
    assert ended.err == (
        f"Error: {home}/config.toml: section [sync] has no key 'debounce'\n"
        "Nothing was changed.\n"
        "Hint: The nearest is debounce_s\n"
    )


def test_before_init_a_command_says_what_to_do(memsync: Command) -> None:
    ended = memsync("sync")
    assert ended.code == 2
    assert ended.err.endswith("Hint: memsync-git init\n")


def test_each_error_has_its_documented_code() -> None:
    raised = (Misused, Held, Offline, Denied, FileUnusable, Busy, MemsyncError)
    assert [error.exit_code for error in raised] == [2, 4, 5, 6, 7, 8, 1]


def test_of_several_codes_the_documented_one_wins() -> None:
    order = [3, 2, 8, 7, 4, 6, 5, 1, 0]
    for at, code in enumerate(order):
        for pair in permutations((code, *order[at + 1 :]), 2):
            assert worst(pair) == min(pair, key=order.index)
    assert worst([]) == 0


def test_the_worst_outcome_is_the_one_with_the_worst_code() -> None:
    codes = [CODES[outcome] for outcome in OUTCOMES_WORST_FIRST]
    assert codes == sorted(codes, key=exits.WORST_FIRST.index)


def test_an_error_is_told_in_three_parts_without_control_characters() -> None:
    error = Misused("Line 41 is \x1b[2J wrong.", unharmed="Nothing was deleted.", hint="memsync-git doctor")
    assert failures.text_of(error) == (
        "Error: Line 41 is \\x1b[2J wrong.\nNothing was deleted.\nHint: memsync-git doctor"
    )
    assert failures.text_of(MemsyncError("Bare.")) == "Error: Bare."


def _fail() -> None:
    raise KeyError("SECRET-OF-ALICE") from OSError(errno.EIO, "SECRET-OF-ALICE")


def _bug() -> Exception:
    try:
        _fail()
    except KeyError as error:
        return error
    raise AssertionError("it did not fail")


def test_a_report_has_versions_and_places_and_nothing_of_a_memory() -> None:
    report = reports.report_of(_bug(), ["resolve", "SECRET-OF-ALICE", "--value=SECRET-OF-ALICE", "--all"])
    assert f"memsync-git {__version__}\n" in report
    assert "builtins.OSError (errno 5)\n" in report
    assert "followed by\nbuiltins.KeyError\n" in report
    assert "in _bug" in report
    assert "command: resolve … --value --all\n" in report
    assert "SECRET-OF-ALICE" not in report.replace('"SECRET-OF-ALICE"', "")
    assert str(Path.home()) + "/" not in report


def test_reports_are_private_and_do_not_pile_up(tmp_path: Path) -> None:
    written = [reports.write_report(_bug(), tmp_path / "logs", []) for _ in range(12)]
    kept = sorted((tmp_path / "logs").iterdir())
    assert len(kept) == reports.KEPT_REPORTS
    assert set(kept) < set(written)
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in kept)


def test_where_no_report_can_be_written_that_is_said(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("in the way")
    report = reports.write_report(_bug(), tmp_path / "logs", [])
    assert report is None
    assert "No report could be written." in failures.text_of_bug(_bug(), report)


def test_a_bug_ends_with_3_and_a_report(
    memsync: Command, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(program.places, "hosts", "memsync_git.cli.gone:hosts")
    ended = memsync("hosts")
    (report,) = (home / "logs").glob("report-*.txt")
    assert ended.code == 3
    assert str(report) in ended.err
    assert "ModuleNotFoundError" in ended.err
    assert "Traceback" not in ended.err


def test_a_reader_that_had_enough_is_no_failure(home: Path) -> None:
    script = f"{sys.executable} -m memsync_git config explain | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert (done.stdout, done.stderr) == ("0\n", "")


def test_what_an_encoding_lacks_is_escaped(process: Command) -> None:
    ended = process("config", "validate", PYTHONIOENCODING="latin-1")
    assert ended.code == 0
    assert ended.out.startswith("\\u2713 ")


def test_everything_made_is_private_whatever_the_umask_was(home: Path) -> None:
    script = f"umask 000; exec {sys.executable} -m memsync_git config set log.keep 3"
    subprocess.run(["bash", "-c", script], timeout=60, check=True)
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def test_a_service_is_told_the_absolute_path_of_the_program(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program_file = tmp_path / "bin" / "memsync-git"
    program_file.parent.mkdir()
    program_file.write_text("#!/bin/sh\n")
    program_file.chmod(0o700)
    python = str(program_file.with_name("python3"))
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    assert own_executable(str(program_file), "/nowhere/python3") == str(program_file)
    assert own_executable("/x/memsync_git/__main__.py", python) == str(program_file)
    assert own_executable("/x/memsync_git/__main__.py", "/nowhere/python3") == ""
    monkeypatch.setenv("PATH", str(program_file.parent))
    assert own_executable("memsync-git", "/nowhere/python3") == str(program_file)


ASKING = """
import sys, click
from memsync_git.cli.asking import agree
from memsync_git.errors import Misused
try:
    agree("Delete these?", yes="--yes" in sys.argv)
except click.exceptions.Exit as end:
    sys.exit(end.exit_code)
except Misused as refusal:
    sys.exit(refusal.exit_code)
print("agreed")
"""


def _asked(answer: bytes) -> tuple[int, str]:
    """`agree` in a process of its own on a terminal, with one line typed at it."""
    main, end = pty.openpty()
    asking = subprocess.Popen(
        [sys.executable, "-c", ASKING], stdin=end, stdout=end, stderr=end, start_new_session=True
    )
    os.close(end)
    os.write(main, answer)
    code = asking.wait(timeout=60)
    text = b""
    with suppress(OSError):  # the end of a terminal whose last user left
        while part := os.read(main, 4096):
            text += part
    os.close(main)
    return code, text.decode()


def test_on_a_terminal_yes_goes_on_and_no_changes_nothing() -> None:
    code, text = _asked(b"y\n")
    assert (code, "agreed" in text) == (0, True)
    code, text = _asked(b"n\n")
    assert (code, "agreed" in text, "Nothing was changed." in text) == (1, False, True)


@pytest.mark.parametrize(("options", "code", "said"), [([], 2, ""), (["--yes"], 0, "agreed\n")])
def test_without_a_terminal_only_yes_goes_on(options: list[str], code: int, said: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", ASKING, *options],
        input="y\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (code, said)


def _strings() -> Iterator[tuple[str, str]]:
    """Every string of the program that is no docstring, with its file."""
    root = Path(memsync_git.__file__).parent
    for path in sorted(root.rglob("*.py")):
        tree = ast.parse(path.read_text("utf-8"))
        docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
                yield path.name, node.value


VERBS = {"runs", "begin", "end"}
"""What stands behind the name of the program where no command is meant."""


def test_no_message_names_a_command_that_is_not_there() -> None:
    context = click.Context(program)
    known = set(program.list_commands(context))
    named = {
        (file, command)
        for file, text in _strings()
        for command in re.findall(r"memsync-git ([a-z]+)\b(?: (?:[A-Z-]|[a-z]+$)|$|  )", text)
    }
    assert ("status_screen.py", "conflicts") in named
    assert {(file, command) for file, command in named if command not in known | VERBS} == set()
