"""Other programs that could keep a folder with a memory file in step, as quick as they can be set.

Rule 1: everything of theirs is in a folder of the benchmark's: configuration, archives, HOME.
Rule 2: loopback only; no discovery, no relays, no reports home.
Rule 3: every program is the leader of a process group of its own, and the group is ended by its id.
They have no hub: two folders, each side at once told or polling, which is less work than ours.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from xml.etree import ElementTree

from benchmarks.pairs import Pair

END_S = 5.0
FOLDER_ID = "memory"


def missing(program: str) -> str:
    """How to get a program that is not here; "" if it is."""
    if shutil.which(program) is not None:
        return ""
    return f"{program} is not measured: apt-get install {program}"


def rivals() -> Mapping[str, Callable[[Path, bytes], AbstractContextManager[Pair]]]:
    """Every rival by its program."""
    return {"unison": unison, "syncthing": syncthing, "git-annex": git_annex}


@contextmanager
def _running(argv: list[str], folder: Path, env: Mapping[str, str]) -> Iterator[None]:
    """A program at work in a folder, and whatever it starts, until the block is left."""
    with folder.with_name(f"{folder.name}.said").open("ab") as said:
        child = subprocess.Popen(
            argv,
            cwd=folder,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
        )
    try:
        yield
    finally:
        _end(child)


def _end(child: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(child.pid, number)
        with suppress(subprocess.TimeoutExpired):
            child.wait(END_S)


def _sides(folder: Path, memory: bytes) -> tuple[Path, Path]:
    """Two folders; the memory is in the first."""
    a, b = folder / "a", folder / "b"
    for side in (a, b):
        side.mkdir(parents=True)
    (a / "memory.json").write_bytes(memory)
    return a, b


def _around(folder: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "DBUS_"))}
    return {**kept, "HOME": str(folder), "GIT_CONFIG_GLOBAL": str(folder / ".gitconfig")}


@contextmanager
def unison(folder: Path, memory: bytes) -> Iterator[Pair]:
    """Two folders on this disk, looked at every second."""
    a, b = _sides(folder, memory)
    words = ["-repeat", "1", "-batch", "-auto", "-ui", "text", "-ignore", "Name *.tmp"]
    around = {**_around(folder), "UNISON": str(folder / "archives")}
    with _running(["unison", str(a), str(b), *words], folder, around):
        yield Pair("Unison, -repeat 1", a / "memory.json", b / "memory.json")


# --- Syncthing


@contextmanager
def syncthing(folder: Path, memory: bytes) -> Iterator[Pair]:
    """Two instances that know each other's address; changes are noticed by events, a second later."""
    sides = _sides(folder, memory)
    homes = [folder / f"home-{side.name}" for side in sides]
    around = {**_around(folder), "STNOUPGRADE": "1", "STNODEFAULTFOLDER": "1"}
    ids = [_syncthing_id(home, around) for home in homes]
    ports = _free_ports(4)
    with ExitStack() as stack:
        for at, (home, side) in enumerate(zip(homes, sides, strict=True)):
            addresses = dict(zip(ids, ports[:2], strict=True))
            _configure(home / "config.xml", side, addresses, listen=ports[at], gui=ports[2 + at])
            argv = ["syncthing", "serve", "--home", str(home), "--no-browser", "--no-restart"]
            stack.enter_context(_running(argv, home, around))
        yield Pair("Syncthing, 1 s delay", sides[0] / "memory.json", sides[1] / "memory.json")


def _syncthing_id(home: Path, around: Mapping[str, str]) -> str:
    """A new instance's id."""
    for words in (["generate", "--home", str(home)], ["--home", str(home), "--device-id"]):
        done = subprocess.run(
            ["syncthing", *words], env=dict(around), capture_output=True, text=True, check=True, timeout=60
        )
    return done.stdout.strip()


def _free_ports(many: int) -> list[int]:
    with ExitStack() as stack:
        held = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(many)]
        return [each.getsockname()[1] for each in held]


def _configure(path: Path, side: Path, addresses: Mapping[str, int], *, listen: int, gui: int) -> None:
    """One folder, two devices, nothing that leaves this machine."""
    root = ElementTree.Element("configuration", version="36")
    shared = {"id": FOLDER_ID, "path": str(side), "type": "sendreceive", "rescanIntervalS": "3600"}
    watching = {"fsWatcherEnabled": "true", "fsWatcherDelayS": "1"}
    shelf = ElementTree.SubElement(root, "folder", {**shared, **watching})
    for device, port in addresses.items():
        ElementTree.SubElement(shelf, "device", id=device)
        known = ElementTree.SubElement(root, "device", id=device)
        ElementTree.SubElement(known, "address").text = f"tcp://127.0.0.1:{port}"
    window = ElementTree.SubElement(root, "gui", enabled="true", tls="false")
    ElementTree.SubElement(window, "address").text = f"127.0.0.1:{gui}"
    options = ElementTree.SubElement(root, "options")
    for name, value in {"listenAddress": f"tcp://127.0.0.1:{listen}", **_QUIET}.items():
        ElementTree.SubElement(options, name).text = value
    (side / ".stfolder").mkdir(exist_ok=True)
    (side / ".stignore").write_text("*.tmp\n")
    ElementTree.ElementTree(root).write(path)


_QUIET = {
    "globalAnnounceEnabled": "false",
    "localAnnounceEnabled": "false",
    "relaysEnabled": "false",
    "natEnabled": "false",
    "startBrowser": "false",
    "urAccepted": "-1",
    "urSeen": "9999",
    "crashReportingEnabled": "false",
    "autoUpgradeIntervalH": "0",
    "stunKeepaliveStartS": "0",
    "announceLANAddresses": "false",
}


# --- git-annex


@contextmanager
def git_annex(folder: Path, memory: bytes) -> Iterator[Pair]:
    """Two repositories that are each other's remotes, the file in git itself, an assistant in each."""
    a, b = _sides(folder, memory)
    around = _around(folder)
    (folder / ".gitconfig").write_text(
        "[user]\n\tname = x\n\temail = x@localhost\n"
        "[init]\n\tdefaultBranch = main\n"
        "[annex]\n\tlargefiles = nothing\n"
    )

    def git(side: Path, *words: str) -> None:
        subprocess.run(["git", *words], cwd=side, env=around, check=True, capture_output=True, timeout=60)

    git(a, "init")
    git(a, "annex", "init", "a")
    (a / ".gitignore").write_text("*.tmp\n")
    git(a, "add", "memory.json", ".gitignore")
    git(a, "commit", "--message", "the memory")
    git(folder, "clone", str(a), str(b))
    git(b, "annex", "init", "b")
    git(a, "remote", "add", "b", str(b))
    with ExitStack() as stack:
        for side in (a, b):
            argv = ["git", "annex", "assistant", "--foreground"]
            stack.enter_context(_running(argv, side, around))
        yield Pair("git-annex assistant", a / "memory.json", b / "memory.json")
