"""From raw rows to what they say, whatever they were cut out of.

Rule 1: a row that is known is looked up, not parsed: one changed row costs one row.
Rule 2: one bad row never hides another.
Rule 3: rows that JavaScript's `trim` makes empty are passed over, as the servers pass over them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from memsync_git.formats.canonical import TooDeep
from memsync_git.formats.rows import Damage, Limits, Misfit, Rows, TooLarge, largest_observation, read_row
from memsync_git.model import Projection, Record

JS_SPACE = (
    "\t\n\v\f\r \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)
"""What `String.prototype.trim` removes (ECMA-262, WhiteSpace and LineTerminator)."""


def read_rows(
    raws: Sequence[bytes],
    lines: Sequence[int],
    projection: Projection,
    limits: Limits,
    known: Mapping[bytes, Record],
) -> tuple[Rows, list[Damage]] | TooLarge:
    """Read raw rows; `lines` says on which line of the file each stands, counted from 1."""
    records: list[Record | None] = list(map(known.get, raws))
    damage: list[Damage] = []
    passed: set[int] = set()
    for at in [at for at, record in enumerate(records) if record is None]:
        found = _read(raws[at], lines[at], projection, limits) if raws[at] else _BLANK
        if isinstance(found, TooLarge):
            return found
        if isinstance(found, Damage):
            passed.add(at)
            if not is_blank(raws[at]):
                damage.append(found)
        else:
            records[at] = found
    if passed:
        standing = [at for at in range(len(raws)) if at not in passed]
        return Rows([raws[at] for at in standing], [records[at] for at in standing]), damage
    return Rows(raws, records), damage


def is_blank(raw: bytes) -> bool:
    """Whether the servers skip this line."""
    return not raw.decode("utf-8", "replace").strip(JS_SPACE)


def _read(raw: bytes, line: int, projection: Projection, limits: Limits) -> Record | Damage | TooLarge | None:
    if len(raw) > limits.max_line_bytes:
        return TooLarge("a line", line, len(raw), limits.max_line_bytes)
    try:
        record = read_row(raw, projection, limits)
    except TooDeep:
        return TooLarge("nesting", line, limits.max_nesting + 1, limits.max_nesting)
    if isinstance(record, Misfit):
        return Damage(line, raw, record.reason)
    if len(raw) > limits.max_observation_bytes:
        size = largest_observation(record)
        if size > limits.max_observation_bytes:
            return TooLarge("an observation", line, size, limits.max_observation_bytes)
    return record


_BLANK = Damage(0, b"", "")
