"""A round's report as the document `sync` prints.

Rule 1: what went wrong is told once, in a notice: what happened, what was not harmed, the next command.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING

from memsync_git.app.history import LONGEST_REASON_CHARS, LastRound, went
from memsync_git.words import SCHEMA_VERSION, OutcomeWord, worst_outcome

if TYPE_CHECKING:
    from memsync_git.documents import CountPart, NoticePart, RemoteResultPart, SyncDocument
    from memsync_git.options import Cause
    from memsync_git.replica import Replica
    from memsync_git.sync.report import RemoteReport, RoundReport, Tally

UNTOUCHED = "Your file is as it was and nothing was deleted."
LEFT_ALONE = "Your file is as it was and nothing was deleted; the readable lines were taken in."
NOTHING_DELETED = "Nothing was deleted."
LOCAL_WORK_IS_SAFE = "What was noted on this machine is saved and will be published later."

MOST_NAMED = 5
"""Names in one notice: more of them no longer fit into a line or two."""
NOT_WRITTEN = "nothing was written about that."
NOT_TOUCHED = "What the memory file and the other machines say of it stays as it is."
RULES_HINT = "memsync-git config get stores.default.exclude"


def sync_document(report: RoundReport, *, conflicts: int, holds: int, dry_run: bool = False) -> SyncDocument:
    """What `sync --json` prints."""
    return {
        "schema_version": SCHEMA_VERSION,
        "outcome": outcome_of(report, holds=holds),
        "local": count_of(report.local),
        "remote": count_of(report.remote),
        "conflicts": conflicts,
        "holds": holds,
        "published": report.published,
        "wrote_file": report.wrote_file,
        "rounds": report.rounds,
        "ms": report.ms,
        "txn": report.txn,
        "dry_run": dry_run,
        "remotes": [_result(line) for line in report.remotes],
        "notices": notices_of(report, holds=holds),
    }


def failed_document(names: Iterable[str], told: NoticePart, ms: int) -> SyncDocument:
    """A round that broke before it had anything to report."""
    none: CountPart = {"added": 0, "removed": 0, "changed": 0}
    return {
        "schema_version": SCHEMA_VERSION,
        "outcome": "failed",
        "local": none,
        "remote": none,
        "conflicts": 0,
        "holds": 0,
        "published": False,
        "wrote_file": False,
        "rounds": 0,
        "ms": ms,
        "txn": None,
        "dry_run": False,
        "remotes": [{"name": name, "outcome": "failed", "reason": ""} for name in names],
        "notices": [told],
    }


def count_of(tally: Tally) -> CountPart:
    return {"added": tally.added, "removed": tally.removed, "changed": tally.changed}


def outcome_of(report: RoundReport, *, holds: int) -> OutcomeWord:
    """The worst that happened, by the order of the exit codes; "nothing" only where nothing did."""
    return worst_outcome([*_own_outcomes(report, holds), *(remote_outcome(line) for line in report.remotes)])


def _own_outcomes(report: RoundReport, holds: int) -> Iterable[OutcomeWord]:
    if report.wrote_file or report.local or report.remote:
        yield "accepted"
    if report.file in ("damaged", "emptied", "unusable"):
        yield "unusable"
    if holds or report.file in ("newer", "too large"):
        yield "held"
    if report.file == "waiting" and not report.remotes:
        yield "failed"


def remembered(
    report: RoundReport, outcome: OutcomeWord, unasked: Iterable[str], *, at_ms: int, cause: Cause
) -> LastRound:
    """A round as the installation remembers it. `unasked`: the states of the remotes that were not in it."""
    states = [*(line.state for line in report.remotes), *unasked]
    reasons = [f"{line.name}: {bare(line.reason)}" for line in report.remotes if line.reason]
    return LastRound(
        at_ms,
        outcome,
        report.ms,
        cause,
        went(outcome, states),
        _moved(report.local),
        _moved(report.remote),
        " · ".join(filter(None, [report.file_reason, *reasons]))[:LONGEST_REASON_CHARS],
    )


def _moved(tally: Tally) -> tuple[int, int, int]:
    return tally.added, tally.removed, tally.changed


def remote_outcome(line: RemoteReport) -> OutcomeWord:
    return "nothing" if line.state == "skipped" else line.state


def _result(line: RemoteReport) -> RemoteResultPart:
    return {"name": line.name, "outcome": remote_outcome(line), "reason": line.reason}


def notices_of(report: RoundReport, *, holds: int) -> list[NoticePart]:
    """What a person should know about a round."""
    notices: list[NoticePart] = [notice(text) for text in report.notes]
    if report.file_reason:
        notices.append(notice(report.file_reason, _unharmed(report), report.file_hint))
    waiting = holds - (report.file == "emptied")
    if waiting:
        deletions = "A large deletion waits" if waiting == 1 else f"{waiting} large deletions wait"
        notices.append(
            notice(f"{deletions} for your word.", "Nothing of it was deleted.", "memsync-git holds")
        )
    for line in report.remotes:
        notices += remote_notices(line.name, remote_outcome(line), line.reason, line.hint)
        notices += [notice(f"Left unread on {line.name}: {odd}") for odd in line.unreadable]
    return notices


def _unharmed(report: RoundReport) -> str:
    if report.file == "emptied":
        return NOTHING_DELETED
    return LEFT_ALONE if report.file == "damaged" else UNTOUCHED


def remote_notices(name: str, outcome: OutcomeWord | None, reason: str, hint: str = "") -> list[NoticePart]:
    """What a person should know of a remote that was not reached, or refused."""
    said = {"offline": "could not be reached", "refused": "refused"}.get(outcome or "")
    if said is None or not reason:
        return []
    return [notice(f"{name} {said}: {bare(reason)}", LOCAL_WORK_IS_SAFE, hint or "memsync-git --test")]


def bare(reason: str) -> str:
    """What git said, without its own marks."""
    return " · ".join(re.sub(r"^(fatal|error): ", "", part) for part in reason.split(" · "))


def notice(message: str, unharmed: str = "", hint: str = "") -> NoticePart:
    return {"message": message, "unharmed": unharmed, "hint": hint}


def left_out_notices(names: AbstractSet[str]) -> list[NoticePart]:
    """That a change left out what this machine does not share."""
    if not names:
        return []
    from memsync_git.sync.message import shown

    named = ", ".join(shown(name) for name in sorted(names)[:MOST_NAMED])
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return [notice(f"This machine does not share {named}{more}: {NOT_WRITTEN}", NOT_TOUCHED, RULES_HINT)]


def count_conflicts(replica: Replica) -> int:
    """Registers with several values, and records edited while deleted."""
    state = replica.state
    return sum(len(state.conflicts(key)) + state.is_unanchored(key) for key in replica.contested)


def count_holds(replica: Replica) -> int:
    """Deletions that wait; an emptied file is one of everything."""
    return len(replica.holds) + (1 if replica.emptied else 0)
