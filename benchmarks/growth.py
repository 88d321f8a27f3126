"""Years of one-observation edits in one repository: what they leave behind, and what a sync costs among them.

    python -m benchmarks.growth [--entities 1000] [--commits 20000] [--json FILE]

A writer publishes edit after edit through our own publish code, with upkeep after each as in life; what `git
push` would do is done by the file, so that years pass in minutes: its objects are copied into the hub and its
refs moved. At some points of its history two other machines, with everything as it is in life, sync one
observation from one to the other: their computing time, and that of git for them, is what is compared.

Rule 1: an edit takes one observation away and adds another, so that only history grows.
Rule 2: the unified file is committed with every fiftieth edit, as it is for a memory beyond 64 KiB.
Rule 3: what an edit leaves behind is measured twice: with everything in the fragment of one machine, and with
a fragment of the size (67 KB) that four machines had when the goals were set (facts, part 7, section 3).
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import median

from benchmarks.machine import machine_line
from memsync_git.app.clocks import SystemClock
from memsync_git.crdt.fragment import Entry, Fragment, Header, RecordFacts
from memsync_git.model import Rid
from memsync_git.ports import Accepted, Fetched, Publication, Snapshot
from memsync_git.remotes import loose, upkeep
from memsync_git.remotes._git import Ran
from memsync_git.remotes.git import GitRemote
from memsync_git.remotes.survey import create_hub
from memsync_git.remotes.trees import Oid, parse_commit, parse_tree
from memsync_git.wire.fragments import decode, encode_files
from tests.git.crowd import Machine, row

POINTS = (100, 1000, 5000, 20_000)
SYNCS = 9
"""Measured at each point; the median counts."""
LOOSE_EDITS = 100
"""Edits without upkeep, for what one leaves before it."""
UNIFIED_EVERY = 50
LOOKS_EVERY = 50
"""Edits between looks of the others: far fewer than what the guard against mass deletions holds back."""
MACHINES_SHARING, OBSERVATIONS_SHARED = 4, 3
"""At 1 000 entities a fragment of 69 KB."""
WRITER = Rid("writer-00ff")
START_MS = 1_763_637_000_000


# --- a writer for whom years are minutes


class Contact:
    """The way to a hub on this disk by copying files: in the place of `remotes.contact.Contact`."""

    is_locked_out = False

    def __init__(self, clone: Path, hub: Path) -> None:
        self._clone, self._hub = clone, hub

    def run(self, argv: Sequence[str]) -> Ran:
        """Do what a push would do; nothing else is asked of it."""
        assert "push" in argv, argv
        lines = []
        for target in argv[argv.index("push") :]:
            oid, colon, ref = target.partition(":refs/")
            if colon:
                self._bring(Oid(oid))
                _write(self._hub / "refs" / ref, oid)
                _write(self._clone / "refs" / "hub" / "origin" / ref, oid)
                lines.append(f" \t{oid}:refs/{ref}\tmoved\n")
        return Ran(0, "".join(lines).encode(), "")

    def hang_up(self) -> None:
        pass

    def _bring(self, oid: Oid) -> None:
        """Copy an object and what it names, as far as it is new here and there."""
        there = self._hub / "objects" / oid[:2] / oid[2:]
        here = self._clone / "objects" / oid[:2] / oid[2:]
        if there.exists() or not here.exists():
            return
        there.parent.mkdir(exist_ok=True)
        shutil.copyfile(here, there)
        for named in self._named(oid):
            self._bring(named)

    def _named(self, oid: Oid) -> Iterator[Oid]:
        objects = self._clone / "objects"
        commit = loose.read(objects, oid, "commit", limit=1 << 20)
        if isinstance(commit, bytes):
            yield parse_commit(commit).tree
        tree = loose.read(objects, oid, "tree", limit=1 << 20)
        if isinstance(tree, bytes):
            yield from (entry.oid for entry in parse_tree(tree).values())


def _write(path: Path, oid: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_suffix(".new")
    fresh.write_text(f"{oid}\n")
    fresh.replace(path)


class FileRemote(GitRemote):
    """A remote whose hub can be spoken to in another way for a while."""

    def speak(self, contact: Contact | None) -> None:
        """Through this contact, or through git again."""
        self._through_git = getattr(self, "_through_git", self._clone.contact)
        self._clone.contact = contact or self._through_git  # type: ignore[assignment]


class Writer:
    """Publishes one edit after the other. The first goes through git, as the clone's first fetch does.

    entities: in all; it has its `share` of them, each with so many observations.
    """

    def __init__(
        self, folder: Path, hub: Path, entities: int, *, share: float = 1.0, observations: int = 1
    ) -> None:
        self.clone, self._all = folder / "writer", entities
        self._entities, self._observations = round(entities * share), observations
        self.remote = FileRemote(self.clone, str(hub), clock=SystemClock())
        self._files = Contact(self.clone / ".git", hub)
        facts = {("e", _name(at)): self._facts(at) for at in range(self._entities)}
        header = Header(
            WRITER, host="writer", rev=1, tok="t1", next=self._number(self._entities), wall_ms=START_MS
        )
        self.fragment = _read_back(Fragment(header, facts))
        self.edits = 0
        self._publish(unified=True)
        assert isinstance(self.remote.fetch(), Fetched)
        self.remote.speak(self._files)

    def edit(self) -> None:
        """One observation goes, another one comes."""
        self.edits += 1
        at = self.edits * 7919 % self._entities
        before = self.fragment.header
        header = replace(
            before,
            rev=before.rev + 1,
            tok=f"t{before.rev + 1}",
            prev=before.tok,
            next=before.next + 1,
            wall_ms=before.wall_ms + 1000,
        )
        records = {**self.fragment.records, ("e", _name(at)): self._facts(at, turn=self.edits)}
        self.fragment = Fragment(header, records)
        self._publish(unified=self.edits % UNIFIED_EVERY == 0)

    def look(self) -> None:
        """Take in what others have published meanwhile."""
        assert isinstance(self.remote.fetch(), Fetched)
        self.remote.speak(None)
        self.remote.upkeep()
        self.remote.speak(self._files)

    def _publish(self, *, unified: bool) -> None:
        outcome = self.remote.publish(
            Publication(
                self.fragment,
                {WRITER: self.fragment},
                [self._unified()] if unified else None,
                message="writer: +1 observation, \N{MINUS SIGN}1 observation",
                trailers=(("Memsync-Replica", WRITER), ("Memsync-Rev", str(self.fragment.header.rev))),
            )
        )
        assert isinstance(outcome, Accepted), outcome

    def _number(self, at: int) -> int:
        """The first number of an entity's facts."""
        return at * (1 + self._observations) + 1

    def _facts(self, at: int, turn: int = 0) -> RecordFacts:
        """What is said of an entity; what was said first of it goes with its first edit."""
        number = self._number(at)
        entries = [Entry(number + 1 + nth, START_MS, _words(at, nth)) for nth in range(self._observations)]
        if turn:
            entries[0] = Entry(self._number(self._entities) + turn, START_MS + turn, _words(at, turn))
        return RecordFacts(types=(Entry(number, START_MS + at, "thing"),), observations=tuple(entries))

    def _unified(self) -> bytes:
        """Everybody's: what others say of theirs stays as it is."""
        records = self.fragment.records
        every = (records.get(("e", _name(at))) or self._facts(at) for at in range(self._all))
        rows = (
            {
                "type": "entity",
                "name": _name(at),
                "entityType": "thing",
                "observations": [entry.value for entry in facts.observations],
                "_sync_metadata": {
                    "host": "writer",
                    "timestamp": "2026-11-20T11:30:00Z",
                    "id": f"{WRITER}:{at}",
                },
            }
            for at, facts in enumerate(every)
        )
        return b"\n".join(json.dumps(each, separators=(",", ":")).encode() for each in rows)


