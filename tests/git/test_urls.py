"""Which addresses and branch names are taken, and how they are shown."""

from __future__ import annotations

import pytest

from memsync_git.errors import Misused
from memsync_git.redaction import redacted
from memsync_git.remotes.url import check_branch, shown, validate

GOOD = [
    ("git@github.com:me/memory.git", "ssh", "github.com"),
    ("me@host:memory", "ssh", "host"),
    ("host:memory.git", "ssh", "host"),
    ("git@[::1]:memory.git", "ssh", "[::1]"),
    ("ssh://git@host.example:2222/me/memory.git", "ssh", "host.example"),
    ("ssh://host/~/memory.git", "ssh", "host"),
    ("https://github.com/me/memory.git", "https", "github.com"),
    ("https://me@dev.azure.com/me/_git/memory", "https", "dev.azure.com"),
    ("https://[2001:db8::1]/memory.git", "https", "2001:db8::1"),
    ("http://127.0.0.1:8080/memory.git", "http", "127.0.0.1"),
    ("http://localhost/memory.git", "http", "localhost"),
    ("http://[::1]:3000/memory.git", "http", "::1"),
    ("file:///srv/hub.git", "file", ""),
    ("/srv/my memory/hub.git", "file", ""),
]


@pytest.mark.parametrize(("text", "kind", "host"), GOOD)
def test_an_ordinary_address_is_taken_as_it_is(text: str, kind: str, host: str) -> None:
    url = validate(text)
    assert (url.text, url.kind, url.host) == (text, kind, host)
    assert url.is_local == (kind == "file")


BAD = [
    "",
    "x" * 3000,
    "ext::sh -c touch% /tmp/pwned",
    "EXT::sh -c id",
    "fd::17",
    "http::http://127.0.0.1/x",
    "-oProxyCommand=touch /tmp/pwned",
    "--upload-pack=touch /tmp/pwned",
    "ssh://-oProxyCommand=id/x",
    "ssh://git@-host/x",
    "ssh://-user@host/x",
    "git@-host:path",
    "-user@host:path",
    "git@host:-path",
    "ssh://host/-path",
    "https://host/-path",
    "https://host/",
    "https:///path",
    "host:",
    "git@host: ",
    "git://host/memory.git",
    "ftp://host/memory.git",
    "http://example.org/memory.git",
    "http://127.0.0.1.example.org/x",
    "http://localhost.example.org/x",
    "file://server/share",
    "file://relative/../x",
    "relative/path",
    "./hub.git",
    "~/hub.git",
    "$HOME/hub.git",
    "//server/share",
    "/srv/hub\n.git",
    "/srv/hub\0.git",
    "https://host/a b",
    "https://ho st/x",
    "https://host:port/x",
    "https://[::1/x",
    "https://host/x?access_token=abc",
    "https://host/x#y",
    "git@ho st:path",
    "git@$(id):path",
    "a@b@c:path",
    "https://us$er@host/path",
]


@pytest.mark.parametrize("text", BAD)
def test_what_git_or_a_shell_could_misread_is_refused_with_a_way_out(text: str) -> None:
    with pytest.raises(Misused) as caught:
        validate(text)
    assert caught.value.hint
    assert caught.value.message.isprintable()


SECRETS = [
    "https://me:hunter2@host/x.git",
    "https://ghp_0123456789abcdefghij0123456789abcdef@github.com/me/x",
    "https://github_pat_11AAAAAAA0aaaaaaaaaaaa@github.com/me/x",
    "https://oauth2:glpat-xxxxxxxxxxxxxxxxxxxx@gitlab.com/me/x",
    "ssh://me:hunter2@host/x.git",
]


@pytest.mark.parametrize("text", SECRETS)
def test_a_secret_in_an_address_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(Misused, match="password or token") as caught:
        validate(text)
    said = f"{caught.value.message}{caught.value.unharmed}{caught.value.hint}"
    assert text.partition("://")[2].partition("@")[0].rpartition(":")[2] not in said
    assert "credential" in caught.value.hint or "ssh" in caught.value.hint


def test_messages_of_git_lose_their_secrets() -> None:
    said = redacted(
        "fatal: unable to access 'https://me:p@ss@host/x': Authorization: Basic Zm9v\n"
        "remote: token ghp_abcdefghij0123456789 and glpat-abc_def-123 seen"
    )
    for secret in ("me:", "p@ss", "Zm9v", "ghp_", "glpat-"):
        assert secret not in said
    assert "https://***@host/x" in said


REDACTED = [
    ("ssh://git@host/x", "ssh://git@host/x"),
    ("ssh://git:pw@host/x", "ssh://git:***@host/x"),
    ("ssh://git:p@w@host/x", "ssh://git:***@host/x"),
    ("https://me@host/x", "https://***@host/x"),
    ("https://me:pw@host/x", "https://***@host/x"),
    ("git@host:x/y@z", "git@host:x/y@z"),
    ("/srv/a@b/hub.git", "/srv/a@b/hub.git"),
    ("https://host/x@y", "https://host/x@y"),
]


@pytest.mark.parametrize(("text", "safe"), REDACTED)
def test_only_what_can_be_a_secret_is_hidden(text: str, safe: str) -> None:
    assert redacted(text) == safe


def test_a_validated_address_can_be_stored_as_text() -> None:
    assert (
        str(validate("https://me@dev.azure.com/me/_git/memory")) == "https://me@dev.azure.com/me/_git/memory"
    )


def test_an_address_is_shown_without_control_characters() -> None:
    assert shown("https://x\x1b[31m/y\n") == "https://x�[31m/y�"


@pytest.mark.parametrize("name", ["main", "trunk", "memory/main", "über", "v1.0", "feature@x"])
def test_ordinary_branch_names_are_taken(name: str) -> None:
    assert check_branch(name) == name


BAD_BRANCHES = [
    *("", "@", "HEAD", "-main", "/main", "main/", "main.", "main.lock", "a.lock/b", ".hidden", "a/.b"),
    *("a//b", "a..b", "a b", "a~1", "a^", "a:b", "a?", "a*", "a[", "a\\b", "a@{1}", "x\x7f"),
    *("memsync/desk", "n" * 300),
]


@pytest.mark.parametrize("name", BAD_BRANCHES)
def test_names_git_would_refuse_are_refused_first(name: str) -> None:
    with pytest.raises(Misused):
        check_branch(name)
