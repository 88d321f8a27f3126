#!/usr/bin/env python3
"""Sets this machine up for memsync-git, takes it away again, or runs the project's tests.

    python3 setup_machine.py                     the first machine: memory file, local hub, service
    python3 setup_machine.py --remote URL        every further one, or with a private git repository
    python3 setup_machine.py --uninstall         leaves the memory file and what was recorded
    python3 setup_machine.py --run-tests [ARGS]  development: linters, types, then pytest ARGS

Rule 1: the standard library only; this runs where nothing is installed. Never as root for its own sake.
Rule 2: running it twice is the same as running it once; a run that was killed is simply repeated.
Rule 3: what is not ours stays: a file in the way of a link or of the environment is never replaced.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036 - this is what tells people so
    _names = ("python3.14", "python3.13", "python3.12", "python3.11")
    _newer = next(filter(shutil.which, _names), None)
    sys.exit(
        f"Error: memsync-git needs Python 3.11 or newer; this is {sys.version.split()[0]}.\n"
        "Nothing was changed.\n"
        f"Hint: {_newer + ' setup_machine.py' if _newer else 'install Python 3.11, then run this again'}"
    )

CHECKOUT = Path(__file__).resolve().parent
SOURCES = (CHECKOUT / "memsync_git", CHECKOUT / "pyproject.toml", CHECKOUT / "docs" / "man")
"""What an installation is made of: where it has changed, it is made again."""
OLDEST_GIT = (2, 36)
"""The first git with core.fsync: a push that was acknowledged survives a power cut of the hub."""

MISUSED, INTERRUPTED = 2, 130
"""Exit codes of memsync-git and the shell; whatever the installed program answers is passed on."""

PIP_OPTIONS = ("--quiet", "--disable-pip-version-check", "--no-input")

VALUED = ("remote", "branch", "host", "file")
FLAGS = ("yes", "dry-run", "no-service", "cron-only", "purge")

PACKAGE_TOOLS = {
    "apt-get": "sudo apt-get install {}",
    "dnf": "sudo dnf install {}",
    "zypper": "sudo zypper install {}",
    "pacman": "sudo pacman -S {}",
    "apk": "sudo apk add {}",
    "brew": "brew install {}",
}

CHECKS = (
    ("ruff check", ["ruff", "check", "."]),
    ("ruff format", ["ruff", "format", "--check", "."]),
    ("mypy", ["mypy"]),
    ("lint-imports", ["lint-imports"]),
)


class Stopped(Exception):
    """What happened, what was not harmed, and the next command."""

    def __init__(self, message: str, *, unharmed: str = "", hint: str = "", code: int = 1) -> None:
        super().__init__(message)
        self.lines = [f"Error: {message}", unharmed, f"Hint: {hint}" if hint else ""]
        self.code = code


def say(mark: str, sentence: str) -> None:
    print(f"{mark} {sentence}", flush=True)


def short(path: Path) -> str:
    """A path as people write it."""
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)


# --- what the machine must have ----------------------------------------------------------------------


def install_command(package: str) -> str:
    """The command that installs a system package here, for a hint."""
    found = next((line for tool, line in PACKAGE_TOOLS.items() if shutil.which(tool)), None)
    return found.format(package) if found else f"install {package}, then run this again"


def missing(what: str, package: str) -> Stopped:
    return Stopped(what, unharmed="Nothing was changed.", hint=install_command(package))


def check_git() -> str:
    """The version of git, at least 2.36."""
    if not shutil.which("git"):
        raise missing("git is not installed.", "git")
    said = subprocess.run(["git", "--version"], capture_output=True, text=True, check=False).stdout
    version = re.search(r"(\d+)\.(\d+)\S*", said)
    if not version or (int(version[1]), int(version[2])) < OLDEST_GIT:
        raise missing(f"git 2.36 or newer is needed; here is {said.strip() or 'an unknown one'}.", "git")
    return version[0]


def check_ensurepip() -> None:
    """Whether environments can be made: Debian and its kin ship Python without that part."""
    if not all(importlib.util.find_spec(module) for module in ("venv", "ensurepip")):
        raise missing("This Python cannot make virtual environments (ensurepip is missing).", "python3-venv")


# --- a private environment ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Environment:
    """A virtual environment of ours. The stamp beside it says what was installed, once that is done."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def program(self) -> Path:
        return self.folder / "bin" / "memsync-git"

    @property
    def manual(self) -> Path:
        return self.folder / "share" / "man" / "man1" / "memsync-git.1"

    @property
    def stamp(self) -> Path:
        return self.folder.with_name(self.folder.name + ".stamp")

    def holds(self, digest: str) -> bool:
        return self.python.exists() and self.stamp.exists() and self.stamp.read_text() == digest

    def install(self, digest: str, *what: str) -> bool:
        """Install `what` unless the stamp says it is there. Whether anything was done."""
        if self.holds(digest):
            return False
        self._claim()
        clear = [] if _runs(self.python) else ["--clear"]
        make = [sys.executable, "-m", "venv", *clear, str(self.folder)]
        command(make, "The environment could not be made.")
        pip = [str(self.python), "-I", "-m", "pip", "install", *PIP_OPTIONS, *what]
        command(pip, "pip could not install what is needed; mostly that is the network.")
        self.stamp.write_text(digest)
        return True

    def _claim(self) -> None:
        """Refuse a folder that somebody else made; otherwise mark it as ours before it exists."""
        if self.folder.exists() and any(self.folder.iterdir()) and not self.stamp.exists():
            old = f"{self.folder}.old"
            raise Stopped(
                f"{short(self.folder)} exists and was not made by setup_machine.py.",
                unharmed="It was left as it is.",
                hint=f"{shlex.join(['mv', str(self.folder), old])}  moves it away; then run this again",
            )
        self.stamp.parent.mkdir(parents=True, exist_ok=True)
        self.stamp.write_text("unfinished")

    def remove(self) -> bool:
        """Remove the environment if it is ours, and the folder around it if that is then empty."""
        if not self.stamp.exists():
            return False
        shutil.rmtree(self.folder, ignore_errors=True)
        self.stamp.unlink()
        if not any(self.folder.parent.iterdir()):
            self.folder.parent.rmdir()
        return True


