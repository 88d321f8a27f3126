"""The settings of this machine and the places of everything it keeps.

Rule 1: values in, values out; only `reading` and `writing` touch the one file, `places` the environment.
Rule 2: tomlkit is imported when a file is written, platformdirs where its platforms are: `status` is quick.
"""

from memsync_git.config.configuration import Configuration, Explanation, Origin
from memsync_git.config.draft import Problem
from memsync_git.config.places import Places
from memsync_git.config.reading import load, validate
from memsync_git.config.settings import (
    GuardSettings,
    LogSettings,
    RemoteSettings,
    ReplicaSettings,
    StoreSettings,
    SyncSettings,
)

__all__ = [
    "Configuration",
    "Explanation",
    "GuardSettings",
    "LogSettings",
    "Origin",
    "Places",
    "Problem",
    "RemoteSettings",
    "ReplicaSettings",
    "StoreSettings",
    "SyncSettings",
    "load",
    "validate",
]
