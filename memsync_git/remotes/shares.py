"""What stores bring to a push, and the commits made of it. No process, no network.

    share of a store ─┐
    share of a store ─┴─ drafted ─▶  one commit a ref, and what each store will find in it

Rule 1: what stores bring stands at paths of their own, so shares that build on one commit never meet.
Rule 2: a share that does not go with another is for a push of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from memsync_git.model import Rid
from memsync_git.remotes.clone import Tip
from memsync_git.remotes.seen import Branch, Found
from memsync_git.remotes.trees import (
    Entry,
    Load,
    NewObject,
    Oid,
    Person,
    commit_bytes,
    grafted,
    new_object,
    parse_tree,
)
from memsync_git.values import dataclass

MAX_SUBJECT_CHARS = 200
STORE = "Memsync-Store"
"""The trailer that says which store the trailers behind it are about."""


@dataclass(frozen=True, slots=True)
class Move:
    """A ref to be moved to the commit of `branch`, and that commit's tree and time."""

    branch: Branch
    tree: Oid
    at_s: int

    @property
    def oid(self) -> Oid:
        assert self.branch.oid is not None
        return self.branch.oid

    @property
    def tip(self) -> Tip:
        return Tip(self.oid, self.tree, self.at_s)


@dataclass(frozen=True, slots=True)
class Step:
    """What the next commit of a ref holds beyond its parent: by path, and the fragments that stand there."""

    parent: Branch
    changes: Mapping[str, Entry | None]
    found: Mapping[Rid, Found]
    person: Person


Part = Move | Step | None
"""What a store wants of a ref: a commit made before, another one, or nothing."""


@dataclass(frozen=True, slots=True)
class Share:
    """What one store brings: objects, what it wants of both refs, and what is said of it."""

    objects: tuple[NewObject, ...]
    host: Part
    main: Part
    subject: str
    trailers: tuple[tuple[str, str], ...]

    @property
    def is_empty(self) -> bool:
        """Whether the refs hold everything already."""
        return self.host is None and self.main is None

    def goes_with(self, other: Share) -> bool:
        """Whether both can stand in one commit a ref: they build on the same ones."""
        return _goes_with(self.host, other.host) and _goes_with(self.main, other.main)


def _goes_with(one: Part, other: Part) -> bool:
    if one is None or other is None:
        return not isinstance(one, Move) and not isinstance(other, Move)
    return isinstance(one, Step) and isinstance(other, Step) and one.parent.oid == other.parent.oid


@dataclass(frozen=True, slots=True)
class Draft:
    """What to store and what to move. None: that ref holds everything already."""

    objects: tuple[NewObject, ...] = ()
    host: Move | None = None
    main: Move | None = None


def drafted(shares: Sequence[Share], load: Load) -> list[Draft]:
    """A draft for each share, all of the same commits. `load` reads a tree of the clone."""
    objects = {item.oid: item for share in shares for item in share.objects}
    message = _message(shares)
    hosts = _committed([share.host for share in shares], message, load, objects)
    mains = _committed([share.main for share in shares], message, load, objects)
    stored = tuple(objects.values())
    return [Draft(stored, host, main) for host, main in zip(hosts, mains, strict=True)]


def whole(drafts: Sequence[Draft]) -> Draft:
    """What is to be moved for all of them together."""
    hosts, mains = ([getattr(draft, ref) for draft in drafts] for ref in ("host", "main"))
    return Draft(drafts[0].objects, _first(hosts), _first(mains))


def _first(moves: Sequence[Move | None]) -> Move | None:
    return next((move for move in moves if move is not None), None)


def _committed(
    parts: Sequence[Part], message: str, load: Load, objects: dict[Oid, NewObject]
) -> list[Move | None]:
    """One commit for all steps of a ref; each store finds its own fragments in it."""
    steps = [part for part in parts if isinstance(part, Step)]
    if not steps:
        return [part if isinstance(part, Move) else None for part in parts]
    parent = steps[0].parent
    changes = {path: entry for step in steps for path, entry in step.changes.items()}
    tree, trees = grafted(parent.root, changes, load)
    person = max((step.person for step in steps), key=lambda person: person.at_s)
    parents = () if parent.oid is None else (parent.oid,)
    commit = new_object("commit", commit_bytes(tree.oid, parents, person, message))
    objects |= {item.oid: item for item in (*trees, commit)}
    root = parse_tree(tree.data)

    def move(step: Step) -> Move:
        found = {**step.parent.found, **step.found}
        return Move(Branch(commit.oid, root, found, step.parent.newer), tree.oid, person.at_s)

    return [move(part) if isinstance(part, Step) else part for part in parts]


def _message(shares: Sequence[Share]) -> str:
    """What people read: what every store says, and then the trailers of all."""
    said = dict.fromkeys(_one_line(share.subject) for share in shares)
    subject = "; ".join(filter(None, said))[:MAX_SUBJECT_CHARS] or "memsync-git: sync"
    trailers = [f"{_one_line(key)}: {_one_line(value)}" for share in shares for key, value in share.trailers]
    return "\n".join([subject, "", *trailers]) if trailers else subject


def _one_line(text: str) -> str:
    return "".join(char if char.isprintable() else " " for char in text).strip()
