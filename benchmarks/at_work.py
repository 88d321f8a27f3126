"""A process that is measured while it works, and says at its end what it took.

    python -m benchmarks.at_work BEGAN_S WHAT …

    build LIBRARY FOLDER            memory.json → snapshot, and the update another replica will send
    appending LIBRARY FOLDER NOTES  load, note, append; note again; receive, render what was touched
    whole LIBRARY FOLDER NOTES      the same, the document saved and rendered whole each time
    noting NOTES                    our daemon's place of work: take in what the server has noted
    receiving                       the same: at every line on stdin, take in what the hub has
    floor HUB MEMORY TURNS          the least there is to do with git's commands to take in what the hub has
    command WORDS                   a command of ours to its end

Rule 1: the process measures itself: wall time, its own processor time, and the peak of its own memory
(VmHWM of proc(5), which a program inherits from nobody).
Rule 2: nothing is imported before it is needed; what a start costs is part of it.
Rule 3: the last line of its stdout is JSON: stages and peaks.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

WARM_WHOLE = 3
"""A document saved whole again and again is slow by nature: a few times say it."""


class Log:
    """What was measured. began_s: when the parent began to start this process, by `time.monotonic`."""

    def __init__(self, began_s: float) -> None:
        self._began_s = began_s
        self.stages: dict[str, dict[str, list[float]]] = {}
        self.peaks: dict[str, float] = {}

    def since_start(self, stage: str) -> None:
        """What has passed since this process was begun is a stage."""
        self.add(stage, time.monotonic() - self._began_s, time.process_time())

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        began_s, worked_s = time.monotonic(), time.process_time()
        yield
        self.add(stage, time.monotonic() - began_s, time.process_time() - worked_s)

    def add(self, stage: str, took_s: float, worked_s: float) -> None:
        """A sample of a stage: seconds by the wall, and of this process's own work."""
        kept = self.stages.setdefault(stage, {"ms": [], "cpu_ms": []})
        kept["ms"].append(took_s * 1000)
        kept["cpu_ms"].append(worked_s * 1000)
        self.peaks[stage] = peak_mib()

    def __str__(self) -> str:
        return json.dumps({"stages": self.stages, "peaks": self.peaks})


