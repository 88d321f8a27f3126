"""Every service keeps the rules of `ports.Service`, over programs that behave as its own command does."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from memsync_git.ports import (
    ByHand,
    Installed,
    Removed,
    Running,
    Service,
    Stopped,
    Unserved,
    WithMachine,
)
from memsync_git.services.cron import CronService
from memsync_git.services.launchd import LaunchdService
from memsync_git.services.schtasks import TaskService
from memsync_git.services.systemd import SystemdService
from memsync_git.services.table import SERVICES, Program, Row, suited, windows_account
from tests.standins import Standin, offer

PROGRAM = "/opt/memsync git/bin/memsync-git"
MOVED = "/somewhere/else/memsync-git"


class Rig(ABC):
    """A service with the machine around it."""

    tool: Standin

    @abstractmethod
    def service(self, executable: str = PROGRAM, *, command: str = "") -> Service:
        """The service; `command` in place of its own."""

    @abstractmethod
    def theirs(self) -> dict[Path, bytes]:
        """What stands in the service and is not ours, put there if it was not."""

    def squat(self) -> Path | None:
        """Put something of somebody else under our name; None where names do not matter."""
        return None


class CronRig(Rig):
    def __init__(self, folder: Path) -> None:
        self.tool = offer(folder / "bin", "crontab")

    def service(self, executable: str = PROGRAM, *, command: str = "") -> Service:
        return CronService(executable, 15, crontab=command or str(self.tool.command))

    def theirs(self) -> dict[Path, bytes]:
        return {}  # our line stands in the same file as theirs: see test_cron.py


class UnitRig(Rig):
    """A service that reads files in a folder."""

    def __init__(self, folder: Path, tool: str, unit: str) -> None:
        self.folder = folder / "units"
        self.unit = self.folder / unit
        self.tool = offer(folder / "bin", tool)

    def theirs(self) -> dict[Path, bytes]:
        beside = self.folder / "theirs", self.folder / f"{self.unit.name}.d" / "override.conf"
        for path in beside:
            if not path.exists():
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text("[Service]\nNice=19\n")
        return {path: path.read_bytes() for path in beside}

    def squat(self) -> Path:
        self.folder.mkdir()
        self.unit.write_text("[Service]\nExecStart=/bin/true daemon\n")
        return self.unit


class SystemdRig(UnitRig):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "systemctl", "memsync-git.service")
        self.tool.set("folder", str(self.folder))
        self.loginctl = offer(folder / "bin", "loginctl")
        self.loginctl.set("lingers")

    def service(self, executable: str = PROGRAM, *, command: str = "") -> Service:
        systemctl = command or str(self.tool.command)
        return SystemdService(
            executable, self.folder, systemctl=systemctl, loginctl=str(self.loginctl.command)
        )


class LaunchdRig(UnitRig):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "launchctl", "memsync-git.plist")

    def service(self, executable: str = PROGRAM, *, command: str = "") -> Service:
        return LaunchdService(executable, self.folder, 501, launchctl=command or str(self.tool.command))


class TaskRig(Rig):
    def __init__(self, folder: Path) -> None:
        self.tool = offer(folder / "bin", "schtasks")

    def service(self, executable: str = PROGRAM, *, command: str = "") -> Service:
        return TaskService(executable, "PC\\me", schtasks=command or str(self.tool.command))

    def theirs(self) -> dict[Path, bytes]:
        return {}

    def squat(self) -> Path:
        path = self.tool.state / "task.xml"
        path.write_text("<Task><RegistrationInfo><Source>me</Source></RegistrationInfo></Task>")
        self.tool.set("result", "0")
        return path


RIGS: dict[str, Callable[[Path], Rig]] = {
    "systemd": SystemdRig,
    "launchd": LaunchdRig,
    "schtasks": TaskRig,
    "cron": CronRig,
}
KEEPERS = ["systemd", "launchd", "schtasks"]


@pytest.fixture
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Rig:
    return RIGS[request.param](tmp_path)


every_service = pytest.mark.parametrize("rig", sorted(RIGS), indirect=True)
every_keeper = pytest.mark.parametrize("rig", KEEPERS, indirect=True)


def placed(answer: object) -> Installed:
    assert isinstance(answer, Installed), answer
    return answer


def test_every_row_of_the_table_is_tested_here() -> None:
    assert [row.name for row in SERVICES] == list(RIGS)


@pytest.mark.parametrize(
    "row", [row for row in SERVICES if "win32" not in row.platforms], ids=lambda row: row.name
)
def test_a_row_makes_the_service_it_names(row: Row) -> None:
    service = row.make(Program(PROGRAM, 30, "/srv/m"))
    assert service.name == row.name
    assert service.keeps_daemon == (row.name in KEEPERS)
    assert cast("Any", service).memsync_home == "/srv/m"


@pytest.mark.parametrize(
    ("platform", "names"),
    [
        ("linux", ["systemd", "cron"]),
        ("darwin", ["launchd", "cron"]),
        ("win32", ["schtasks"]),
        ("freebsd14", ["cron"]),
        ("emscripten", []),
    ],
)
def test_a_platform_has_its_services_the_better_ones_first(platform: str, names: list[str]) -> None:
    assert [row.name for row in suited(platform)] == names


def test_an_account_of_windows_is_told_with_its_domain() -> None:
    assert windows_account({"USERDOMAIN": "PC", "USERNAME": "me"}) == "PC\\me"
    assert windows_account({"USERNAME": "me"}) == "me"


# --- installing and removing ---------------------------------------------------------------------------


@every_service
def test_what_was_installed_is_reported_and_what_was_removed_is_not(rig: Rig) -> None:
    service = rig.service()
    assert service.status() == Removed(changed=False)
    installed = placed(service.install())
    assert installed.changed
    assert service.status() == Installed(installed.what, changed=False)
    assert service.remove() == Removed(changed=True)
    assert service.status() == Removed(changed=False)


@every_service
def test_installing_or_removing_twice_is_the_same_as_once(rig: Rig) -> None:
    service = rig.service()
    first = placed(service.install())
    daemon = service.running()
    assert service.install() == replace(first, changed=False)
    if isinstance(daemon, Running):
        again = service.running()
        assert isinstance(again, Running)
        assert again.pid == daemon.pid, "a daemon that is as it should be was disturbed"
    service.remove()
    assert service.remove() == Removed(changed=False)


@every_service
def test_a_program_that_moved_is_not_current_until_it_is_installed_anew(rig: Rig) -> None:
    rig.service().install()
    assert not placed(rig.service(MOVED).status()).is_current
    assert placed(rig.service(MOVED).install()).changed
    assert placed(rig.service(MOVED).status()).is_current
    assert not placed(rig.service().status()).is_current


@every_service
def test_what_others_have_there_is_not_touched(rig: Rig) -> None:
    before = rig.theirs()
    rig.service().install()
    assert rig.theirs() == before
    rig.service().remove()
    assert rig.theirs() == before


@every_keeper
def test_what_somebody_else_put_under_our_name_is_left(rig: Rig) -> None:
    place = rig.squat()
    assert place is not None
    before = place.read_bytes()
    for answer in (rig.service().install(), rig.service().status()):
        assert isinstance(answer, Unserved)
        assert "left as it is" in answer.reason
        assert answer.hint
    assert rig.service().remove() == Removed(changed=False)
    assert isinstance(rig.service().start(), Unserved)
    assert place.read_bytes() == before


@every_service
def test_a_machine_without_the_tool_is_told_so_and_stays_as_it_is(rig: Rig, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    service = rig.service(command=str(tmp_path / "none"))
    for answer in (service.install(), service.status(), service.remove()):
        assert isinstance(answer, Unserved)
        assert answer.lacks_tool
        assert answer.reason.startswith("This machine has no ")
        assert answer.hint
    assert sorted(tmp_path.rglob("*")) == before


@every_service
def test_renewing_installs_nothing_that_was_not_there(rig: Rig) -> None:
    assert rig.service().renew() == Removed(changed=False)
    assert rig.service().status() == Removed(changed=False)
    what = placed(rig.service().install()).what
    assert rig.service().renew() == Installed(what, changed=False)


@every_service
def test_a_refused_installation_leaves_everything_as_it_was(rig: Rig) -> None:
    before = rig.theirs()
    for verb in ("enable", "bootstrap", "Create", "write"):
        rig.tool.set(f"refuses-{verb}")
    answer = rig.service().install()
    assert isinstance(answer, Unserved)
    assert answer.reason
    assert rig.theirs() == before
    for verb in ("enable", "bootstrap", "Create", "write"):
        rig.tool.unset(f"refuses-{verb}")
    assert rig.service().status() == Removed(changed=False)


@every_keeper
def test_a_refused_renewal_leaves_the_older_installation(rig: Rig) -> None:
    what = placed(rig.service().install()).what
    for verb in ("enable", "Create"):
        rig.tool.set(f"refuses-{verb}")
    if isinstance(rig, LaunchdRig):
        rig.tool.set("refuses-bootout")
    assert isinstance(rig.service(MOVED).install(), Unserved)
    assert rig.service().status() == Installed(what, changed=False)


# --- the daemon ----------------------------------------------------------------------------------------


@every_keeper
def test_an_installed_daemon_runs_and_a_removed_one_does_not(rig: Rig) -> None:
    service = rig.service()
    service.install()
    running = service.running()
    assert isinstance(running, Running)
    assert not running.changed
    service.remove()
    assert not rig.tool.knows("active")
    assert not rig.tool.knows("running")
    assert isinstance(service.running(), Unserved)


@every_keeper
def test_a_daemon_is_stopped_started_and_restarted_and_says_whether_that_changed_anything(rig: Rig) -> None:
    service = rig.service()
    service.install()
    assert service.stop() == Stopped(changed=True)
    assert service.stop() == Stopped(changed=False)
    assert service.running() == Stopped(changed=False)
    started, again = service.start(), service.start()
    assert isinstance(started, Running)
    assert isinstance(again, Running)
    assert (started.changed, again.changed) == (True, False)
    restarted = service.restart()
    assert isinstance(restarted, Running)
    assert restarted.changed
    assert restarted.pid is None or restarted.pid != again.pid
    assert isinstance(service.status(), Installed)


@every_keeper
def test_a_stopped_daemon_is_started_by_restart_and_by_installing_again(rig: Rig) -> None:
    service = rig.service()
    what = placed(service.install()).what
    for begin in (service.restart, service.install):
        service.stop()
        begin()
        assert isinstance(service.running(), Running)
    assert service.status() == Installed(what, changed=False)


@every_keeper
def test_a_daemon_begins_anew_where_what_it_was_started_from_has_changed(rig: Rig) -> None:
    rig.service().install()
    before = len(rig.tool.calls)
    rig.service(MOVED).install()
    assert isinstance(rig.service(MOVED).running(), Running)
    assert any("restart" in call or "bootstrap" in call or "/Run" in call for call in rig.tool.calls[before:])


@every_keeper
def test_a_daemon_that_ends_at_once_is_installed_stopped_and_says_why(rig: Rig) -> None:
    rig.tool.set("ends-at-once")
    service = rig.service()
    assert isinstance(service.install(), Installed)
    for answer in (service.running(), service.start(), service.restart()):
        assert isinstance(answer, Stopped)
        assert answer.reason.startswith("it ended with ")
    rig.tool.unset("ends-at-once")
    assert isinstance(service.start(), Running), "a failure of before stands in the way"


@every_keeper
def test_what_is_not_installed_cannot_be_started_or_stopped(rig: Rig) -> None:
    service = rig.service()
    for answer in (service.start(), service.stop(), service.restart(), service.running(), service.begins()):
        assert isinstance(answer, Unserved)
        assert answer.hint == "memsync-git service install"


def test_cron_keeps_nothing_that_could_be_started(tmp_path: Path) -> None:
    service = CronRig(tmp_path).service()
    assert isinstance(service.begins(), Unserved)
    service.install()
    for answer in (service.start(), service.stop(), service.restart(), service.running()):
        assert isinstance(answer, Unserved)
        assert "every 15 minutes" in answer.reason
    assert service.begins() == WithMachine()


@every_service
def test_what_is_installed_begins_by_itself(rig: Rig) -> None:
    service = rig.service()
    service.install()
    assert not isinstance(service.begins(), (ByHand, Unserved))
