"""Transcripts: a text with commands and what they answer, played for real.

    laptop$ memsync-git sync
    ✓ Synced.

Rule 1: nothing is replaced: each machine is a folder of its own, `memsync-git` is the real program in this
process, and every other command is the shell's, in the machine's folder, where its `memory.json` lies.
Rule 2: what differs from run to run is written as a placeholder: `<id>`, `<when>`, `<time>`, `<ms>`; all
machines live under `/machines`, and cells of a table are two spaces apart.
Rule 3: a played transcript is its own text again. `python -m tests.cli.transcript FILE…` writes it anew.
Rule 4: no command waits. A version of the file belongs to the state it differs least from, so a story that
deletes begins with enough that stays.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

from memsync_git.__main__ import PRIVATE_UMASK
from memsync_git.cli.running import run
from tests.standins import no_service

FOLDER = Path(__file__).with_name("transcripts")
ROOT = "/machines"
PROMPT = re.compile(r"(?P<machine>[a-z]+)\$ (?P<line>.+)")

PLACEHOLDERS = (
    (re.compile(r"\b([a-z]+)-[0-9a-f]{8}\b"), r"\1-<id>"),
    (re.compile(r"\b[0-9a-f]{16}\b"), "<id>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "<time>"),
    (re.compile(r"just now|\d+ (?:second|minute)s? ago"), "<when>"),
    (re.compile(r"\d+ ms\b"), "<ms>"),
    (re.compile(r"(?<=\S) {2,}"), "  "),
)


def played(text: str, root: Path) -> str:
    """The transcript as it goes here and now."""
    parts = re.split(r"(^```console\n.*?^```$)", text, flags=re.MULTILINE | re.DOTALL)
    return "".join(_block(part, root) if part.startswith("```console") else part for part in parts)


def _block(block: str, root: Path) -> str:
    lines = ["```console"]
    for machine, line in PROMPT.findall(block):
        lines += [f"{machine}$ {line}", *_answer(machine, line, root)]
    return "\n".join([*lines, "```"])


def _answer(machine: str, line: str, root: Path) -> Iterator[str]:
    home = root / machine
    home.mkdir(exist_ok=True)
    code, said = _run(line.replace(ROOT, str(root)), home)
    for pattern, placeholder in PLACEHOLDERS:
        said = pattern.sub(placeholder, said.replace(str(root), ROOT))
    yield from said.splitlines()
    if code:
        yield f"[exit {code}]"


def _run(line: str, home: Path) -> tuple[int, str]:
    command, _, filters = line.partition(" | ")
    words = shlex.split(command)
    variables = [word for word in words if re.match(r"[A-Z_]+=", word)]
    if words[len(variables)] != "memsync-git":
        return _shell(line, home)
    chosen = dict(word.split("=", 1) for word in variables)
    with _on(home, chosen):
        code, said = _program(words[len(variables) + 1 :])
    return (code, _shell(filters, home, said)[1]) if filters else (code, said)


def _program(arguments: list[str]) -> tuple[int, str]:
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        code = run(arguments)
    return code, said.getvalue()


@contextmanager
def _on(home: Path, variables: Mapping[str, str]) -> Iterator[None]:
    """The program on one machine; there is no terminal."""
    before, folder, stdin, umask = dict(os.environ), Path.cwd(), sys.stdin, os.umask(PRIVATE_UMASK)
    os.environ.update({"MEMSYNC_HOME": str(home), "HOME": str(home / "person"), **variables})
    os.chdir(home)
    sys.stdin = io.StringIO()
    try:
        yield
    finally:
        os.umask(umask)
        sys.stdin = stdin
        os.chdir(folder)
        os.environ.clear()
        os.environ.update(before)


def _shell(line: str, home: Path, given: str = "") -> tuple[int, str]:
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=home,
        input=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout


def main(names: list[str]) -> None:
    """Write transcripts anew, as they go."""
    for name in names:
        with tempfile.TemporaryDirectory(prefix="transcript-") as folder, no_service(Path(folder) / "none"):
            path = Path(name)
            path.write_text(played(path.read_text("utf-8"), Path(folder)), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
