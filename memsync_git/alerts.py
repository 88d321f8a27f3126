"""What a person must be told without having asked: which troubles there are, and which of them are news.

    status of each store ─ troubles_of ─ concerns_of ─ news ─ advice_on ─ told once per change into trouble

Rule 1: pure. What was told is a value that goes in and comes out; the time is told.
Rule 2: only trouble that needs a person is told: not good news, and not being offline, which passes.
Rule 3: what is said is written here, word for word, beside the names of stores: nothing of a memory, of a
remote or of a path is in it. It is shown on locked screens and read by assistants.
Rule 4: trouble that comes and goes is one trouble until it has stayed away for `CALM_MS`.
Rule 5: what the stores of a machine share, a hub that refuses, is one trouble however many of them meet it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, Literal

from memsync_git.documents import StatusDocument
from memsync_git.values import dataclass, replace

Trouble = Literal["store", "unusable", "held", "refused", "failed", "silent", "stopped", "other"]
Concern = str
"""What is told once: a trouble, and behind a slash the store that has it for itself."""

CALM_MS: Final = 30 * 60_000
"""Trouble that was away for half an hour is over; two runs of cron have then gone well."""
REST_MS: Final = 4 * 3_600_000
"""The same kind of trouble is not told again within four hours: twice a working day is enough to act on."""


@dataclass(frozen=True, slots=True)
class Advice:
    """What happened, in a full sentence, and the next command."""

    sentence: str
    command: str


ADVICE: Final[dict[Trouble, Advice]] = {
    "store": Advice("The replica store on this machine cannot be read.", "memsync-git doctor"),
    "unusable": Advice("The memory file cannot be used as it stands.", "memsync-git doctor"),
    "held": Advice("A large deletion waits for your word.", "memsync-git holds"),
    "refused": Advice("The remote refuses this machine.", "memsync-git --test"),
    "failed": Advice("The last sync failed.", "memsync-git doctor"),
    "silent": Advice("No sync has succeeded for a long time.", "memsync-git status"),
    "stopped": Advice("Nothing syncs by itself on this machine.", "memsync-git service status"),
    "other": Advice("Sync needs you.", "memsync-git status"),
}
"""By trouble, the gravest first."""
OF_A_STORE: Final[frozenset[Trouble]] = frozenset(["store", "unusable", "held", "failed"])
"""What one memory file has for itself: another file's is another trouble. The rest is about remotes and the
machine, which stores share."""
TAKES_STORE: Final = frozenset(["memsync-git doctor", "memsync-git holds", "memsync-git status"])
"""The commands above that take `--store`."""
MOST_NAMED: Final = 3
"""Stores in one sentence; a note on a screen has room for little more."""


def troubles_of(document: StatusDocument) -> tuple[Trouble, ...]:
    """The troubles of a machine, the gravest first."""
    outcomes = {remote["outcome"] for remote in document["remotes"]}
    if document["last_sync"] is not None:
        outcomes.add(document["last_sync"]["outcome"])
    found: dict[Trouble, bool] = {
        "unusable": "unusable" in outcomes,
        "held": document["holds"] > 0,
        "refused": "refused" in outcomes,
        "failed": "failed" in outcomes,
        "silent": document["silence"] is not None,
        "stopped": document["state"] == "stopped",
    }
    troubles = tuple(trouble for trouble, is_there in found.items() if is_there)
    return troubles or (("other",) if document["state"] == "attention" else ())


Troubles = Mapping[str, Sequence[Trouble]]
"""The troubles of every store of a machine, by its name."""


def concerns_of(troubles: Troubles) -> tuple[Concern, ...]:
    """What there is to tell of a machine, the gravest first: what stores share once, the rest by store."""
    return gravest_first({concern_of(each, store) for store, has in troubles.items() for each in has})


def concern_of(trouble: Trouble, store: str) -> Concern:
    """What is told once of a trouble that a store has."""
    return f"{trouble}/{store}" if trouble in OF_A_STORE else trouble


def gravest_first(concerns: Iterable[Concern]) -> tuple[Concern, ...]:
    """Concerns in the order of `ADVICE`; what another release has remembered comes last."""
    order = list[str](ADVICE)
    place = {concern: concern.partition("/")[0] for concern in concerns}
    return tuple(
        sorted(
            place, key=lambda each: (order.index(place[each]) if place[each] in order else len(order), each)
        )
    )


def advice_on(concerns: Collection[Concern], troubles: Troubles) -> list[Advice]:
    """What to say of some concerns, a sentence for each trouble; a store is named if not all are meant."""
    said = []
    for trouble in ADVICE:
        whose = [
            store
            for store, has in troubles.items()
            if trouble in has and concern_of(trouble, store) in concerns
        ]
        if whose:
            said.append(ADVICE[trouble] if len(whose) == len(troubles) else _named(ADVICE[trouble], whose))
    return said


def _named(advice: Advice, stores: Sequence[str]) -> Advice:
    """The same of some stores; the command is about the first of them."""
    names = ", ".join(stores[:MOST_NAMED])
    more = f" and {len(stores) - MOST_NAMED} more" if len(stores) > MOST_NAMED else ""
    command = f"{advice.command} --store {stores[0]}" if advice.command in TAKES_STORE else advice.command
    return Advice(f"{names}{more}: {advice.sentence}", command)


@dataclass(frozen=True, slots=True)
class Mark:
    """What is remembered of one trouble. Times are wall-clock milliseconds since 1970.

    told_ms: when it was last told, 0 for never. is_told: it was in this episode. gone_ms: since when it is
    away, None while it lasts.
    """

    told_ms: int = 0
    is_told: bool = False
    gone_ms: int | None = None


Marks = Mapping[Concern, Mark]


def news(
    concerns: Collection[Concern], marks: Marks, now_ms: int
) -> tuple[tuple[Concern, ...], dict[Concern, Mark]]:
    """The concerns to tell now, the gravest first, and what to remember once they were told."""
    after: dict[Concern, Mark] = {}
    told: list[Concern] = []
    for concern in gravest_first({*concerns, *marks}):
        mark = marks.get(concern)
        if concern in concerns:
            episode = _going_on(mark or Mark(), now_ms)
            if not episode.is_told and _has_rested(episode, now_ms):
                told.append(concern)
                episode = Mark(told_ms=now_ms, is_told=True)
            after[concern] = episode
        elif mark is not None:
            away = _away(mark, now_ms)
            if not _is_forgotten(away, now_ms):
                after[concern] = away
    return tuple(told), after


def _going_on(mark: Mark, now_ms: int) -> Mark:
    """A trouble that is there: the same episode, or a new one after a calm."""
    is_new = mark.gone_ms is not None and abs(now_ms - mark.gone_ms) >= CALM_MS
    return replace(mark, gone_ms=None, is_told=mark.is_told and not is_new)


def _away(mark: Mark, now_ms: int) -> Mark:
    return mark if mark.gone_ms is not None else replace(mark, gone_ms=now_ms)


def _has_rested(mark: Mark, now_ms: int) -> bool:
    """A clock that was set back must not silence a trouble for years."""
    return abs(now_ms - mark.told_ms) >= REST_MS


def _is_forgotten(mark: Mark, now_ms: int) -> bool:
    """Nothing of it matters any more."""
    is_over = mark.gone_ms is not None and abs(now_ms - mark.gone_ms) >= CALM_MS
    return is_over and _has_rested(mark, now_ms)
