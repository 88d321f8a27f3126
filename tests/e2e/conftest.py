"""Real servers, installed once; machines and the repository between them, per test."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from .machines import Machine
from .servers import install


@pytest.fixture(scope="session")
def server_script(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Path]:
    """The script of one version of the memory server, installed on first use and kept in pytest's cache."""
    keeper = getattr(pytestconfig, "cache", None)  # there is none with -p no:cacheprovider
    cache = Path(keeper.mkdir("memory-servers") if keeper else tmp_path_factory.mktemp("memory-servers"))
    return lambda version: install(version, cache)


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    """An empty bare repository, as a person makes one."""
    path = tmp_path / "hub.git"
    subprocess.run(["git", "init", "--quiet", "--bare", "--initial-branch=main", path], check=True)
    return path


@pytest.fixture
def machine(tmp_path: Path, server_script: Callable[[str], Path]) -> Iterator[Callable[[str, str], Machine]]:
    """Makes machines; their servers are ended with the test."""
    made: list[Machine] = []

    def make(host: str, version: str) -> Machine:
        made.append(Machine(tmp_path / host, host, server_script(version)))
        return made[-1]

    yield make
    for each in made:
        each.server.stop()
