"""A peer who may push, and what it can put into the shared repository."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from memsync_git.ports import Fetched
from memsync_git.remotes.git import GitRemote
from memsync_git.remotes.survey import Survey, survey
from memsync_git.remotes.url import validate
from memsync_git.wire.fragments import WireLimits
from tests.git.hubs import (
    DESK,
    LAPTOP,
    PHONE,
    HubFolder,
    TestClock,
    accepted,
    fetched,
    fragment,
    git,
    publication,
)


@pytest.fixture
def hub(tmp_path: Path) -> HubFolder:
    """A hub where the desk has published and a peer with git at hand is about to."""
    hub = HubFolder(tmp_path)
    accepted(hub.remote("desk").publish(publication(fragment(DESK, says="likes tea"), unified=b"{}")))
    return hub


class Peer:
    """Writes whatever it likes, below the checks of git's own commands."""

    def __init__(self, hub: HubFolder) -> None:
        self.hub = hub

    def blob(self, data: bytes) -> str:
        return self.hub.git("hash-object", "-w", "--stdin", stdin=data)

    def tree(self, *entries: tuple[str, str, str]) -> str:
        """A tree of (mode, oid, name), sorted and checked by nobody."""
        raw = b"".join(f"{mode} {name}\0".encode() + bytes.fromhex(oid) for mode, oid, name in entries)
        return self.hub.git("hash-object", "-t", "tree", "-w", "--literally", "--stdin", stdin=raw)

    def main_entries(self) -> list[tuple[str, str, str]]:
        rows = self.hub.git("ls-tree", "main").splitlines()
        return [(row.split()[0].lstrip("0"), row.split()[2], row.split("\t")[1]) for row in rows]

    def commit(self, ref: str, tree: str) -> None:
        parents = ["-p", ref] if self.hub.git("for-each-ref", ref) else []
        oid = git("commit-tree", tree, "-m", "hello", *parents, cwd=self.hub.path).decode().strip()
        self.hub.git("update-ref", ref, oid)

    def adds(self, *entries: tuple[str, str, str]) -> None:
        """Add entries to main, or replace those of the same name."""
        names = {name for _, _, name in entries}
        kept = [entry for entry in self.main_entries() if entry[2] not in names]
        self.commit("refs/heads/main", self.tree(*kept, *entries))


@pytest.fixture
def peer(hub: HubFolder) -> Peer:
    return Peer(hub)


def desk_is_read_and_the_laptop_can_publish(hub: HubFolder) -> Fetched:
    """What must stay true whatever the peer did."""
    laptop = hub.remote("laptop")
    answer = fetched(laptop)
    assert (DESK, "likes tea") in {
        (item.rid, item.records[("e", "Alice")].observations[0].value) for item in answer.fragments
    }
    accepted(laptop.publish(publication(fragment(LAPTOP), fragment(DESK, says="likes tea"))))
    assert LAPTOP in fetched(hub.remote("phone")).on_main
    return answer


def complaints(answer: Fetched) -> str:
    return "\n".join(f"{item.where}: {item.reason}" for item in answer.unreadable)


def test_a_malformed_fragment_is_named_and_the_rest_is_used(hub: HubFolder, peer: Peer) -> None:
    peer.adds(("100644", peer.blob(b"<<<<<<< HEAD\n"), f"memory-{PHONE}.json"))
    answer = desk_is_read_and_the_laptop_can_publish(hub)
    assert f"memory-{PHONE}.json" in complaints(answer)
    assert hub.files()[f"memory-{PHONE}.json"] == b"<<<<<<< HEAD\n"


def test_a_malformed_fragment_on_main_is_healed_by_who_holds_a_good_one(hub: HubFolder, peer: Peer) -> None:
    peer.adds(("100644", peer.blob(b"garbage"), f"memory-{DESK}.json"))
    laptop = hub.remote("laptop")
    fetched(laptop)
    accepted(laptop.publish(publication(fragment(LAPTOP), fragment(DESK))))
    assert fetched(hub.remote()).on_main == {DESK: (1, "a"), LAPTOP: (1, "a")}


@pytest.mark.parametrize(
    ("mode", "what"), [("120000", "a symlink"), ("160000", "a submodule"), ("40000", "a folder")]
)
def test_a_fragment_that_is_no_ordinary_file_is_not_followed(
    hub: HubFolder, peer: Peer, mode: str, what: str
) -> None:
    targets = {"120000": peer.blob(b"/etc/passwd"), "160000": hub.oid("main"), "40000": peer.tree()}
    peer.adds((mode, targets[mode], f"memory-{PHONE}.json"))
    answer = desk_is_read_and_the_laptop_can_publish(hub)
    assert f"memory-{PHONE}.json: it is not an ordinary file" in complaints(answer), what


