"""The settings: what they are called, what they may hold, what holds without them.

Rule 1: this table is the only place that knows a key; reading, writing, checking and explaining go by it.
Rule 2: paths stand here as they were written; `~` is expanded when a path is used, nothing else ever is.
Source: the format page, section 4.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal

from memsync_git.config.kinds import Flag, Kind, Number, Span, Text, Texts, Unfit, Words
from memsync_git.remotes.url import check_branch, validate
from memsync_git.values import dataclass, field, parts_of

DAY_S: Final = 86_400
DAY_MIN: Final = 1_440
LONGEST_HOST_CHARS: Final = 63
"""RFC 1035: the longest label of a host name."""

_NAME = r"[a-z0-9][a-z0-9_-]{0,62}"


def _one_name(text: str) -> None:
    if not re.fullmatch(_NAME, text):
        raise Unfit(f"is {text!r}, but must be small letters, digits, - and _, at most 63 of them")


def _whole_path(text: str) -> None:
    if not (text.startswith("~/") or Path(text).is_absolute()):
        raise Unfit(f"is {text!r}, but must be an absolute path or begin with ~/")


def _short_label(text: str) -> None:
    if len(text) > LONGEST_HOST_CHARS:
        raise Unfit(f"is longer than {LONGEST_HOST_CHARS} characters")


def _variants() -> Sequence[str]:
    from memsync_git.formats.variants import VARIANTS

    return tuple(VARIANTS)


def hostname() -> str:
    """The first label of this machine's own name, to be shown to people."""
    name = os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")
    return name.split(".")[0][:LONGEST_HOST_CHARS] or "machine"


def _setting(default: object, kind: Kind, meaning: str) -> Any:
    """A field with its default, what it may hold and what it is for."""
    return field(default=default, metadata={"kind": kind, "meaning": meaning})


@dataclass(frozen=True, slots=True)
class ReplicaSettings:
    """This machine. A loaded configuration has the host name where none is given."""

    host: str = _setting("", Text("a label", _short_label), "label of this machine, for people")


@dataclass(frozen=True, slots=True)
class RemoteSettings:
    """One remote; `url` has no default."""

    name: str = _setting("origin", Text("a name", _one_name), "what this remote is called here")
    kind: str = _setting("git", Words(lambda: ("git",)), "how it is spoken to")
    url: str = _setting("", Text("an address", validate), "where it is; never with a password in it")
    branch: str = _setting("main", Text("a branch", check_branch), "branch that people look at")
    refs_mode: Literal["host+main", "main", "host", "branches"] = _setting(
        "host+main",
        Words(lambda: ("host+main", "main", "host", "branches")),
        "refs to push; found by itself where the hub refuses one",
    )
    timeout_s: float = _setting(60.0, Number(1, 3600), "seconds a git command may take")


@dataclass(frozen=True, slots=True)
class SyncSettings:
    """When to sync."""

    debounce_s: float = _setting(1.0, Number(0, 3600), "seconds of quiet before a sync")
    max_delay_s: float = _setting(10.0, Number(0, DAY_S), "seconds after which a busy file syncs anyway")
    poll_s: tuple[float, float] = _setting(
        (2.0, 60.0), Span(0.1, DAY_S), "seconds between looks at the remote: after activity, and at rest"
    )
    cron_interval_min: int = _setting(15, Number(1, DAY_MIN, whole=True), "minutes between runs by cron")


@dataclass(frozen=True, slots=True)
class GuardSettings:
    """What is held back, and what is too large to be read."""

    hold_deletions_over: int = _setting(
        25, Number(0, 1_000_000, whole=True), "deletions in one step that always pass"
    )
    hold_deletions_share: float = _setting(
        0.20, Number(0, 1), "share of the memory that may be deleted in one step"
    )
    max_file_mib: int = _setting(64, Number(1, 4096, whole=True), "largest memory file, in MiB")
    max_line_mib: int = _setting(16, Number(1, 1024, whole=True), "longest line, in MiB")
    max_observation_mib: int = _setting(1, Number(1, 1024, whole=True), "longest observation, in MiB")
    max_nesting: int = _setting(64, Number(1, 200, whole=True), "deepest nesting of JSON in a line")


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """One synchronised memory file."""

    name: str = _setting("default", Text("a name", _one_name), "what this store is called, on all machines")
    file: str = _setting("~/.cache/mcp-memory/memory.json", Text("a path", _whole_path), "the memory file")
    format: str = _setting("jsonl", Words(_variants), "variant of the file; init finds it")
    include: tuple[str, ...] = _setting((), Texts(), "globs of entity names or types to sync; empty: all")
    exclude: tuple[str, ...] = _setting((), Texts(), "globs of entity names or types to leave out")
    follow_symlink: bool = _setting(False, Flag(), "write at the target if the file is a link")
    writer_caches: bool = _setting(False, Flag(), "the server keeps the memory for longer than seconds")

    @property
    def path(self) -> Path:
        """The memory file, with `~` expanded."""
        return Path(self.file).expanduser()


@dataclass(frozen=True, slots=True)
class LogSettings:
    """The log file."""

    level: Literal["debug", "info", "warning", "error"] = _setting(
        "info", Words(lambda: ("debug", "info", "warning", "error")), "how much is written"
    )
    max_mib: float = _setting(1.0, Number(0.01, 1024), "size at which the file is rotated, in MiB")
    keep: int = _setting(5, Number(1, 100, whole=True), "how many rotated files are kept")


Section = ReplicaSettings | RemoteSettings | SyncSettings | GuardSettings | StoreSettings | LogSettings

SECTIONS: Final[dict[str, type[Any]]] = {
    "replica": ReplicaSettings,
    "remotes": RemoteSettings,
    "sync": SyncSettings,
    "guards": GuardSettings,
    "stores": StoreSettings,
    "log": LogSettings,
}
LISTS: Final = ("remotes", "stores")
"""Sections that stand several times, each with a `name`."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table."""

    key: str
    kind: Kind
    meaning: str
    default: object


def settings_of(section: str) -> dict[str, Setting]:
    """The rows of one section, by key, in the order they are written."""
    return {
        each.name: Setting(each.name, each.metadata["kind"], each.metadata["meaning"], each.default)
        for each in parts_of(SECTIONS[section])
    }