def _name(at: int) -> str:
    return f"Entity {at}"


def _words(at: int, turn: int) -> str:
    return f"what was noted about entity {at} at turn {turn}, eight words"


def _read_back(fragment: Fragment) -> Fragment:
    """The same with the lines it was read from, as every replica holds it: only a changed one is written."""
    own, *shards = encode_files(fragment).values()
    found = decode(own, rid=fragment.rid, store="default", shards=shards)
    assert isinstance(found, Fragment), found
    return found


# --- what is measured


@dataclass(frozen=True)
class Point:
    """A sync of one observation among so many commits: milliseconds of computing, ours and git's.

    up: file → hub. down: hub → the other's file. hub_kb, clone_kb: the repositories as they lie there.
    """

    commits: int
    up_ms: float
    up_git_ms: float
    down_ms: float
    down_git_ms: float
    hub_kb: float
    clone_kb: float


def cpu_ms() -> tuple[float, float]:
    """Computing time of this process and of its children so far."""
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return (own.ru_utime + own.ru_stime) * 1000, (children.ru_utime + children.ru_stime) * 1000


def point(commits: int, writer: Writer, pair: Sequence[Machine], hub: Path) -> Point:
    """Sync some observations from one machine to the other, the writer looking on."""
    sender, receiver = pair
    for machine in (sender, receiver, sender, receiver):
        machine.rest()
    spans: list[tuple[float, ...]] = []
    for turn in range(SYNCS + 1):
        reading = sender.file.read()
        assert isinstance(reading, Snapshot)
        sender.file.writer_rename(reading.data + b"\n" + row(f"at {commits}, {turn}"))
        begun = cpu_ms()
        sender.round()
        between = cpu_ms()
        receiver.round()
        ended = cpu_ms()
        spans.append(tuple(b - a for a, b in zip((*begun, *between), (*between, *ended), strict=True)))
        for machine in pair:
            machine.git.upkeep()
    up, up_git, down, down_git = (median(each) for each in zip(*spans[1:], strict=True))
    writer.look()
    sizes = (upkeep.stock(each).total_bytes / 1024 for each in (hub, writer.clone / ".git"))
    return Point(commits, up, up_git, down, down_git, *sizes)


