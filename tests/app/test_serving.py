"""Services of a machine: the best is chosen, cron stays beside it, and what stands there is told as it is."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from memsync_git.app import App
from memsync_git.app.clocks import SystemClock
from memsync_git.app.doctor import doctor
from memsync_git.app.pulse import Pulse
from memsync_git.app.serving import Served, offered, serve, unserve
from memsync_git.config import Places
from memsync_git.config.writing import change
from memsync_git.documents import DoctorRow, ServicePart
from memsync_git.errors import MemsyncError, Misused
from memsync_git.ports import Unserved
from memsync_git.services.table import Program
from tests.standins import Standin, offer

from .machines import Machine

pytestmark = pytest.mark.skipif(os.uname().sysname != "Linux", reason="these are the services of Linux")

PROGRAM = "/opt/memsync-git/bin/memsync-git"
INSTALL = "memsync-git service install"


@dataclass(frozen=True)
class Computer:
    """The services of one computer."""

    home: Path
    systemctl: Standin
    loginctl: Standin
    crontab: Standin

    @property
    def unit(self) -> Path:
        return self.home / ".config" / "systemd" / "user" / "memsync-git.service"

    @property
    def spool(self) -> str:
        path = self.crontab.state / "spool"
        return path.read_text() if path.exists() else ""


@pytest.fixture
def computer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Computer:
    """A computer where a user's systemd answers, the account lingers, and crontab works."""
    home = tmp_path / "person"
    home.mkdir()
    programs = tmp_path / "bin"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    found = Computer(home, *(offer(programs, name) for name in ("systemctl", "loginctl", "crontab")))
    found.loginctl.set("lingers")
    return found


@pytest.fixture
def app(laptop: Machine, computer: Computer) -> App:
    return App.open(Places.of({"MEMSYNC_HOME": str(laptop.home)}), executable=PROGRAM)


def parts(app: App) -> dict[str, ServicePart]:
    return {part["name"]: part for part in app.service("status")["services"]}


def beat(app: App, *, ago_s: float = 0, pid: int = 101) -> None:
    """The daemon's sign of life."""
    clock = SystemClock()
    now_ms = clock.wall_ms()
    with app.rooms.installation() as installation:
        installation.note_pulse(Pulse(pid, clock.boot_id(), now_ms, now_ms - round(ago_s * 1000)))


def check(app: App) -> DoctorRow:
    return next(row for row in app.doctor()["rows"] if row["check"] == "service")


# --- choosing


def test_the_best_service_is_installed_and_cron_stays_beside_it(app: App, computer: Computer) -> None:
    document = app.service("install")
    assert document["changed"]
    assert document["verdict"] == "ok"
    assert parts(app)["systemd"]["running"]
    assert f'ExecStart="{PROGRAM}" daemon' in computer.unit.read_text()
    assert f"{PROGRAM} sync --if-stale 15 --quiet" in computer.spool
    assert not app.service("install")["changed"]


def test_without_an_answering_systemd_cron_is_installed_without_a_word(app: App, computer: Computer) -> None:
    computer.systemctl.set("off")
    document = app.service("install")
    assert (document["verdict"], document["notices"]) == ("ok", [])
    assert not computer.unit.exists()
    assert "--if-stale" in computer.spool


def test_a_systemd_that_refuses_is_told_and_cron_takes_its_place(app: App, computer: Computer) -> None:
    computer.systemctl.set("refuses-enable")
    document = app.service("install")
    assert [notice["message"] for notice in document["notices"]] == [
        "systemctl --user enable was refused: Failed to enable unit: Access denied"
    ]
    assert not computer.unit.exists()
    assert "--if-stale" in computer.spool


def test_cron_alone_takes_the_place_of_a_daemon(app: App, computer: Computer) -> None:
    app.service("install")
    document = app.service("install", "cron")
    assert document["verdict"] == "ok"
    assert not computer.unit.exists()
    assert not computer.systemctl.knows("active")
    assert "--if-stale" in computer.spool


def test_a_daemon_that_could_not_be_taken_away_for_cron_is_told(app: App, computer: Computer) -> None:
    app.service("install")
    computer.systemctl.set("off")
    (told,) = app.service("install", "cron")["notices"]
    assert "stands there all the same" in told["message"]


