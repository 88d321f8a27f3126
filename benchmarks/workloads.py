"""The memories that are measured, and what a server does to their files.

    Entity 0 … Entity N-1, five observations each: about 330 bytes an entity, 33 MB at 100 000

Rule 1: nothing here holds a file in memory: the processes that use it are themselves measured.
Rule 2: a write is the official server's: a whole new file, renamed over the old one.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

OBSERVATIONS = 5
SHARE = 100
"""One entity in so many is changed elsewhere: 1 %."""


def line(name: str, observations: Iterable[str]) -> bytes:
    """A row as the server writes it."""
    row = {"type": "entity", "name": name, "entityType": "thing", "observations": list(observations)}
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode()


def said_of(name: str, many: int = OBSERVATIONS) -> list[str]:
    return [f"observation {at} about {name}, with a few words to it" for at in range(many)]


def entities(many: int) -> Iterator[tuple[str, list[str]]]:
    """A memory, entity by entity."""
    return ((name, said_of(name)) for name in map(name_of, range(many)))


def name_of(at: int) -> str:
    return f"Entity {at}"


def touched(many: int) -> Iterator[str]:
    """The entities another replica notes something about: every hundredth."""
    return map(name_of, range(0, many, SHARE))


def write_memory(file: Path, many: int) -> None:
    """A memory of some size."""
    with file.open("wb") as memory:
        for at, (name, said) in enumerate(entities(many)):
            memory.write((b"\n" if at else b"") + line(name, said))


def note(file: Path, name: str) -> None:
    """The server notes one entity more; the disk has it when this ends.

    The server does not wait for that, but the daemon waits a second for the server. Else the disk would be
    measured: on ext4 the next fsync of whatever file waits for all that was renamed just before.
    """
    fresh = file.with_name("memory.json.tmp")
    shutil.copyfile(file, fresh)
    with fresh.open("ab") as memory:
        memory.write(b"\n" + line(name, said_of(name, 1)))
        memory.flush()
        os.fsync(memory.fileno())
    fresh.rename(file)
    _sync_folder(file.parent)


def note_on_each(file: Path, many: int, words: str) -> None:
    """The server notes one observation on every hundredth entity."""
    wanted = set(touched(many))
    fresh = file.with_name("memory.json.tmp")
    with file.open("rb") as memory, fresh.open("wb") as new:
        for at, each in enumerate(memory):
            row = json.loads(each)
            said = [*row["observations"], words] if row["name"] in wanted else row["observations"]
            new.write((b"\n" if at else b"") + line(row["name"], said))
    fresh.rename(file)


def rows_of(file: Path) -> Iterator[tuple[str, list[str]]]:
    """What a memory file says, line by line."""
    with file.open("rb") as memory:
        for each in memory:
            row = json.loads(each)
            yield row["name"], row["observations"]


# --- to disk


def save(path: Path, data: bytes) -> None:
    """A file that is whole and durable, or the old one."""
    fresh = path.with_name(path.name + ".new")
    with fresh.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    _sync_folder(path.parent)


def append(path: Path, data: bytes) -> None:
    """One more piece at the end of a file, durable, with its length in front."""
    with path.open("ab") as file:
        file.write(len(data).to_bytes(4, "big") + data)
        file.flush()
        os.fsync(file.fileno())


def pieces(path: Path) -> Iterator[bytes]:
    """What was appended."""
    if not path.exists():
        return
    with path.open("rb") as file:
        while size := file.read(4):
            yield file.read(int.from_bytes(size, "big"))


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
