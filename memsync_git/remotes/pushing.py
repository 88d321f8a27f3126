"""One push of at most two refs, and what to do when its answer is not plain.

Rule 1: the two refs go in one push and are judged one by one; never `--atomic`, never `--force`.
Rule 2: an answer that was lost is asked for by the same push, once; after a deadline not before the next
round, because the hub that was slow is slow still.
Rule 3: a hub that refuses both may only dislike the company: each is tried alone, once, and what it
takes is remembered as the mode.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from memsync_git.model import Rid
from memsync_git.ports import Refused, Stale, Unreachable
from memsync_git.remotes._git import Ran
from memsync_git.remotes.clone import Clone, Tip
from memsync_git.remotes.glance import ref_of
from memsync_git.remotes.landing import Landing, land, landing_place
from memsync_git.remotes.outcomes import Behind, Declined, RefOutcome, Taken, Unheard, Unknown, outcomes
from memsync_git.remotes.plan import Verdict
from memsync_git.remotes.seen import Branch, Seen
from memsync_git.remotes.shares import Draft, Move
from memsync_git.remotes.trees import Load, Oid
from memsync_git.values import dataclass

RefsMode = Literal["host+main", "main", "host", "branches"]
"""Which refs the hub takes from us; `branches` puts the host refs under refs/heads/memsync/."""
OVERTAKEN = "The hub has moved on since it was looked at"


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became of the two refs, and the mode the hub turned out to need. `taken`: what moved, by name."""

    host: Verdict
    main: Verdict
    refs_mode: RefsMode
    taken: frozenset[str] = frozenset()

    @property
    def is_stale(self) -> bool:
        """Whether somebody was quicker with one of them."""
        return isinstance(self.host, Stale) or isinstance(self.main, Stale)


class Pusher:
    """Pushing to one hub in one mode; `main_name` is main's tracking name."""

    def __init__(self, clone: Clone, mode: RefsMode, *, main_name: str) -> None:
        self._clone = clone
        self._mode: RefsMode = mode
        self._main_name = main_name

    @property
    def moves_main(self) -> bool:
        return self._mode != "host"

    def host_name(self, rid: Rid) -> str | None:
        """The tracking name of the own host ref, None where the hub takes none."""
        match self._mode:
            case "main":
                return None
            case "branches":
                return f"branches/{rid}"
            case "host" | "host+main":
                return f"memsync/{rid}"

    def push(
        self, draft: Draft, host_name: str | None, tips: Mapping[str, Tip], *, carries_own: bool
    ) -> Pushed:
        """Push what the draft moves. `tips`: where the refs were, to tell a lost race from a stuck lock."""
        targets = {name: move.oid for name, move in self._moves(draft, host_name).items()}
        found = self._alone(targets, *self._together(targets))
        found = {name: self._settled(name, outcome, tips.get(name)) for name, outcome in found.items()}
        return self._pushed(found, host_name, carries_own=carries_own)

    def land(
        self, draft: Draft, host_name: str | None, seen: Seen, *, load: Load, carries_own: bool
    ) -> Pushed | None:
        """The same without a program; None where git has to do it. `load` reads a tree of the clone."""
        place = landing_place(self._clone.url)
        if place is None:
            return None
        branches = {**seen.hosts, self._main_name: seen.main}
        moves = self._moves(draft, host_name).items()
        landings = [Landing(name, move, branches.get(name, Branch())) for name, move in moves]
        landed = land(place, draft.objects, landings, load)
        if landed is None:
            return None
        if landed:
            moved = {each.name: each.step for each in landings}
            self._clone.keep_up(place, draft.objects, moved if moved.keys() == landed else {})
        found = {each.name: Taken() if each.name in landed else Behind(OVERTAKEN) for each in landings}
        return self._pushed(found, host_name, carries_own=carries_own)

    def _moves(self, draft: Draft, host_name: str | None) -> dict[str, Move]:
        """What is to be moved, by tracking name."""
        moves = {host_name or "": draft.host, self._main_name: draft.main}
        return {name: move for name, move in moves.items() if move is not None}

    def _pushed(self, found: Mapping[str, RefOutcome], host_name: str | None, *, carries_own: bool) -> Pushed:
        host, main = found.get(host_name or ""), found.get(self._main_name)
        return Pushed(
            host=_verdict(host) if host_name or not carries_own else Refused("The hub takes no host refs"),
            main=_verdict(main) if self.moves_main else Refused("The hub refuses main from us"),
            refs_mode=self._learnt(host, main),
            taken=frozenset(name for name, outcome in found.items() if isinstance(outcome, Taken)),
        )

    def _together(self, targets: Mapping[str, Oid]) -> tuple[Mapping[str, RefOutcome], Ran]:
        found, ran = self._once(targets)
        if any(isinstance(outcome, Unknown) for outcome in found.values()) and not ran.timed_out:
            found, ran = self._once(targets)
        if any(isinstance(outcome, Unknown | Unheard) for outcome in found.values()):
            self._clone.doubt(ran)
        return found, ran

    def _once(self, targets: Mapping[str, Oid]) -> tuple[Mapping[str, RefOutcome], Ran]:
        names = {ref_of(name): name for name in targets}
        ran = self._clone.push({ref: targets[name] for ref, name in names.items()})
        return {names[ref]: outcome for ref, outcome in outcomes(names, ran).items()}, ran

    def _alone(
        self, targets: Mapping[str, Oid], found: Mapping[str, RefOutcome], ran: Ran
    ) -> Mapping[str, RefOutcome]:
        unwilling = [o for o in found.values() if isinstance(o, Declined) and not o.hub_trouble]
        if len(found) < 2 or len(unwilling) < len(found) or not _may_help(ran):
            return found
        return {name: self._once({name: oid})[0][name] for name, oid in targets.items()}

    def _settled(self, name: str, outcome: RefOutcome, tip: Tip | None) -> RefOutcome:
        """A ref that could not be locked: somebody was first, or the hub's lock is stuck."""
        if not isinstance(outcome, Behind) or not outcome.contended:
            return outcome
        if self._clone.tip_on_hub(ref_of(name)) != (tip.oid if tip else None):
            return outcome
        return Declined(outcome.reason, hub_trouble=True)

    def _learnt(self, host: RefOutcome | None, main: RefOutcome | None) -> RefsMode:
        if self._mode != "host+main" or host is None or main is None:
            return self._mode
        if _is_unwilling(main) and isinstance(host, Taken):
            return "host"
        return "main" if _is_unwilling(host) and isinstance(main, Taken) else self._mode


def _may_help(ran: Ran) -> bool:
    """The hub judged the refs (it wrote lines), or a proxy in front of it refused the request as a whole."""
    return b"!\t" in ran.out or "error: 403" in ran.err


def _is_unwilling(outcome: RefOutcome) -> bool:
    return isinstance(outcome, Declined) and not outcome.hub_trouble


def _verdict(outcome: RefOutcome | None) -> Verdict:
    match outcome:
        case None | Taken():
            return None
        case Behind(reason):
            return Stale(reason)
        case Declined(reason, hub_trouble):
            return Refused(reason, hub_trouble=hub_trouble)
        case Unheard(reason) | Unknown(reason):
            return Unreachable(reason)
