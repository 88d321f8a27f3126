"""What services are given to read: byte for byte as in fixtures/services, and read back as their readers do.

`python -m tests.contracts.test_service_texts` writes the fixtures anew.
"""

from __future__ import annotations

import os
import plistlib
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from memsync_git.errors import Misused
from memsync_git.ports import AtLogin, ByHand, Installed, Running, Stopped, Unserved, WithMachine
from memsync_git.services import cron, launchd, systemd_unit, task_xml
from memsync_git.services.launchd import LaunchdService
from memsync_git.services.systemd import LINGER, SystemdService
from tests.standins import Standin, offer

FIXTURES = Path(__file__).parents[2] / "fixtures" / "services"
PROGRAM = "/home/me/.local/share/memsync-git/venv/bin/memsync-git"
WINDOWS_PROGRAM = r"C:\Users\me & you\memsync-git\memsync-git.exe"

GOLDEN: dict[str, Callable[[], bytes]] = {
    "memsync-git.service": lambda: systemd_unit.render(PROGRAM).encode(),
    "memsync-git-with-home.service": lambda: systemd_unit.render(PROGRAM, '/srv/100% "m"').encode(),
    "memsync-git.plist": lambda: launchd.render(PROGRAM),
    "memsync-git-with-home.plist": lambda: launchd.render(PROGRAM, "/srv/m & n"),
    "memsync-git.xml": lambda: task_xml.render(WINDOWS_PROGRAM, "PC\\me"),
    "memsync-git-with-home.xml": lambda: task_xml.render(WINDOWS_PROGRAM, "PC\\me", r"D:\m y"),
    "crontab": lambda: cron.merge("", cron.render(PROGRAM, 15)).encode(),
}


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_a_text_is_the_golden_one_and_the_same_every_time(name: str) -> None:
    assert GOLDEN[name]() == (FIXTURES / name).read_bytes()
    assert GOLDEN[name]() == GOLDEN[name]()


def test_no_text_holds_anything_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_very_secret")
    monkeypatch.setenv("MEMSYNC_HOME", "/not/asked/for")
    for name, render in GOLDEN.items():
        assert render() == (FIXTURES / name).read_bytes()


# --- systemd -------------------------------------------------------------------------------------------


def values(unit: str, key: str) -> list[str]:
    return [line.partition("=")[2] for line in unit.splitlines() if line.startswith(f"{key}=")]


def as_systemd_reads(text: str) -> list[str]:
    """The words of a line: unquoted, C escapes undone, specifiers replaced (systemd.syntax, systemd.unit)."""
    words, word, quote, at = [], None, "", 0
    while at < len(text):
        char = text[at]
        if char == "\\":
            at += 1
            word = (word or "") + text[at]
            assert text[at] in '\\"'
        elif quote:
            quote = "" if char == quote else quote
            word = (word or "") + (char if char != '"' or quote == "'" else "")
        elif char in "\"'":
            quote, word = char, word or ""
        elif char == " ":
            words += [word] if word is not None else []
            word = None
        else:
            word = (word or "") + char
        at += 1
    assert not quote
    words += [word] if word is not None else []
    assert not re.search(r"(?<!%)(%%)*%(?!%)", " ".join(words)), "a specifier"
    return [each.replace("%%", "%") for each in words]


_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1)


@given(_TEXT.filter(lambda text: not set("\"'\\") & set(text)), _TEXT)
@example("/a b/100%/$x/${HOME}", '/it\'s \\ "mine" %h %% é')
def test_any_path_comes_through_systemd_as_it_is(executable: str, home: str) -> None:
    unit = systemd_unit.render(executable, home)
    assert [as_systemd_reads(value) for value in values(unit, "ExecStart")] == [[executable, "daemon"]]
    assert [as_systemd_reads(value) for value in values(unit, "Environment")] == [[f"MEMSYNC_HOME={home}"]]


@pytest.mark.parametrize("path", ["/it's/memsync-git", '/a"b', "/a\\b", "/a\nb", "/a\x7fb"])
def test_a_program_that_systemd_would_not_start_is_refused_in_words(path: str, tmp_path: Path) -> None:
    with pytest.raises(Misused):
        systemd_unit.render(path)
    answer = SystemdService(path, tmp_path / "units").install()
    assert isinstance(answer, Unserved)
    assert not (tmp_path / "units").exists()


