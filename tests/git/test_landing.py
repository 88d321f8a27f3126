"""What is put into a hub on this disk: the same as git would push, and git pushes whatever is not plain."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest

from memsync_git.ports import Publication
from memsync_git.remotes.glance import plain_ref
from memsync_git.remotes.landing import GIT_COLLECTS_LOOSE, is_plain_configuration, landing_place
from memsync_git.remotes.reffiles import move_ref
from memsync_git.remotes.trees import EMPTY, Entry, Oid, brought, new_object, tree_bytes
from memsync_git.remotes.url import validate
from tests.git.hubs import (
    DESK,
    LAPTOP,
    PHONE,
    HubFolder,
    accepted,
    fetched,
    fragment,
    git,
    publication,
    versions,
)

STEPS = 40
KILLS = 8
TEN_S = 10


@pytest.fixture
def used(hub: HubFolder) -> HubFolder:
    """The desk and the laptop have published, so both have a ref."""
    accepted(hub.remote("desk").publish(publication(fragment(DESK))))
    laptop = hub.remote("laptop")
    fetched(laptop)
    accepted(laptop.publish(publication(fragment(LAPTOP), fragment(DESK))))
    return hub


def pushes(hub: HubFolder, machine: str, wanted: Publication, *, on_main: bool = True) -> bool:
    """Whether git was told to push, by its own trace."""
    remote, trace = hub.remote(machine), hub.folder / "trace"
    fetched(remote)
    trace.write_text("")
    os.environ["GIT_TRACE2_EVENT"] = str(trace)
    try:
        accepted(remote.publish(wanted), on_main=on_main)
    finally:
        del os.environ["GIT_TRACE2_EVENT"]
    return '"name":"push"' in trace.read_text()


def test_what_is_put_there_is_what_git_would_push(tmp_path: Path) -> None:
    refs = []
    for at, by_git in enumerate((False, True)):
        (tmp_path / str(at)).mkdir()
        hub = HubFolder(tmp_path / str(at))
        accepted(hub.remote("desk").publish(publication(fragment(DESK), unified=b"one")))
        if by_git:
            hub.git("config", "receive.fsckObjects", "true")
        step = publication(fragment(DESK, 2, "b"), unified=b"two")
        assert pushes(hub, "desk", step) is by_git
        hub.git("fsck", "--strict")
        assert not list(hub.path.rglob("tmp_*"))
        refs.append(hub.git("for-each-ref"))
    assert refs[0] == refs[1]


def _hook(hub: HubFolder) -> None:
    hub.hook("post-receive", "exit 0")


def _logs(hub: HubFolder) -> None:
    (hub.path / "logs").mkdir()


def _much(hub: HubFolder) -> None:
    folder = hub.path / "objects" / "17"
    folder.mkdir(exist_ok=True)
    for at in range(GIT_COLLECTS_LOOSE // 256 + 1):
        (folder / f"{at:038x}").touch()


def _setting(key: str, value: str) -> Callable[[HubFolder], None]:
    return lambda hub: hub.git("config", key, value) and None


NOT_PLAIN = {
    "a hook": _hook,
    "a log of its refs": _logs,
    "much to collect": _much,
    "checks": _setting("receive.fsckObjects", "true"),
    "shared": _setting("core.sharedRepository", "group"),
    "logs wanted": _setting("core.logAllRefUpdates", "true"),
    "includes": _setting("include.path", "elsewhere"),
}


@pytest.mark.parametrize("why", NOT_PLAIN)
def test_git_pushes_where_it_would_do_more(used: HubFolder, why: str) -> None:
    assert landing_place(validate(str(used.path))) == used.path
    NOT_PLAIN[why](used)
    assert landing_place(validate(str(used.path))) is None
    assert pushes(used, "desk", publication(fragment(DESK, 2, "b"), fragment(LAPTOP)))
    assert not pushes(used, "desk", publication(fragment(DESK, 2, "b"), fragment(LAPTOP)))


def test_a_plain_repository_that_somebody_made_is_written_like_our_own(tmp_path: Path) -> None:
    git("init", "--quiet", "--bare", str(tmp_path / "plain.git"), cwd=tmp_path)
    assert landing_place(validate(str(tmp_path / "plain.git"))) == tmp_path / "plain.git"
    git("init", "--quiet", str(tmp_path / "worked in"), cwd=tmp_path)
    assert landing_place(validate(str(tmp_path / "worked in"))) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[core]\nbare = true\n",
        "[core]\nbare = true\nrepositoryformatversion = 1\n",
        '[core]\nbare = true\nrepositoryformatversion = 0\n[remote "x"]\nurl = y\n',
        "[core]\nbare = true\nrepositoryformatversion = 0\nhooksPath = /x\n",
        "[core] hooksPath = /x\nbare = true\nrepositoryformatversion = 0\n",
        "[core] hooksPath = /x\n[core]\nbare = true\nrepositoryformatversion = 0\n",
        "[core]\nbare = true\nrepositoryformatversion = 0\nbare = false\n",
        "bare = true\nrepositoryformatversion = 0\n",
        "# [core]\nbare = true\nrepositoryformatversion = 0\n",
    ],
)
def test_settings_with_a_word_that_is_not_known_are_not_plain(text: str) -> None:
    assert is_plain_configuration("[core]\nbare = true\nrepositoryformatversion = 0\n")
    assert not is_plain_configuration(text)


def test_who_comes_second_is_durable_all_the_same(used: HubFolder) -> None:
    desk, laptop = used.remote("desk"), used.remote("laptop")
    fetched(desk), fetched(laptop)
    accepted(desk.publish(publication(fragment(DESK, 2, "b"), fragment(LAPTOP))))
    step = publication(fragment(LAPTOP, 2, "b"), fragment(DESK))
    accepted(laptop.publish(step), on_main=False)
    assert versions(laptop.fetch()) > {(DESK, 2, "b"), (LAPTOP, 2, "b")}
    accepted(laptop.publish(publication(fragment(LAPTOP, 2, "b"), fragment(DESK, 2, "b"))))
    assert used.git("rev-list", "--min-parents=2", "--all") == ""
    used.git("fsck", "--strict")


def test_what_the_hub_has_packed_is_for_git_to_find_there(used: HubFolder) -> None:
    phone = used.remote("phone", refs_mode="host")
    fetched(phone)
    accepted(phone.publish(publication(fragment(PHONE))), on_main=False)
    used.git("repack", "-q", "-a", "-d")
    assert pushes(used, "desk", publication(fragment(DESK, 2, "b"), fragment(LAPTOP), fragment(PHONE)))
    assert set(used.files()) >= {f"memory-{rid}.json" for rid in (DESK, LAPTOP, PHONE)}
    assert not pushes(used, "desk", publication(fragment(DESK, 3, "c"), fragment(LAPTOP), fragment(PHONE))), (
        "what main holds has not to be looked for"
    )


def test_refs_that_are_packed_move_and_a_clone_with_its_own_packed_is_brought_there_by_git(
    used: HubFolder,
) -> None:
    used.git("pack-refs", "--all", "--no-prune")
    git("pack-refs", "--all", cwd=used.folder / "desk")
    desk = used.remote("desk")
    fetched(desk)
    accepted(desk.publish(publication(fragment(DESK, 2, "b"), fragment(LAPTOP))))
    desk.upkeep()
    ours = git("rev-parse", "refs/hub/origin/heads/main", cwd=used.folder / "desk").decode().strip()
    assert ours == used.git("rev-parse", "main")
    git("fsck", "--strict", cwd=used.folder / "desk")


def test_a_tree_brings_what_the_one_before_did_not_name_there() -> None:
    def blob(text: str) -> Entry:
        return Entry("100644", new_object("blob", text.encode()).oid)

    inner_old, inner_new = {b"a": blob("1"), b"b": blob("2")}, {b"a": blob("1"), b"b": blob("3")}
    old_tree, new_tree = (new_object("tree", tree_bytes(each)).oid for each in (inner_old, inner_new))
    old = {b"in": Entry("40000", old_tree), b"x": blob("4")}
    new = {b"in": Entry("40000", new_tree), b"x": blob("4"), b"y": blob("2")}
    stored, made = {old_tree: inner_old}, {new_tree: inner_new}
    expected = {new_tree, blob("3").oid, blob("2").oid}
    assert set(brought(old, new, made, stored.__getitem__)) == expected
    assert set(brought(old, new, {}, (stored | made).__getitem__)) == expected, "stored or not"
    assert set(brought(EMPTY, old, {}, stored.__getitem__)) == {old_tree, *(blob(each).oid for each in "124")}


# --- refs


@pytest.fixture
def chain(tmp_path: Path) -> tuple[Path, list[Oid]]:
    """A bare repository whose main is at the first of some commits."""
    repository = tmp_path / "chain.git"
    git("init", "--quiet", "--bare", str(repository), cwd=tmp_path)
    tree = git("mktree", cwd=repository).decode().strip()
    commits = [
        Oid(git("commit-tree", tree, "-m", str(at), cwd=repository).decode().strip())
        for at in range(STEPS + 1)
    ]
    git("update-ref", "refs/heads/main", commits[0], cwd=repository)
    return repository, commits


def test_every_step_of_a_ref_is_won_once_among_us_and_git(chain: tuple[Path, list[Oid]]) -> None:
    repository, commits = chain
    steps = list(pairwise(commits))
    won: list[Oid] = []

    def is_moved_by_git(old: Oid, new: Oid) -> bool:
        words = ["git", "update-ref", "refs/heads/main", new, old]
        return subprocess.run(words, cwd=repository, capture_output=True, check=False).returncode == 0

    def is_moved_by_us(old: Oid, new: Oid) -> bool:
        with suppress(FileExistsError):  # git was held up for longer than anybody waits
            return move_ref(repository, "refs/heads/main", new, old)
        return False

    def run(is_moved: Callable[[Oid, Oid], bool]) -> None:
        for old, new in steps:
            while plain_ref(repository, "refs/heads/main") == old:
                if is_moved(old, new):
                    won.append(new)

    runners = [is_moved_by_us, is_moved_by_us, is_moved_by_git]
    threads = [threading.Thread(target=run, args=[each]) for each in runners]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == sorted(commits[1:]), "each once"
    assert plain_ref(repository, "refs/heads/main") == commits[-1]
    assert not list(repository.rglob("*.lock")) + list(repository.rglob("tmp_*"))


def test_a_ref_that_stands_elsewhere_or_nowhere_is_left_alone(chain: tuple[Path, list[Oid]]) -> None:
    repository, (first, second, third, *_) = chain
    assert not move_ref(repository, "refs/heads/main", third, second)
    assert not move_ref(repository, "refs/heads/other", second, first)
    git("symbolic-ref", "refs/heads/sym", "refs/heads/main", cwd=repository)
    with pytest.raises(ValueError, match="no object id"):
        move_ref(repository, "refs/heads/sym", second, first)
    git("pack-refs", "--all", cwd=repository)
    assert move_ref(repository, "refs/heads/main", second, first)
    assert git("rev-parse", "main", cwd=repository).decode().strip() == second
    assert not list(repository.rglob("*.lock")) + list(repository.rglob("tmp_*"))


def test_somebody_elses_lock_is_waited_for_and_never_taken_away(chain: tuple[Path, list[Oid]]) -> None:
    repository, (first, second, *_) = chain
    lock = repository / "refs" / "heads" / "main.lock"
    lock.touch()
    with pytest.raises(FileExistsError):
        move_ref(repository, "refs/heads/main", second, first)
    assert lock.exists()
    assert plain_ref(repository, "refs/heads/main") == first
    assert not list(repository.rglob("tmp_*"))


FOR_EVER = """
import sys
from pathlib import Path
from memsync_git.remotes.reffiles import move_ref
repository, one, two = Path(sys.argv[1]), *sys.argv[2:]
print("begun", flush=True)
while move_ref(repository, "refs/heads/main", two, one) and move_ref(repository, "refs/heads/main", one, two):
    pass
"""


def test_a_kill_leaves_one_commit_or_the_other(chain: tuple[Path, list[Oid]]) -> None:
    repository, (first, second, *_) = chain
    for _ in range(KILLS):
        words = [sys.executable, "-c", FOR_EVER, str(repository), first, second]
        with subprocess.Popen(words, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"begun\n"
            child.send_signal(signal.SIGKILL)
            child.wait(TEN_S)
        standing = git("rev-parse", "--verify", "main^{commit}", cwd=repository).decode().strip()
        assert standing in (first, second)
        (repository / "refs" / "heads" / "main.lock").unlink(missing_ok=True)
        git("update-ref", "refs/heads/main", first, cwd=repository)
