"""Sixteen machines publish at the same moment: all converge, nothing is lost, nobody has to do anything."""

from __future__ import annotations

import json

from memsync_git.ports import Snapshot
from tests.git.crowd import Machine, at_once, lost
from tests.git.hubs import HubFolder, git

MACHINES = 16


def names_of(machine: Machine) -> set[str]:
    reading = machine.file.read()
    assert isinstance(reading, Snapshot)
    return {json.loads(line)["name"] for line in reading.data.splitlines()}


def test_sixteen_machines_at_once_all_converge_and_nothing_is_lost(hub: HubFolder) -> None:
    fleet = [Machine(hub.folder, at, hub.path) for at in range(MACHINES)]
    for machine in (*fleet, *fleet):
        machine.rest()
    for machine in fleet:
        machine.change(1)
    at_once([machine.settle for machine in fleet])
    assert lost({machine.rid: machine.rev for machine in fleet}, hub.folder, hub.path) == 0
    assert all(machine.remote.first_try for machine in fleet), "the own ref is nobody else's to contest"
    for machine in fleet:
        machine.rest()
    everything = names_of(fleet[0])
    assert {f"{machine.rid} says 1" for machine in fleet} <= everything
    assert all(names_of(machine) == everything for machine in fleet)
    parents = git("rev-list", "--parents", "main", cwd=hub.path).decode().splitlines()
    assert all(len(line.split()) <= 2 for line in parents), "main is linear"
    git("fsck", "--strict", cwd=hub.path)
