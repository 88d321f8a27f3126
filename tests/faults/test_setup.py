"""setup_machine.py on machines that lack something, have something in the way, or were interrupted."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

import memsync_git
from tests.standins import Standin, offer

CHECKOUT = Path(memsync_git.__file__).parent.parent
SCRIPT = CHECKOUT / "setup_machine.py"
OLDEST_THAT_CAN_READ_IT = (3, 7)

Done = subprocess.CompletedProcess[str]


@dataclass
class Fresh:
    """A machine on which nothing was installed: an empty home, and programs of its own before the rest."""

    home: Path
    path: Sequence[str]

    def offer(self, name: str, script: str) -> None:
        """Put a program into this machine's own folder of programs."""
        program = self.home.with_suffix(".bin") / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(script)
        program.chmod(0o755)

    def serves(self, name: str) -> Standin:
        """Let a service of this machine answer."""
        return offer(self.home.with_suffix(".bin"), name)

    def setup(self, *words: str, before: str = "", **variables: str) -> Done:
        """Run setup_machine.py without a terminal; `before` is Python that meddles with this run."""
        meddled = f"import runpy, sys; sys.argv = {[str(SCRIPT), *words]!r}\n{before}\n"
        run_it = f"runpy.run_path({str(SCRIPT)!r}, run_name='__main__')"
        program = (
            [sys.executable, "-c", meddled + run_it] if before else [sys.executable, str(SCRIPT), *words]
        )
        return subprocess.run(
            program,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            cwd=self.home.parent,
            env=self._environment() | variables,
        )

    def memsync(self, *words: str) -> str:
        """Run the installed program by the link that was made."""
        program = self.home / ".local" / "bin" / "memsync-git"
        done = subprocess.run(
            [program, *words], capture_output=True, text=True, check=False, env=self._environment()
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @property
    def manual(self) -> Path:
        """Where `man` finds a page, given that the command is in ~/.local/bin."""
        return self.home / ".local" / "share" / "man" / "man1" / "memsync-git.1"

    @property
    def memory(self) -> Path:
        return self.home / ".cache" / "mcp-memory" / "memory.json"

    def _environment(self) -> dict[str, str]:
        kept = {
            name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "LANG"))
        }
        cache = os.environ.get("PIP_CACHE_DIR", str(Path.home() / ".cache" / "pip"))
        path = os.pathsep.join([str(self.home.with_suffix(".bin")), *self.path])
        return kept | {"HOME": str(self.home), "PATH": path, "PIP_CACHE_DIR": cache}


@pytest.fixture
def bare(tmp_path: Path) -> Fresh:
    """A machine with no programs but those it is offered."""
    (tmp_path / "home").mkdir()
    return Fresh(tmp_path / "home", [])


@pytest.fixture
def new_machine(tmp_path: Path) -> Callable[[], Fresh]:
    """Makes ordinary machines."""

    def make() -> Fresh:
        home = tmp_path / f"home{len(list(tmp_path.iterdir()))}"
        home.mkdir()
        return Fresh(home, os.environ["PATH"].split(os.pathsep))

    return make


