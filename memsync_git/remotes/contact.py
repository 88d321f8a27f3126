"""Contacting one hub: what every transport needs so that a call is short, safe and ends.

    ssh     the person's ssh, one connection for many calls       `ssh.py`
    http    credentials at once, asked for again if refused       `credentials.py`
    all     git's first protocol for reading, which spares a round trip; the second where a hub wants it

Rule 1: a call is repeated at most once for each reason, and only where the first did nothing.
Rule 2: what an answer means for a round is not judged here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from memsync_git.remotes import _git, ssh
from memsync_git.remotes._git import Ran
from memsync_git.remotes.credentials import credentials_of
from memsync_git.remotes.outcomes import is_redirection, is_unauthorised, refuses_first_protocol
from memsync_git.remotes.url import RemoteUrl

FIRST, SECOND = "0", "2"
"""Values of `protocol.version`; by the second a fetch costs a round trip more (measured, git 2.39)."""


class Contact:
    """The way from one clone to its hub.

    is_first: the hub is met for the first time. keeps_connection: the caller calls often, and `hang_up` at
    the end. is_locked_out: the last call was not let in for want of credentials.
    """

    def __init__(
        self,
        url: RemoteUrl,
        git_dir: Path,
        *,
        timeout_s: float,
        is_first: bool = False,
        keeps_connection: bool = False,
    ) -> None:
        self.url = url
        self.is_locked_out = False
        self._git_dir = git_dir
        self._timeout_s = timeout_s
        self._is_first = is_first
        self._keeps_connection = keeps_connection
        self._protocol = FIRST
        self._is_settled = False

    def run(self, argv: Sequence[str]) -> Ran:
        """Run a git command that contacts the hub."""
        ran = self._in_protocol(self._protocol, argv)
        if not self._is_settled and refuses_first_protocol(ran):
            again = self._in_protocol(SECOND, argv)
            if again.code == 0:
                self._protocol, ran = SECOND, again
        self._is_settled = self._is_settled or ran.code == 0
        self.is_locked_out = is_unauthorised(ran)
        return ran

    def hang_up(self) -> None:
        """Close what was kept open."""
        if self.url.kind == "ssh":
            ssh.hang_up(self.url, self._git_dir)

    def _in_protocol(self, version: str, argv: Sequence[str]) -> Ran:
        words = ["-c", f"protocol.version={version}", *argv]
        match self.url.kind:
            case "ssh":
                return self._over_ssh(words)
            case "http" | "https":
                return self._over_http(words)
            case "file":
                return self._once(words, {})

    def _over_ssh(self, argv: Sequence[str]) -> Ran:
        env = ssh.environment(self.url, self._git_dir, is_first=self._is_first, keeps=self._keeps_connection)
        ran = self._once(argv, env)
        if ran.timed_out and not self._is_first:
            path = ssh.socket_of(self.url, self._git_dir)
            if path is not None:
                ssh.let_go(path)
        return ran

    def _over_http(self, argv: Sequence[str]) -> Ran:
        way_in = credentials_of(self.url, self._git_dir, self._timeout_s)
        ran = self._once(argv, way_in.environment())
        if (is_unauthorised(ran) and way_in.refused()) or (is_redirection(ran) and way_in.withdraw()):
            ran = self._once(argv, way_in.environment())
            if is_unauthorised(ran):
                way_in.refused()
        if ran.code == 0:
            way_in.opened()
        return ran

    def _once(self, argv: Sequence[str], env: Mapping[str, str]) -> Ran:
        allowed = {"GIT_ALLOW_PROTOCOL": self.url.protocols}
        return _git.run(argv, git_dir=self._git_dir, env={**allowed, **env}, deadline_s=self._timeout_s)
