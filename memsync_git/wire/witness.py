"""The witness beside a memory file: which state the file was last seen to equal.

    {"rid":"laptop-7f3a","rev":42,"tok":"9f1c","pub":41,"seen":{"desk-91c2":17}}

Rule 1: it only ever makes a replica more careful, so anything odd reads as no witness at all.
Rule 2: it lies in a folder other programs write to: hostile input, like everything from outside.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from memsync_git.formats.canonical import quoted
from memsync_git.model import Rid
from memsync_git.values import dataclass, field
from memsync_git.wire.headers import MAX_TOKEN_CHARS
from memsync_git.wire.lines import mapped, read_line, rid, text, whole, written_members
from memsync_git.wire.verdicts import LIMITS, MIB, Invalid, WireLimits

MAX_WITNESS_BYTES = MIB
"""256 machines need 20 KB."""


@dataclass(frozen=True, slots=True)
class Witness:
    """The own (rid, rev, tok) the file equals, the newest published rev, and the revs it had joined."""

    rid: Rid
    rev: int
    tok: str
    pub: int
    seen: Mapping[Rid, int] = field(default_factory=dict)


def encode_witness(witness: Witness) -> bytes:
    """The witness as one line of JSON."""
    members = [
        ("rid", quoted(witness.rid)),
        ("rev", str(witness.rev)),
        ("tok", quoted(witness.tok)),
        ("pub", str(witness.pub)),
        ("seen", written_members([(other, str(rev)) for other, rev in sorted(witness.seen.items())])),
    ]
    return (written_members(members) + "\n").encode("utf-8")


def decode_witness(data: bytes) -> Witness | None:
    """Read a witness; None for anything that is not exactly one."""
    if len(data) > MAX_WITNESS_BYTES:
        return None
    try:
        return read_line(data, LIMITS, _witness)
    except Invalid:
        return None


def _witness(value: Any, limits: WireLimits) -> Witness:
    members = mapped(value, "a witness", most=limits.max_hosts)
    seen = mapped(members.get("seen"), "seen", most=limits.max_hosts)
    return Witness(
        rid=rid(members.get("rid"), "rid"),
        rev=whole(members.get("rev"), "rev"),
        tok=text(members.get("tok"), "tok", longest=MAX_TOKEN_CHARS),
        pub=whole(members.get("pub"), "pub"),
        seen={rid(name, "a member of seen"): whole(rev, "a seen rev") for name, rev in seen.items()},
    )