def everything_in(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*"))


def refused(done: Done, *, code: int, naming: str, hint: str) -> bool:
    """Whether it spoke as it should: what is wrong, that nothing was changed, and the next command."""
    return done.returncode == code and naming in done.stderr and f"Hint: {hint}" in done.stderr


# --- what is missing ---------------------------------------------------------------------------------


def test_a_machine_without_git_is_told_what_to_install_and_stays_as_it_is(bare: Fresh) -> None:
    bare.offer("apt-get", "#!/bin/sh\nexit 1\n")
    done = bare.setup("--yes")
    assert refused(done, code=1, naming="git is not installed", hint="sudo apt-get install git"), done
    assert everything_in(bare.home) == []


def test_a_git_that_cannot_fsync_is_too_old(bare: Fresh) -> None:
    bare.offer("git", "#!/bin/sh\necho git version 2.35.9\n")
    done = bare.setup("--yes")
    assert refused(done, code=1, naming="git 2.36 or newer is needed", hint="install git"), done
    assert everything_in(bare.home) == []


def test_a_python_without_ensurepip_names_the_package_that_brings_it(bare: Fresh) -> None:
    bare.offer("git", "#!/bin/sh\necho git version 2.39.5\n")
    bare.offer("apt-get", "#!/bin/sh\nexit 1\n")
    without = """
class NoEnsurepip:
    def find_spec(self, name, path=None, target=None):
        if name == 'ensurepip':
            sys.meta_path[:] = [finder for finder in sys.meta_path if finder is self]
sys.modules.pop('ensurepip', None)
sys.meta_path.insert(0, NoEnsurepip())
"""
    done = bare.setup("--yes", before=without)
    assert refused(done, code=1, naming="ensurepip", hint="sudo apt-get install python3-venv"), done
    assert everything_in(bare.home) == []


def test_an_older_python_can_read_the_script_and_is_named_by_it(bare: Fresh) -> None:
    ast.parse(SCRIPT.read_text("utf-8"), feature_version=OLDEST_THAT_CAN_READ_IT)
    bare.offer("python3.12", "#!/bin/sh\n")
    done = bare.setup(before="sys.version_info, sys.version = (3, 9, 2), '3.9.2 (old)'")
    assert refused(done, code=1, naming="this is 3.9.2", hint="python3.12 setup_machine.py"), done
    assert everything_in(bare.home) == []


# --- what is in the way ------------------------------------------------------------------------------


def test_a_dry_run_changes_nothing(new_machine: Callable[[], Fresh]) -> None:
    machine = new_machine()
    done = machine.setup("--dry-run", "--remote", "file:///nowhere")
    assert done.returncode == 0, done.stderr
    assert "Nothing was changed." in done.stdout
    assert "systemd or launchd where they answer" in done.stdout
    assert "a cron line installed" in machine.setup("--dry-run", "--cron-only").stdout
    assert "nothing would sync by itself" in machine.setup("--dry-run", "--no-service").stdout
    assert everything_in(machine.home) == []


def test_an_environment_of_somebody_else_is_left_alone(new_machine: Callable[[], Fresh]) -> None:
    machine = new_machine()
    theirs = machine.home / "moved" / "venv" / "precious"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("mine")
    done = machine.setup("--yes", MEMSYNC_HOME=str(machine.home / "moved"))
    assert refused(done, code=1, naming="was not made by setup_machine.py", hint="mv "), done
    assert everything_in(machine.home / "moved") == [theirs.parent, theirs]


def test_a_relative_memsync_home_is_refused(new_machine: Callable[[], Fresh]) -> None:
    machine = new_machine()
    done = machine.setup("--yes", MEMSYNC_HOME="somewhere")
    assert refused(done, code=2, naming="must be an absolute path", hint="MEMSYNC_HOME=/"), done
    assert everything_in(machine.home) == []


def test_a_home_that_cannot_be_written_is_named(new_machine: Callable[[], Fresh]) -> None:
    machine = new_machine()
    (machine.home / ".local").write_text("a file where a folder should be")
    done = machine.setup("--yes")
    assert refused(done, code=1, naming=str(machine.home / ".local"), hint="python3"), done
    assert everything_in(machine.home) == [machine.home / ".local"]


def test_purging_what_is_not_installed_is_refused_and_uninstalling_it_is_done(
    new_machine: Callable[[], Fresh],
) -> None:
    machine = new_machine()
    machine.memory.parent.mkdir(parents=True)
    machine.memory.write_text("")
    assert refused(machine.setup("--uninstall", "--purge"), code=1, naming="not installed", hint="python3")
    assert machine.setup("--purge").returncode == 2
    assert machine.setup("--uninstall").returncode == 0
    assert machine.memory.exists()


# --- the life of two machines ------------------------------------------------------------------------


def interrupted_install(machine: Fresh) -> None:
    """What a kill in the middle of making the environment leaves behind."""
    folder = machine.home / ".local" / "share" / "memsync-git" / "venv"
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").write_text("torn")
    folder.with_name("venv.stamp").write_text("unfinished")


def shared_program(machine: Fresh, other: Fresh) -> None:
    """Let a machine use the environment of another, as if it had made it: only to save the time."""
    there = other.home / ".local" / "share" / "memsync-git"
    here = machine.home / ".local" / "share" / "memsync-git"
    here.mkdir(parents=True)
    (here / "venv").symlink_to(there / "venv")
    (here / "venv.stamp").write_bytes((there / "venv.stamp").read_bytes())


def note(machine: Fresh, name: str) -> None:
    """What the assistant notes: a row at the end of the file, as the memory server appends it."""
    row = json.dumps({"type": "entity", "name": name, "entityType": "thing", "observations": ["noted"]})
    lines = [line for line in machine.memory.read_text().split("\n") if line]
    machine.memory.write_text("\n".join([*lines, row]))


def names(machine: Fresh) -> set[str]:
    return {json.loads(line)["name"] for line in machine.memory.read_text().split("\n") if line}


def test_two_machines_are_set_up_share_a_memory_and_are_taken_away(new_machine: Callable[[], Fresh]) -> None:
    first, second = new_machine(), new_machine()
    interrupted_install(first)
    done = first.setup("--yes", "--no-service", "--host", "first")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f'"MEMORY_FILE_PATH": "{first.memory}"' in done.stdout
    assert "✓" in done.stdout
    note(first, "from the first")
    first.manual.unlink()
    first.manual.write_text("a page of somebody else")
    again = first.setup("--yes", "--no-service")
    assert again.returncode == 0, again.stdout + again.stderr
    assert "already installed" in again.stdout
    assert names(first) == {"from the first"}
    assert "memsync-git.1 is something else and was left" in again.stdout
    assert "memsync-git completion" not in again.stdout, "no shell is known"
    first.manual.unlink()
    assert (
        "Hint: memsync-git completion bash" in first.setup("--yes", "--no-service", SHELL="/bin/bash").stdout
    )
    assert first.manual.read_text().startswith(".TH MEMSYNC-GIT 1")

    shared_program(second, first)
    systemctl, crontab = second.serves("systemctl"), second.serves("crontab")
    crontab.set("spool", "@daily theirs\n")
    hub = first.home / ".local" / "share" / "memsync-git" / "hub.git"
    done = second.setup("--yes", "--host", "second", "--remote", str(hub))
    assert done.returncode == 0, done.stdout + done.stderr
    assert names(second) == {"from the first"}
    assert "sync --if-stale 15 --quiet" in spool_of(crontab)
    assert "systemd keeps the daemon running" in done.stdout
    assert systemctl.knows("active")
    daemon = (systemctl.state / "pid").read_text()
    assert second.setup("--yes").returncode == 0
    assert (systemctl.state / "pid").read_text() != daemon, "a daemon of the program as it was goes on"
    assert second.setup("--yes", "--cron-only").returncode == 0
    assert not systemctl.knows("active")
    assert second.setup("--yes").returncode == 0
    note(second, "from the second")
    second.memsync("sync")
    first.memsync("sync")
    assert names(first) == names(second) == {"from the first", "from the second"}

    taken_away_but_for_the_memory(second, systemctl, crontab)
    purged(first)


def spool_of(crontab: Standin) -> str:
    return (crontab.state / "spool").read_text()


def taken_away_but_for_the_memory(machine: Fresh, systemctl: Standin, crontab: Standin) -> None:
    before = machine.memory.read_bytes()
    told = machine.setup("--uninstall", "--dry-run")
    assert "would be removed from systemd: " in told.stdout
    assert "would be removed from cron: " in told.stdout
    assert systemctl.knows("active")
    done = machine.setup("--uninstall")
    assert done.returncode == 0, done.stdout + done.stderr
    assert machine.memory.read_bytes() == before
    assert spool_of(crontab) == "@daily theirs\n"
    assert not systemctl.knows("active")
    assert not (machine.home / ".config" / "systemd" / "user" / "memsync-git.service").exists()
    assert (machine.home / ".local" / "state" / "memsync-git" / "identity.db").exists()
    assert not os.path.lexists(machine.home / ".local" / "bin" / "memsync-git")
    assert not os.path.lexists(machine.manual)


def purged(machine: Fresh) -> None:
    before = everything_in(machine.home)
    assert refused(
        machine.setup("--uninstall", "--purge"), code=2, naming="Nothing was removed", hint="add --yes"
    )
    assert everything_in(machine.home) == before
    done = machine.setup("--uninstall", "--purge", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    ours = [machine.home / name for name in (".cache", ".config", ".local")]
    assert [path for folder in ours for path in everything_in(folder) if not path.is_dir()] == []
