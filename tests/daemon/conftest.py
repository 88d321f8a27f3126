"""Two machines that have joined one hub on this disk; their daemons are not running yet."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.machines import new_hub
from tests.daemon.machines import Home, ended


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    return new_hub(tmp_path / "hub.git")


@pytest.fixture
def laptop(tmp_path: Path, hub: Path) -> Iterator[Home]:
    home = Home(tmp_path / "laptop", str(hub))
    home.init()
    with ended(home):
        yield home


@pytest.fixture
def desk(tmp_path: Path, hub: Path) -> Iterator[Home]:
    home = Home(tmp_path / "desk", str(hub))
    home.init()
    with ended(home):
        yield home
