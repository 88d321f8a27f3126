"""What the command line says, told as stories and played for real."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.transcript import FOLDER, played

DOCS = Path(__file__).parents[2] / "docs"
TRANSCRIPTS = sorted(FOLDER.glob("*.md"))
TOLD_TO_PEOPLE = [path for path in sorted(DOCS.glob("*.md")) if "```console" in path.read_text("utf-8")]


@pytest.mark.parametrize("transcript", [*TRANSCRIPTS, *TOLD_TO_PEOPLE], ids=lambda path: path.stem)
def test_it_goes_as_it_is_told(transcript: Path, tmp_path: Path, home: Path) -> None:
    text = transcript.read_text("utf-8")
    assert played(text, tmp_path) == text


def test_there_are_stories_to_tell() -> None:
    assert len(TRANSCRIPTS) > 5
    assert {"moving.md", "staged.md", "stores.md"} <= {path.name for path in TOLD_TO_PEOPLE}
