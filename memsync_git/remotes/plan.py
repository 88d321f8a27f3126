"""What a publication still has to bring to a remote: the rules every remote follows, as pure functions.

Rule 1: main gets a fragment only over an older one or none; everything else on it stays as it is.
Rule 2: a host ref has one writer. A revision we did not write, as new as ours, is never built upon.
Source: the formats page, section 2, "Refs" and "The publish round".
"""

from __future__ import annotations

from collections.abc import Mapping

from memsync_git.crdt.fragment import Fragment
from memsync_git.model import Rid
from memsync_git.ports import Accepted, Publication, PublishOutcome, Refused, Stale, Unreachable
from memsync_git.values import dataclass

Version = tuple[int, str]
"""`(rev, tok)` of a fragment."""


def lacking(publication: Publication, on_main: Mapping[Rid, Version]) -> dict[Rid, Fragment]:
    """The fragments main has not at all, or only in an older version."""
    wanted = _carried(publication)
    return {rid: fragment for rid, fragment in wanted.items() if _is_older(on_main.get(rid), fragment)}


def is_joined(publication: Publication, there: Mapping[Rid, Version]) -> bool:
    """Whether a caller has everything that stands somewhere, so that it may build on it.

    On a main that was seen and is not shown any more (a mirror lags, a hub was rolled back) it would put a
    unified file beside newer fragments, and nobody would write that anew.
    """
    carried = _carried(publication)
    return all(rid in carried and carried[rid].version >= version for rid, version in there.items())


def _carried(publication: Publication) -> dict[Rid, Fragment]:
    own = publication.own
    return {**publication.usable, **({own.rid: own} if own is not None else {})}


def judged(publication: Publication) -> dict[Rid, set[Version]]:
    """The versions a caller has read, by what it wants published: those it uses, and its own before this."""
    found = {rid: {fragment.version} for rid, fragment in publication.usable.items()}
    if publication.own is not None and publication.onto is not None:
        found.setdefault(publication.own.rid, set()).add(publication.onto)
    return found


def _is_older(there: Version | None, fragment: Fragment) -> bool:
    return there is None or there < fragment.version


@dataclass(frozen=True, slots=True)
class Present:
    """The host ref holds this very revision already."""


@dataclass(frozen=True, slots=True)
class Ahead:
    """Ours is newer than what the host ref holds, or it holds nothing."""


@dataclass(frozen=True, slots=True)
class Foreign:
    """The host ref holds a revision as new as ours that is not ours."""

    reason: str


OwnPlan = Present | Ahead | Foreign


def own_plan(own: Fragment, there: Version | None, *, onto: Version | None = None) -> OwnPlan:
    """How the own fragment stands to the version last seen on its host ref; `onto` as in `Publication`."""
    if there == own.version:
        return Present()
    if onto is not None and there != onto:
        return Foreign(foreign_reason(own))
    if there is None or there[0] < own.rev:
        return Ahead()
    return Foreign(foreign_reason(own))


def remembers_more(publication: Publication, seen: str, known: str) -> bool:
    """Whether a remote was last seen otherwise than its caller knows: an answer never came, or a process died
    between a fetch and its joining. Nothing may be built on what was seen and not joined.

    `seen`, `known`: digests; `known` is empty where the caller knows of none.
    """
    return publication.onto is not None and known not in ("", seen)


NOT_JOINED = "What was last seen there was not taken in yet"


def foreign_reason(own: Fragment) -> str:
    """The sentence for people when somebody else wrote under our replica id."""
    return f"Another installation published revision {own.rev} or later as {own.rid}"


Verdict = None | Stale | Refused | Unreachable
"""What became of one ref of a push: None when it moved, or did not have to."""


def joint_outcome(host: Verdict, main: Verdict, *, carries_own: bool, head: str = "") -> PublishOutcome:
    """The outcome of a push from what became of its two refs.

    `carries_own`: the publication had an own fragment, so main carries it too. A stale host ref
    outweighs everything: whoever wrote it must be known before anything else is said.
    """
    match host:
        case Stale():
            return host
        case None:
            if main is None:
                return Accepted(on_main=True, head=head)
            if carries_own or isinstance(main, Stale):
                return Accepted(on_main=False, head=head, main_refused=isinstance(main, Refused))
            return main
        case Refused():
            return Accepted(on_main=True, head=head) if main is None else main
        case Unreachable():
            return Accepted(on_main=True, head=head) if main is None else host
