"""`verify` compares what file, store and remotes say; `hosts rename` gives a machine another label."""

from __future__ import annotations

import random
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from memsync_git.app.doctor import alone
from memsync_git.app.verifying import digest_of, fragment_compared
from memsync_git.crdt.fragment import Fragment, Header
from memsync_git.documents import VerifyDocument
from memsync_git.errors import Misused
from memsync_git.model import Entity, Graph, Relation, Rid
from memsync_git.options import SyncOptions
from memsync_git.remotes.survey import seen_by_anybody
from memsync_git.remotes.url import validate

from .machines import Machine, sync_all

ALICE = Entity("Alice", "person", ("likes tea", "plays go"), {"b": "1", "a": "2"})


def told(document: VerifyDocument, what: str, name: str = "") -> tuple[str, str]:
    (part,) = [each for each in document["parts"] if each["what"] == what and each["name"].startswith(name)]
    return part["verdict"], part["evidence"]


def test_machines_in_step_say_the_same_with_the_same_digest(laptop: Machine, desk: Machine) -> None:
    laptop.writes(Entity("Alice", "person", ("likes tea",)), Relation("Alice", "Oslo", "lives in"))
    sync_all(laptop, desk)
    desk.adds(Entity("Bob", "person"))
    sync_all(desk, laptop)
    documents = [machine.app.verify() for machine in (laptop, desk)]
    for document in documents:
        assert document["outcome"] == "accepted"
        assert all(part["verdict"] == "ok" and len(part["digest"]) == 16 for part in document["parts"])
        assert [part["what"] for part in document["parts"]] == [
            "store",
            "file",
            "remote",
            "fragment",
            "fragment",
        ]
    digests = [
        {(part["what"], part["name"]): part["digest"] for part in document["parts"]} for document in documents
    ]
    assert digests[0] == digests[1]


def test_a_change_that_waits_is_a_difference_and_no_damage(laptop: Machine) -> None:
    laptop.writes(Entity("Alice", "person"))
    laptop.sync()
    laptop.adds(Entity("Bob", "person", ("new",)))
    document = laptop.app.verify()
    assert document["outcome"] == "failed"
    assert told(document, "file") == ("warn", "it differs in 2 items: memsync-git sync")
    assert told(document, "remote")[0] == "ok", "verify takes nothing in"
    assert laptop.app.verify() == document


def test_a_difference_nobody_knows_of_is_told_and_mended_by_comparing_all(laptop: Machine) -> None:
    laptop.writes(Entity("Alice", "person"))
    laptop.sync()
    with laptop.app.rooms.session() as session:
        session.act(lambda replica, moment: replica.write((), [("o", "Alice", "hums")], moment, cause="edit"))
        session.act(lambda replica, _: replica.behind.clear())
    assert laptop.sync()["wrote_file"] is False
    document = laptop.app.verify()
    assert told(document, "file") == ("warn", "it differs in 1 item: memsync-git sync --full")
    assert laptop.app.sync(SyncOptions(full=True))["wrote_file"] is True
    assert laptop.app.verify()["outcome"] == "accepted"


def test_what_is_not_published_and_not_fetched_is_said_on_both_sides(laptop: Machine, desk: Machine) -> None:
    sync_all(laptop, desk)
    laptop.writes(Entity("Alice", "person"))
    laptop.sync()
    behind = desk.app.verify()
    assert told(behind, "fragment", laptop.rid)[0] == "warn"
    assert "memsync-git sync fetches it" in told(behind, "fragment", laptop.rid)[1]
    laptop.unplug()
    laptop.adds(Entity("Bob", "person"))
    laptop.sync()
    laptop.plug()
    ahead = laptop.app.verify()
    assert "memsync-git sync publishes it" in told(ahead, "fragment", laptop.rid)[1]
    assert ahead["outcome"] == "failed"


def test_a_remote_that_cannot_be_reached_is_that(laptop: Machine) -> None:
    laptop.unplug()
    document = laptop.app.verify()
    assert document["outcome"] == "offline"
    assert told(document, "remote")[0] == "fail"
    assert told(document, "file")[0] == "ok"


def test_a_file_that_cannot_be_used_outweighs_a_remote_that_cannot_be_reached(laptop: Machine) -> None:
    laptop.file.write_bytes(b"{broken")
    laptop.unplug()
    assert laptop.app.verify()["outcome"] == "unusable"


def test_a_round_that_runs_is_not_disturbed(laptop: Machine) -> None:
    with alone(laptop.app.rooms, wait_s=1.0, required=True):
        assert laptop.app.verify()["outcome"] == "locked"


def test_damage_in_the_hub_is_damage(laptop: Machine, tmp_path: Path) -> None:
    laptop.writes(Entity("Alice", "person", ("likes tea",)))
    laptop.sync()
    tamper(laptop, tmp_path / "work")
    document = laptop.app.verify()
    assert document["outcome"] == "failed"
    assert "damage" in told(document, "fragment", laptop.rid)[1]