@dataclass(frozen=True)
class Growth:
    """What one edit leaves in a repository, loose and packed, and what its push sends; in KB."""

    hub_loose_kb: float
    clone_loose_kb: float
    packed_kb: float
    push_kb: float


def growth_of(writer: Writer, hub: Path) -> Growth:
    """The edits of one contest between two collections."""
    clone = writer.clone / ".git"
    for each in (hub, clone):
        upkeep.collect(each)
    before = [upkeep.stock(each).total_bytes for each in (hub, clone)]
    tips = [_tips(hub)]
    for _ in range(LOOSE_EDITS):
        writer.edit()
        tips.append(_tips(hub))
    loose = [upkeep.stock(each).total_bytes for each in (hub, clone)]
    pushed = [_push_bytes(hub, new, old) for old, new in zip(tips[-12:], tips[-11:], strict=False)]
    for each in (hub, clone):
        upkeep.collect(each)
    return Growth(
        *((b - a) / LOOSE_EDITS / 1024 for a, b in zip(before, loose, strict=True)),
        packed_kb=(upkeep.stock(hub).total_bytes - before[0]) / LOOSE_EDITS / 1024,
        push_kb=median(pushed) / 1024,
    )


def growth_among(machines: int, folder: Path, entities: int) -> Growth:
    """The same where so many machines share the entities, and each has a fragment of its own."""
    folder.mkdir()
    hub = folder / "hub.git"
    create_hub(hub)
    writer = Writer(folder, hub, entities, share=1 / machines, observations=OBSERVATIONS_SHARED)
    return growth_of(writer, hub)


