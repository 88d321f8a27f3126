"""A hub and two machines that have joined it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.standins.people import new_person

from .machines import Machine, new_hub


@pytest.fixture(autouse=True)
def person(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home of whoever uses these machines, with nothing in it."""
    return new_person(tmp_path_factory.mktemp("person"), monkeypatch)


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    return new_hub(tmp_path / "hub.git")


@pytest.fixture
def laptop(tmp_path: Path, hub: Path) -> Machine:
    machine = Machine(tmp_path / "laptop", "laptop", hub)
    machine.join()
    return machine


@pytest.fixture
def desk(tmp_path: Path, hub: Path, laptop: Machine) -> Machine:
    machine = Machine(tmp_path / "desk", "desk", hub)
    machine.join()
    return machine
