"""Which addresses a remote may have, and how they are shown. Pure: nothing is looked up or contacted.

Rule 1: an allow-list. https, ssh (URL or `user@host:path`), file:// and absolute paths; http only to
this machine. Whatever git could take for an option or a transport helper is refused.
Rule 2: no secret in an address. It would show in `ps`, in logs and in the configuration.
Rule 3: nothing is expanded: no `~`, no `$NAME`.
Source: the trust page, section 3, "Remote URL, options, credentials, logs".
"""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import SplitResult, urlsplit

from memsync_git.errors import Misused
from memsync_git.redaction import KNOWN_KEYS, redacted
from memsync_git.values import dataclass

Kind = Literal["https", "http", "ssh", "file"]

MAX_URL_CHARS = 2048
"""Longer than any address a hosting service hands out."""
MAX_BRANCH_CHARS = 200

_HELPER = r"[A-Za-z0-9+.-]*::"
_SCP = r"(?:(?P<user>[^@:/]+)@)?(?P<host>\[[0-9A-Fa-f:.]+\]|[^@:/\[\]]+):(?P<path>.+)"
_HOST = r"[A-Za-z0-9_][A-Za-z0-9_.-]*|\[[0-9A-Fa-f:.]+\]"
_USER = r"[A-Za-z0-9_.+][A-Za-z0-9_.+-]*"
_LOOPBACK = r"localhost|127(?:\.\d{1,3}){3}|\[?::1\]?"
_LONGEST_USER_CHARS = 39
"""The longest user name of the large services; what is longer is taken for a token."""


@dataclass(frozen=True, slots=True)
class RemoteUrl:
    """A validated address. `host` is empty for a path; `path` is the local path where there is one.

    user, port: as far as the address names them.
    """

    text: str
    kind: Kind
    host: str = ""
    path: str = ""
    user: str = ""
    port: int | None = None

    @property
    def is_local(self) -> bool:
        return self.kind == "file"

    @property
    def protocols(self) -> str:
        """The value of GIT_ALLOW_PROTOCOL for this address: what redirects and rewrites may use too."""
        return "https:ssh:file" + (":http" if self.kind == "http" else "")

    def __str__(self) -> str:
        return self.text  # validated, so without a secret


def validate(text: str) -> RemoteUrl:
    """Check an address a person or a configuration file gave; raises `Misused` with a way out."""
    if not text or len(text) > MAX_URL_CHARS:
        raise _refused(text, "it is empty or far too long")
    if any(ord(char) < 32 or ord(char) == 127 for char in text):
        raise _refused(text, "it contains control characters")
    if text.startswith("-"):
        raise _refused(text, "it begins with a dash, which git would read as an option")
    if re.match(_HELPER, text):
        raise _refused(text, "it names a git transport helper, which can run any command")
    if "://" in text:
        return _with_scheme(text)
    return _path(text, text) if text.startswith("/") else _scp(text)


def _with_scheme(text: str) -> RemoteUrl:
    if re.search(r"\s", text):
        raise _refused(text, "it contains white space")
    parts = _split(text)
    match parts.scheme:
        case "file":
            return _file(text, parts)
        case "ssh":
            return _ssh(text, parts)
        case "https":
            return _web(text, parts, "https")
        case "http":
            if not re.fullmatch(_LOOPBACK, parts.hostname or ""):
                raise _refused(text, "http carries memories unencrypted", hint="Use https:// or ssh://")
            return _web(text, parts, "http")
        case other:
            raise _refused(text, f"memsync-git does not speak {other}://")


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError as error:
        raise _refused(text, "it is not a well-formed address") from error
    return parts


def _file(text: str, parts: SplitResult) -> RemoteUrl:
    if parts.netloc not in ("", "localhost"):
        raise _refused(text, "a file:// address has no host", hint="Write file:///absolute/path")
    return _path(text, parts.path)


def _path(text: str, path: str) -> RemoteUrl:
    if not path.startswith("/") or path.startswith("//"):
        raise _refused(text, "the path is not absolute")
    return RemoteUrl(text, "file", path=path)


def _ssh(text: str, parts: SplitResult) -> RemoteUrl:
    if parts.password is not None:
        raise _has_secret(text, "an ssh key")
    _check_user(text, parts.username)
    _check_host_and_path(text, parts.hostname or "", parts.path)
    return _named(text, "ssh", parts)


def _named(text: str, kind: Kind, parts: SplitResult) -> RemoteUrl:
    return RemoteUrl(text, kind, host=parts.hostname or "", user=parts.username or "", port=parts.port)


def _scp(text: str) -> RemoteUrl:
    form = re.fullmatch(_SCP, text)
    if form is None or re.search(r"\s", form["host"]):
        raise _refused(text, "it is neither an address nor an absolute path", hint="A path must begin with /")
    _check_user(text, form["user"])
    _check_host_and_path(text, form["host"], form["path"])
    return RemoteUrl(text, "ssh", host=form["host"], user=form["user"] or "")


def _web(text: str, parts: SplitResult, kind: Literal["https", "http"]) -> RemoteUrl:
    if parts.password is not None or _is_secret(parts.username or ""):
        raise _has_secret(text, "a git credential helper")
    if parts.query or parts.fragment:
        raise _refused(
            text, "it carries a query, where tokens are often put", hint="Leave out everything from ? on"
        )
    _check_user(text, parts.username)
    _check_host_and_path(text, parts.hostname or "", parts.path)
    return _named(text, kind, parts)


def _is_secret(user: str) -> bool:
    return len(user) > _LONGEST_USER_CHARS or re.search(KNOWN_KEYS, user) is not None


def _check_user(text: str, user: str | None) -> None:
    if user is not None and not re.fullmatch(_USER, user):
        raise _refused(text, "its user name is not one ssh or git would take safely")


def _check_host_and_path(text: str, host: str, path: str) -> None:
    bracketed = f"[{host}]" if ":" in host and not host.startswith("[") else host
    if not re.fullmatch(_HOST, bracketed):
        raise _refused(text, "its host name is not one ssh or git would take safely")
    if not path.strip("/ ") or path.lstrip("/").startswith("-"):
        raise _refused(text, "its path is empty or begins with a dash")


def _refused(text: str, reason: str, *, hint: str = "") -> Misused:
    example = "Use git@host:me/memory.git, https://host/me/memory.git or /absolute/path/hub.git"
    return Misused(f"The address {shown(text)} cannot be a remote: {reason}", hint=hint or example)


def _has_secret(text: str, instead: str) -> Misused:
    return Misused(
        f"The address {shown(text)} has a password or token in it, which other programs could read",
        unharmed="It was not stored and nothing was contacted.",
        hint=f"Leave it out and use {instead}: git config --global credential.helper cache, or ssh-keygen",
    )


def shown(text: str) -> str:
    """An address as it may stand in a message: redacted, without control characters, cut."""
    return "".join(char if char.isprintable() else "�" for char in redacted(text))[:200]


def check_branch(name: str) -> str:
    """The branch name itself if git would take it for one; raises `Misused` otherwise.

    The rules of git-check-ref-format(1), and no leading dash.
    """
    bad = (
        not name
        or len(name) > MAX_BRANCH_CHARS
        or name.startswith(("-", "/", "memsync/"))
        or name.endswith(("/", "."))
        or name in ("@", "HEAD")
        or any(part.startswith(".") or part.endswith(".lock") or not part for part in name.split("/"))
        or re.search(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{", name) is not None
    )
    if bad:
        raise Misused(f"{shown(name)!r} cannot be the name of a branch", hint="main is the usual one")
    return name
