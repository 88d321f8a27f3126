"""What git's answer to a push or a fetch means. Pure: text in, outcome out.

Rule 1: each ref is judged by its own `--porcelain` line, never by the exit code and never by `Done`:
over http a killed receive-pack gives exit 1, `Done` and no line; an accepted push may exit 1.
Rule 2: no line means unknown unless git says that it never got through. Repeating the same push is
harmless and tells.
Rule 3: the words of hosting services are kept for people and never parsed.
Source: the decision table measured over file, http and ssh hubs, git 2.39.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from memsync_git.ports import Refused, Unreachable
from memsync_git.remotes._git import Ran
from memsync_git.values import dataclass

MAX_REASON_CHARS = 300


@dataclass(frozen=True, slots=True)
class Taken:
    """The ref is where we wanted it."""


@dataclass(frozen=True, slots=True)
class Behind:
    """Somebody moved the ref first. `contended`: or its lock is stuck; only another look can tell."""

    reason: str
    contended: bool = False


@dataclass(frozen=True, slots=True)
class Declined:
    """The hub will not take the ref."""

    reason: str
    hub_trouble: bool = False


@dataclass(frozen=True, slots=True)
class Unheard:
    """The hub was not reached: nothing can have happened."""

    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """The answer was lost: it may have happened."""

    reason: str


RefOutcome = Taken | Behind | Declined | Unheard | Unknown

_CONTENDED = (
    "failed to update ref",
    "cannot lock ref",
    "incorrect old value",
    "reference already exists",
)
_REFUSED = (
    r"(?i)authentication failed|could not read (?:username|password)|permission denied|access denied"
    r"|returned error: 40[13]|host key verification failed|terminal prompts disabled"
    r"|archived so it is read-only|not authorized|dubious ownership"
)
_UNAUTHORISED = (
    r"(?i)authentication failed|could not read (?:username|password)|terminal prompts disabled"
    r"|returned error: 401"
)
_REDIRECTED = r"(?i)returned error: 30[12378]"
_WANTS_SECOND_PROTOCOL = (
    r"(?i)protocol version|unsupported protocol|protocol v[012]|version 2|git-protocol"
    r"|invalid server response|returned error: 4(?:00|05|06|26)"
)
_CUT_SHORT = r"(?i)hung up|early eof|disconnect|rpc failed|broken pipe|connection reset|unpack status"
_NEVER_THERE = (
    r"(?i)could not resolve|connection refused|could not connect|failed to connect|connection timed out"
    r"|no route to host|network is unreachable|does not appear to be a git repository"
    r"|repository .* not found|unable to access"
)


def outcomes(refs: Iterable[str], ran: Ran) -> Mapping[str, RefOutcome]:
    """What became of each ref of a `git push --porcelain`."""
    lines = _lines_by_ref(ran.out)
    trouble = "remote unpack failed" in ran.err or "unpacker error" in ran.err
    return {
        ref: _of_line(*lines[ref], ran.err, trouble=trouble) if ref in lines else without_line(ran)
        for ref in refs
    }


def _lines_by_ref(out: bytes) -> dict[str, tuple[str, str]]:
    found = {}
    for line in out.decode(errors="replace").split("\n"):
        flag, _, rest = line.partition("\t")
        names, _, summary = rest.partition("\t")
        if len(flag) == 1 and ":" in names:
            found[names.rpartition(":")[2]] = (flag, summary)
    return found


def _of_line(flag: str, summary: str, err: str, *, trouble: bool) -> RefOutcome:
    if flag != "!":
        return Taken()
    if summary.startswith("[rejected]"):
        return Behind(summary)
    if summary.startswith("[remote failure]"):
        return Unknown(summary)
    if trouble or "unpacker error" in summary:
        return Declined(_reason(summary, err), hub_trouble=True)
    if any(words in summary for words in _CONTENDED):
        return Behind(_reason(summary, err), contended=True)
    return Declined(_reason(summary, err))


def without_line(ran: Ran) -> RefOutcome:
    """What a push means that says nothing of a ref."""
    reason = spoken(ran)
    if ran.timed_out:
        return Unknown(reason)
    if is_refusal(ran):
        return Declined(reason)
    if ran.code != 128 or (re.search(_CUT_SHORT, ran.err) and not re.search(_NEVER_THERE, ran.err)):
        return Unknown(reason)
    return Unheard(reason)


def is_unsound(ran: Ran) -> bool:
    """Whether git's own checks refused what a fetch brought."""
    return ran.code != 0 and "fsck" in ran.err


def is_refusal(ran: Ran) -> bool:
    """Whether the hub was reached and would not let us in."""
    return not ran.timed_out and re.search(_REFUSED, ran.err) is not None


def is_unauthorised(ran: Ran) -> bool:
    """Whether a hub over http wants credentials, or others than it was shown."""
    return ran.code != 0 and not ran.timed_out and re.search(_UNAUTHORISED, ran.err) is not None


def is_redirection(ran: Ran) -> bool:
    """Whether a hub over http stands elsewhere."""
    return ran.code != 0 and not ran.timed_out and re.search(_REDIRECTED, ran.err) is not None


def refuses_first_protocol(ran: Ran) -> bool:
    """Whether a hub may only be speaking git's second protocol."""
    failed = ran.code != 0 and not ran.timed_out and not is_refusal(ran)
    return failed and re.search(_WANTS_SECOND_PROTOCOL, ran.err) is not None


def fetch_failure(ran: Ran) -> Unreachable | Refused:
    """What a failed fetch or ls-remote means."""
    if is_refusal(ran):
        return Refused(spoken(ran))
    return Unreachable(spoken(ran))


def spoken(ran: Ran) -> str:
    """What the hub and git said, in one line for people."""
    if ran.timed_out:
        return "The hub did not answer in time"
    said = [line.strip() for line in ran.err.splitlines()]
    telling = [line for line in said if re.match(r"(remote|fatal|error|ssh):\s*\S", line)]
    return " · ".join(telling or said[-1:])[:MAX_REASON_CHARS] or f"git ended with code {ran.code}"


def _reason(summary: str, err: str) -> str:
    said = [
        line for line in err.splitlines() if line.startswith(("remote:", "error: cannot", "error: unable"))
    ]
    return " · ".join([summary, *(line.strip() for line in said)])[:MAX_REASON_CHARS]
