"""Random histories of three machines over one bare repository: nothing accepted is ever lost."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from memsync_git.model import Rid
from memsync_git.ports import Accepted, Fetched, Publication, Refused, Stale, Unreachable
from memsync_git.remotes.git import GitRemote
from tests.git.hubs import DESK, LAPTOP, PHONE, HubFolder, fragment

STEPS = 40


@dataclass
class Machine:
    """A machine that publishes revisions of its own fragment and holds the newest of the others."""

    rid: Rid
    hub: HubFolder
    rev: int = 0
    accepted_rev: int = 0
    holds: dict = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        self.remote: GitRemote = self.hub.remote(self.rid)

    def change(self) -> None:
        self.rev += 1
        self.holds[self.rid] = fragment(self.rid, self.rev, f"t{self.rev}", says=f"{self.rid} {self.rev}")

    def fetch(self) -> None:
        match self.remote.fetch():
            case Fetched() as answer:
                for item in answer.fragments:
                    held = self.holds.get(item.rid)
                    if held is None or held.version < item.version:
                        self.holds[item.rid] = item
            case Unreachable() | Refused():
                pass

    def publish(self, chance: random.Random) -> None:
        unified = [f"{self.rid} {self.rev}".encode()] if chance.random() < 0.5 else None
        own = self.holds.get(self.rid)
        outcome = self.remote.publish(Publication(own, dict(self.holds), unified, f"{self.rid} speaks"))
        match outcome:
            case Accepted():
                self.accepted_rev = self.rev
            case Stale() | Refused() | Unreachable():
                pass


@dataclass
class Fleet:
    hub: HubFolder
    machines: list[Machine]
    chance: random.Random

    def step(self) -> None:
        machine = self.chance.choice(self.machines)
        actions = [machine.change, machine.fetch, lambda: machine.publish(self.chance), machine.restart]
        self.chance.choices([*actions, self.accident], weights=[6, 5, 8, 1, 2])[0]()
        self.hub.clock.sleep(1)

    def accident(self) -> None:
        """Something happens to the hub: a backup is restored, a ref vanishes, an answer is lost."""
        refs = self.hub.git("for-each-ref", "--format=%(refname)").split()
        if not refs:
            return
        ref = self.chance.choice(refs)
        match self.chance.randrange(4):
            case 0:
                if self.hub.git("rev-list", "--count", ref) != "1":
                    self.hub.git("update-ref", ref, f"{ref}~1")
            case 1:
                self.hub.git("update-ref", "-d", ref)
            case 2:
                self.hub.hook("post-receive", "rm $0; kill -9 $PPID")
            case _:
                self.hub.hook("pre-receive", "rm $0; echo not now >&2; exit 1")

    def settle(self) -> None:
        """Quiet times: no accidents, everybody has two rounds."""
        for name in ("pre-receive", "post-receive"):
            (self.hub.path / "hooks" / name).unlink(missing_ok=True)
        for _ in range(2):
            for machine in self.machines:
                machine.remote.refs_mode = "host+main"
                machine.fetch()
                machine.publish(self.chance)


@pytest.mark.parametrize("seed", range(4))
def test_nothing_accepted_is_ever_lost(tmp_path: Path, seed: int) -> None:
    hub = HubFolder(tmp_path)
    hub.path.joinpath("hooks").mkdir(exist_ok=True)
    fleet = Fleet(hub, [Machine(rid, hub) for rid in (DESK, LAPTOP, PHONE)], random.Random(seed))
    for _ in range(STEPS):
        fleet.step()
    fleet.settle()
    newcomer = hub.remote("newcomer")
    answer = newcomer.fetch()
    assert isinstance(answer, Fetched), answer
    for machine in fleet.machines:
        if machine.rev:
            assert answer.on_main[machine.rid] == (machine.rev, f"t{machine.rev}"), f"seed {seed}"
            assert machine.accepted_rev == machine.rev, f"seed {seed}"
            assert newcomer.revision(machine.rid, machine.rev) == machine.holds[machine.rid]
    assert hub.git("fsck", "--strict", "--no-dangling") == ""
    assert hub.git("rev-list", "--merges", "main") == ""


def test_a_quiet_fleet_makes_no_commits(tmp_path: Path) -> None:
    hub = HubFolder(tmp_path)
    fleet = Fleet(hub, [Machine(rid, hub) for rid in (DESK, LAPTOP, PHONE)], random.Random(0))
    for machine in fleet.machines:
        machine.change()
    fleet.settle()
    before = hub.git("for-each-ref")
    for machine in fleet.machines * 2:
        machine.fetch()
        own = machine.holds[machine.rid]
        machine.remote.publish(Publication(own, dict(machine.holds), None, "nothing"))
    assert hub.git("for-each-ref") == before
