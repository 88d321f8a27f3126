"""What the command line says, told as stories and played for real."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.transcript import FOLDER, played

DOCS = Path(__file__).parents[2] / "docs"
GUIDES = ("staged.md",)
"""Pages for people that are played as well."""
TRANSCRIPTS = [*sorted(FOLDER.glob("*.md")), *(DOCS / name for name in GUIDES)]


@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=lambda path: path.stem)
def test_it_goes_as_it_is_told(transcript: Path, tmp_path: Path, home: Path) -> None:
    text = transcript.read_text("utf-8")
    assert played(text, tmp_path) == text


def test_there_are_stories_to_tell() -> None:
    assert len(TRANSCRIPTS) > 5
