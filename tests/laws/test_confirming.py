"""A file that says what was joined is not written for that: from then on it is known to say it."""

from __future__ import annotations

import pytest

from memsync_git.inference import Knowledge
from memsync_git.replica import rows
from tests.laws.test_filtering import BALLAST, BOB, Desk, both_know


def notes_anew(machine: Desk) -> None:
    for said in ((BALLAST,), (BALLAST, BOB)):
        machine.says(*said)
        machine.run()


def noted_anew_elsewhere() -> tuple[Desk, Desk]:
    """Another machine has deleted something and noted it again: the file here says it all the time."""
    desk, phone = both_know(BALLAST, BOB)
    notes_anew(phone)
    before = desk.data
    desk.run()
    assert desk.data == before
    return desk, phone


@pytest.mark.parametrize(("at_once", "is_kept"), [(True, True), (False, False)])
def test_whoever_read_before_a_confirmation_has_not_read_what_it_confirms(
    *, at_once: bool, is_kept: bool
) -> None:
    desk, phone = noted_anew_elsewhere()
    (desk.says_at_once if at_once else desk.says)(BALLAST)
    for machine in (desk, phone, desk):
        machine.run()
    for machine in (desk, phone):
        assert (BOB.key in machine.graph.records) is is_kept


def test_a_clock_that_was_ahead_when_it_was_confirmed_keeps_nothing() -> None:
    desk, phone = both_know(BALLAST, BOB)
    notes_anew(phone)
    year_ms = 365 * 86_400_000
    desk.clock.now_ms += year_ms
    desk.run()
    desk.clock.now_ms -= year_ms
    desk.says(BALLAST)
    for machine in (desk, phone, desk):
        machine.run()
    assert BOB.key not in desk.graph.records
    assert BOB.key not in phone.graph.records


def test_what_was_known_before_is_kept_for_as_long_as_a_writer_may_have_read_it() -> None:
    desk, phone = noted_anew_elsewhere()
    (former,) = desk.session.replica.ring.newest.former
    assert isinstance(former, Knowledge)
    assert former.vv.get("phone-0001", 0) < desk.session.replica.ring.newest.vv["phone-0001"]
    kept = rows.load(desk.store)
    assert kept is not None
    assert kept.ring.newest.former == (former,)
    notes_anew(phone)
    desk.run()
    assert len(desk.session.replica.ring.newest.former) == 1
    assert desk.session.replica.ring.newest.former != (former,)
