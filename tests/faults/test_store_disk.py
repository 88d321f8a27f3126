"""A replica store on a full disk, looked at beside whoever writes it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from memsync_git.errors import StoreDamaged
from memsync_git.stores.reading import SqliteReader
from memsync_git.stores.sqlite import SqliteStore
from tests.faults.file_circumstances import IS_ROOT, fill, mounted


def test_a_log_whose_index_finds_no_room_is_waited_for(tmp_path: Path) -> None:
    """A writer comes and goes: for a moment there is a write-ahead log, and no room for its index."""
    with mounted(tmp_path / "small", "mode=700,size=1m") as is_small:
        assert is_small or not IS_ROOT, "root could not mount a small disk"
        if not is_small:
            pytest.skip("only root can mount a disk that is full")
        path = tmp_path / "small" / "replica.db"
        log = _left_log(path)
        fill(tmp_path / "small" / "filler")
        with pytest.raises(StoreDamaged):
            SqliteReader(path)
        gone = threading.Timer(0.03, log.unlink)
        gone.start()
        reader = SqliteReader(path)
        gone.join()
        assert reader.row("record", "a") == b"1"
        reader.close()


def _left_log(path: Path) -> Path:
    """Make a store of one row, and put its log back after it was closed."""
    store = SqliteStore(path)
    with store.transaction() as transaction:
        transaction.put("record", "a", b"1")
    log = path.with_name("replica.db-wal")
    logged = log.read_bytes()
    store.close()
    log.write_bytes(logged)
    return log
