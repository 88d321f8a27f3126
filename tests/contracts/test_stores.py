"""What every replica store promises, and what the one on disk promises besides."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from memsync_git.errors import Busy, StoreDamaged
from memsync_git.ports import Store, Transaction
from memsync_git.stores.connecting import SCHEMA, UNDERSTOOD
from memsync_git.stores.lock import RoundLock, round_lock
from memsync_git.stores.memory import MemoryStore
from memsync_git.stores.placing import place
from memsync_git.stores.reading import SqliteReader
from memsync_git.stores.sqlite import LOOKED_UP_AT_ONCE, MOST_AT_ONCE, SqliteStore

Connect = Callable[[], Store]


def _sqlite(path: Path) -> Connect:
    return lambda: SqliteStore(path / "state" / "replica.db", busy_s=0.0)


def _memory(_: Path) -> Connect:
    store = MemoryStore()
    return lambda: store


STORES: dict[str, Callable[[Path], Connect]] = {"sqlite": _sqlite, "memory": _memory}


@pytest.fixture(params=STORES.values(), ids=STORES.keys())
def connect(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Connect]:
    """Opens the store as one more process would."""
    opened: list[Store] = []
    another = request.param(tmp_path)

    def connected() -> Store:
        opened.append(another())
        return opened[-1]

    yield connected
    for store in opened:
        store.close()


@pytest.fixture
def store(connect: Connect) -> Store:
    return connect()


def put(store: Store, kind: str, key: str, value: bytes) -> None:
    with store.transaction() as transaction:
        transaction.put(kind, key, value)


class PowerCut(Exception):
    """Whatever ends a transaction early."""


def write_then_fail(transaction: Transaction) -> None:
    transaction.put("record", "a", b"new")
    transaction.put("record", "b", b"more")
    transaction.drop("record", "a")
    raise PowerCut


# --- every store


def test_a_new_store_holds_nothing(store: Store) -> None:
    assert list(store.rows("fragment")) == []
    assert store.row("fragment", "a") is None
    assert store.generation() == 0


def test_rows_of_a_kind_come_ordered_by_key(store: Store) -> None:
    for key in ("b", "a-2", "a", "B", "10", "9"):
        put(store, "record", key, key.encode())
    put(store, "other", "x", b"x")
    assert list(store.rows("record")) == [(key, key.encode()) for key in ("10", "9", "B", "a", "a-2", "b")]
    assert store.row("record", "a-2") == b"a-2"


@pytest.mark.parametrize("value", [b"", b"\x00\xff", b"x" * 3_000_000], ids=["empty", "binary", "large"])
def test_any_bytes_are_a_value(store: Store, value: bytes) -> None:
    put(store, "record", "a", value)
    assert store.row("record", "a") == value


def test_a_row_is_replaced_and_dropped(store: Store) -> None:
    put(store, "record", "a", b"1")
    put(store, "record", "a", b"2")
    assert list(store.rows("record")) == [("a", b"2")]
    with store.transaction() as transaction:
        transaction.drop("record", "a")
        transaction.drop("record", "never there")
    assert list(store.rows("record")) == []


def test_many_rows_written_at_once_are_those_written_one_by_one(store: Store) -> None:
    put(store, "record", "gone", b"1")
    put(store, "record", "00007", b"old")
    many = 2 * MOST_AT_ONCE + 1
    with store.transaction() as transaction:
        transaction.put_all("record", [("gone", None), ("never there", None)])
        transaction.put_all("record", ((f"{at:05}", b"%d" % at) for at in reversed(range(many))))
        transaction.put_all("record", ())
        assert transaction.row("record", "00007") == b"7"
        assert store.row("record", "00007") == b"old"
    assert list(store.rows("record")) == [(f"{at:05}", b"%d" % at) for at in range(many)]


def test_of_rows_of_one_key_that_are_written_at_once_the_last_one_stands(store: Store) -> None:
    with store.transaction() as transaction:
        transaction.put_all(
            "record", [("a", b"1"), ("b", b"1"), ("a", None), ("b", b"2"), ("c", None), ("c", b"3")]
        )
    assert list(store.rows("record")) == [("b", b"2"), ("c", b"3")]


def test_rows_that_cannot_be_made_leave_nothing_behind(store: Store) -> None:
    def rows() -> Iterator[tuple[str, bytes]]:
        yield "a", b"1"
        raise PowerCut

    with pytest.raises(PowerCut), store.transaction() as transaction:
        transaction.put_all("record", rows())
    assert list(store.rows("record")) == []


def test_a_transaction_reads_what_it_has_written_and_nobody_else_does(connect: Connect) -> None:
    one, other = connect(), connect()
    put(one, "record", "a", b"old")
    put(one, "record", "c", b"gone")
    with one.transaction() as transaction:
        transaction.put("record", "a", b"new")
        transaction.put("record", "b", b"more")
        transaction.drop("record", "c")
        assert list(transaction.rows("record")) == [("a", b"new"), ("b", b"more")]
        assert (transaction.row("record", "a"), transaction.row("record", "c")) == (b"new", None)
        for onlooker in (one, other):
            assert list(onlooker.rows("record")) == [("a", b"old"), ("c", b"gone")]
            assert onlooker.row("record", "a") == b"old"
    for onlooker in (one, other):
        assert list(onlooker.rows("record")) == [("a", b"new"), ("b", b"more")]


def test_a_transaction_that_ends_with_an_exception_wrote_nothing(connect: Connect) -> None:
    one, other = connect(), connect()
    put(one, "record", "a", b"old")
    with pytest.raises(PowerCut), one.transaction() as transaction:
        write_then_fail(transaction)
    for onlooker in (one, other):
        assert list(onlooker.rows("record")) == [("a", b"old")]
        assert onlooker.generation() == 1
    put(one, "record", "b", b"and on it goes")
    assert other.generation() == 2


def test_the_generation_tells_that_another_process_wrote(connect: Connect) -> None:
    one, other = connect(), connect()
    with one.transaction() as transaction:
        assert transaction.generation == 0
        transaction.put("record", "a", b"1")
    with other.transaction() as transaction:
        assert transaction.generation == 1
        assert transaction.row("record", "a") == b"1"
        transaction.put("record", "a", b"2")
    assert one.generation() == 2
    with one.transaction() as transaction:
        assert transaction.generation == 2
        assert transaction.row("record", "a") == b"2"


def test_a_transaction_that_wrote_nothing_counts_too(store: Store) -> None:
    with store.transaction():
        pass
    assert store.generation() == 1


def test_two_processes_writing_in_turn_lose_nothing(connect: Connect) -> None:
    stores = [connect(), connect()]
    for turn in range(20):
        with stores[turn % 2].transaction() as transaction:
            count = int(transaction.row("counter", "n") or b"0")
            transaction.put("counter", "n", str(count + 1).encode())
    assert stores[0].row("counter", "n") == b"20"
    assert stores[1].generation() == 20


def test_one_transaction_at_a_time(connect: Connect) -> None:
    one, other = connect(), connect()
    with one.transaction() as transaction:
        transaction.put("record", "a", b"1")
        for second in (one, other):
            with pytest.raises(Busy), second.transaction():
                pass
    put(other, "record", "b", b"2")
    assert [key for key, _ in one.rows("record")] == ["a", "b"]


def test_what_was_read_can_be_kept_while_the_store_changes(store: Store) -> None:
    for key in "abc":
        put(store, "record", key, b"1")
    for key, _ in store.rows("record"):
        with store.transaction() as transaction:
            transaction.drop("record", key)
    assert list(store.rows("record")) == []


# --- in memory


def test_a_backup_of_a_store_in_memory_is_independent_and_can_be_restored() -> None:
    store = MemoryStore()
    put(store, "record", "a", b"1")
    backup = store.copy()
    put(store, "record", "a", b"2")
    put(backup, "record", "b", b"a clone's own")
    assert (store.row("record", "a"), store.row("record", "b")) == (b"2", None)
    store.restore(backup)
    put(backup, "record", "c", b"later")
    assert list(store.rows("record")) == [("a", b"1"), ("b", b"a clone's own")]
    assert store.generation() == 2


# --- on disk


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "replica.db"


def test_rows_outlive_the_process(path: Path) -> None:
    store = SqliteStore(path)
    put(store, "record", "a", b"1")
    store.close()
    store = SqliteStore(path)
    assert (store.row("record", "a"), store.generation()) == (b"1", 1)
    store.close()


def test_nobody_else_can_read_a_store(path: Path) -> None:
    before = os.umask(0)
    try:
        store = SqliteStore(path)
        put(store, "record", "a", b"1")
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
        store.close()
    finally:
        os.umask(before)
    assert modes == {"replica.db": 0o600, "replica.db-wal": 0o600, "replica.db-shm": 0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_commits_are_synced_to_the_disk(path: Path) -> None:
    store = SqliteStore(path)
    (mode,) = store._writer.execute("PRAGMA journal_mode").fetchone()
    (synchronous,) = store._writer.execute("PRAGMA synchronous").fetchone()
    store.close()
    assert (mode, synchronous) == ("wal", 2)


def test_threads_of_one_process_take_turns(path: Path) -> None:
    store = SqliteStore(path)

    def count() -> None:
        for _ in range(25):
            with store.transaction() as transaction:
                n = int(transaction.row("counter", "n") or b"0")
                transaction.put("counter", "n", str(n + 1).encode())

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (store.row("counter", "n"), store.generation()) == (b"100", 100)
    store.close()


WRITER = """
import sys
from pathlib import Path
from memsync_git.stores.sqlite import MOST_AT_ONCE, SqliteStore
store = SqliteStore(Path(sys.argv[1]))
print("open", flush=True)
for _ in range(int(sys.argv[2])):
    with store.transaction() as transaction:
        n = transaction.generation + 1
        for key in range(12):
            transaction.put("row", f"{key:02}", b"%d" % n * (1 + 97 * key))
        transaction.drop("log", str(n - 3))
        transaction.put("log", str(n), b"")
    print(n, flush=True)