def peak_mib() -> float:
    """The most memory this process has had, in MiB."""
    with open("/proc/self/status") as status:
        line = next(line for line in status if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


# --- a library's document


def build(log: Log, library: str, folder: Path) -> None:
    """From the memory file to a durable document; then, unmeasured, what another replica changes."""
    from benchmarks.documents import DOCUMENTS
    from benchmarks.workloads import rows_of, save, touched

    document = DOCUMENTS[library]()
    document.build(rows_of(folder.parent / "memory.json"))
    save(folder / "snapshot", document.save())
    log.since_start("build")
    many = sum(1 for _ in rows_of(folder.parent / "memory.json"))
    other = DOCUMENTS[library]()
    other.load((folder / "snapshot").read_bytes())
    save(folder / "update", other.note_on(touched(many), "noted elsewhere"))


def appending(log: Log, library: str, folder: Path, notes: int) -> None:
    """A snapshot is loaded once; every change is appended to a file beside it."""
    from benchmarks.documents import DOCUMENTS, rendered
    from benchmarks.workloads import append, line, pieces, said_of, save

    document, beside = DOCUMENTS[library](), folder / "updates"
    document.load((folder / "snapshot").read_bytes())
    for piece in pieces(beside):
        document.receive(piece)

    def note(name: str) -> None:
        change = document.note(name, said_of(name, 1))
        if change is None:
            raise ValueError(f"{library} reads no single changes")
        append(beside, change)

    note("Cold")
    log.since_start("cold")
    for at in range(notes):
        with log.timed("warm"):
            note(f"Warm {at}")
    beside.unlink()
    with log.timed("render"):
        lines = rendered(document)
    with log.timed("receive"):
        for name in document.receive((folder / "update").read_bytes()) or ():
            lines[name] = line(name, document.observations(name))
        save(folder / "memory.json", b"\n".join(lines.values()))


def whole(log: Log, library: str, folder: Path, notes: int) -> None:
    """The document is saved whole at every change, and rendered whole."""
    from benchmarks.documents import DOCUMENTS, rendered
    from benchmarks.workloads import said_of, save

    document = DOCUMENTS[library]()
    document.load((folder / "snapshot").read_bytes())

    def note(name: str) -> None:
        document.note(name, said_of(name, 1))
        save(folder / "saved", document.save())

    note("Cold")
    log.since_start("cold")
    for at in range(min(notes, WARM_WHOLE)):
        with log.timed("warm"):
            note(f"Warm {at}")
    with log.timed("receive"):
        document.receive((folder / "update").read_bytes())
        save(folder / "memory.json", b"\n".join(rendered(document).values()))


# --- ours


def noting(log: Log, notes: int) -> None:
    """The daemon's place of work takes in what the server notes."""
    from benchmarks.workloads import note
    from memsync_git.app.opening import Rooms
    from memsync_git.app.working import Workplace
    from memsync_git.config import Places, load

    places = Places.of(os.environ)
    workplace = Workplace(Rooms(places, load(places)))
    note(places.memory_file, f"Cold {os.getpid()}")
    taken_in(workplace.capture)
    log.since_start("cold")
    for at in range(notes):
        note(places.memory_file, f"Warm {os.getpid()} {at}")
        with log.timed("warm"):
            taken_in(workplace.capture)
    workplace.close()


def taken_in(capture: Callable[[], bool]) -> None:
    if not capture():
        raise ValueError("what the server noted was not taken in")


def receiving(log: Log) -> None:
    """The daemon's place of work takes in what the hub has, at every line of stdin.

    "all": until the file was swapped; "receive": the same less what was waited for git's programs.
    """
    from memsync_git.app.allocator import give_back, keep_together
    from memsync_git.app.opening import Rooms
    from memsync_git.app.rehearsal import HurriedClock
    from memsync_git.app.working import Workplace
    from memsync_git.config import Places, load
    from memsync_git.offering import answered
    from memsync_git.stores.lock import SharedLock

    places = Places.of(os.environ)
    rooms = Rooms(places, load(places))
    names = [each.name for each in rooms.configuration.remotes]
    keep_together()
    workplace = Workplace(rooms, clock=HurriedClock())
    with SharedLock(rooms.lock_path, 0.0) as lock:
        answered(workplace.sync("full", names, lock))
    moments = Moments()
    print("ready", flush=True)
    for _ in sys.stdin:
        moments.begin()
        with SharedLock(rooms.lock_path, 0.0) as lock:
            answered(workplace.sync("poll", names, lock))
        log.add("all", moments.until_swap_s, moments.worked_s)
        log.add("receive", moments.until_swap_s - moments.waited_s, moments.worked_s)
        give_back()
        print("done", flush=True)
    workplace.close()


def floor(log: Log, hub: Path, memory: Path, turns: int) -> None:
    """What is new on the hub is read through git, and a file as large as the memory is written."""
    from benchmarks.floors import take_in

    data = memory.read_bytes()
    for _ in range(turns):
        with log.timed("floor"):
            take_in(hub, memory.with_name("floor.json"), data)


class Moments:
    """When the memory file was swapped, and how long other programs were waited for before."""

    def __init__(self) -> None:
        import subprocess

        from memsync_git.local.swaps import ExchangeSwap

        self.begin()
        self._around(subprocess.Popen, "communicate", self._has_waited)
        self._around(ExchangeSwap, "over", self._has_swapped)

    def begin(self) -> None:
        self._began_s, self._swapped_s = time.monotonic(), 0.0
        self.waited_s, self.worked_s, self._working_s = 0.0, 0.0, time.process_time()

    @property
    def until_swap_s(self) -> float:
        if not self._swapped_s:
            raise ValueError("nothing was received")
        return self._swapped_s - self._began_s

    def _has_waited(self, took_s: float) -> None:
        if not self._swapped_s:
            self.waited_s += took_s

    def _has_swapped(self, _took_s: float) -> None:
        self._swapped_s, self.worked_s = time.monotonic(), time.process_time() - self._working_s

    @staticmethod
    def _around(owner: type, name: str, then: Callable[[float], None]) -> None:
        """Tell how long a method took, each time it was called."""
        method = getattr(owner, name)

        def telling(self: object, *given: object, **named: object) -> object:
            began_s = time.monotonic()
            try:
                return method(self, *given, **named)
            finally:
                then(time.monotonic() - began_s)

        setattr(owner, name, telling)


def command(log: Log, words: list[str]) -> int:
    """A command of ours as it is started by a person, but that its peak is told."""
    from memsync_git.__main__ import main as ours

    sys.argv[1:] = words
    code: object = 0
    try:
        ours()
    except SystemExit as ended:
        code = ended.code
    log.since_start("command")
    return code if isinstance(code, int) else 1


def main() -> int:
    began_s, what, *words = sys.argv[1:]
    log, code = Log(float(began_s)), 0
    os.umask(0o077)
    match what, words:
        case "build", [library, folder]:
            build(log, library, Path(folder))
        case "appending", [library, folder, notes]:
            appending(log, library, Path(folder), int(notes))
        case "whole", [library, folder, notes]:
            whole(log, library, Path(folder), int(notes))
        case "noting", [notes]:
            noting(log, int(notes))
        case "receiving", []:
            receiving(log)
        case "floor", [hub, memory, turns]:
            floor(log, Path(hub), Path(memory), int(turns))
        case "command", words:
            code = command(log, words)
        case _:
            raise SystemExit(f"{what} {words}: {__doc__}")
    print(log, flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
