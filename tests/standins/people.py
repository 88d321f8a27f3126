"""Somebody who has told no assistant anything: a home of one test, whoever runs it."""

from __future__ import annotations

from pathlib import Path

import pytest

LEADING_HOME = ("XDG_CONFIG_HOME", "CODEX_HOME", "npm_config_cache", "NPM_CONFIG_CACHE", "SSH_AUTH_SOCK")
"""Variables by which programs find what a person keeps elsewhere."""


def new_person(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let this test run as somebody with this home, an empty folder."""
    for name in LEADING_HOME:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(home))
    return home
