"""cron: one line between two marker lines of the person's own crontab.

Rule 1: `render`, `merge` and `without` are pure; only `CronService` starts `crontab`.
Rule 2: whatever stands outside our markers is given back byte for byte, even where it is no UTF-8.
Rule 3: a crontab that could not be read is never written: that would wipe it.
Rule 4: the line is safe to run beside a daemon: `sync --if-stale` does nothing while the daemon lives.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

from memsync_git.errors import Misused
from memsync_git.ports import Beginning, Installed, Removed, ServiceStanding, Unserved, WithMachine
from memsync_git.services.tool import INSTALL, Said, Tool
from memsync_git.values import dataclass

BEGIN = "# memsync-git begin"
END = "# memsync-git end"

HOUR_MIN = 60
DAY_H = 24

_SIGNATURE = " sync --if-stale "
"""By this a line between the markers is known to be ours."""

_INTERVAL = re.compile(r" sync --if-stale (\d+) --quiet$")

_LINE = re.compile(r"[^\n]*\n|[^\n]+")
"""Not `splitlines`, which would also split at characters that may stand inside a line."""

_EMPTY_CRONTAB = ("no crontab for", "no such file")
"""How cronie, Vixie cron, macOS and BusyBox say that there is no crontab yet (they exit 1)."""

_WITHOUT_CRON = "memsync-git sync  does by hand what cron would do"


# --- pure ------------------------------------------------------------------------------------------


def schedule(interval_min: int) -> str:
    """The five time fields for a run at least every `interval_min` minutes, evenly spaced.

    cron knows no intervals, only moments: steps begin anew each hour and each day, so the next
    shorter interval that divides them is taken (45 → 30 minutes, 5 hours → 4 hours).

    Raises:
        Misused: the interval is shorter than a minute.
    """
    if interval_min < 1:
        raise Misused(
            f"An interval of {interval_min} minutes is too short for cron, which looks once a minute.",
            hint="memsync-git config set sync.cron_interval_min 15",
        )
    if interval_min < HOUR_MIN:
        return f"{_every(_divisor(HOUR_MIN, interval_min))} * * * *"
    return f"0 {_hours(_divisor(DAY_H, min(interval_min // HOUR_MIN, DAY_H)))} * * *"


def _divisor(whole: int, wished: int) -> int:
    return next(step for step in range(wished, 0, -1) if whole % step == 0)


def _every(step: int) -> str:
    return "*" if step == 1 else f"*/{step}"


def _hours(step: int) -> str:
    return "0" if step == DAY_H else _every(step)


def render(executable: str, interval_min: int, memsync_home: str | None = None) -> str:
    """The cron line, without markers and line end.

    `executable` is an absolute path: cron's PATH lacks `~/.local/bin`.

    Raises:
        Misused: the interval or a path cannot be written as a cron line.
    """
    command = f"{quoted(executable)} sync --if-stale {interval_min} --quiet"
    if memsync_home:
        command = f"MEMSYNC_HOME={quoted(memsync_home)} {command}"
    return f"{schedule(interval_min)} {command}"


def quoted(path: str) -> str:
    r"""A path as cron and then /bin/sh must see it.

    cron ends the command at a bare `%` and takes `\%` for one, but reads `\\%` as a backslash and
    the end: so a percent sign stands outside the shell's quotes, where no backslash precedes it.

    Raises:
        Misused: a line break, which no crontab can hold.
    """
    if "\n" in path or "\r" in path:
        raise Misused(
            f"The path {path!r} contains a line break, which a crontab cannot hold.",
            unharmed="The crontab is as it was.",
        )
    return r"\%".join(shlex.quote(part) if part else "" for part in path.split("%"))


def merge(crontab_text: str, line: str) -> str:
    """The crontab with our line in it, at the place of an older one of ours or at the end."""
    block = f"{BEGIN}\n{line}\n{END}\n"
    before, found, after = _around(crontab_text)
    if not found and before and not before.endswith("\n"):
        before += "\n"
    return before + block + after


def without(crontab_text: str) -> str:
    """The crontab without anything of ours."""
    before, _, after = _around(crontab_text)
    return before + after


def line_in(crontab_text: str) -> str | None:
    """The line between our markers, or None."""
    return next(
        (line.rstrip("\n") for line, ours in _marked(crontab_text) if ours and _SIGNATURE in line), None
    )


def _around(crontab_text: str) -> tuple[str, bool, str]:
    """What stands before our first line, whether there is one, and all foreign text after it."""
    marked = list(_marked(crontab_text))
    first = next((at for at, (_, ours) in enumerate(marked) if ours), len(marked))
    before = "".join(line for line, _ in marked[:first])
    after = "".join(line for line, ours in marked[first:] if not ours)
    return before, first < len(marked), after


def _marked(crontab_text: str) -> Iterator[tuple[str, bool]]:
    """Each line, and whether it is ours: the markers, and a sync right after the first of them.

    So a marker whose partner somebody deleted, or a line somebody put between, takes nothing along.
    """
    after_begin = False
    for line in _LINE.findall(crontab_text):
        word = line.strip()
        yield line, word in {BEGIN, END} or (after_begin and _SIGNATURE in line)
        after_begin = word == BEGIN


# --- the shell -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CronService:
    """The line in the crontab of whoever runs this. `crontab` is the command to speak to."""

    executable: str
    interval_min: int
    memsync_home: str | None = None
    crontab: str = "crontab"
    name: str = "cron"
    keeps_daemon: bool = False

    def install(self) -> Installed | Unserved:
        line = self._wanted()
        text = self._read()
        if isinstance(text, Unserved):
            return text
        return self._replace(text, merge(text, line)) or Installed(line, changed=line_in(text) != line)

    def remove(self) -> Removed | Unserved:
        text = self._read()
        if isinstance(text, Unserved):
            return text
        rest = without(text)
        return self._replace(text, rest) or Removed(changed=rest != text)

    def status(self) -> ServiceStanding:
        text = self._read()
        if isinstance(text, Unserved):
            return text
        line = line_in(text)
        if line is None:
            return Removed(changed=False)
        return Installed(line, changed=False, is_current=line == self._wanted())

    def renew(self) -> ServiceStanding:
        found = self.status()
        if isinstance(found, Installed) and not found.is_current and self._is_same_but_for_time(found.what):
            return self.install()
        return found

    def start(self) -> Unserved:
        return self._keeps_nothing()

    def stop(self) -> Unserved:
        return self._keeps_nothing()

    def restart(self) -> Unserved:
        return self._keeps_nothing()

    def running(self) -> Unserved:
        return self._keeps_nothing()

    def begins(self) -> Beginning:
        match self.status():
            case Unserved() as without_cron:
                return without_cron
            case Removed():
                return Unserved("No cron line of memsync-git is installed.", INSTALL)
            case Installed():
                return WithMachine()

    def _keeps_nothing(self) -> Unserved:
        return Unserved(
            f"cron keeps nothing running to be started or stopped: it begins a sync {self._rhythm()}.",
            "memsync-git sync  begins one now",
        )

    def _rhythm(self) -> str:
        return "every minute" if self.interval_min == 1 else f"every {self.interval_min} minutes"

    def _wanted(self) -> str:
        return render(self.executable, self.interval_min, self.memsync_home)

    def _is_same_but_for_time(self, line: str) -> bool:
        """Whether a line calls the same program for the same installation."""
        found = _INTERVAL.search(line)
        return found is not None and line == render(self.executable, int(found[1]), self.memsync_home)

    def _read(self) -> str | Unserved:
        said = self._ask("-l")
        if isinstance(said, Unserved):
            return said
        if said.code == 0:
            return said.out
        if any(phrase in said.err.lower() for phrase in _EMPTY_CRONTAB):
            return ""
        return Unserved(f"crontab cannot be read: {said.problem}", _WITHOUT_CRON)

    def _replace(self, old: str, new: str) -> Unserved | None:
        if new == old:
            return None
        said = self._ask("-", stdin=new.encode("utf-8", "surrogateescape"))
        if isinstance(said, Unserved):
            return said
        if said.code == 0:
            return None
        return Unserved(f"crontab refused the new text: {said.problem}", _WITHOUT_CRON)

    def _ask(self, word: str, *, stdin: bytes = b"") -> Said | Unserved:
        return Tool("crontab", self.crontab, _WITHOUT_CRON).ask(word, stdin=stdin)