@pytest.mark.parametrize("path", ["memory.json", "README.md", ".memsync.json"])
def test_a_symlink_in_place_of_our_files_writes_nowhere(hub: HubFolder, peer: Peer, path: str) -> None:
    target = hub.folder / "victim"
    target.write_text("untouched")
    peer.adds(("120000", peer.blob(str(target).encode()), path))
    laptop = hub.remote("laptop")
    fetched(laptop)
    laptop.show()
    accepted(laptop.publish(publication(fragment(LAPTOP), fragment(DESK), unified=b"mine")))
    assert target.read_text() == "untouched"
    assert not (hub.folder / "laptop" / path).is_symlink()


@pytest.mark.parametrize(
    "name",
    [
        "..",
        ".",
        ".git",
        ".GIT",
        "git~1",
        "memory-../x.json",
        "-rf",
        "a\nb",
        "memory-DESK-91C2.json",
        "\x1b[31m",
    ],
)
def test_names_that_mean_something_elsewhere_mean_nothing_here(hub: HubFolder, peer: Peer, name: str) -> None:
    payload = peer.tree(("100644", peer.blob(b"[core]\n\thooksPath=/tmp\n"), "config"))
    peer.adds(("40000", payload, name), ("100644", peer.blob(b"x"), f"z{name}"))
    desk_is_read_and_the_laptop_can_publish(hub)
    assert hub.git("ls-tree", "-z", "main").split("\0")[-2].endswith(f"z{name}")


def test_a_path_with_a_slash_in_its_name_is_no_folder(hub: HubFolder, peer: Peer) -> None:
    good = hub.git("rev-parse", f"main:memory-{DESK}.json")
    peer.adds(("100644", good, "stores/work/memory-desk-91c2.json"))
    assert fetched(hub.remote(store="work")).fragments == ()
    desk_is_read_and_the_laptop_can_publish(hub)


def test_attributes_and_filters_do_not_touch_what_is_read(hub: HubFolder, peer: Peer) -> None:
    attributes = b"* text eol=crlf working-tree-encoding=UTF-16 filter=evil merge=evil export-subst ident\n"
    peer.adds(("100644", peer.blob(attributes), ".gitattributes"))
    desk_is_read_and_the_laptop_can_publish(hub)


def test_a_huge_fragment_is_refused_by_its_size(hub: HubFolder, peer: Peer) -> None:
    """Three MiB of zeros are three KB on the wire; they are never read into our memory."""
    peer.adds(("100644", peer.blob(bytes(3 << 20)), f"memory-{PHONE}.json"))
    answer = fetched(hub.remote("laptop", limits=WireLimits(max_fragment_bytes=1 << 20)))
    assert f"it has {3 << 20} bytes" in complaints(answer)
    assert {item.rid for item in answer.fragments} == {DESK}


def test_the_shards_of_a_fragment_count_together(hub: HubFolder, peer: Peer) -> None:
    sharded = fragment(PHONE, says="x" * (2 << 20))
    accepted(hub.remote("phone").publish(publication(sharded)), on_main=False)
    assert fetched(hub.remote("laptop")).fragments.count(sharded) == 1
    answer = fetched(hub.remote("small", limits=WireLimits(max_fragment_bytes=1 << 20)))
    assert {item.rid for item in answer.fragments} == {DESK}


def test_a_fragment_with_a_shard_missing_is_malformed(hub: HubFolder, peer: Peer) -> None:
    phone = hub.remote("phone")
    fetched(phone)
    accepted(phone.publish(publication(fragment(PHONE, says="x" * (2 << 20)), fragment(DESK))))
    hub.git("update-ref", "-d", f"refs/memsync/{PHONE}")
    peer.adds(("40000", peer.tree(), f"memory-{PHONE}"))
    answer = fetched(hub.remote("laptop"))
    assert f"memory-{PHONE}.json" in complaints(answer)
    assert {item.rid for item in answer.fragments} == {DESK}


def test_a_fragment_on_a_foreign_host_ref_is_not_read(hub: HubFolder, peer: Peer) -> None:
    """The phone's ref carries a forged desk: only the owner's fragment counts there."""
    forged = peer.blob(b"forged")
    peer.commit(f"refs/memsync/{PHONE}", peer.tree(("100644", forged, f"memory-{DESK}.json")))
    answer = desk_is_read_and_the_laptop_can_publish(hub)
    assert {item.rid for item in answer.fragments} == {DESK}
    assert answer.unreadable == ()


def test_a_fragment_that_claims_another_machine_is_refused(hub: HubFolder, peer: Peer) -> None:
    desk = hub.git("rev-parse", f"main:memory-{DESK}.json")
    peer.adds(("100644", desk, f"memory-{PHONE}.json"))
    answer = desk_is_read_and_the_laptop_can_publish(hub)
    assert f"memory-{PHONE}.json" in complaints(answer)


@pytest.mark.parametrize(
    "ref", ["refs/memsync/UPPER-91c2", "refs/memsync/x", "refs/memsync/desk-91c2x/deeper"]
)
def test_host_refs_with_other_names_are_left_alone(hub: HubFolder, ref: str) -> None:
    hub.git("update-ref", ref, "main")
    answer = desk_is_read_and_the_laptop_can_publish(hub)
    assert "not a replica id" in complaints(answer)