"""


def writing(path: Path, transactions: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), str(transactions)], stdout=subprocess.PIPE, text=True
    )


def assert_whole(store: Store) -> int:
    """Every row is of the same transaction, and the generation is the number of that one."""
    n = store.generation()
    expected = [(f"{key:02}", b"%d" % n * (1 + 97 * key)) for key in range(12)] if n else []
    assert list(store.rows("row")) == expected
    assert sorted(int(key) for key, _ in store.rows("log")) == list(range(max(1, n - 2), n + 1))
    return n


@pytest.mark.parametrize("seed", range(6))
def test_a_writer_killed_at_any_moment_leaves_whole_transactions(path: Path, seed: int) -> None:
    chance = random.Random(seed)
    last = 0
    for _ in range(2):
        child = writing(path, 1_000_000)
        assert child.stdout is not None
        assert child.stdout.readline() == "open\n"
        told = last
        for _ in range(chance.randint(0, 25)):
            told = int(child.stdout.readline())
        for _ in range(chance.randint(0, 20_000)):
            pass  # somewhere inside the next transaction
        child.send_signal(signal.SIGKILL)
        rest = child.stdout.read().split()
        child.stdout.close()
        child.wait()
        told = int(rest[-1]) if rest else told
        store = SqliteStore(path)
        last = assert_whole(store)
        store.close()
        assert last in (told, told + 1)


def test_processes_that_create_one_store_together_share_it(path: Path) -> None:
    children = [writing(path, 10) for _ in range(4)]
    assert [child.communicate()[0].splitlines()[0] for child in children] == ["open"] * 4
    assert [child.returncode for child in children] == [0] * 4
    store = SqliteStore(path)
    assert assert_whole(store) == 40
    store.close()


# --- one moment


def test_a_still_shows_what_was_committed_when_it_began(connect: Connect) -> None:
    one, other = connect(), connect()
    for key in ("a", "b", "c"):
        put(one, "record", key, b"old")
    still = one.still()
    assert still is not None
    put(one, "record", "a", b"new")
    put(other, "record", "d", b"more")
    with other.transaction() as transaction:
        transaction.drop("record", "b")
        transaction.put("record", "a", b"newer")
    assert list(still.rows("record")) == [("a", b"old"), ("b", b"old"), ("c", b"old")]
    assert list(still.rows("record", "a")) == [("b", b"old"), ("c", b"old")]
    assert list(still.keys("record", "a")) == ["b", "c"]
    assert [still.row("record", key) for key in "abd"] == [b"old", b"old", None]
    assert sorted(still.among("record", ["b", "d", "a"])) == [("a", b"old"), ("b", b"old")]
    assert (still.generation, one.generation()) == (3, 6)
    later = other.still()
    assert later is not None
    assert list(later.keys("record")) == ["a", "c", "d"]


@pytest.mark.parametrize("many", [0, 1, LOOKED_UP_AT_ONCE, LOOKED_UP_AT_ONCE + 1, 300])
def test_of_many_rows_those_of_some_keys_are_looked_for_together(store: Store, many: int) -> None:
    with store.transaction() as transaction:
        transaction.put_all("record", ((f"{at:05}", b"%d" % at) for at in range(600)))
        transaction.put("other", "00000", b"of another kind")
    still = store.still()
    assert still is not None
    wanted = [*(f"{at:05}" for at in range(0, 2 * many, 2)), "never there"]
    assert dict(still.among("record", reversed(wanted))) == {
        f"{at:05}": b"%d" % at for at in range(0, 2 * many, 2)
    }


def test_a_still_of_a_transaction_shows_nothing_of_it(store: Store) -> None:
    put(store, "record", "a", b"old")
    with store.transaction() as transaction:
        transaction.put("record", "a", b"new")
        still = transaction.still()
    assert still is not None
    assert (still.row("record", "a"), still.generation) == (b"old", 1)
    assert store.row("record", "a") == b"new"


def test_a_store_that_is_kept_still_takes_no_writes_through_it_and_folds_its_log(path: Path) -> None:
    store = SqliteStore(path)
    put(store, "record", "a", b"1")
    still = store.still()
    assert still is not None
    with pytest.raises(sqlite3.Error):
        still._connection.execute("DELETE FROM rows")
    began_s = time.monotonic()
    store.compact()
    assert time.monotonic() - began_s < 10
    assert still.row("record", "a") == b"1"
    store.close()
    assert names(path) == ["replica.db"]


# --- damage


@pytest.mark.parametrize(
    "content", [b"not a database at all" * 100, b"SQLite format 3\x00" + b"\xff" * 8000], ids=["text", "torn"]
)
def test_a_store_that_is_none_is_reported_and_left_alone(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    for opening in (SqliteStore, SqliteReader):
        with pytest.raises(StoreDamaged) as raised:
            opening(path)
        assert str(path) in raised.value.message
        assert raised.value.unharmed
        assert raised.value.hint
    assert path.read_bytes() == content


def test_a_page_that_rotted_is_reported(path: Path) -> None:
    store = SqliteStore(path)
    for key in range(200):
        put(store, "record", f"{key:03}", b"x" * 500)
    store.close()
    data = bytearray(path.read_bytes())
    for page in range(3, len(data) // 4096):
        data[page * 4096 : page * 4096 + 4096] = b"\xa5" * 4096
    path.write_bytes(data)
    store = SqliteStore(path)
    with pytest.raises(StoreDamaged, match="malformed"):
        list(store.rows("record"))
    with pytest.raises(StoreDamaged, match="malformed"), store.transaction() as transaction:
        list(transaction.rows("record"))
    store.close()


@pytest.mark.parametrize(("schema", "advice"), [(SCHEMA + 1, "upgrade"), (UNDERSTOOD - 1, "doctor")])
def test_a_store_of_another_release_is_not_touched(path: Path, schema: int, advice: str) -> None:
    SqliteStore(path).close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {schema}")
    connection.close()
    before = path.read_bytes()
    for opening in (SqliteStore, SqliteReader):
        with pytest.raises(StoreDamaged, match=f"schema {schema}") as refused:
            opening(path)
        assert advice in refused.value.hint
    assert path.read_bytes() == before


def test_a_store_of_an_older_release_is_read_and_raised_when_it_is_opened_to_be_written(path: Path) -> None:
    store = SqliteStore(path)
    put(store, "record", "a", b"1")
    store.close()
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {UNDERSTOOD}")
    connection.close()
    reader = SqliteReader(path)
    assert list(reader.rows("record")) == [("a", b"1")]
    reader.close()
    store = SqliteStore(path)
    assert list(store.rows("record")) == [("a", b"1")]
    store.close()
    connection = sqlite3.connect(path)
    assert connection.execute("PRAGMA user_version").fetchone() == (SCHEMA,)
    connection.close()


def test_the_database_of_another_program_is_not_touched(path: Path) -> None:
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE cookies (name TEXT)")
    connection.close()
    before = path.read_bytes()
    for opening in (SqliteStore, SqliteReader):
        with pytest.raises(StoreDamaged, match="no replica store"):
            opening(path)
    assert path.read_bytes() == before


def test_a_folder_in_the_place_of_a_store_is_reported(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(StoreDamaged):
        SqliteStore(path)


def test_a_full_disk_is_reported_and_the_store_goes_on(path: Path) -> None:
    store = SqliteStore(path)
    put(store, "record", "a", b"1")
    (pages,) = store._writer.execute("PRAGMA page_count").fetchone()
    store._writer.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreDamaged, match="full"), store.transaction() as transaction:
        transaction.put("record", "b", b"x" * 100_000)
    store._writer.execute("PRAGMA max_page_count = 1000000")
    put(store, "record", "c", b"3")
    assert list(store.rows("record")) == [("a", b"1"), ("c", b"3")]
    store.close()


# --- reading beside a writer


def names(path: Path) -> list[str]:
    return sorted(file.name for file in path.parent.iterdir())


def test_looking_where_there_is_no_store_creates_none(path: Path) -> None:
    reader = SqliteReader(path)
    assert (reader.generation(), reader.rows("record"), reader.row("record", "a")) == (0, [], None)
    reader.close()
    assert not path.parent.exists()


def test_looking_at_a_closed_store_leaves_no_trace(path: Path) -> None:
    store = SqliteStore(path)
    put(store, "record", "a", b"1")
    store.close()
    before = path.stat()
    reader = SqliteReader(path)
    assert (reader.generation(), reader.rows("record"), reader.row("record", "a")) == (1, [("a", b"1")], b"1")
    assert names(path) == ["replica.db"]
    reader.close()
    assert names(path) == ["replica.db"]
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == (before.st_mtime_ns, before.st_ino)


def test_a_store_created_but_still_blank_reads_as_empty(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    reader = SqliteReader(path)
    assert (reader.generation(), reader.rows("record")) == (0, [])
    reader.close()


def test_a_reader_shows_one_moment_while_another_process_writes(path: Path) -> None:
    store = SqliteStore(path)
    put(store, "record", "a", b"1")
    reader = SqliteReader(path)
    with store.transaction() as transaction:
        transaction.put("record", "a", b"2")
        assert reader.row("record", "a") == b"1"
    put(store, "record", "b", b"3")
    assert (reader.generation(), reader.rows("record")) == (1, [("a", b"1")])
    reader.close()
    reader = SqliteReader(path)
    assert (reader.generation(), reader.rows("record")) == (3, [("a", b"2"), ("b", b"3")])
    reader.close()
    store.close()


def test_a_reader_whose_file_is_rewritten_beneath_it_says_so(path: Path) -> None:
    store = SqliteStore(path)
    put(store, "record", "a", b"1")
    store.close()
    reader = SqliteReader(path)
    assert reader.row("record", "a") == b"1"
    store = SqliteStore(path)
    put(store, "record", "a", b"2")
    store.close()
    with pytest.raises(Busy, match="while it was being read"):
        reader.row("record", "a")
    reader.close()


def test_a_reader_begins_no_transaction(path: Path) -> None:
    reader = SqliteReader(path)
    with pytest.raises(TypeError, match="for reading"):
        reader.transaction()


# --- the round lock

HOLDER = """
import sys
from pathlib import Path
from memsync_git.stores.lock import round_lock
with round_lock(Path(sys.argv[1]), 0):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock."""
    child = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "state" / "round.lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with child:
        assert child.stdout is not None
        assert child.stdout.readline() == "held\n"
        yield child
        child.kill()


@pytest.fixture
def lock_path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "round.lock"


def test_a_lock_held_elsewhere_names_its_holder(holder: subprocess.Popen[str], lock_path: Path) -> None:
    with pytest.raises(Busy, match=f"by process {holder.pid}"), round_lock(lock_path, 0):
        pass


def test_waiting_for_a_lock_ends_when_it_is_let_go(holder: subprocess.Popen[str], lock_path: Path) -> None:
    assert holder.stdin is not None
    holder.stdin.close()
    with round_lock(lock_path, 30):
        assert RoundLock(lock_path).holder() == os.getpid()


def test_a_killed_holder_holds_nothing(holder: subprocess.Popen[str], lock_path: Path) -> None:
    holder.kill()
    holder.wait()
    assert RoundLock(lock_path).holder() is None
    with round_lock(lock_path, 0):
        pass
    assert RoundLock(lock_path).holder() is None


def test_a_lock_is_held_once_within_a_process_too(lock_path: Path) -> None:
    with (
        round_lock(lock_path, 0),
        pytest.raises(Busy, match=f"by process {os.getpid()}"),
        round_lock(lock_path, 0),
    ):
        pass


def test_a_round_that_fails_lets_go(lock_path: Path) -> None:
    with pytest.raises(PowerCut), round_lock(lock_path, 0):
        raise PowerCut
    with round_lock(lock_path, 0):
        pass


@pytest.mark.parametrize("note", [b"", b"me\n", b"-1\n", b"0\n", b"9" * 50])
def test_a_strange_note_beside_the_lock_names_nobody(lock_path: Path, note: bytes) -> None:
    lock_path.parent.mkdir()
    lock_path.with_name("round.lock.pid").write_bytes(note)
    assert RoundLock(lock_path).holder() is None


def test_a_store_gives_back_what_it_no_longer_needs(tmp_path: Path) -> None:
    path = tmp_path / "replica.db"
    store, beside = SqliteStore(path), SqliteStore(path)
    with store.transaction() as transaction:
        for at in range(200):
            transaction.put("k", f"{at:03}", bytes(4000))
    assert not store.space().is_wasteful
    with store.transaction() as transaction:
        for at in range(1, 200):
            transaction.drop("k", f"{at:03}")
    assert store.space().is_wasteful
    generation, inode = store.generation(), path.stat().st_ino
    reader = SqliteReader(path)
    assert reader.space() == store.space()
    store.compact()
    assert reader.row("k", "000") == bytes(4000), "who reads meanwhile goes on reading"
    reader.close()
    assert store.space().free_bytes == 0
    assert (store.generation(), path.stat().st_ino) == (generation, inode)
    with beside.transaction() as transaction:
        transaction.put("k", "new", b"1")
    store.compact()
    assert path.stat().st_size < 100_000
    for each in (store, beside):
        each.close()


# --- a store that was made elsewhere


@pytest.fixture(params=["the same file system", "another file system"])
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A store that nobody has open any more."""
    shared_memory = "/dev/shm"
    is_same = request.param == "the same file system"
    assert Path(shared_memory).stat().st_dev != tmp_path.stat().st_dev
    with tempfile.TemporaryDirectory(dir=tmp_path if is_same else shared_memory) as folder:
        store = SqliteStore(Path(folder) / "replica.db")
        put(store, "record", "a", b"1")
        store.close()
        yield Path(folder) / "replica.db"


