"""From one machine over a hub to another: our rounds beside the bare git commands, by transport.

    A: the server's write → capture, push            floor: hash-object, mktree, two commit-trees, push
    B: fetch, join, swap the file                    floor: fetch, cat-file, write, fsync, rename

Rule 1: both ends are daemons: sessions that live on, told at once. Debounce, polling and linger are waits by
intention and are left out on our side; the floor has none.
Rule 2: the floor uses the same hub, the same transport and as few connections: one push, one fetch.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.proxy import FarAway
from benchmarks.timing import Timed, in_turn, table
from memsync_git.app.opening import Rooms
from memsync_git.app.rehearsal import HurriedClock
from memsync_git.config import Places, load
from memsync_git.remotes import ssh
from memsync_git.sync import RoundOptions, Session, sync_round
from tests.git.sshd import Sshd, found
from tests.git.web import Serving

FAR_S = 0.05
"""A hub on the same continent."""


@dataclass(frozen=True, slots=True)
class Way:
    """How a hub is reached. `git_ssh`: what the bare commands use for ssh."""

    name: str
    url: str
    keeps: bool = False
    git_ssh: str = ""


class Ours:
    """Two homes on one hub, each with a session that lives on."""

    def __init__(self, folder: Path, way: Way, memory: bytes, stack: ExitStack) -> None:
        self._sessions: list[Session] = []
        self.memories = [folder / name / "memory.json" for name in ("a", "b")]
        for memory_file in self.memories:
            memory_file.parent.mkdir(parents=True)
        self.memories[0].write_bytes(memory)
        for memory_file in self.memories:
            self._sessions.append(stack.enter_context(_session(memory_file.parent, way)))
            stack.callback(_rooms(memory_file.parent, way).hang_up)
        for session in (*self._sessions, *self._sessions):
            self._round(session, RoundOptions())

    def propagate(self) -> None:
        """What A's file says now is in B's."""
        a, b = self._sessions
        self._round(a, RoundOptions(push_first=True))
        self._round(b, RoundOptions())
        assert self.memories[0].read_bytes().splitlines()[-1] in self.memories[1].read_bytes()

    def _round(self, session: Session, options: RoundOptions) -> None:
        (line,) = sync_round(session, options).remotes
        assert not line.reason, line.reason
        session.world.remotes[0].known_digest = line.digest


def _rooms(home: Path, way: Way) -> Rooms:
    places = Places.of({"MEMSYNC_HOME": str(home)})
    return Rooms(places, load(places), keeps_connections=way.keeps)


@contextmanager
def _session(home: Path, way: Way) -> Iterator[Session]:
    words = ["-m", "memsync_git", "init", way.url, "--host", home.name, "--yes", "--no-service"]
    around = {**os.environ, "MEMSYNC_HOME": str(home)}
    subprocess.run([sys.executable, *words], env=around, check=True, capture_output=True)
    with _rooms(home, way).session() as session:
        session.world = replace(session.world, clock=HurriedClock())
        yield session


class Floor:
    """The bare git commands of the same change."""

    def __init__(self, folder: Path, way: Way, memory: bytes) -> None:
        self.a, self.b, self._url, self._memory = folder / "a.git", folder / "b.git", way.url, memory
        self._env = {**os.environ, "GIT_SSH_COMMAND": way.git_ssh} if way.git_ssh else dict(os.environ)
        for who in ("AUTHOR", "COMMITTER"):
            self._env |= {f"GIT_{who}_NAME": "x", f"GIT_{who}_EMAIL": "x@localhost"}
        self._turn, self._tips = 0, ["", ""]
        for clone in (self.a, self.b):
            clone.mkdir(parents=True)
            self._git(clone, "init", "--quiet", "--bare")

    def _git(self, clone: Path, *words: str, stdin: bytes = b"") -> bytes:
        argv = ["git", "-c", "core.fsync=all", "-c", "protocol.version=0", *words]
        return subprocess.run(
            argv, cwd=clone, env=self._env, input=stdin, check=True, capture_output=True
        ).stdout

    def propagate(self) -> None:
        self._turn += 1
        blob = self._said("hash-object", "-w", "--stdin", stdin=self._memory + b"\n%d" % self._turn)
        rows = f"100644 blob {blob}\tmemory-floor.json\n100644 blob {blob}\tmemory.json\n"
        tree = self._said("mktree", stdin=rows.encode())
        for at, tip in enumerate(self._tips):
            parent = ["-p", tip] if tip else []
            self._tips[at] = self._said("commit-tree", tree, *parent, "-m", f"turn {self._turn} {at}")
        targets = [f"{self._tips[0]}:refs/floor/host", f"{self._tips[1]}:refs/floor/main"]
        self._git(self.a, "push", "--quiet", self._url, *targets)
        self._git(self.b, "fetch", "--quiet", "--no-tags", self._url, "+refs/floor/*:refs/floor/*")
        data = self._git(self.b, "cat-file", "blob", "refs/floor/main:memory.json")
        swapped_in(self.b / "memory.json", data)

    def _said(self, *words: str, stdin: bytes = b"") -> str:
        return self._git(self.a, *words, stdin=stdin).decode().strip()


def swapped_in(path: Path, data: bytes) -> None:
    fresh = path.with_suffix(".new")
    with fresh.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


# --- the ways there


@contextmanager
def ways(folder: Path) -> Iterator[list[Callable[[Path], Way]]]:
    """Every way to a hub in a folder that this machine can offer."""
    folder.mkdir()
    with ExitStack() as stack:
        _set_around(stack, "GIT_CONFIG_GLOBAL", os.devnull)
        serving = Serving(folder)
        stack.callback(serving.close)
        far_web = FarAway(serving.server.server_port, FAR_S)
        stack.callback(far_web.close)
        every: list[Callable[[Path], Way]] = [
            lambda hub: Way("file", str(hub)),
            lambda hub: Way("http", f"http://127.0.0.1:{serving.server.server_port}/{hub.name}"),
            lambda hub: Way("http, 50 ms away", f"http://127.0.0.1:{far_web.port}/{hub.name}"),
        ]
        if found() is None:
            print("\nssh is not measured: apt-get install openssh-server")
        else:
            every += _over_ssh(folder, stack)
        yield every


def _set_around(stack: ExitStack, name: str, value: str) -> None:
    """Set a variable of the environment until the stack is left."""
    before = os.environ.get(name)
    os.environ[name] = value
    if before is None:
        stack.callback(os.environ.pop, name, None)
    else:
        stack.callback(os.environ.__setitem__, name, before)


def _over_ssh(folder: Path, stack: ExitStack) -> list[Callable[[Path], Way]]:
    server = Sshd(folder / "sshd")
    stack.callback(server.stop)
    far = FarAway(server.port, FAR_S)
    stack.callback(far.close)
    server.also_at(far.port)
    _set_around(stack, "GIT_SSH_COMMAND", server.command)
    plain = f"{server.command} {ssh.OPTIONS}"
    kept = f"{plain} -oControlMaster=auto -oControlPersist=60 -oControlPath=/tmp/floor-{os.getpid()}-%p"
    ways: list[Callable[[Path], Way]] = []
    for port, where in ((server.port, ""), (far.port, ", 50 ms away")):
        at = server.at(port)
        stack.callback(subprocess.run, f"{kept} -O exit {at}", shell=True, check=False, capture_output=True)
        ways += [
            lambda hub, at=at, where=where: Way(f"ssh, kept{where}", f"{at}{hub}", True, kept),
            lambda hub, at=at, where=where: Way(f"ssh, new{where}", f"{at}{hub}", False, plain),
        ]
    return ways


# --- measuring


def _memory(entities: int) -> bytes:
    return b"\n".join(_row(f"Entity {at}", 5) for at in range(entities))


def _row(name: str, observations: int) -> bytes:
    said = [f"observation {at} about {name}, with a few words to it" for at in range(observations)]
    row = {"type": "entity", "name": name, "entityType": "thing", "observations": said}
    return json.dumps(row, separators=(",", ":")).encode()


def served(hub: Path) -> Path:
    """An empty hub that every transport may push to."""
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", str(hub)], check=True)
    subprocess.run(["git", "config", "http.receivepack", "true"], cwd=hub, check=True)
    return hub


def _measured(folder: Path, way: Way, hub: Path, *, runs: int, memory: bytes) -> list[Timed]:
    served(hub)
    with ExitStack() as stack:
        ours = Ours(folder / "ours", way, memory, stack)
        floor = Floor(folder / "floor", way, memory)
        turns = iter(range(1_000_000))

        def note() -> None:
            """The server's write: a whole new file in the old one's place."""
            path = ours.memories[0]
            swapped_in(path, path.read_bytes() + b"\n" + _row(f"New {next(turns)}", 1))

        contestants = {f"bare git, {way.name}": floor.propagate, f"memsync-git, {way.name}": ours.propagate}
        return in_turn(contestants, runs=runs, prepare=note)


def measure(folder: Path, *, runs: int, entities: int) -> None:
    """Print one table per transport."""
    memory = _memory(entities)
    with ways(folder) as every:
        for at, way_to in enumerate(every):
            hub = folder / f"hub{at}.git"
            way = way_to(hub)
            rows = _measured(folder / f"way{at}", way, hub, runs=runs, memory=memory)
            print(table(f"A → hub → B, {way.name}", rows, floor=rows[0].name), flush=True)
