"""Publishing to a hub on this disk without a program: what is new is put where git would put it.

    objects ─▶ hub/objects     each durable before it has its name          `loose.py`
    commits ─▶ hub/refs        each ref by itself, under git's own lock     `reffiles.py`

Rule 1: only where git would ask nobody and do nothing else: no hook, no setting that is not one of a plain
repository, no log of its refs, nothing to be collected.
Rule 2: a ref moves from the commit that was built upon to one of which the hub has everything. So nothing is
forced, and nothing dangles.
Rule 3: what does not fit is left to git, which can be told to do all of it once more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path

from memsync_git.remotes import loose, upkeep
from memsync_git.remotes.glance import ref_of
from memsync_git.remotes.near import near_git_dir
from memsync_git.remotes.reffiles import move_ref
from memsync_git.remotes.seen import Branch
from memsync_git.remotes.shares import Move
from memsync_git.remotes.trees import Load, NewObject, Oid, brought, parse_commit, parse_tree
from memsync_git.remotes.url import RemoteUrl
from memsync_git.values import dataclass

GIT_COLLECTS_LOOSE = 6700
GIT_COLLECTS_PACKS = 50
"""What lets a push begin a collection in a hub that leaves this to git (`gc.auto`, `gc.autoPackLimit`)."""

_PLAIN_SETTINGS = frozenset(
    (
        "core.bare",
        "core.filemode",
        "core.ignorecase",
        "core.loosecompression",
        "core.precomposeunicode",
        "core.repositoryformatversion",
        "core.symlinks",
        "gc.auto",
        "memsync.upkeep",
        "receive.autogc",
        "receive.denydeletes",
        "receive.denynonfastforwards",
    )
)
"""What `git init --bare` and `create_hub` write: none of it asks for more than is done here."""
_SECTION = re.compile(r"\[(\w+)\]")


@dataclass(frozen=True, slots=True)
class Landing:
    """A ref by its tracking name, what it is moved to, and the branch that was built upon."""

    name: str
    move: Move
    onto: Branch

    @property
    def step(self) -> tuple[Oid, Oid]:
        """From where to where."""
        assert self.onto.oid is not None
        return self.onto.oid, self.move.oid


def landing_place(url: RemoteUrl) -> Path | None:
    """The repository at an address, if what is pushed there may be put there."""
    git_dir = near_git_dir(url)
    if git_dir is None:
        return None
    try:
        is_plain = is_plain_configuration((git_dir / "config").read_text())
    except (OSError, ValueError):
        return None
    return git_dir if is_plain and not _has_more_to_do(git_dir) else None


def is_plain_configuration(text: str) -> bool:
    """Whether a repository's own settings are those of a plain bare one, without a word that is not known."""
    section, settings = "", dict[str, str]()
    for line in filter(None, map(str.strip, text.splitlines())):
        header, (name, _, value) = _SECTION.fullmatch(line), line.partition("=")
        if header is not None:
            section = header[1].lower()
        else:
            settings[f"{section}.{name.strip().lower()}"] = value.strip()
    is_bare = settings.get("core.bare") == "true" and settings.get("core.repositoryformatversion") == "0"
    return is_bare and settings.keys() <= _PLAIN_SETTINGS


def _has_more_to_do(git_dir: Path) -> bool:
    """Whether git, told to push, would also run a hook, write a log or begin a collection."""
    hooks, stock = git_dir / "hooks", upkeep.estimated(git_dir)
    return (
        (git_dir / "logs").exists()
        or (hooks.is_dir() and any(path.suffix != ".sample" for path in hooks.iterdir()))
        or stock.loose > GIT_COLLECTS_LOOSE
        or stock.packs > GIT_COLLECTS_PACKS
    )


def land(
    git_dir: Path, objects: Sequence[NewObject], landings: Sequence[Landing], load: Load
) -> frozenset[str] | None:
    """The names of the refs that moved; somebody was first at the others. None: git has to push.

    load: reads a tree of the clone.
    """
    stored = {item.oid: item for item in objects}
    if not loose.are_few(objects) or not all(_is_next(each, stored) for each in landings):
        return None
    folder = git_dir / "objects"
    if not all(loose.is_there(folder, oid) for oid in _needed(landings, stored, load)):
        return None
    try:
        loose.write(folder, objects)
        return frozenset(each.name for each in landings if _is_moved(git_dir, each))
    except (OSError, ValueError):
        return None


def _is_next(landing: Landing, stored: Mapping[Oid, NewObject]) -> bool:
    """Whether a commit is a new one, whose only parent is what was built upon."""
    commit = stored.get(landing.move.oid)
    return commit is not None and parse_commit(commit.data).parents == (landing.onto.oid,)


def _needed(landings: Iterable[Landing], stored: Mapping[Oid, NewObject], load: Load) -> set[Oid]:
    """What the hub has to have already, besides what its refs hold where they are."""
    made = {oid: parse_tree(item.data) for oid, item in stored.items() if item.kind == "tree"}
    steps = (brought(each.onto.root, each.move.branch.root, made, load) for each in landings)
    return set(chain.from_iterable(steps)) - stored.keys()


def _is_moved(git_dir: Path, landing: Landing) -> bool:
    old, new = landing.step
    return move_ref(git_dir, ref_of(landing.name), new, old)