def test_a_store_that_was_placed_is_the_one_that_was_made(made: Path, tmp_path: Path) -> None:
    path = tmp_path / "state" / "replica.db"
    assert place(made, path)
    made.unlink()
    store = SqliteStore(path)
    assert (store.row("record", "a"), store.generation()) == (b"1", 1)
    put(store, "record", "b", b"2")
    store.close()
    assert list(path.parent.iterdir()) == [path]
    assert [stat.S_IMODE(each.stat().st_mode) for each in (path, path.parent)] == [0o600, 0o700]


def test_a_store_is_not_placed_over_another_one(made: Path, tmp_path: Path) -> None:
    path = tmp_path / "state" / "replica.db"
    store = SqliteStore(path)
    put(store, "record", "a", b"mine")
    assert not place(made, path)
    assert store.row("record", "a") == b"mine"
    store.close()
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("log", ["replica.db-wal", "replica.db-journal"])
def test_a_store_is_not_placed_under_the_log_of_another_one(made: Path, tmp_path: Path, log: str) -> None:
    (tmp_path / log).write_bytes(b"left by a store that is gone")
    assert not place(made, tmp_path / "replica.db")
    assert not (tmp_path / "replica.db").exists()


def test_a_store_that_somebody_still_has_open_is_not_placed(made: Path, tmp_path: Path) -> None:
    store = SqliteStore(made)
    put(store, "record", "b", b"in the log alone")
    assert not place(made, tmp_path / "state" / "replica.db")
    store.close()
    assert place(made, tmp_path / "state" / "replica.db")


def test_a_store_that_cannot_be_placed_leaves_nothing(made: Path, tmp_path: Path) -> None:
    (tmp_path / "state").write_bytes(b"no folder")
    assert not place(made, tmp_path / "state" / "replica.db")
    assert (tmp_path / "state").read_bytes() == b"no folder"
