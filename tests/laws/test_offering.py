"""Laws of rounds that offer: together they go as by themselves, each with the outcome of its own offer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsync_git.offering import Offer, Offering, answered, answered_together
from memsync_git.ports import Accepted, Publication, PublishOutcome


@dataclass
class Taker:
    """A remote that accepts everything and says how often it was asked."""

    name: str
    asked: int = 0

    def publish(self, publication: Publication) -> PublishOutcome:
        self.asked += 1
        return Accepted(on_main=True, head=publication.message)


def said(remote: Taker, words: str) -> Offer:
    return Offer(remote, Publication(None, {}, None, words))  # type: ignore[arg-type]


def a_round(remotes: Sequence[Taker], wishes: Sequence[int], name: str) -> Offering[list[str]]:
    """Offers to these remotes in turn; what it was told of each comes back."""
    heard = []
    for number, wish in enumerate(wishes):
        outcome = yield said(remotes[wish], f"{name}{number}")
        assert isinstance(outcome, Accepted)
        heard.append(outcome.head)
    return heard


def by_themselves(offers: Sequence[Offer]) -> list[PublishOutcome]:
    assert len({offer.remote.name for offer in offers}) == 1, "what goes together goes to one remote"
    return [offer.remote.publish(offer.publication) for offer in offers]


@given(st.lists(st.lists(st.integers(0, 1), max_size=4), max_size=4))
def test_each_round_hears_of_its_own_offers_in_their_order(wishes: list[list[int]]) -> None:
    remotes = [Taker("origin"), Taker("backup")]
    rounds = [a_round(remotes, each, f"r{at}-") for at, each in enumerate(wishes)]
    together = answered_together(rounds, by_themselves)
    assert together == [answered(a_round(remotes, each, f"r{at}-")) for at, each in enumerate(wishes)]


def test_what_all_offer_to_one_remote_is_published_at_once() -> None:
    remotes, pushes = [Taker("origin"), Taker("backup")], []

    def push(offers: Sequence[Offer]) -> list[PublishOutcome]:
        pushes.append([offer.publication.message for offer in offers])
        return by_themselves(offers)

    answered_together(
        [a_round(remotes, wishes, name) for name, wishes in (("a", (0, 1)), ("b", (0, 1)))], push
    )
    assert pushes == [["a0", "b0"], ["a1", "b1"]]


def test_what_publishing_raises_is_raised_where_the_rounds_stand() -> None:
    def careful() -> Offering[str]:
        try:
            yield said(Taker("origin"), "x")
        except ArithmeticError:
            return "tidied up"
        return "went on"

    def broken(offers: Sequence[Offer]) -> list[PublishOutcome]:
        raise ArithmeticError

    assert answered_together([careful(), careful()], broken) == ["tidied up", "tidied up"]


def test_a_round_that_raises_ends_the_others_in_order() -> None:
    closed = []

    def patient() -> Offering[None]:
        try:
            yield said(Taker("origin"), "x")
        finally:
            closed.append("patient")

    def failing() -> Offering[None]:
        raise ArithmeticError
        yield said(Taker("origin"), "never")

    with pytest.raises(ArithmeticError):
        answered_together([patient(), failing()], by_themselves)
    assert closed == ["patient"]
