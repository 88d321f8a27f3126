"""Noticing that the memory file, or a hub on this disk, has changed. The only importer of watchdog.

    events of the folder ──▶ tell at once
    a look every second  ──▶ tell what events did not, and put the watch back in order

Rule 1: the folder is watched, not the file: servers rename over it, editors write into it.
Rule 2: events are hints. The look is what can be relied on: with lost events, on a network file system,
with inotify exhausted, with the folder unmounted, replaced, or not there yet.
Rule 3: what changed is not said, only that something may have. Own writes are told as well; whoever reads
the file knows them by their hash.
"""

from __future__ import annotations

import errno
import logging
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from watchdog.events import FileSystemEvent
    from watchdog.observers.api import BaseObserver, ObservedWatch

    from memsync_git.words import Watching

RETRY_S = 30.0
"""Between attempts to watch a folder the kernel would not watch."""
_REMOTE_TYPES = """
    nfs nfs4 cifs smb3 smbfs 9p afs ceph glusterfs lustre gpfs davfs virtiofs vboxsf prl_fs
    fuse.sshfs fuse.rclone fuse.davfs fuse.glusterfs fuse.s3fs fuse.gcsfuse
"""
"""File systems where another machine writes without the kernel here noticing (inotify(7), "Limitations")."""
MOUNTS = Path("/proc/self/mountinfo")

_EXHAUSTED = {
    errno.ENOSPC: "the limit fs.inotify.max_user_watches is reached",
    errno.EMFILE: "the limit fs.inotify.max_user_instances, or that of open files, is reached",
}
_TELLING = frozenset(["closed", "moved", "created", "deleted"])
_STEPS = frozenset[str]() if sys.platform == "linux" else frozenset(["modified"])
"""Only inotify says when a writer has closed the file; without that, every step of a write is told."""
_UNFINISHED = (".lock", ".new", ".tmp")

log = logging.getLogger("memsync_git.watch")
Identity = tuple[int, int]
Fingerprint = tuple[int, int, int, int]


class Watch:
    """Watches one memory file, and hubs by their git directories, each with whom to tell.

    `look` is to be called about once a second; `start`, `look` and `close` by one thread.
    """

    def __init__(
        self,
        file: Path,
        on_file: Callable[[], None],
        *,
        hubs: Mapping[Path, Callable[[], None]] | None = None,
    ) -> None:
        self._file = file
        self._on_file = on_file
        self._seen = fingerprint(file)
        self._events = 0
        self._suspected_at: int | None = None
        self._observer: BaseObserver | None = None
        self._retry_s = 0.0
        self._outpost = Outpost(file.parent, self._is_about_file, self._file_event)
        self._hub_outposts = [outpost for hub in (hubs or {}).items() for outpost in hub_outposts(*hub)]
        self._is_remote = False
        self._judged_on: Identity | None = None
        self._told: Watching | None = None

    @property
    def watching(self) -> Watching:
        """How changes of the file are noticed at this moment."""
        return "events" if self._outpost.is_armed and not self._is_remote else "polling"

    def start(self) -> None:
        """Begin to watch, as far as that is possible."""
        self._keep_outposts()

    def look(self) -> None:
        """Notice what events did not tell, and watch again what is not watched."""
        self._keep_outposts()
        self._doubt_events()
        now = fingerprint(self._file)
        if now != self._seen:
            self._seen = now
            self._suspected_at = self._events if self.watching == "events" else None
            self._on_file()

    def _observe(self) -> None:
        """Have the kernel's events, if it gives them."""
        from watchdog.observers import Observer

        try:
            observer = Observer()
            observer.start()
        except OSError as error:
            self._retry_s = time.monotonic() + RETRY_S
            log.warning("No events from the kernel: %s.", explained(error))
        else:
            self._observer = observer

    def _keep_outposts(self) -> None:
        if self._observer is None and time.monotonic() >= self._retry_s:
            self._observe()
        if self._observer is not None:
            for outpost in (self._outpost, *self._hub_outposts):
                outpost.keep(self._observer)
        standing = identity(self._file.parent)
        if standing != self._judged_on:
            self._judged_on, self._is_remote = standing, is_remote(self._file.parent)
        if self.watching != self._told:
            self._told = self.watching
            log.log(*_WORDS[self.watching], self._file)

    def _doubt_events(self) -> None:
        """A change that was seen a second ago and still has no event: the events are not to be relied on."""
        if self._suspected_at is not None and self._suspected_at == self._events:
            log.warning("The memory file changed without an event; its folder is watched anew.")
            self._outpost.distrust()
        self._suspected_at = None

    def _is_about_file(self, event: FileSystemEvent) -> bool:
        return event.event_type in _TELLING | _STEPS and self._file.name in _names(event)

    def _file_event(self) -> None:
        self._events += 1
        self._seen = fingerprint(self._file)
        self._on_file()

    def close(self) -> None:
        """Watch no more."""
        if self._observer is not None:
            self._observer.stop()