def test_a_machine_with_neither_is_told_so(app: App, computer: Computer) -> None:
    computer.systemctl.set("off")
    computer.crontab.set("off")
    with pytest.raises(MemsyncError, match="crontab cannot be read") as caught:
        app.service("install")
    assert (caught.value.exit_code, caught.value.unharmed) == (1, "Nothing was changed.")
    assert isinstance(serve(Program(PROGRAM), "systemd"), Unserved)


@pytest.mark.parametrize(
    ("kind", "said"), [("launchd", "other machines"), ("upstart", "no service 'upstart'")]
)
def test_a_service_of_another_machine_is_refused_in_words(app: App, kind: str, said: str) -> None:
    for action in ("install", "uninstall", "start", "stop", "restart"):
        with pytest.raises(Misused, match=said):
            app.service(action, kind)  # type: ignore[arg-type]


def test_a_platform_nobody_knows_has_no_service() -> None:
    assert offered(Program(PROGRAM), platform="emscripten") == []


def test_nothing_is_installed_before_init_or_without_a_program(
    tmp_path: Path, computer: Computer, laptop: Machine
) -> None:
    fresh = App.open(Places.of({"MEMSYNC_HOME": str(tmp_path / "fresh")}), executable=PROGRAM)
    with pytest.raises(Misused, match="not set up"):
        fresh.service("install")
    with pytest.raises(Misused, match="not known where the program"):
        laptop.app.service("install")
    assert not computer.unit.exists()
    assert computer.spool == ""


# --- removing, starting and stopping


def test_uninstalling_takes_all_of_ours_and_nothing_else(app: App, computer: Computer) -> None:
    computer.crontab.set("spool", "@daily theirs\n")
    app.service("install")
    assert app.service("uninstall")["changed"]
    assert not computer.unit.exists()
    assert computer.spool == "@daily theirs\n"
    assert not app.service("uninstall")["changed"]


def test_one_kind_can_be_uninstalled_alone(app: App, computer: Computer) -> None:
    app.service("install")
    app.service("uninstall", "cron")
    assert computer.spool == ""
    assert computer.unit.exists()


def test_what_cannot_be_removed_is_told_with_what_was(app: App, computer: Computer) -> None:
    app.service("install")
    computer.systemctl.set("off")
    with pytest.raises(MemsyncError, match="stands there all the same") as caught:
        app.service("uninstall")
    assert caught.value.unharmed == "Removed: cron"
    assert unserve(Program(PROGRAM))[0] == []


def test_the_daemon_is_started_stopped_and_restarted(app: App, computer: Computer) -> None:
    app.service("install")
    assert app.service("stop")["changed"]
    assert not computer.systemctl.knows("active")
    assert parts(app)["systemd"]["running"] is False
    assert app.service("start")["changed"]
    before = parts(app)["systemd"]["pid"]
    assert app.service("restart")["changed"]
    assert parts(app)["systemd"]["pid"] != before


def test_starting_what_is_not_there_or_keeps_nothing_is_answered_in_words(
    app: App, computer: Computer
) -> None:
    with pytest.raises(MemsyncError, match="No service of memsync-git is installed") as caught:
        app.service("start")
    assert caught.value.hint == INSTALL
    app.service("install", "cron")
    for action in ("start", "stop", "restart"):
        with pytest.raises(MemsyncError, match="begins a sync every 15 minutes"):
            app.service(action)  # type: ignore[arg-type]


def test_a_daemon_that_does_not_come_up_is_told_with_its_reason(app: App, computer: Computer) -> None:
    computer.systemctl.set("ends-at-once")
    document = app.service("install")
    assert (document["verdict"], document["next"]) == ("warn", "memsync-git service start")
    assert "exit-code" in document["sentence"]
    with pytest.raises(MemsyncError, match="did not come up: it ended with exit-code"):
        app.service("start")


# --- the configuration


def test_a_new_interval_reaches_an_installed_cron_line(app: App, computer: Computer, laptop: Machine) -> None:
    app.service("install")
    change(laptop.home / "config.toml", {"sync.cron_interval_min": 30})
    later = App.open(app.rooms.places, executable=PROGRAM)
    assert check(later)["evidence"] == "What cron runs is not what the configuration says"
    (told,) = later.renew_services()
    assert told["message"].startswith("cron runs this now: */30 ")
    assert "--if-stale 30" in computer.spool
    assert later.renew_services() == []