def test_the_set_of_the_trust_page_is_whole() -> None:
    unit = systemd_unit.render(PROGRAM)
    for line in (
        "Type=notify",
        "WatchdogSec=120",
        "Restart=on-failure",
        "RestartSec=15",
        "StartLimitBurst=5",
        "KillMode=mixed",
        "UMask=0077",
        *(f"{word}=yes" for word in ("NoNewPrivileges", "LockPersonality", "RestrictRealtime")),
        *(f"{word}=yes" for word in ("RestrictSUIDSGID", "RestrictNamespaces")),
        "SystemCallArchitectures=native",
        "SystemCallFilter=@system-service",
        "SystemCallErrorNumber=EPERM",
        "RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6",
        "MemoryMax=512M",
        "TasksMax=64",
        "Nice=10",
        "IOSchedulingClass=idle",
    ):
        assert line in unit.splitlines(), line


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is not installed")
@pytest.mark.parametrize("folder", ["plain", "it has 100% $x ${HOME} é %h"])
def test_systemd_itself_finds_nothing_to_say_about_the_unit(tmp_path: Path, folder: str) -> None:
    program = tmp_path / folder / "memsync-git"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    unit = tmp_path / "memsync-git.service"
    unit.write_text(systemd_unit.render(str(program), str(tmp_path / "my \"m\\ 50% $y it's")))
    done = subprocess.run(
        ["systemd-analyze", "--user", "verify", "--recursive-errors=no", unit],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path), "LC_ALL": "C"},
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.fixture
def tools(tmp_path: Path) -> tuple[Standin, Standin]:
    systemctl, loginctl = offer(tmp_path / "bin", "systemctl"), offer(tmp_path / "bin", "loginctl")
    systemctl.set("folder", str(tmp_path / "units"))
    return systemctl, loginctl


def unit_service(tmp_path: Path, tools: tuple[Standin, Standin]) -> SystemdService:
    systemctl, loginctl = tools
    return SystemdService(
        PROGRAM, tmp_path / "units", systemctl=str(systemctl.command), loginctl=str(loginctl.command)
    )


def test_everybody_may_read_the_unit_and_nobody_finds_half_of_it(
    tmp_path: Path, tools: tuple[Standin, Standin]
) -> None:
    unit_service(tmp_path, tools).install()
    units = list((tmp_path / "units").iterdir())
    assert [unit.name for unit in units] == ["memsync-git.service"]
    assert units[0].stat().st_mode & 0o777 == 0o644


def test_lingering_decides_when_the_daemon_begins(tmp_path: Path, tools: tuple[Standin, Standin]) -> None:
    systemctl, loginctl = tools
    service = unit_service(tmp_path, tools)
    service.install()
    assert service.begins() == AtLogin(LINGER)
    loginctl.set("nobody")
    assert service.begins() == AtLogin(LINGER)
    loginctl.set("off")
    assert isinstance(service.begins(), Unserved)
    loginctl.unset("off")
    loginctl.unset("nobody")
    loginctl.set("lingers")
    assert service.begins() == WithMachine()
    systemctl.unset("enabled")
    assert service.begins() == ByHand()
    assert isinstance(service.install(), Installed)
    assert service.begins() == WithMachine()


def test_a_manager_that_does_not_answer_is_no_machine_without_systemd_once_a_unit_stands_there(
    tmp_path: Path, tools: tuple[Standin, Standin]
) -> None:
    systemctl, _ = tools
    service = unit_service(tmp_path, tools)
    systemctl.set("off")
    answer = service.install()
    assert isinstance(answer, Unserved)
    assert answer.lacks_tool
    assert "No medium found" in answer.reason
    assert not (tmp_path / "units").exists()
    systemctl.unset("off")
    service.install()
    systemctl.set("off")
    for told in (service.remove(), service.status()):
        assert isinstance(told, Unserved)
        assert not told.lacks_tool
        assert "stands there all the same" in told.reason
    assert (tmp_path / "units" / "memsync-git.service").exists()


