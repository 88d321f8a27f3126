"""Mending a damaged memory file, when a person has asked for it.

    read ─ salvage ─ set aside what cannot be read ─ take in the rest ─┐
                                            the round goes on: apply writes the file clean

Rule 1: nothing is written before every unreadable piece is kept elsewhere.
Rule 2: what a damaged file lacks was not deleted: only additions are taken in, and what the memory knew
comes back with the clean file.
Rule 3: a file that is whole, empty, missing or no file at all is not touched here.
"""

from __future__ import annotations

from memsync_git.formats import Decoded
from memsync_git.formats.salvage import Salvaged, salvage
from memsync_git.ports import Snapshot
from memsync_git.replica import Moment, Observed, Replica
from memsync_git.replica.observing import observe
from memsync_git.sync.capture import Captured, capture, tell
from memsync_git.sync.report import RoundReport, SetAside
from memsync_git.sync.session import Session
from memsync_git.values import replace


def capture_mended(session: Session, report: RoundReport, set_aside: SetAside) -> Captured:
    """Read the file as `capture` does; a damaged one comes back as what a clean one would say."""
    captured = capture(session, report)
    if captured.state != "damaged" or not isinstance(captured.standing, Snapshot):
        return captured
    salvaged = salvage(bytes(captured.standing.data), session.settings.variant)
    decoded = session.decode(salvaged.clean)
    if not isinstance(decoded, Decoded) or not decoded.whole:
        return captured
    refusal = set_aside([damage.raw for damage in salvaged.quarantined])
    if refusal is not None:
        return replace(captured, reason=refusal.reason, hint=refusal.hint)
    report.notes.append(_told(salvaged))
    return _taken_in(session, report, replace(captured, decoded=decoded, clean=salvaged.clean))


def _taken_in(session: Session, report: RoundReport, captured: Captured) -> Captured:
    """Save what the readable part says; a replica without a past meets it later, as its first version."""
    assert captured.decoded is not None
    if not session.replica.ring:
        return replace(captured, state="waiting", reason="", hint="")
    mtime_ms = captured.standing.mtime_ms if isinstance(captured.standing, Snapshot) else 0
    version = session.version(captured.decoded, captured.clean or b"", mtime_ms)

    def taken_in(replica: Replica, moment: Moment) -> Observed:
        return observe(replica, replace(version, whole=False), moment)

    observed = session.act(taken_in)
    tell(session, report, observed)
    return replace(captured, state="good", observed=observed, reason="", hint="")


def _told(salvaged: Salvaged) -> str:
    count = len(salvaged.quarantined)
    if not count:
        return "The memory file was damaged; all of it could be read."
    pieces = "1 piece" if count == 1 else f"{count} pieces"
    return f"The memory file was damaged; {pieces} of it went to quarantine, the rest is kept."