def _runs(python: Path) -> bool:
    """Whether an environment is whole: not torn by a kill, its Python not gone with an upgrade."""
    try:
        done = subprocess.run([python, "-I", "-c", "import pip"], capture_output=True, check=False)
    except OSError:
        return False
    return done.returncode == 0


def command(words: list[str], problem: str) -> None:
    """Run something quiet; its own words are shown only if it fails."""
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=CHECKOUT)
    if done.returncode:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-12:])
        raise Stopped(f"{problem}\n{said}", unharmed="Your memory was not touched.", hint=again())


def again() -> str:
    return shlex.join(["python3", *sys.argv]) + "  tries again from where it stopped"


def digest_of(*paths: Path) -> str:
    """Changes when one of the files, or of the files in a folder, or this Python changes."""
    digest = hashlib.sha256(sys.version.encode())
    for path in paths:
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(f"\0{file.relative_to(CHECKOUT)}\0".encode() + file.read_bytes())
    return digest.hexdigest()


# --- setting up and taking away ----------------------------------------------------------------------


def our_environment() -> Environment:
    home = os.environ.get("MEMSYNC_HOME")
    base = Path(home).expanduser() if home else Path.home() / ".local" / "share" / "memsync-git"
    if not base.is_absolute():
        raise Stopped(
            f"MEMSYNC_HOME is {home!r}, but must be an absolute path.",
            unharmed="Nothing was changed.",
            hint=f"MEMSYNC_HOME={shlex.quote(str(base.absolute()))} python3 setup_machine.py",
            code=MISUSED,
        )
    return Environment(base / "venv")


def our_link() -> Path:
    return Path.home() / ".local" / "bin" / "memsync-git"


def our_manual() -> Path:
    """Where `man` looks for pages of the commands in ~/.local/bin."""
    return Path.home() / ".local" / "share" / "man" / "man1" / "memsync-git.1"


def set_up(wish: argparse.Namespace) -> int:
    """Install and link the program, then let it go on by itself (`memsync_git/setup.py`)."""
    git = check_git()
    check_ensurepip()
    say("✓", f"Python {sys.version.split()[0]} and git {git} are here")
    place = our_environment()
    if wish.dry_run:
        return preview(place, wish)
    install(place)
    link(our_link(), place.program, "the command")
    link(our_manual(), place.manual, "the manual page")
    return installed(place, "up", *passed_on(wish))


def preview(place: Environment, wish: argparse.Namespace) -> int:
    """What would be done; nothing is."""
    there = place.holds(digest_of(*SOURCES))
    say("·", f"memsync-git {'is' if there else 'would be'} installed in {short(place.folder)}")
    say("·", f"it would be linked as {short(our_link())}, its manual page as {short(our_manual())}")
    say(
        "·",
        f"the memory would be shared through {'the repository you named' if wish.remote else 'a local hub'}",
    )
    say("·", f"a first sync would be made{service_wish(wish)}")
    say("·", "memsync-git --test would be run")
    print("Nothing was changed.")
    return 0


def service_wish(wish: argparse.Namespace) -> str:
    """What would sync by itself, in the words of a preview."""
    if wish.no_service:
        return "; nothing would sync by itself"
    if wish.cron_only:
        return ", and a cron line installed"
    return ", and a service installed: systemd or launchd where they answer, and cron to take over"


def install(place: Environment) -> None:
    digest = digest_of(*SOURCES)
    if not place.holds(digest):
        say("…", "installing; this takes about half a minute")
    done = place.install(digest, str(CHECKOUT))
    say("✓", f"memsync-git {'was' if done else 'is already'} installed in {short(place.folder)}")


def link(path: Path, target: Path, what: str) -> None:
    """Make something reachable where it is looked for, unless something that is not ours stands there."""
    if os.path.lexists(path) and not is_ours(path):
        say("!", f"{short(path)} is something else and was left; {what} is {short(target)}")
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(target)
    say("✓", f"{what} is {short(path)}")