def test_a_daemon_that_waits_for_its_next_try_does_not_run_and_can_be_started_at_once(
    tmp_path: Path, tools: tuple[Standin, Standin]
) -> None:
    systemctl, _ = tools
    service = unit_service(tmp_path, tools)
    service.install()
    systemctl.unset("active")
    systemctl.set("waits")
    assert service.running() == Stopped(changed=False, reason="it ended with watchdog")
    assert isinstance(service.start(), Running)


def test_a_daemon_that_is_starting_runs() -> None:
    assert isinstance(
        systemd_unit.unit_in("ActiveState=activating\nSubState=start\nMainPID=7").daemon(), Running
    )


# --- launchd and Task Scheduler --------------------------------------------------------------------------


@given(_TEXT, _TEXT)
def test_any_path_comes_through_a_property_list_as_it_is(executable: str, home: str) -> None:
    text = launchd.render(executable, home)
    agent = plistlib.loads(text)
    assert launchd.is_ours(text)
    assert agent["ProgramArguments"] == [executable, "daemon"]
    assert agent["EnvironmentVariables"] == {"MEMSYNC_HOME": home}


def test_a_control_character_is_refused_by_launchd_in_words(tmp_path: Path) -> None:
    answer = LaunchdService("/a\nb", tmp_path / "units", 501).install()
    assert isinstance(answer, Unserved)
    assert "control character" in answer.reason


@pytest.mark.parametrize("data", [b"", b"bplist00", b"<plist>", b"\xff\xfe", plistlib.dumps({"Label": "x"})])
def test_a_property_list_that_is_not_ours_is_known(data: bytes) -> None:
    assert not launchd.is_ours(data)


def test_a_daemon_of_launchd_that_failed_says_how() -> None:
    assert launchd.daemon_in("\tstate = not running\n\tlast exit code = 78: EX_CONFIG\n") == Stopped(
        changed=False, reason="it ended with exit code 78"
    )
    assert launchd.daemon_in("\tstate = running\n\tpid = 42\n") == Running(changed=False, pid=42)
    assert isinstance(launchd.daemon_in("\tstate = spawn scheduled\n"), Running)


def element(task: bytes, name: str) -> str:
    root = ElementTree.fromstring(task.decode("utf-16"))
    found = root.find(f".//{{http://schemas.microsoft.com/windows/2004/02/mit/task}}{name}")
    assert found is not None
    return found.text or ""


def test_a_task_runs_the_program_for_its_account_alone() -> None:
    task = task_xml.render(WINDOWS_PROGRAM, "PC\\me")
    assert task.startswith(b"\xff\xfe")
    assert (element(task, "Command"), element(task, "Arguments")) == (WINDOWS_PROGRAM, "daemon")
    assert element(task, "UserId") == "PC\\me"
    assert element(task, "RunLevel") == "LeastPrivilege"


def test_a_shell_hands_a_task_its_home() -> None:
    task = task_xml.render(WINDOWS_PROGRAM, "PC\\me", r"D:\m y")
    assert element(task, "Command") == r"%SystemRoot%\System32\cmd.exe"
    assert element(task, "Arguments") == f'/d /s /c "set "MEMSYNC_HOME=D:\\m y"&& "{WINDOWS_PROGRAM}" daemon"'


@pytest.mark.parametrize("home", ["D:\\100%", 'D:\\"', "D:\\a\nb"])
def test_a_path_that_a_task_would_not_find_again_is_refused(home: str) -> None:
    with pytest.raises(Misused):
        task_xml.render(WINDOWS_PROGRAM, "PC\\me", home)


def test_a_task_is_known_by_what_it_was_made_from_however_windows_writes_it_back() -> None:
    made = task_xml.render(WINDOWS_PROGRAM, "PC\\me").decode("utf-16")
    respelt = made.replace("<Hidden>false</Hidden>", "").replace("\r\n", "\n")
    assert task_xml.digest_in(respelt) == task_xml.digest_of(WINDOWS_PROGRAM, "PC\\me")
    assert task_xml.digest_in(respelt) != task_xml.digest_of(WINDOWS_PROGRAM, "PC\\you")
    assert task_xml.digest_in("<Task/>") is None


if __name__ == "__main__":
    FIXTURES.mkdir(exist_ok=True)
    for golden, made_anew in GOLDEN.items():
        (FIXTURES / golden).write_bytes(made_anew())
