"""A memory server's way with its file: read all, add a row, write all back, with no lock that we see.

    serving.py FILE place|rename NAME WRITES TURNS|sidecar

The writers take turns among themselves (a lock file of their own), because two of them lose each other's
rows without any help of ours, and only what *we* lose is counted. With `sidecar` they take `FILE.lock`.
"""

from __future__ import annotations

import fcntl
import os
import random
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def turn(path: Path, turns: str) -> Iterator[None]:
    if turns == "sidecar":
        lock = f"{path}.lock"
        while (fd := exclusive(lock)) is None:
            time.sleep(0.001)
        os.close(fd)
        try:
            yield
        finally:
            Path(lock).unlink()
    else:
        with open(turns, "a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield


def exclusive(lock: str) -> int | None:
    try:
        return os.open(lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    except FileExistsError:
        return None


def write_in_place(path: Path, data: bytes, pause: float) -> None:
    with open(path, "wb", buffering=0) as file:
        time.sleep(pause)
        file.write(data[: len(data) // 2])
        file.write(data[len(data) // 2 :])


def write_renamed(path: Path, data: bytes, pause: float) -> None:
    fresh = path.with_name(f"{path.name}.{os.urandom(16).hex()}.tmp")
    fresh.write_bytes(data)
    time.sleep(pause)
    fresh.replace(path)


WAYS = {"place": write_in_place, "rename": write_renamed}


def main(path: Path, way: str, name: str, writes: int, turns: str) -> None:
    chance = random.Random(name)
    for n in range(writes):
        with turn(path, turns):
            data = path.read_bytes()
            time.sleep(chance.uniform(0, 0.001))
            WAYS[way](path, data + f"{name}-{n}\n".encode(), chance.uniform(0, 0.001))
        time.sleep(chance.uniform(0, 0.001))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]), sys.argv[5])
