"""Rounds that offer what they publish, instead of publishing it: so those of several stores can be one push.

    round A ─ … ─ offer ─┐             ┌─ outcome ─ … ─ report
    round B ─ … ─ offer ─┴─ publish ──▶┴─ outcome ─ … ─ report

Rule 1: a round goes as it goes by itself; it is only kept waiting where it publishes.
Rule 2: all rounds go on as far as they can before anything is published, in their order.
Rule 3: each is sent the outcome of its own offer; what a round raises ends them all.
Rule 4: nothing heavy is imported: a quiet `sync` offers nothing, and is answered by this.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from memsync_git.values import dataclass

if TYPE_CHECKING:
    from memsync_git.ports import Publication, PublishOutcome, Remote

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Offer:
    """What a round would publish to a remote."""

    remote: Remote
    publication: Publication


Offering = Generator[Offer, "PublishOutcome", T]
"""A round, or a part of one, that offers now and then and is sent the outcome."""

Publish = Callable[[Sequence[Offer]], "Sequence[PublishOutcome]"]
"""Publishes what several stores offer to one remote; the outcomes come in the same order."""


def answered(steps: Offering[T]) -> T:
    """One round by itself: what it offers is published at once."""
    try:
        offer = next(steps)
        while True:
            try:
                outcome = offer.remote.publish(offer.publication)
            except BaseException as error:  # noqa: BLE001  it is raised where the round stands
                offer = steps.throw(error)
            else:
                offer = steps.send(outcome)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]


def answered_together(rounds: Sequence[Offering[T]], publish: Publish) -> list[T]:
    """Several rounds, one for each store: what they offer to one remote is published together."""
    ended: dict[int, T] = {}
    offers: dict[int, Offer] = {}

    def go_on(at: int, step: Callable[[], Offer]) -> None:
        offers.pop(at, None)
        try:
            offers[at] = step()
        except StopIteration as end:
            ended[at] = end.value

    try:
        for at, steps in enumerate(rounds):
            go_on(at, steps.__next__)
        while offers:
            name = offers[min(offers)].remote.name
            group = [at for at in sorted(offers) if offers[at].remote.name == name]
            for at, step in zip(group, _answers(publish, [offers[at] for at in group]), strict=True):
                go_on(at, partial(step, rounds[at]))
    finally:
        for steps in rounds:
            steps.close()
    return [ended[at] for at in range(len(rounds))]


def _answers(publish: Publish, offers: Sequence[Offer]) -> Sequence[Callable[[Offering[T]], Offer]]:
    """How each round that offered something goes on: with its outcome, or with what publishing raised."""
    try:
        outcomes = publish(offers)
    except Exception as error:  # noqa: BLE001  it is raised where the rounds stand
        return [lambda steps, error=error: steps.throw(error) for _ in offers]  # type: ignore[misc]
    return [lambda steps, outcome=outcome: steps.send(outcome) for outcome in outcomes]  # type: ignore[misc]
