"""Looking whether SQLite finds its own file sound; changes nothing."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from memsync_git.stores.connecting import connect

BUSY_S = 2.0
MOST_COMPLAINTS = 3


def complaint(path: Path) -> str:
    """What SQLite finds wrong with a store file, empty where it is sound or not there."""
    if not path.exists():
        return ""
    try:
        with closing(connect(path, "mode=ro", BUSY_S)) as connection:
            found = [str(row[0]) for row in connection.execute(f"PRAGMA integrity_check({MOST_COMPLAINTS})")]
    except sqlite3.Error as error:
        return str(error)
    return "" if found == ["ok"] else "; ".join(found)
