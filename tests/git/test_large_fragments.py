"""A fragment in shards: what one changed record costs."""

from __future__ import annotations

from dataclasses import replace

from memsync_git.crdt.fragment import Entry, Fragment, Header, RecordFacts
from memsync_git.crdt.records import Records
from memsync_git.model import Rid
from memsync_git.ports import Refused
from memsync_git.remotes.draft import Drafting
from memsync_git.remotes.seen import NOTHING_SEEN, Seen
from memsync_git.remotes.shares import Draft, Share, drafted
from memsync_git.remotes.trees import Listing, Oid, parse_tree
from memsync_git.wire.fragments import READ_AT_ONCE, SHARD_OVER_BYTES, decode, encode, encode_files
from memsync_git.wire.rid import fragment_path
from tests.git.hubs import DESK, START_MS, HubFolder, accepted, fetched, publication

NAME, MAIN = f"memsync/{DESK}", "heads/main"
ENTITIES = 300
LONG = "x" * (2 * SHARD_OVER_BYTES // ENTITIES)


def large(rev: int, *, says: str) -> Fragment:
    """Entities that together need shards; only the last one says something else each time."""
    said = {("e", f"E{at}"): _says(at + 1, LONG) for at in range(ENTITIES)}
    said["e", f"E{ENTITIES - 1}"] = _says(ENTITIES + rev, says)
    return Fragment(
        Header(DESK, "desk", rev=rev, tok=str(rev), next=ENTITIES + rev + 1, wall_ms=START_MS), said
    )


def _says(n: int, text: str) -> RecordFacts:
    return RecordFacts(observations=(Entry(n, START_MS, text),))


def test_only_the_shard_that_changed_is_stored_again() -> None:
    trees: dict[Oid, Listing] = {}
    first = _drafted(large(1, says="tea"), NOTHING_SEEN, trees)
    assert len(_blobs(first)) > 100
    assert first.host is not None
    assert first.main is not None
    seen = NOTHING_SEEN.with_host(NAME, first.host.tip, first.host.branch)
    seen = seen.with_main(MAIN, first.main.tip, first.main.branch)
    second = _drafted(large(2, says="coffee"), seen, trees)
    assert sorted(b"coffee" in data for data in _blobs(second)) == [False, True]


def _drafted(own: Fragment, seen: Seen, trees: dict[Oid, Listing]) -> Draft:
    drafting = Drafting(publication(own), seen, store="default", now_ms=START_MS, load=trees.__getitem__)
    share = drafting.share(host_name=NAME, main=True)
    assert isinstance(share, Share)
    (draft,) = drafted([share], trees.__getitem__)
    trees |= {item.oid: parse_tree(item.data) for item in draft.objects if item.kind == "tree"}
    return draft


def _blobs(draft: Draft) -> list[bytes]:
    return [item.data for item in draft.objects if item.kind == "blob"]


def test_a_new_process_publishes_and_another_machine_reads_the_whole(hub: HubFolder) -> None:
    accepted(hub.remote("desk").publish(publication(large(1, says="tea"))))
    accepted(hub.remote("desk").publish(publication(large(2, says="coffee"))))
    assert fetched(hub.remote()).fragments == (large(2, says="coffee"),)


def small(rev: int) -> Fragment:
    """The same machine once it has forgotten most of what it said."""
    said = {("e", "E0"): _says(1, "what is left")}
    return Fragment(Header(DESK, "desk", rev=rev, tok=str(rev), next=ENTITIES + 9, wall_ms=START_MS), said)


def test_a_fragment_below_the_limit_again_is_one_file_and_its_shards_are_gone(hub: HubFolder) -> None:
    accepted(hub.remote("desk").publish(publication(large(1, says="tea"))))
    assert any(path.startswith(f"memory-{DESK}/") for path in hub.files())
    accepted(hub.remote("desk").publish(publication(small(2))))
    assert not any(path.startswith(f"memory-{DESK}/") for path in hub.files())
    assert fetched(hub.remote()).fragments == (small(2),)
    accepted(hub.remote("desk").publish(publication(large(3, says="milk"))))
    assert fetched(hub.remote()).fragments == (large(3, says="milk"),)


def test_a_large_fragment_in_one_file_is_read_as_one_in_shards() -> None:
    """Whoever wrote it may have another limit: both forms say the same."""
    whole = large(1, says="tea")
    sharded = encode_files(whole)
    header = sharded.pop(fragment_path(DESK))
    for data, shards in ((encode(whole), ()), (header, sharded.values())):
        assert decode(data, rid=DESK, store="default", shards=shards) == whole


def test_a_revision_is_read_by_the_shards_that_changed(hub: HubFolder) -> None:
    desk, laptop, whole = hub.remote("desk"), hub.remote("laptop"), list[Rid]()
    laptop.known_records = lambda rid: whole.append(rid) or {}  # type: ignore[func-returns-value]
    for rev, says in enumerate(("tea", "coffee", "milk"), 1):
        accepted(desk.publish(publication(larger(rev, says=says))))
        (found,) = fetched(laptop).fragments
        copy = Records.of(found.records)  # whoever compares has read it all
        assert Fragment(found.header, copy) == larger(rev, says=says)
    assert whole == [DESK]
    accepted(desk.publish(publication(small(4))))
    assert fetched(laptop).fragments == (small(4),)


def larger(rev: int, *, says: str) -> Fragment:
    """So many records that their lines stay unread; what is said anew has a number nobody has used."""
    known, first = large(rev, says=says), 2 * ENTITIES
    said = {("e", f"M{at}"): _says(first + at, "x") for at in range(READ_AT_ONCE)}
    newest = first + READ_AT_ONCE + rev
    said["e", f"E{ENTITIES - 1}"] = _says(newest, says)
    return Fragment(replace(known.header, next=newest + 1), {**known.records, **said})


def test_who_publishes_onto_what_it_knows_reads_headers_and_who_fetches_reads_all(hub: HubFolder) -> None:
    first = hub.remote("desk")
    accepted(first.publish(publication(large(1, says="tea"))))
    again, whole = hub.remote("desk"), list[Rid]()
    again.known_digest = first.digest
    again.known_records = lambda rid: whole.append(rid) or {}  # type: ignore[func-returns-value]
    assert fetched(again).unchanged
    onto = replace(publication(large(2, says="coffee")), onto=large(1, says="tea").version)
    hub.hook("pre-receive", "exit 1")
    assert isinstance(again.publish(onto), Refused)
    assert not whole
    again.known_digest = ""
    assert fetched(again).fragments == (large(1, says="tea"),)
    assert whole == [DESK]
    hub.hook("pre-receive", "exit 0")
    accepted(again.publish(onto))
    assert fetched(hub.remote()).fragments == (large(2, says="coffee"),)