_WORDS: Mapping[Watching, tuple[int, str]] = {
    "events": (logging.INFO, "Watching %s by events."),
    "polling": (logging.WARNING, "No events for %s; it is looked at every second instead."),
}


class Outpost:
    """One folder to be watched, through everything that can happen to it."""

    def __init__(
        self,
        folder: Path,
        is_telling: Callable[[FileSystemEvent], bool],
        tell: Callable[[], None],
        *,
        recursive: bool = False,
    ) -> None:
        self._folder = folder
        self._is_telling = is_telling
        self._tell = tell
        self._recursive = recursive
        self._watch: ObservedWatch | None = None
        self._armed_on: Identity | None = None
        self._retry_s = 0.0

    @property
    def is_armed(self) -> bool:
        """Whether events come from this very folder."""
        return self._watch is not None

    def distrust(self) -> None:
        """Watch it anew at the next look."""
        self._armed_on = None

    def keep(self, observer: BaseObserver) -> None:
        """Watch the folder that stands there now."""
        standing = identity(self._folder)
        if self._watch is not None and standing == self._armed_on:
            return
        if self._watch is not None:
            self._disarm(observer, self._watch)
        if standing is not None and time.monotonic() >= self._retry_s:
            self._arm(observer, standing)

    def _disarm(self, observer: BaseObserver, watch: ObservedWatch) -> None:
        try:
            observer.unschedule(watch)
        except (KeyError, OSError):
            log.debug("The watch of %s had ended by itself.", self._folder)
        self._watch = self._armed_on = None

    def _arm(self, observer: BaseObserver, standing: Identity) -> None:
        from watchdog.events import FileSystemEventHandler

        outpost = self

        class Listening(FileSystemEventHandler):
            def dispatch(self, event: FileSystemEvent) -> None:
                if outpost._is_telling(event):
                    outpost._tell()

        try:
            self._watch = observer.schedule(Listening(), str(self._folder), recursive=self._recursive)
        except OSError as error:
            self._retry_s = time.monotonic() + RETRY_S
            log.warning("%s cannot be watched: %s.", self._folder, explained(error))
            return
        self._armed_on = standing
        self._tell()  # what happened before the watch stood


def hub_outposts(git_dir: Path, tell: Callable[[], None]) -> list[Outpost]:
    """Where a push to a hub shows: loose refs, packed ones, or a table of them."""
    return [
        Outpost(git_dir / "refs", _is_finished, tell, recursive=True),
        Outpost(git_dir, lambda event: "packed-refs" in _names(event) and _is_finished(event), tell),
        Outpost(git_dir / "reftable", _is_finished, tell),
    ]


def _is_finished(event: FileSystemEvent) -> bool:
    """Whether a ref stands there now, or does no more; the lock beside it tells nothing."""
    return (
        event.event_type in _TELLING
        and not event.is_directory
        and not _names(event)[-1].endswith(_UNFINISHED)
    )


def _names(event: FileSystemEvent) -> list[str]:
    """The names an event is about, where it ended last."""
    paths = (os.fsdecode(path) for path in (event.src_path, event.dest_path) if path)
    return [path.rpartition(os.sep)[2] for path in paths]


def explained(error: OSError) -> str:
    """Why the kernel would not watch."""
    return _EXHAUSTED.get(error.errno or 0, error.strerror or str(error))


def identity(folder: Path) -> Identity | None:
    """Which folder stands there; None if none does."""
    try:
        found = folder.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def fingerprint(file: Path) -> Fingerprint | None:
    """Equal while nobody has written the file; None if there is none."""
    try:
        found = file.lstat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


def is_remote(folder: Path) -> bool:
    """Whether another machine may write there unnoticed; False where that cannot be told."""
    try:
        mounts = MOUNTS.read_text("utf-8", "surrogateescape")
    except OSError:
        return False
    return type_of(mounts, os.path.realpath(folder)) in _REMOTE_TYPES.split()


def type_of(mounts: str, path: str) -> str:
    """The type of the file system a path lies on, by the text of proc_pid_mountinfo(5); "" if unknown."""
    best, found = "", ""
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        point = _unescaped(before.split(" ")[4])
        is_above = path == point or path.startswith(point.rstrip("/") + "/")
        if is_above and len(point) >= len(best):
            best, found = point, after.split(" ")[0]
    return found


def _unescaped(text: str) -> str:
    for code, char in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, char)
    return text
