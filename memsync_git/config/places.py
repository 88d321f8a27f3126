"""Where things live.

Rule 1: `MEMSYNC_HOME` moves all of it, and must be absolute: a daemon and a shell have different folders.
Rule 2: on Linux the folders are as written, whatever XDG variables say: cron's environment lacks them, and
a run by cron must find what a run by hand made.
Source: the format page, section 3.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from memsync_git.errors import Misused
from memsync_git.values import dataclass

HOME_VARIABLE = "MEMSYNC_HOME"
APP = "memsync-git"
MEMORY_FILE = "memory.json"
CLONE = "memory-backup-repo"
LOG_FILE = "memory_sync.log"

COMPLETIONS = {
    "bash": ".local/share/bash-completion/completions/memsync-git",
    "zsh": ".zfunc/_memsync-git",
    "fish": ".config/fish/completions/memsync-git.fish",
}
"""Where each shell looks for what completes commands, below the home folder; zsh, if it is told to."""


@dataclass(frozen=True, slots=True)
class Places:
    """Every path, absolute. `home` is the value of MEMSYNC_HOME, None where it is not set.

    `memory_file` is the default; the configuration may name others.
    """

    memory_file: Path
    clone: Path
    log: Path
    config: Path
    state: Path
    hub: Path
    home: Path | None = None

    @property
    def identity(self) -> Path:
        """Rid, machine-id and outcomes per remote."""
        return self.state / "identity.db"

    @property
    def reports(self) -> Path:
        """The folder of reports about bugs."""
        return self.log.parent

    def store(self, name: str) -> Path:
        """The replica store of one synchronised file."""
        return self.state / name / "replica.db"

    @classmethod
    def of(cls, environment: Mapping[str, str] | None = None, *, platform: str = sys.platform) -> Places:
        """The places of whoever runs this.

        Raises:
            Misused: MEMSYNC_HOME is relative, or there is no home folder.
        """
        moved = (os.environ if environment is None else environment).get(HOME_VARIABLE, "")
        if moved:
            return _under(Path(moved).expanduser())
        if platform in ("darwin", "win32"):
            return _of_platform(platform)
        return _of_linux(_home())


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError as error:
        raise Misused(
            "This account has no home folder, so there is no place for the configuration.",
            hint=f"{HOME_VARIABLE}=/absolute/path memsync-git …",
        ) from error


def _under(home: Path) -> Places:
    if not home.is_absolute():
        raise Misused(
            f"{HOME_VARIABLE} is {str(home)!r}, but must be an absolute path.",
            unharmed="Nothing was read or written.",
            hint=f"{HOME_VARIABLE}={Path.cwd() / home} memsync-git …",
        )
    return Places(
        memory_file=home / MEMORY_FILE,
        clone=home / CLONE,
        log=home / "logs" / LOG_FILE,
        config=home / "config.toml",
        state=home / "state",
        hub=home / "hub.git",
        home=home,
    )


def _of_linux(home: Path) -> Places:
    return Places(
        memory_file=home / ".cache" / "mcp-memory" / MEMORY_FILE,
        clone=home / ".cache" / CLONE,
        log=home / ".cache" / "mcp-memory" / "logs" / LOG_FILE,
        config=home / ".config" / APP / "config.toml",
        state=home / ".local" / "state" / APP,
        hub=home / ".local" / "share" / APP / "hub.git",
    )


def _of_platform(platform: str) -> Places:
    from platformdirs.macos import MacOS
    from platformdirs.windows import Windows

    family = MacOS if platform == "darwin" else Windows
    dirs = family(APP, appauthor=False)
    cache = dirs.user_cache_path
    return Places(
        memory_file=cache.parent / "mcp-memory" / MEMORY_FILE,
        clone=cache / CLONE,
        log=dirs.user_log_path / LOG_FILE,
        config=dirs.user_config_path / "config.toml",
        state=dirs.user_state_path / "state",
        hub=dirs.user_data_path / "hub.git",
    )
