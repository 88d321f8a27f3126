"""Joining fragments: per replica the newest, as far as the whole stays a closed cut.

Rule 1: `join` is the only way two states meet. Per rid the fragment with the larger `(rev, tok)` wins:
a product of chains, so it is commutative, associative and idempotent.
Rule 2: a fragment may be used only beside fragments at least as new as those it had seen; an older
one is used instead, or none. Without this a dropped removal would bring its item back.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from hashlib import sha256

from memsync_git.crdt.fragment import Fragment, Header
from memsync_git.model import Rid

Cut = Mapping[Rid, Fragment]


def join(one: Cut, other: Cut) -> dict[Rid, Fragment]:
    """Per rid the fragment with the larger (rev, tok)."""
    joined = dict(one)
    for rid, fragment in other.items():
        mine = joined.get(rid)
        if mine is None or fragment.version > mine.version:
            joined[rid] = fragment
    return joined


def closed_cut(stored: Cut, found: Iterable[Fragment]) -> dict[Rid, Fragment]:
    """The newest usable fragment of each replica among those stored and found.

    `stored` must be closed itself, so the search always ends at or above it.
    """
    versions: dict[Rid, dict[tuple[int, str], Fragment]] = {}
    for fragment in (*found, *stored.values()):
        versions.setdefault(fragment.rid, {})[fragment.version] = fragment
    chains = {rid: [by[v] for v in sorted(by)] for rid, by in versions.items()}
    failing = True
    while failing:
        failing = False
        for rid in list(chains):
            if not _is_usable(chains[rid][-1], chains):
                failing = True
                chains[rid].pop()
                if not chains[rid]:
                    del chains[rid]
    return {rid: chain[-1] for rid, chain in chains.items()}


def _is_usable(fragment: Fragment, chains: Mapping[Rid, list[Fragment]]) -> bool:
    return all(
        (chains[rid][-1].rev if rid in chains else 0) >= rev for rid, (rev, _) in fragment.header.seen.items()
    )


def cut_name(headers: Iterable[Header], own: Rid) -> str:
    """A short name for the revisions of others in a cut."""
    held = sorted(f"{each.rid}:{each.rev}:{each.tok}" for each in headers if each.rid != own and each.rev)
    return sha256("\n".join(held).encode()).hexdigest()[:16]
