"""The part of setting a machine up that needs the installed program; `setup_machine.py` calls it.

    python -m memsync_git.setup up    init, first sync, service, self-test, and what is left to a person
    python -m memsync_git.setup down  the service away; with --purge everything that was recorded too

Rule 1: the program is run as a person runs it; a step that fails says so itself, in its own words.
Rule 2: only a failing `init` ends it. Offline, held or without cron, a machine is set up all the same,
and the first code that is not 0 is the answer.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from memsync_git.app.serving import Served, looked_at, program_at, serve, unserve
from memsync_git.config.places import COMPLETIONS, Places
from memsync_git.config.reading import load
from memsync_git.errors import MemsyncError, Misused
from memsync_git.local.names import witness_name
from memsync_git.ports import DaemonStanding, Installed, Running, Stopped, Unserved
from memsync_git.services.table import DEFAULT_INTERVAL_MIN, Program

OFFLINE_CODE = 5
"""Exit code of a round whose remote could not be reached (interface page)."""


def main(words: Sequence[str] | None = None) -> int:
    """Do what `setup_machine.py` asks for; an exit code as documented for the program."""
    wish = _parser().parse_args(words)
    try:
        return up(wish) if wish.task == "up" else down(wish)
    except MemsyncError as error:
        hint = f"Hint: {error.hint}" if error.hint else ""
        told = [f"Error: {error.message}", error.unharmed, hint]
        print("\n".join(filter(None, told)), file=sys.stderr)
        return error.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m memsync_git.setup", description=__doc__)
    parser.add_argument("task", choices=("up", "down"))
    for name in ("remote", "branch", "host", "file"):
        parser.add_argument(f"--{name}")
    for name in ("yes", "dry-run", "no-service", "cron-only", "purge"):
        parser.add_argument(f"--{name}", action="store_true")
    return parser


# --- up ------------------------------------------------------------------------------------------------


def up(wish: argparse.Namespace) -> int:
    """Everything after the installation, in order; the code of the first step that did not go well."""
    code = _run(*init_words(wish))
    if code:
        raise _unfinished(code)
    codes = [_first_sync(), _start_service(wish), _self_test()]
    _tell_next()
    return next(filter(None, codes), 0)


def init_words(wish: argparse.Namespace) -> list[str]:
    """The `init` of this wish. It asks before it joins a remote that has content, unless `--yes` says not to;
    a local hub of its own needs no question.
    """
    words = ["init", *([wish.remote] if wish.remote else []), "--no-service"]
    for option in ("host", "branch"):
        value = getattr(wish, option)
        words += [f"--{option}", value] if value else []
    if wish.file:
        words += ["--file", str(Path(wish.file).expanduser().absolute())]
    return words + (["--yes"] if wish.yes or not wish.remote else [])


def _unfinished(code: int) -> MemsyncError:
    error = MemsyncError(
        f"memsync-git init ended with {code}; its own words stand above.",
        unharmed="The program is installed; nothing else was set up.",
        hint="run setup_machine.py again once that is mended; it goes on from there",
    )
    error.exit_code = code
    return error


def _first_sync() -> int:
    code = _run("sync")
    if code == OFFLINE_CODE:
        _say("!", "the remote cannot be reached now; what you have is recorded and will travel later")
    elif code:
        _say("✗", f"the first sync ended with {code}; memsync-git status tells more")
    return code


def _start_service(wish: argparse.Namespace) -> int:
    """Let syncs run by themselves. A machine that cannot is told so, and is set up all the same."""
    if wish.no_service:
        _say("!", "no service, as you wished: memsync-git sync does by hand what it would do")
        return 0
    match serve(_program(load(Places.of()).sync.cron_interval_min), "cron" if wish.cron_only else None):
        case Served() as served:
            _tell_served(served)
        case Unserved(reason, hint):
            _say("!", f"nothing syncs by itself yet. {reason}")
            _hint(hint)
    return 0


def _tell_served(served: Served) -> None:
    """What syncs by itself now. A daemon that ran before runs the program as it was: it begins anew."""
    service = served.service
    if not service.keeps_daemon:
        _say("✓", f"{service.name} syncs by itself: {served.installed.what}")
    else:
        daemon = service.running() if served.installed.changed else service.restart()
        _tell_daemon(service.name, served.installed.what, daemon)
        if served.fallback is not None:
            _say("✓", f"if it dies, this takes over: {served.fallback.what}")
    for refused in served.refusals:
        _say("!", refused.reason)
        _hint(refused.hint)


def _tell_daemon(name: str, what: str, daemon: DaemonStanding) -> None:
    match daemon:
        case Running():
            _say("✓", f"{name} keeps the daemon running: {what}")
        case Stopped(_, reason):
            _say("!", f"{name} is to keep the daemon running ({what}), but it ended: {reason or 'at once'}")
            _hint("memsync-git doctor  looks for what stands in its way")
        case Unserved(reason, hint):
            _say("!", reason)
            _hint(hint)


def _self_test() -> int:
    print(flush=True)
    return _run("--test")


def _tell_next() -> None:
    """The one thing left to a person: the memory server must use this file."""
    file = load(Places.of()).stores[0].path
    server = {
        "command": "npx",
        "args": ["-y", "@modelcontextprotocol/server-memory"],
        "env": {"MEMORY_FILE_PATH": str(file)},
    }
    print("\nNext: let the assistant's memory server use this file. In the assistant's configuration:\n")
    print(json.dumps({"mcpServers": {"memory": server}}, indent=2, ensure_ascii=False))
    if shutil.which("memsync-git") is None:
        print("\nThe command is in ~/.local/bin, which is not on your PATH yet.")
    _hint(completion_hint(Path(os.environ.get("SHELL", "")).name, Path.home()))


def completion_hint(shell: str, home: Path) -> str:
    """How a shell comes to complete our commands; empty where it does, or where it is not known how."""
    place = COMPLETIONS.get(shell)
    if place is None or (home / place).exists():
        return ""
    return f"memsync-git completion {shell}  lets Tab complete commands; it says where that belongs"


# --- down ----------------------------------------------------------------------------------------------


def down(wish: argparse.Namespace) -> int:
    """Remove the service and, with `--purge`, everything recorded, the memory file included."""
    doomed = recorded() if wish.purge else []
    if wish.dry_run:
        for each in looked_at(_program()):
            if isinstance(each.installed, Installed):
                _say("·", f"would be removed from {each.name}: {each.installed.what}")
        for path in doomed:
            _say("·", f"would be removed: {path}")
        print("Nothing was changed.")
        return 0
    if doomed and not (wish.yes or _agreed(doomed)):
        raise Misused("Nothing was removed.", hint="add --yes to remove all of this for good")
    _stop_service()
    for path in doomed:
        _erase(path)
        _say("✓", f"removed: {path}")
    if not wish.purge:
        _say("✓", "the memory file and what was recorded of it stay; --purge removes them too")
    return 0


def recorded() -> list[Path]:
    """Every file and folder of ours that exists: memory files, state, configuration, clone, hub, log."""
    places = Places.of()
    files = [store.path for store in load(places).stores]
    beside = [path for file in files for path in sorted(file.parent.glob(f"{witness_name(file.name)}*"))]
    rest = [places.state, places.clone, places.hub, places.log.parent, places.config]
    return [path for path in (*files, *beside, *rest) if os.path.lexists(path)]


def _agreed(doomed: Sequence[Path]) -> bool:
    print("This would be removed for good, the memory file included:")
    for path in doomed:
        print(f"  {path}")
    return sys.stdin.isatty() and input("Remove all of it? Type yes: ").strip().lower() == "yes"


def _stop_service() -> None:
    """Remove every service of ours. One that stays is told, and is no reason to keep the rest."""
    gone, stay = unserve(_program())
    for name in gone:
        _say("✓", f"{name} syncs no more")
    for refused in stay:
        _say("!", f"a service may be left. {refused.reason}")
    if not gone and not stay:
        _say("✓", "there was no service of ours")


def _erase(path: Path) -> None:
    """Remove a file or folder, and its folder if that is now empty and bears our name."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()
    if path.parent.name in {"memsync-git", "mcp-memory"} and not any(path.parent.iterdir()):
        path.parent.rmdir()


# --- both ----------------------------------------------------------------------------------------------


def _program(interval_min: int = DEFAULT_INTERVAL_MIN) -> Program:
    """What the services of this machine run: this installation's own program.

    To remove them the interval does not matter, and a configuration that cannot be read is no obstacle.
    """
    return program_at(Places.of(), str(Path(sys.executable).parent / "memsync-git"), interval_min)


def _run(*words: str) -> int:
    """Run the program in this terminal; it speaks to the person itself."""
    sys.stdout.flush()
    return subprocess.run([sys.executable, "-P", "-m", "memsync_git", *words], check=False).returncode


def _say(mark: str, sentence: str) -> None:
    print(f"{mark} {sentence}", flush=True)


def _hint(hint: str) -> None:
    if hint:
        print(f"  Hint: {hint}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