def test_host_refs_that_name_no_commit_are_left_alone(hub: HubFolder, peer: Peer) -> None:
    hub.git("update-ref", f"refs/memsync/{PHONE}", peer.blob(b"x"))
    answer = desk_is_read_and_the_laptop_can_publish(hub)
    assert "does not name a commit" in complaints(answer)


def test_a_tree_git_itself_finds_damaged_costs_a_warning_not_the_memory(hub: HubFolder, peer: Peer) -> None:
    """Two entries of one name: git's checks refuse the whole fetch; ours go on without them."""
    same = [("100644", peer.blob(b"1"), "twice"), ("100644", peer.blob(b"2"), "twice")]
    peer.commit("refs/heads/main", peer.tree(*peer.main_entries(), *same))
    answer = desk_is_read_and_the_laptop_can_publish(hub)
    assert "git's own checks refuse" in complaints(answer)


def test_a_clone_kept_from_a_look_holds_nothing_that_git_finds_damaged(
    hub: HubFolder, peer: Peer, tmp_path: Path
) -> None:
    same = [("100644", peer.blob(b"1"), "twice"), ("100644", peer.blob(b"2"), "twice")]
    peer.commit("refs/heads/main", peer.tree(*peer.main_entries(), *same))
    kept = tmp_path / "kept"
    found = survey(validate(str(hub.path)), name="origin", keep=kept)
    assert isinstance(found, Survey)
    assert found.kind == "memsync"
    assert not [*kept.glob(".git/objects/??/*"), *kept.glob(".git/objects/pack/*.pack")]
    answer = fetched(GitRemote(kept, str(hub.path), clock=TestClock()))
    assert "git's own checks refuse" in complaints(answer)


def test_a_newer_repository_is_said_to_be_one(hub: HubFolder, peer: Peer) -> None:
    marker = json.dumps({"memsync": 9, "min_reader": 9}).encode()
    peer.adds(("100644", peer.blob(marker), ".memsync.json"))
    assert desk_is_read_and_the_laptop_can_publish(hub).newer == 9


def test_a_newer_fragment_is_kept_and_never_replaced(hub: HubFolder, peer: Peer) -> None:
    newer = b'{"memsync":9,"min_reader":9,"what":"ever"}\n'
    peer.adds(("100644", peer.blob(newer), f"memory-{PHONE}.json"))
    laptop = hub.remote("laptop")
    answer = fetched(laptop)
    assert answer.newer == 9
    accepted(laptop.publish(publication(fragment(LAPTOP), fragment(PHONE, 99, "z"))))
    assert hub.files()[f"memory-{PHONE}.json"] == newer


def test_unrelated_history_forced_onto_main_is_joined_not_followed(hub: HubFolder, peer: Peer) -> None:
    desk = hub.remote("desk")
    fetched(desk)
    stranger = git("commit-tree", peer.tree(("100644", peer.blob(b"hi"), "index.html")), "-m", "new",
                   cwd=hub.path).decode().strip()  # fmt: skip
    hub.git("update-ref", "refs/heads/main", stranger)
    assert fetched(desk).on_main == {}
    accepted(desk.publish(publication(fragment(DESK), unified=b"{}")))
    assert fetched(hub.remote()).on_main == {DESK: (1, "a")}
    assert hub.files()["index.html"] == b"hi"
    assert hub.oid("main~1") == stranger


def test_terminal_codes_in_what_the_hub_says_are_kept_out_of_commits(hub: HubFolder) -> None:
    desk = hub.remote("desk")
    evil = publication(fragment(DESK, 2, "b", host="a\nb<x>\x1b[2J"))
    accepted(desk.publish(evil))
    author = hub.git("log", "-1", "--format=%an|%ae|%s", "main")
    assert author.isprintable()


def test_a_far_future_clock_still_commits(hub: HubFolder) -> None:
    hub.clock.ms = 253_402_300_799_000
    accepted(hub.remote("desk").publish(publication(fragment(DESK, 2, "b", wall_ms=253_402_300_799_000))))
    assert isinstance(hub.remote().fetch(), Fetched)


def test_many_host_refs_are_cut_off(hub: HubFolder) -> None:
    tip = hub.oid(f"refs/memsync/{DESK}")
    names = (f"refs/memsync/zz-{number:04x}" for number in range(300))
    hub.git("update-ref", "--stdin", stdin="".join(f"create {name} {tip}\n" for name in names).encode())
    answer = desk_is_read_and_the_laptop_can_publish(hub)
    assert "too many host refs" in complaints(answer)


def test_an_environment_left_by_a_git_hook_does_not_lead_astray(
    hub: HubFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("GIT_DIR", "GIT_OBJECT_DIRECTORY", "GIT_INDEX_FILE", "GIT_NAMESPACE"):
        monkeypatch.setenv(name, "/nonexistent")
    answer = fetched(hub.remote("laptop"))
    assert answer.on_main == {DESK: (1, "a")}
    assert isinstance(hub.remote("laptop"), GitRemote)
