"""A real sshd on loopback: one connection for many calls, and nothing left of it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from memsync_git.ports import Fetched, Unreachable
from memsync_git.remotes import ssh
from memsync_git.remotes.git import GitRemote
from memsync_git.remotes.survey import Survey, survey
from memsync_git.remotes.url import validate
from tests.git.hubs import DESK, LAPTOP, HubFolder, accepted, fetched, fragment, publication
from tests.git.processes import nothing_left_of, processes_about
from tests.git.sshd import Sshd


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder with a short name, as XDG_RUNTIME_DIR is one: sockets have at most 104 characters."""
    folder = Path(f"/tmp/memsync-test-{os.getpid()}")
    folder.mkdir(mode=0o700)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def sshd(hub: HubFolder, short: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sshd]:
    server = Sshd(hub.folder / "sshd")
    monkeypatch.setenv("GIT_SSH_COMMAND", server.command)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(short))
    yield server
    server.stop()
    assert nothing_left_of(f"{short}/memsync-git/"), processes_about(str(short))


Making = Callable[..., GitRemote]


@pytest.fixture
def remote(hub: HubFolder, sshd: Sshd) -> Iterator[Making]:
    """Makes remotes over ssh, and closes their connections after the test."""
    made: list[GitRemote] = []

    def make(machine: str, *, keeps: bool = True, **options: object) -> GitRemote:
        made.append(hub.remote(machine, url=sshd.url(hub.path), keeps_connection=keeps, **options))
        return made[-1]

    yield make
    for each in made:
        each.hang_up()


def socket_of(remote: GitRemote) -> Path:
    path = ssh.socket_of(remote._clone.url, remote._clone.git_dir)
    assert path is not None
    return path


def test_a_kept_connection_serves_every_call_until_it_is_closed(remote: Making, sshd: Sshd) -> None:
    desk = remote("desk")
    accepted(desk.publish(publication(fragment(DESK))))
    fetched(desk)
    accepted(desk.publish(publication(fragment(DESK, 2, "b"))))
    assert sshd.connections() == 1
    path = socket_of(desk)
    assert path.is_socket()
    assert path.parent.stat().st_mode & 0o777 == 0o700
    desk.hang_up()
    assert nothing_left_of(str(path))
    assert not path.exists()
    fetched(desk)
    assert sshd.connections() == 2


def test_without_the_wish_nothing_is_kept_but_a_kept_one_is_used(remote: Making, sshd: Sshd) -> None:
    hand = remote("hand", keeps=False)
    accepted(hand.publish(publication(fragment(LAPTOP))))
    assert not socket_of(hand).exists()
    daemon = remote("desk")
    fetched(daemon)
    before = sshd.connections()
    fetched(hand)
    assert sshd.connections() == before


def test_a_socket_nobody_listens_at_any_more_is_replaced(remote: Making, sshd: Sshd) -> None:
    desk = remote("desk")
    path = socket_of(desk)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    accepted(desk.publish(publication(fragment(DESK))))
    fetched(desk)
    assert sshd.connections() == 1
    assert path.is_socket()


def test_a_rider_passes_by_a_socket_nobody_listens_at(remote: Making, sshd: Sshd) -> None:
    hand = remote("hand", keeps=False)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(socket_of(hand)))
    accepted(hand.publish(publication(fragment(LAPTOP))))


def test_a_connection_that_hangs_is_used_for_one_call_and_no_more(remote: Making, sshd: Sshd) -> None:
    desk = remote("desk", timeout_s=20.0)
    accepted(desk.publish(publication(fragment(DESK))))
    masters = pids_about(str(socket_of(desk)))
    assert masters
    for pid in masters:
        os.kill(pid, signal.SIGSTOP)
    try:
        hanging = remote("desk", timeout_s=0.5)
        assert isinstance(hanging.fetch(), Unreachable)
        assert isinstance(remote("desk", timeout_s=20.0).fetch(), Fetched)
        assert sshd.connections() == 2
    finally:
        for pid in masters:
            os.kill(pid, signal.SIGCONT)
            os.kill(pid, signal.SIGTERM)


def pids_about(text: str) -> list[int]:
    return [pid for pid, _ in processes_about(text)]


def test_a_person_who_shares_connections_already_is_left_to_it(
    remote: Making, sshd: Sshd, short: Path
) -> None:
    own = short / "own"
    with (sshd.folder / "client").open("a") as client:
        client.write(f"ControlMaster auto\nControlPath {own}\nControlPersist 2\n")
    desk = remote("desk")
    accepted(desk.publish(publication(fragment(DESK))))
    fetched(desk)
    assert sshd.connections() == 1
    assert own.is_socket()
    assert not socket_of(desk).exists()
    assert nothing_left_of(str(own)), "their own connection ends by their own setting"


def test_a_folder_others_may_enter_holds_no_socket(remote: Making, sshd: Sshd, short: Path) -> None:
    (short / "memsync-git").mkdir(mode=0o755)
    desk = remote("desk")
    assert socket_of(desk).parent != short / "memsync-git"


def test_a_place_too_deep_for_a_socket_is_passed_by(
    remote: Making, short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = short / ("d" * 80)
    deep.mkdir(mode=0o700)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(deep))
    path = socket_of(remote("desk"))
    assert deep not in path.parents
    assert len(str(path)) <= ssh.MAX_SOCKET_CHARS


def test_an_unknown_host_is_taken_on_trust_by_the_first_look_only(hub: HubFolder, sshd: Sshd) -> None:
    (sshd.folder / "known").unlink()
    address = sshd.url(hub.path)
    refused = hub.remote("desk", url=address).fetch()
    assert type(refused).__name__ == "Refused", refused
    assert isinstance(survey(validate(address), timeout_s=20.0), Survey)
    assert (sshd.folder / "known").exists()
    fetched(hub.remote("desk", url=address))


def test_an_impostor_with_another_host_key_is_refused(hub: HubFolder, sshd: Sshd) -> None:
    kind, key, *_ = (sshd.folder / "me.pub").read_text().split()
    (sshd.folder / "known").write_text(f"[127.0.0.1]:{sshd.port} {kind} {key}\n")
    address = sshd.url(hub.path)
    for outcome in (hub.remote("desk", url=address).fetch(), survey(validate(address), timeout_s=20.0)):
        assert type(outcome).__name__ == "Refused", outcome


@pytest.mark.parametrize(
    ("told", "is_so"),
    [
        ("controlmaster false\ncontrolpersist no\n", True),
        ("controlmaster no\ncontrolpath none\n", True),
        ("controlmaster auto\ncontrolpath /run/x\n", False),
        ("controlmaster false\ncontrolpath /run/x\n", False),
        ("controlmaster ask\n", False),
        ("", False),
        ("plink: unknown option -G\n", False),
    ],
)
def test_what_ssh_says_of_its_configuration(told: str, is_so: bool) -> None:
    assert ssh.keeps_none(told) is is_so
