"""Looking whether SQLite finds its own file sound.

Rule 1: it creates nothing: where nobody has the store open, the bare file is read, as `reading` does.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from memsync_git.stores.connecting import connect
from memsync_git.stores.reading import LOGS

BUSY_S = 2.0
MOST_COMPLAINTS = 3


def complaint(path: Path) -> str:
    """What SQLite finds wrong with a store file, empty where it is sound or not there."""
    if not path.exists():
        return ""
    is_in_use = any(path.with_name(path.name + log).exists() for log in LOGS)
    parameters = "mode=ro" if is_in_use else "mode=ro&immutable=1"
    try:
        with closing(connect(path, parameters, BUSY_S)) as connection:
            found = [str(row[0]) for row in connection.execute(f"PRAGMA integrity_check({MOST_COMPLAINTS})")]
    except sqlite3.Error as error:
        return str(error)
    return "" if found == ["ok"] else "; ".join(found)
