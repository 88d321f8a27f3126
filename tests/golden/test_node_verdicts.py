"""Per line we accept exactly what the memory server accepts: Node is asked about every line."""

import random
from functools import cache

import pytest

from memsync_git.formats import Decoded, Json, NotJson, Number, compact, decode, parse, quoted
from memsync_git.formats.canonical import MOST_NESTING
from memsync_git.formats.reading import is_blank
from tests.golden import node_oracle

ENTITY = (
    '{"type":"entity","name":"a\u00e9\u2028","entityType":"t",'
    '"observations":["x \\ud83d","y\\u0000","\U0001f44b"]}'
)
RELATION = '{"type":"relation","from":"a","to":"b","relationType":"r"}'
EXTRA = '{"type":"entity","name":"n","entityType":"t","observations":[],"v":[1,-0.5e+3,true,null,{"k":"w"}]}'

HAND_MADE = [
    b"",
    b" ",
    b"\t\r",
    b"\x0b",
    b"\x0c",
    "\u00a0".encode(),
    "\u2028".encode(),
    "\ufeff".encode(),
    "\u0085".encode(),
    "\u180e".encode(),
    "\u200b".encode(),
    b"\x00",
    b"{}",
    b"{}\r",
    b" {} ",
    b"\x0b{}",
    "\u00a0{}".encode(),
    "\ufeff{}".encode(),
    b"{}{}",
    b"{},",
    b"[]",
    b"[{}]",
    b"null",
    b"true",
    b"True",
    b"nul",
    b"NaN",
    b"-Infinity",
    b"Infinity",
    b'{"a":NaN}',
    b'{"a":-NaN}',
    b"0",
    b"-0",
    b"00",
    b"01",
    b"-",
    b"+1",
    b"1.",
    b".5",
    b"1e5",
    b"1E+05",
    b"1e",
    b"1e400",
    b"-1e400",
    b"1e-400",
    b'{"a":1e400}',
    b'{"a":123456789012345678901234567890}',
    b'{"a":' + b"9" * 5000 + b"}",
    b"0x10",
    b"1_000",
    "\u0661".encode(),
    b'"a"',
    b"'a'",
    b'{"a":1,}',
    b'{"a":1,"a":2}',
    b'{"a" :1}',
    b"{a:1}",
    b'{"a"1}',
    b'{"a":"\x01"}',
    b'{"a":"\x1f"}',
    b'{"a":"\x7f"}',
    b'{"a":"\t"}',
    b'{"a":"\x00"}',
    b'{"a":"\\u12"}',
    b'{"a":"\\u12G4"}',
    b'{"a":"\\u 123"}',
    b'{"a":"\\u+123"}',
    b'{"a":"\\u0x12"}',
    b'{"a":"\\U0041"}',
    b'{"a":"\\x41"}',
    b'{"a":"\\v"}',
    b'{"a":"\\/"}',
    b'{"a":"\\ud83d"}',
    b'{"a":"\\ude00"}',
    b'{"a":"\\ud83d\\ude00"}',
    b'{"a":"\\ud83d\\ud83d\\ude00"}',
    b'{"a":"\\uD83D\\uDE00"}',
    b'{"a":"\\ud83dx\\ude00"}',
    b'{"a":"\xed\xa0\xbd"}',
    b'{"a":"\xff"}',
    b'{"a":"\xc3"}',
    b'{"a":"\xc3\x28"}',
    b'{"a":"\xf0\x9f\x98"}',
    b'{"a":"\xe2\x82\xf0\x9f\x98\x80"}',
    b'{"a":"\xc0\xaf"}',
    b'{"a":"\xf4\x90\x80\x80"}',
    b"\xff{}",
    b'{"\xff":1}',
    b'{"__proto__":{"a":1}}',
    b'{"":""}',
    b"<<<<<<< HEAD",
    b"=======",
    b"[" * 40 + b"]" * 40,
    b"[" * 40 + b"]" * 39,
    b"[" * 100_000,
    b'{"a":' * 50 + b"1" + b"}" * 50,
    b'{"a":"' + b"[" * 500 + b'"}',
    b"// comment",
    b"{} // comment",
    b"{/**/}",
    b'{"a":"' + b"x" * 100_000,
    b'{"a":tru}',
    b'{"a":truefalse}',
    b'{"a":1 2}',
    b'{"type":"entity","name":"n18"}}}',
]


