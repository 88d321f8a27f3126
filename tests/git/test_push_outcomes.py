"""Every answer of a hub to a push, as git writes it, and what it means."""

from __future__ import annotations

import pytest

from memsync_git.ports import Refused, Unreachable
from memsync_git.remotes._git import Ran
from memsync_git.remotes.outcomes import (
    Behind,
    Declined,
    RefOutcome,
    Taken,
    Unheard,
    Unknown,
    fetch_failure,
    outcomes,
)

MAIN, HOST = "refs/heads/main", "refs/memsync/desk-91c2"
OID = "1" * 40


def line(flag: str, ref: str, summary: str) -> str:
    return f"{flag}\t{OID}:{ref}\t{summary}"


def answer(code: int, *lines: str, err: str = "", timed_out: bool = False) -> Ran:
    out = "\n".join(["To /hub.git", *lines, "Done", ""])
    return Ran(code, out.encode(), err, timed_out)


ONE_LINE = [
    (0, "*", "[new branch]", "", Taken),
    (0, "*", "[new reference]", "", Taken),
    (0, " ", "1111111..2222222", "", Taken),
    (0, "+", "1111111...2222222 (forced update)", "", Taken),
    (0, "=", "[up to date]", "", Taken),
    (1, " ", "1111111..2222222", "fatal: unexpected disconnect while reading sideband packet", Taken),
    (1, "!", "[rejected] (fetch first)", "", Behind),
    (1, "!", "[rejected] (non-fast-forward)", "", Behind),
    (1, "!", "[rejected] (stale info)", "", Behind),
    (1, "!", "[rejected] (atomic push failed)", "", Behind),
    (1, "!", "[remote rejected] (hook declined)", "remote: no", Declined),
    (1, "!", "[remote rejected] (deny updating a hidden ref)", "", Declined),
    (1, "!", "[remote rejected] (pre-receive hook declined)", "", Declined),
    (1, "!", "[remote rejected] (branch is currently checked out)", "", Declined),
    (1, "!", "[remote rejected] (protected branch hook declined)", "remote: error: GH006", Declined),
    (1, "!", "[remote rejected] (TF402455: Pushes to this branch are not permitted)", "", Declined),
    (1, "!", "[remote failure] (remote failed to report status)", "", Unknown),
]


@pytest.mark.parametrize(("code", "flag", "summary", "err", "meaning"), ONE_LINE)
def test_a_ref_is_judged_by_its_own_line(
    code: int, flag: str, summary: str, err: str, meaning: type[RefOutcome]
) -> None:
    found = outcomes([HOST], answer(code, line(flag, HOST, summary), err=err))[HOST]
    assert isinstance(found, meaning)


@pytest.mark.parametrize("ref", [MAIN, HOST])
def test_one_ref_of_a_push_may_be_taken_and_the_other_not(ref: str) -> None:
    other = HOST if ref == MAIN else MAIN
    ran = answer(1, line("!", ref, "[rejected] (fetch first)"), line("*", other, "[new branch]"))
    assert outcomes([HOST, MAIN], ran) == {ref: Behind("[rejected] (fetch first)"), other: Taken()}


@pytest.mark.parametrize(
    "summary",
    ["failed to update ref", "cannot lock ref", "incorrect old value provided", "reference already exists"],
)
def test_a_ref_that_could_not_be_locked_was_lost_in_a_race_or_is_stuck(summary: str) -> None:
    ran = answer(1, line("!", MAIN, f"[remote rejected] ({summary})"), err="error: cannot lock ref 'x'")
    found = outcomes([MAIN], ran)[MAIN]
    assert isinstance(found, Behind)
    assert found.contended
    assert "error: cannot lock ref 'x'" in found.reason


@pytest.mark.parametrize(
    ("summary", "err"),
    [
        ("[remote rejected] (unpacker error)", ""),
        ("[remote rejected] (n/a)", "error: remote unpack failed: disk"),
    ],
)
def test_a_hub_that_cannot_store_objects_is_in_trouble(summary: str, err: str) -> None:
    found = outcomes([MAIN], answer(1, line("!", MAIN, summary), err=err))[MAIN]
    assert isinstance(found, Declined)
    assert found.hub_trouble


NO_LINE = [
    (1, "", False, Unknown),
    (128, "fatal: the remote end hung up unexpectedly", False, Unknown),
    (128, "error: RPC failed; curl 52 Empty reply from server", False, Unknown),
    (-15, "", True, Unknown),
    (128, "fatal: unable to access 'http://x/': Could not resolve host: x", False, Unheard),
    (128, "ssh: connect to host x port 22: Connection refused", False, Unheard),
    (128, "fatal: '/gone.git' does not appear to be a git repository", False, Unheard),
    (128, "fatal: repository 'http://127.0.0.1/x/' not found", False, Unheard),
    (128, "git@x: Permission denied (publickey).\nfatal: Could not read from remote", False, Declined),
    (128, "fatal: Authentication failed for 'https://x/'", False, Declined),
    (128, "fatal: could not read Username for 'https://x': terminal prompts disabled", False, Declined),
    (128, "fatal: unable to access 'http://x/': The requested URL returned error: 403", False, Declined),
    (128, "ERROR: This repository was archived so it is read-only.", False, Declined),
    (128, "Host key verification failed.", False, Declined),
]


@pytest.mark.parametrize(("code", "err", "timed_out", "meaning"), NO_LINE)
def test_without_a_line_the_push_is_unknown_unless_git_says_more(
    code: int, err: str, timed_out: bool, meaning: type[RefOutcome]
) -> None:
    found = outcomes([MAIN, HOST], Ran(code, b"", err, timed_out))
    assert {type(outcome) for outcome in found.values()} == {meaning}


def test_done_without_lines_is_not_believed() -> None:
    assert isinstance(outcomes([MAIN], answer(1))[MAIN], Unknown)


def test_a_failed_fetch_was_refused_or_reached_nobody() -> None:
    assert isinstance(fetch_failure(Ran(128, b"", "remote: HTTP Basic: Access denied", False)), Refused)
    assert isinstance(
        fetch_failure(Ran(128, b"", "fatal: unable to access: Connection refused")), Unreachable
    )
    assert fetch_failure(Ran(-15, b"", "", timed_out=True)) == Unreachable("The hub did not answer in time")


def test_reasons_are_one_short_line_with_what_the_hub_said() -> None:
    err = "remote: no space\nnoise\nfatal: gave up\n" + "remote: x\n" * 1000
    reason = fetch_failure(Ran(128, b"", err)).reason
    assert reason.startswith("remote: no space · fatal: gave up")
    assert len(reason) <= 300