def is_ours(path: Path) -> bool:
    """A link that leads nowhere, or into an environment that this script made."""
    if not path.is_symlink():
        return False
    folders = [folder for folder in path.readlink().parents if folder.name]
    return not path.exists() or any(Environment(folder).stamp.exists() for folder in folders)


def passed_on(wish: argparse.Namespace) -> list[str]:
    """What the person asked for, as options of `memsync_git/setup.py`."""
    valued = [f"--{name}={getattr(wish, name)}" for name in VALUED if getattr(wish, name)]
    return valued + [f"--{name}" for name in FLAGS if getattr(wish, name.replace("-", "_"))]


def installed(place: Environment, *words: str) -> int:
    """Let the installed package do what only it knows: paths, configuration, services. It speaks itself."""
    sys.stdout.flush()
    asked = [str(place.python), "-P", "-m", "memsync_git.setup", *words]
    return subprocess.run(asked, check=False).returncode


def uninstall(wish: argparse.Namespace) -> int:
    """Remove the service, with `--purge` all data, and then the program itself."""
    place = our_environment()
    if wish.dry_run:
        say("·", f"would be removed: {', '.join(map(short, (place.folder, our_link(), our_manual())))}")
    if place.python.exists():
        code = installed(place, "down", *passed_on(wish))
        if wish.dry_run or (code and wish.purge):
            return code
        if code:
            say("!", "a service may be left; see crontab -e for a line with memsync-git")
    elif wish.purge:
        raise Stopped(
            "The program is not installed, so where its data stands is not known.",
            unharmed="Nothing was removed.",
            hint="python3 setup_machine.py --yes, then --uninstall --purge",
        )
    for path in filter(is_ours, (our_link(), our_manual())):
        path.unlink()
    say("✓", "the program is removed" if place.remove() else "the program was not installed here")
    return 0


# --- the project's own tests -------------------------------------------------------------------------


def run_tests(arguments: list[str]) -> int:
    """The development environment, the linters, the types, the whole suite; the first failure's code."""
    check_git()
    check_ensurepip()
    place = Environment(CHECKOUT / ".dev" / "venv")
    if place.install(digest_of(CHECKOUT / "pyproject.toml"), "-e", f"{CHECKOUT}[dev]"):
        say("✓", f"the development environment was made in {short(place.folder)}")
    workers = [] if any(word.startswith(("-n", "--numprocesses")) for word in arguments) else ["-n", "auto"]
    codes = {name: timed(place, name, words) for name, words in CHECKS}
    codes["pytest"] = timed(place, "pytest", ["python", "-m", "pytest", *workers, *arguments])
    failed = [f"{name} ({code})" for name, code in codes.items() if code]
    say("✗" if failed else "✓", f"failed: {', '.join(failed)}" if failed else "everything passed")
    return next((code for code in codes.values() if code), 0)


def timed(place: Environment, name: str, words: list[str]) -> int:
    print(f"--- {name}", flush=True)
    began = time.monotonic()
    folder = place.folder / "bin"
    path = f"{folder}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    done = subprocess.run(
        [str(folder / words[0]), *words[1:]], check=False, cwd=CHECKOUT, env={**os.environ, "PATH": path}
    )
    verdict = f"exit code {done.returncode}" if done.returncode else "clean"
    say("✗" if done.returncode else "✓", f"{name}: {verdict}, {time.monotonic() - began:.1f} s")
    return done.returncode


# --- the command line --------------------------------------------------------------------------------


def arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=(__doc__ or "").split("\n\nRule")[0],
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--remote", metavar="URL", help="a private git repository; without it a local hub is made"
    )
    parser.add_argument("--branch", help="the branch people see (default: main)")
    parser.add_argument("--host", help="the name of this machine, for people")
    parser.add_argument("--file", help="the memory file (default: ~/.cache/mcp-memory/memory.json)")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, change nothing")
    parser.add_argument("--no-service", action="store_true", help="nothing that syncs by itself")
    parser.add_argument("--cron-only", action="store_true", help="cron, even where there is something better")
    parser.add_argument("--uninstall", action="store_true", help="remove the program and the service")
    parser.add_argument(
        "--purge", action="store_true", help="with --uninstall: all data too, the memory file included"
    )
    parser.add_argument(
        "--run-tests", nargs=argparse.REMAINDER, metavar="ARG", help="run the project's tests"
    )
    return parser


def main() -> int:
    parser = arguments()
    wish = parser.parse_args()
    if wish.purge and not wish.uninstall:
        parser.error("--purge goes with --uninstall; nothing was changed")
    try:
        if wish.run_tests is not None:
            return run_tests(wish.run_tests)
        os.umask(0o077)  # what is kept beside the program is for its owner only
        return uninstall(wish) if wish.uninstall else set_up(wish)
    except Stopped as stopped:
        print("\n".join(filter(None, stopped.lines)), file=sys.stderr)
        return stopped.code
    except OSError as problem:
        print(f"Error: {problem}.\nYour memory was not touched.\nHint: {again()}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"\nInterrupted. Hint: {again()}", file=sys.stderr)
        return INTERRUPTED


if __name__ == "__main__":
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without UTF-8 gets ? for ✓, not a traceback
    sys.exit(main())
