"""One redactor for messages, logs and reports: no known kind of secret comes through it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsync_git.redaction import SECRETS, redacted

SECRET = "hunter2hunter2hunter2"
LEAKS = [
    f"https://me:{SECRET}@host/x.git",
    f"url_https://{SECRET}@host/x.git",
    f"1https://me:{SECRET}@host",
    f"git+ssh://me:{SECRET}@host/x",
    f"ssh://git:{SECRET}@host/x",
    f"Authorization: Basic {SECRET}",
    f"authorization=Bearer {SECRET}",
    f"{{'Authorization': 'Basic {SECRET}'}}",
    f"Proxy-Authorization: Basic {SECRET}",
    f"PRIVATE-TOKEN: {SECRET}",
    f"Set-Cookie: session={SECRET}",
    f"the token is Bearer {SECRET}",
    *(f"{kind}_{SECRET}" for kind in ("ghp", "gho", "ghu", "ghs", "ghr", "github_pat")),
    *(f"{kind}-{SECRET}" for kind in ("glpat", "gldt", "glrt", "AGE-SECRET-KEY", "age-secret-key")),
    f"AGE-PLUGIN-YUBIKEY-{SECRET}",
]
HARMLESS = [
    "The bearer of this is Alice.",
    "ssh://git@host/x",
    "git@host:me/memory.git",
    "age-plugin-yubikey was not found",
    "global-settings-of-all-machines",
    "/srv/a@b/hub.git",
]

_AROUND = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=20)


@pytest.mark.parametrize("leak", LEAKS)
def test_a_secret_is_hidden(leak: str) -> None:
    assert SECRET not in redacted(leak)


@given(_AROUND, st.sampled_from(LEAKS), _AROUND)
def test_a_secret_is_hidden_whatever_stands_around_it_on_its_line(before: str, leak: str, after: str) -> None:
    assert SECRET not in redacted(f"{before} {leak} {after}")


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redacted(text) == text


@given(_AROUND, st.sampled_from([*LEAKS, *HARMLESS]))
def test_what_was_redacted_once_needs_no_second_time(before: str, text: str) -> None:
    once = redacted(f"{before} {text}")
    assert redacted(once) == once


_LETTERS = st.text(st.sampled_from('aeorutIıİkKſsSKGghHLl_-@:/ "=1'), max_size=12)


@pytest.mark.parametrize("leak", [*LEAKS, *HARMLESS])
@given(_LETTERS, _LETTERS)
def test_no_pattern_is_left_out_that_would_find_something(leak: str, before: str, after: str) -> None:
    folds = str.maketrans("ski", "\u017f\u212a\u0131")
    for spelt in (leak, leak.upper(), leak.title(), leak.translate(folds)):
        text = found = before + spelt + after
        for _, pattern, instead in SECRETS:
            found = re.sub(pattern, instead, found)
        assert redacted(text) == found