@cache
def corpus() -> tuple[bytes, ...]:
    """Hand-made lines, and valid rows with a few bytes deleted, doubled, swapped or replaced."""
    dice = random.Random(20260831)
    lines = list(HAND_MADE)
    seeds = [text.encode() for text in (ENTITY, RELATION, EXTRA)]
    pool = [*b'{}[]",:\\/0123456789eE+-.unltrfa \t\r\x00\x1f\x7f', 0xC3, 0xA9, 0xE2, 0x80, 0xA8, 0xED, 0xFF]
    for _ in range(4000):
        line = bytearray(dice.choice(seeds))
        for _ in range(dice.randint(1, 3)):
            at = dice.randrange(len(line))
            match dice.randrange(4):
                case 0:
                    del line[at : at + dice.randint(1, 4)]
                case 1:
                    line[at:at] = line[at : at + dice.randint(1, 9)]
                case 2:
                    line[at] = dice.choice(pool)
                case _:
                    line.insert(at, dice.choice(pool))
        lines.append(bytes(line).replace(b"\n", b" "))
    return tuple(lines)


@cache
def verdicts() -> tuple[tuple[str, str], ...]:
    return tuple(node_oracle.judged(list(corpus())))


def our_verdict(line: bytes) -> str:
    if is_blank(line):
        return "blank"
    try:
        value = parse(line, max_nesting=MOST_NESTING)
    except NotJson:
        return "error"
    return "object" if isinstance(value, dict) else "other"


def test_every_line_is_judged_as_node_judges_it() -> None:
    wrong = [
        (line, node, our_verdict(line))
        for line, (node, _) in zip(corpus(), verdicts(), strict=True)
        if our_verdict(line) != node
    ]
    assert wrong == []


def test_the_corpus_has_enough_of_every_verdict() -> None:
    found = [kind for kind, _ in verdicts()]
    assert found.count("object") > 300
    assert found.count("error") > 1000
    assert found.count("blank") >= 7
    assert found.count("other") >= 10


def test_a_line_is_damage_if_node_refuses_it_or_makes_no_object_of_it() -> None:
    for line, (node, _) in zip(corpus(), verdicts(), strict=True):
        decoded = decode(line, "jsonl")
        assert isinstance(decoded, Decoded)
        if node in ("error", "other"):
            assert [bad.raw for bad in decoded.damage] == [line]
        if node == "blank":
            assert decoded.whole
            assert not decoded.rows


def has_number(value: Json) -> bool:
    match value:
        case Number():
            return True
        case dict():
            return any(has_number(member) for member in value.values())
        case list():
            return any(has_number(member) for member in value)
        case _:
            return False


def test_what_is_read_is_written_back_as_node_writes_it() -> None:
    compared = 0
    for line, (node, written) in zip(corpus(), verdicts(), strict=True):
        if node != "object" or has_number(parse(line, max_nesting=MOST_NESTING)):
            continue  # Node rounds numbers, we keep their text
        compared += 1
        assert compact(parse(line)) == written
    assert compared > 50


@pytest.mark.parametrize("seed", range(3))
def test_strings_are_quoted_as_json_stringify_quotes_them(seed: int) -> None:
    dice = random.Random(seed)
    special = [0, 8, 9, 10, 11, 12, 13, 27, 31, 32, 34, 47, 92, 127, 128, 133, 0x2028, 0x2029, 0xFEFF, 0xFFFF]
    special += [0xD7FF, 0xD800, 0xD83D, 0xDBFF, 0xDC00, 0xDE00, 0xDFFF, 0xE000]
    texts = []
    for _ in range(500):
        units = [
            dice.choice([dice.choice(special), dice.randrange(0x10000)]) for _ in range(dice.randint(0, 8))
        ]
        raw = b"".join(unit.to_bytes(2, "little") for unit in units)
        texts.append(raw.decode("utf-16-le", "surrogatepass"))
    escaped = ["".join(f"\\u{int.from_bytes(pair, 'big'):04x}" for pair in _units(text)) for text in texts]
    answers = node_oracle.judged([f'{{"":"{text}"}}'.encode("ascii") for text in escaped])
    assert [f'{{"":{quoted(text)}}}' for text in texts] == [written for _, written in answers]


def _units(text: str) -> list[bytes]:
    raw = text.encode("utf-16-be", "surrogatepass")
    return [raw[at : at + 2] for at in range(0, len(raw), 2)]
