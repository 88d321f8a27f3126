"""What the real servers wrote (fixtures/make_golden.py) is read whole and written back as they would."""

from itertools import pairwise
from pathlib import Path

import pytest

from memsync_git.formats import VARIANTS, Decoded, decode, encode
from memsync_git.formats.detecting import detect
from memsync_git.formats.salvage import salvage
from memsync_git.model import Graph

GOLDEN = Path(__file__).parents[2] / "fixtures" / "golden"
PINNED = {
    "server-memory-2025.4.25": "jsonl-fields",
    "server-memory-2026.1.26": "jsonl",
    "server-memory-2026.8.31": "jsonl",
    "itseasy21-1.0.7": "jsonl-fields",
    "aim-1.4.0": "aim",
}
STEPS = [(name, path) for name in PINNED for path in sorted((GOLDEN / name).iterdir())]
IDS = [f"{name}/{path.stem}" for name, path in STEPS]


def read(data: bytes, variant: str) -> Decoded:
    decoded = decode(data, variant)
    assert isinstance(decoded, Decoded)
    return decoded


def has_twins(decoded: Decoded) -> bool:
    records = [row.record for row in decoded.rows if row.record is not None]
    rows_with_repeats = [r for r in decoded.rows if r.raw.count(b'"x"') > 1 or r.raw.count(b'"w"') > 1]
    return len(records) != len(decoded.graph) or bool(rows_with_repeats)


def test_every_server_left_its_files() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == set(PINNED)
    assert all(len(list((GOLDEN / name).iterdir())) >= 15 for name in PINNED)


@pytest.mark.parametrize(("name", "path"), STEPS, ids=IDS)
def test_a_servers_file_is_whole_and_comes_back_byte_for_byte(name: str, path: Path) -> None:
    data = path.read_bytes()
    decoded = read(data, PINNED[name])
    assert decoded.whole
    assert encode(decoded.rows, decoded.graph, PINNED[name]) == data
    assert salvage(data, PINNED[name]).clean == data


@pytest.mark.parametrize(("name", "path"), STEPS, ids=IDS)
def test_written_from_scratch_it_is_what_the_server_wrote(name: str, path: Path) -> None:
    data = path.read_bytes()
    decoded = read(data, PINNED[name])
    fresh = encode((), decoded.graph, PINNED[name])
    if has_twins(decoded):
        assert read(fresh, PINNED[name]).graph == decoded.graph
        assert len(fresh) < len(data)
    else:
        assert fresh == data


@pytest.mark.parametrize("name", PINNED)
def test_each_step_written_into_the_one_before_is_what_the_server_wrote(name: str) -> None:
    compared = 0
    for before, after in pairwise(sorted((GOLDEN / name).iterdir())):
        old, new = read(before.read_bytes(), PINNED[name]), read(after.read_bytes(), PINNED[name])
        written = encode(old.rows, new.graph, PINNED[name])
        assert read(written, PINNED[name]).graph == new.graph
        if not has_twins(old) and not has_twins(new):
            compared += 1
            assert written == after.read_bytes()
    assert compared >= 8


@pytest.mark.parametrize(("name", "path"), STEPS, ids=IDS)
def test_the_variant_is_recognised_once_a_row_shows_it(name: str, path: Path) -> None:
    data = path.read_bytes()
    shows_fields = b'"createdAt"' in data or b'"tags"' in data
    plain = "jsonl" if PINNED[name] == "jsonl-fields" and not shows_fields else PINNED[name]
    assert detect(data) == plain


def test_only_the_servers_that_keep_fields_kept_them() -> None:
    def last_tagged(name: str) -> bytes:
        return next(path.read_bytes() for path in (GOLDEN / name).iterdir() if path.stem == "step-13")

    assert b'"weight":1.5' in last_tagged("server-memory-2025.4.25")
    assert b'"weight":1.5' in last_tagged("aim-1.4.0")
    assert b'"weight"' not in last_tagged("server-memory-2026.8.31")


def test_extra_fields_of_a_plain_file_stay_in_rows_that_change() -> None:
    data = (GOLDEN / "server-memory-2025.4.25" / "step-12.jsonl").read_bytes()
    after = (GOLDEN / "server-memory-2025.4.25" / "step-13.jsonl").read_bytes()
    old, new = read(data, "jsonl"), read(after, "jsonl")
    assert not any(record.fields for record in old.graph)
    assert encode(old.rows, new.graph, "jsonl") == after


def test_a_file_emptied_by_its_server_is_written_as_the_server_writes_it() -> None:
    for name, variant in PINNED.items():
        last = max((GOLDEN / name).iterdir()).read_bytes()
        assert encode((), Graph(), variant) == last
        assert read(last, variant).graph == Graph()


def test_read_as_another_line_variant_a_golden_file_is_whole_all_the_same() -> None:
    for _, path in STEPS:
        for variant in ("jsonl", "aim", "jsonl-fields", "jsonl-objects"):
            assert read(path.read_bytes(), variant).whole


def test_rows_standing_where_an_array_was_pinned_are_read_but_are_damage() -> None:
    for name, path in STEPS:
        rows = read(path.read_bytes(), PINNED[name])
        array = read(path.read_bytes(), "json-array")
        assert array.whole == (not path.read_bytes())
        assert VARIANTS["jsonl"].projection.graph(array.graph) == VARIANTS["jsonl"].projection.graph(
            rows.graph
        )
