"""Texts without the credentials that may stand in them: the one redactor for messages, logs and reports.

Rule 1: pure, and for any text: what git says, an exception, an argument, a traceback.
Rule 2: rather too much is hidden than too little; a user name of ssh is no secret.
Source: the trust page, section 3, "Remote URL, options, credentials, logs".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

HIDDEN: Final = "***"

KNOWN_KEYS: Final = (
    r"(?:ghp|gho|ghu|ghs|ghr)_\w+|github_pat_\w+"
    r"|gl(?:pat|oas|dt|rt|cbt|ptt|ft|imt|agent|soat|ffct)-[\w-]+"
    r"|(?i:age-secret-key)-[\w-]+|AGE-PLUGIN-[\w-]+"
)
"""Keys that are known by how they begin: those of GitHub, of GitLab and of age."""

_USERINFO = r"(?i)(?P<kept>ssh://[^/\s:@'\"]+(?=[:@])|(?!ssh:)[a-z][a-z0-9+.-]{0,30}://)[^/\s'\"]*@"
"""What stands before the last @ of an address; the user of ssh is no secret and is kept. The scheme is
bounded, so that a long word costs no more than its length."""
_HEADER = (
    r"(?i)(?P<name>\b(?:proxy-)?authorization|private-token|set-cookie|cookie)"
    r"(?P<mark>['\"]?\s*[:=])[^\r\n]*"
)
_BEARER = r"(?i)\b(?P<name>bearer)\s+[\w.~+/=-]{8,}"
"""RFC 6750; eight characters, so that a sentence about bearer tokens stays readable."""


def redacted(text: str) -> str:
    """Any text without the credentials that may stand in it."""
    folded = text.casefold()
    for signs, pattern, instead in SECRETS:
        if any(sign in folded for sign in signs):
            text = re.sub(pattern, instead, text)
    return text


def _without_userinfo(found: re.Match[str]) -> str:
    if found[0] == f"{found['kept']}@":
        return found[0]
    return f"{found['kept']}{':' if found['kept'].startswith('ssh') else ''}{HIDDEN}@"


SECRETS: Final[tuple[tuple[tuple[str, ...], str, str | Callable[[re.Match[str]], str]], ...]] = (
    (("@",), _USERINFO, _without_userinfo),
    (("author", "token", "cook"), _HEADER, rf"\g<name>\g<mark> {HIDDEN}"),
    (("bearer",), _BEARER, rf"\g<name> {HIDDEN}"),
    (("gh", "hub_pat_", "gl", "age-"), KNOWN_KEYS, HIDDEN),
)
"""Each kind of secret: one of these signs stands in every text that has one; the pattern; what is put there.
Most texts have no sign, and compiling the patterns takes a twentieth of `status`. No sign of what is found in
either case has an i in it: patterns take letters for it that fold to something else."""
