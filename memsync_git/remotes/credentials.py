"""What opens a hub over http, sent at once instead of after a refusal, which would cost a round trip a call.

Rule 1: only git is asked, once a process, with the helpers the person has set up and no way to prompt.
Rule 2: what it says stays in memory and goes back to git in its environment: never in an argument, which
every account of the machine can read, and never in a message or a file.
Rule 3: git hears what became of it: approved where it opened the hub, rejected and asked anew where not.
Rule 4: it is sent to the address it was given for and not on to another one; a hub that redirects is spoken
to in git's own way.
Source: gitcredentials(7), git-credential(1), git-config(1) on http.<url>.*; the facts page, part 5.
"""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from urllib.parse import urlsplit

from memsync_git.remotes import _git
from memsync_git.remotes.url import RemoteUrl
from memsync_git.values import dataclass

HELPER_S = 20.0
"""A helper unlocks a keyring at most; one that waits for a person is not waited for."""


@dataclass(frozen=True, slots=True)
class Credential:
    """A name and a secret. `repr` shows neither; `lines` are what git said, to be told back to it."""

    username: str
    password: str
    lines: bytes

    def __repr__(self) -> str:
        return "Credential(***)"

    @property
    def header(self) -> str:
        """The header that shows it."""
        secret = f"{self.username}:{self.password}".encode()
        return f"Authorization: Basic {b64encode(secret).decode('ascii')}"


def description(url: RemoteUrl) -> bytes:
    """A hub as git-credential(1) takes it."""
    parts = urlsplit(url.text)
    host = parts.netloc.rpartition("@")[2]
    user = f"username={url.user}\n" if url.user else ""
    return f"protocol={url.kind}\nhost={host}\npath={parts.path.lstrip('/')}\n{user}\n".encode()


def parsed(out: bytes) -> Credential | None:
    """What `git credential fill` said; None where it is no name with a secret."""
    rows = (line.partition("=") for line in out.decode("utf-8", "replace").splitlines())
    said = {key: value for key, _, value in rows}
    if not said.get("username") or not said.get("password"):
        return None
    return Credential(said["username"], said["password"], out.rstrip(b"\n") + b"\n\n")


def presented(url: RemoteUrl, credential: Credential, around: Mapping[str, str]) -> dict[str, str]:
    """The settings that send a credential at once, as environment; those `around` it stand.

    git's own helpers are left out of such a call: they would send a second one beside it.
    """
    parts = urlsplit(url.text)
    where = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/"
    first = int(around["GIT_CONFIG_COUNT"]) if around.get("GIT_CONFIG_COUNT", "").isdigit() else 0
    settings = (
        (f"http.{where}.extraHeader", credential.header),
        ("credential.helper", ""),
        ("http.followRedirects", "false"),
    )
    env = {"GIT_CONFIG_COUNT": str(first + len(settings))}
    for at, (key, value) in enumerate(settings, start=first):
        env |= {f"GIT_CONFIG_KEY_{at}": key, f"GIT_CONFIG_VALUE_{at}": value}
    return env


class Credentials:
    """What is known of the way into one hub, for the length of this process."""

    def __init__(self, url: RemoteUrl, git_dir: Path, *, timeout_s: float) -> None:
        self._url = url
        self._git_dir = git_dir
        self._deadline_s = min(HELPER_S, timeout_s)
        self._held: Credential | None = None
        self._was_asked = False
        self._is_approved = False
        self._was_rejected = False

    def environment(self) -> dict[str, str]:
        """What opens the hub at once; nothing where git knows of nothing, or shows something itself."""
        if not self._was_asked:
            self._was_asked = True
            self._held = None if self._shows_itself() else self._asked()
        return presented(self._url, self._held, os.environ) if self._held is not None else {}

    def opened(self) -> None:
        """The hub was opened."""
        self._was_rejected = False
        if self._held is not None and not self._is_approved:
            self._is_approved = True
            self._tell("approve", self._held)

    def refused(self) -> bool:
        """The hub stayed shut. True if git had something else to try, which is held now."""
        shut, self._held = self._held, None
        if shut is None:
            return False
        self._tell("reject", shut)
        if self._was_rejected:
            return False
        self._was_rejected, self._is_approved = True, False
        fresh = self._asked()
        if fresh is None or fresh.header == shut.header:
            return False
        self._held = fresh
        return True

    def withdraw(self) -> bool:
        """Send nothing at once any more. True if something was."""
        held, self._held = self._held, None
        return held is not None

    def _asked(self) -> Credential | None:
        ran = self._credential("fill", description(self._url))
        return parsed(ran.out) if ran.code == 0 else None

    def _tell(self, what: str, credential: Credential) -> None:
        self._credential(what, credential.lines)

    def _credential(self, what: str, stdin: bytes) -> _git.Ran:
        return _git.run(["credential", what], git_dir=self._git_dir, stdin=stdin, deadline_s=self._deadline_s)

    def _shows_itself(self) -> bool:
        """Whether the person's own settings send a header that opens the hub."""
        asked = ["config", "--get-urlmatch", "http.extraHeader", self._url.text]
        return b"authorization:" in _git.run(asked, git_dir=self._git_dir).out.lower()


@cache
def credentials_of(url: RemoteUrl, git_dir: Path, timeout_s: float) -> Credentials:
    """The one way into a hub that a process knows, however many clones ask for it."""
    return Credentials(url, git_dir, timeout_s=timeout_s)