def _tips(hub: Path) -> tuple[str, ...]:
    return tuple((hub / "refs" / name).read_text().strip() for name in (f"memsync/{WRITER}", "heads/main"))


def _push_bytes(hub: Path, new: Sequence[str], old: Sequence[str]) -> int:
    """The pack a push of these tips sends to somebody who has those."""
    wish = "".join(f"{oid}\n" for oid in (*new, *(f"^{oid}" for oid in old)))
    argv = ["git", "pack-objects", "--revs", "--thin", "--stdout", "--delta-base-offset", "-q"]
    done = subprocess.run(argv, cwd=hub, input=wish.encode(), capture_output=True, check=True)
    return len(done.stdout)


def measure(folder: Path, entities: int, commits: int) -> tuple[Growth, list[Point]]:
    """A history of so many commits, and the syncs along it."""
    hub = folder / "hub.git"
    create_hub(hub)
    writer = Writer(folder, hub, entities)
    pair = [Machine(folder, at, hub) for at in (1, 2)]
    started = upkeep.stock(hub).total_bytes
    found: list[Point] = []
    small = growth_of(writer, hub)
    for target in (*(each for each in POINTS if each < commits), commits):
        while writer.edits < target:
            writer.edit()
            writer.remote.upkeep()
            if writer.edits % LOOKS_EVERY == 0:
                for machine in pair:
                    machine.rest()
        found.append(point(target, writer, pair, hub))
        print(line_of(found[-1], found[0]), flush=True)
    upkeep.collect(hub)
    packed_kb = (upkeep.stock(hub).total_bytes - started) / 1024 / writer.edits
    return replace(small, packed_kb=packed_kb), found


# --- telling

HEADINGS = ("up ms", "git", "down ms", "git", "hub MB", "clone MB", "ratio")
HEADER = f"{'commits':>8} " + " ".join(f"{heading:>9}" for heading in HEADINGS)


def line_of(found: Point, first: Point) -> str:
    """A row of the table; the ratio is of all computing of a sync, to that at the first point."""
    cells = (found.up_ms, found.up_git_ms, found.down_ms, found.down_git_ms)
    sizes = (found.hub_kb / 1024, found.clone_kb / 1024)
    ratio = _all_ms(found) / _all_ms(first)
    return f"{found.commits:8} " + " ".join(f"{cell:9.1f}" for cell in (*cells, *sizes)) + f" {ratio:9.2f}"


def _all_ms(found: Point) -> float:
    return found.up_ms + found.up_git_ms + found.down_ms + found.down_git_ms


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("--entities", type=int, default=1000)
    parser.add_argument("--commits", type=int, default=20_000)
    parser.add_argument("--json", type=Path, metavar="FILE")
    wish = parser.parse_args()
    print(f"{machine_line()}; {wish.entities} entities of the writer")
    print(HEADER)
    os.environ["GIT_CONFIG_GLOBAL"] = os.devnull
    with tempfile.TemporaryDirectory(prefix="memsync-git-growth-") as folder:
        shared = growth_among(MACHINES_SHARING, Path(folder) / "shared", wish.entities)
        growth, points = measure(Path(folder), wish.entities, wish.commits)
    print(f"\nan edit leaves {told(growth)}\nof {MACHINES_SHARING} machines that share them {told(shared)}")
    if wish.json is not None:
        left = {"growth": asdict(growth), "shared": asdict(shared)}
        found = {"machine": machine_line(), "entities": wish.entities, **left}
        wish.json.write_text(json.dumps({**found, "points": [asdict(each) for each in points]}))


def told(growth: Growth) -> str:
    """What an edit leaves, in words."""
    return (
        f"loose {growth.hub_loose_kb:.1f} KB in the hub, {growth.clone_loose_kb:.1f} KB in the clone; "
        f"after upkeep {growth.packed_kb:.2f} KB; its push sends {growth.push_kb:.2f} KB"
    )


if __name__ == "__main__":
    main()