def tamper(machine: Machine, work: Path) -> None:
    """Somebody alters a word in a fragment, under the same revision, on both refs."""
    ref = f"refs/memsync/{machine.rid}"
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@localhost", "-C", str(work)]
    subprocess.run(["git", "clone", "--quiet", machine.hub, work], check=True)
    for source, target in (("main", "main"), (ref, ref)):
        subprocess.run([*git, "fetch", "--quiet", "origin", source], check=True)
        subprocess.run([*git, "checkout", "--quiet", "--detach", "FETCH_HEAD"], check=True)
        path = work / f"memory-{machine.rid}.json"
        path.write_bytes(path.read_bytes().replace(b"likes tea", b"likes tar"))
        subprocess.run([*git, "commit", "--quiet", "-am", "altered"], check=True)
        subprocess.run([*git, "push", "--quiet", "origin", f"HEAD:{target}"], check=True)


def test_before_init_there_is_nothing_to_verify(tmp_path: Path, hub: Path) -> None:
    machine = Machine(tmp_path / "new", "new", hub)
    machine.home.mkdir()
    with pytest.raises(Misused, match="not set up"):
        machine.app.verify()


# --- pure


RID = Rid("desk-91c2")


def fragment(rev: int, tok: str = "a", **header: object) -> Fragment:
    return Fragment(replace(Header(RID, "desk", rev=rev, tok=tok), **header))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("here", "there", "is_own", "verdict", "words"),
    [
        (fragment(3), fragment(3), False, "ok", "revision 3"),
        (fragment(3), None, True, "warn", "not there"),
        (None, fragment(3), False, "warn", "fetches it"),
        (fragment(2), fragment(3), False, "warn", "fetches it"),
        (fragment(2), fragment(3), True, "fail", "another installation"),
        (fragment(3), fragment(3, "b"), False, "fail", "two different revisions"),
        (fragment(3), fragment(3, host="other"), False, "fail", "damage"),
    ],
)
def test_what_two_fragments_mean(
    here: Fragment | None, there: Fragment | None, is_own: bool, verdict: str, words: str
) -> None:
    part = fragment_compared("origin", here, there, is_own=is_own).part
    assert part["verdict"] == verdict
    assert words in part["evidence"]


def test_a_digest_knows_no_order_and_every_difference() -> None:
    records = [ALICE, Entity("Bob", None), Relation("Alice", "Bob", "knows")]
    wanted = digest_of(Graph.of(records))
    chance = random.Random(3)
    for _ in range(5):
        chance.shuffle(records)
        said = list(ALICE.observations)
        chance.shuffle(said)
        mixed = [replace(each, observations=tuple(said)) if each == ALICE else each for each in records]
        assert digest_of(Graph.of(mixed)) == wanted
    for other in (Entity("Bob", ""), Entity("Bob", None, ("x",)), Entity("Bob", None, (), {"a": "1"})):
        assert digest_of(Graph.of([ALICE, other, Relation("Alice", "Bob", "knows")])) != wanted


# --- hosts rename


def test_a_new_label_is_known_here_in_the_settings_and_elsewhere(laptop: Machine, desk: Machine) -> None:
    laptop.writes(Entity("Alice", "person"))
    sync_all(laptop, desk)
    rid = laptop.rid
    document = laptop.app.rename("kitchen")
    assert document["replica"] == {"id": rid, "host": "kitchen"}
    assert laptop.app.configuration.replica.host == "kitchen"
    assert laptop.app.status()["replica"]["host"] == "kitchen"
    desk.sync()
    assert {host["id"]: host["host"] for host in desk.app.hosts()["hosts"]}[rid] == "kitchen"
    assert laptop.sync()["outcome"] == "nothing"
    assert laptop.app.verify()["outcome"] == "accepted"


def test_a_label_that_is_borne_already_changes_nothing(laptop: Machine) -> None:
    rev = laptop.app.hosts()["hosts"][0]["rev"]
    notices = laptop.app.rename(" laptop ").get("notices", [])
    assert "already" in notices[0]["message"]
    assert laptop.app.hosts()["hosts"][0]["rev"] == rev


@pytest.mark.parametrize("label", ["", "   ", "x" * 300, "two\nlines"])
def test_what_is_no_label_is_refused(laptop: Machine, label: str) -> None:
    with pytest.raises(Misused):
        laptop.app.rename(label)
    assert laptop.app.status()["replica"]["host"] == "laptop"


# --- who may look


@pytest.mark.parametrize(
    ("address", "seen"),
    [
        ("git@github.com:me/memory.git", "https://github.com/me/memory.git"),
        ("ssh://git@gitlab.com/me/memory.git", "https://gitlab.com/me/memory.git"),
        ("ssh://git@codeberg.org:22/me/memory.git", "https://codeberg.org/me/memory.git"),
        ("ssh://git@github.com:2222/me/memory.git", None),
        ("git@example.org:me/memory.git", None),
        ("https://github.com/me/memory.git", None),
        ("/srv/memory.git", None),
    ],
)
def test_where_a_service_shows_what_is_public(address: str, seen: str | None) -> None:
    assert seen_by_anybody(validate(address)).text == (seen or address)