def test_renewing_leaves_the_line_of_another_installation(
    app: App, computer: Computer, desk: Machine
) -> None:
    app.service("install")
    before = computer.spool
    change(desk.home / "config.toml", {"sync.cron_interval_min": 30})
    other = App.open(Places.of({"MEMSYNC_HOME": str(desk.home)}), executable=PROGRAM)
    assert other.renew_services() == []
    assert computer.spool == before


def test_a_line_that_cannot_be_renewed_is_told(app: App, computer: Computer, laptop: Machine) -> None:
    app.service("install", "cron")
    change(laptop.home / "config.toml", {"sync.cron_interval_min": 30})
    computer.crontab.set("refuses-write")
    (told,) = App.open(app.rooms.places, executable=PROGRAM).renew_services()
    assert "bad minute" in told["message"]


# --- knowing


def test_doctor_is_content_with_a_daemon_that_lives(app: App, computer: Computer) -> None:
    app.service("install")
    beat(app)
    row = check(app)
    assert (row["verdict"], row["cure"]) == ("ok", "")


def test_a_daemon_that_runs_without_a_sign_of_life_is_wedged(app: App, computer: Computer) -> None:
    app.service("install")
    beat(app, ago_s=600)
    assert check(app)["cure"] == "memsync-git service restart"
    document = app.service("status")
    assert document["daemon"]["running"] is False
    assert "no sign of life" in document["sentence"]
    assert parts(app)["systemd"]["running"] is True


def test_doctor_names_a_unit_that_is_not_what_would_be_written_and_cures_it(
    app: App, computer: Computer
) -> None:
    app.service("install")
    beat(app)
    computer.unit.write_text(computer.unit.read_text().replace("Nice=10", "Nice=19"))
    assert check(app)["cure"] == INSTALL
    cured = next(row for row in app.doctor(fix=True)["rows"] if row["check"] == "service")
    assert cured["fixed"]
    assert "Nice=10" in computer.unit.read_text()


def test_doctor_renews_a_cron_line_that_stands_alone_and_begins_no_daemon(
    app: App, computer: Computer, laptop: Machine
) -> None:
    app.service("install", "cron")
    change(laptop.home / "config.toml", {"sync.cron_interval_min": 30})
    later = App.open(app.rooms.places, executable=PROGRAM)
    assert check(later)["cure"] == f"{INSTALL} --kind cron"
    assert next(row for row in later.doctor(fix=True)["rows"] if row["check"] == "service")["fixed"]
    assert "--if-stale 30" in computer.spool
    assert not computer.unit.exists()


def test_doctor_asks_for_lingering(app: App, computer: Computer) -> None:
    app.service("install")
    beat(app)
    computer.loginctl.unset("lingers")
    row = check(app)
    assert (row["verdict"], row["cure"]) == ("warn", "loginctl enable-linger")


def test_doctor_asks_for_a_fallback(app: App, computer: Computer) -> None:
    app.service("install")
    beat(app)
    app.service("uninstall", "cron")
    row = check(app)
    assert (row["verdict"], row["cure"]) == ("warn", INSTALL)


def test_a_program_whose_place_is_unknown_is_compared_with_nothing(
    app: App, computer: Computer, laptop: Machine
) -> None:
    app.service("install")
    beat(app)
    rows = doctor(laptop.app.rooms)["rows"]
    assert next(row for row in rows if row["check"] == "service")["verdict"] == "ok"


def test_the_self_test_never_fails_for_want_of_a_service(app: App, computer: Computer) -> None:
    for off in (False, True):
        if off:
            computer.systemctl.set("off")
            computer.crontab.set("off")
        row = next(row for row in app.self_test()["rows"] if row["name"] == "service")
        assert row["verdict"] == "warn"


def test_serving_twice_changes_nothing_the_second_time(computer: Computer) -> None:
    first, second = serve(Program(PROGRAM)), serve(Program(PROGRAM))
    assert isinstance(first, Served)
    assert isinstance(second, Served)
    assert (first.changed, second.changed) == (True, False)
