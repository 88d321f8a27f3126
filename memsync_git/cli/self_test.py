"""`memsync-git --test`: everything tried out, nothing changed."""

from __future__ import annotations

from collections.abc import Iterator

from memsync_git.cli.changes import changes_something, render_preview
from memsync_git.cli.exits import DONE, FAILED
from memsync_git.cli.opening import opened
from memsync_git.cli.printing import leave, put
from memsync_git.cli.terminal import Screen, columns, counted, safe
from memsync_git.documents import SelfTestDocument, SelfTestRow


def self_test(*, as_json: bool) -> None:
    """Run the test and leave: 0 only if nothing failed."""
    document = opened().self_test()
    put(document, render_self_test, as_json=as_json)
    leave(FAILED if any(row["verdict"] == "fail" for row in document["rows"]) else DONE)


def render_self_test(document: SelfTestDocument, screen: Screen) -> str:
    """A table with ✓ ! ✗, each row with its time and, where it did not pass, the next command."""
    rows = document["rows"]
    lines = columns([(safe(row["name"]), f"{row['ms']} ms", safe(row["detail"])) for row in rows])
    told = [line for row, text in zip(rows, lines, strict=True) for line in _told(row, text, screen)]
    failed = sum(row["verdict"] == "fail" for row in rows)
    told.append(f"{counted(failed, 'step')} failed" if failed else "Everything works. Nothing was changed.")
    preview = document["preview"]
    if preview is not None and changes_something(preview):
        told += ["", render_preview(preview, screen)]
    return "\n".join(told)


def _told(row: SelfTestRow, text: str, screen: Screen) -> Iterator[str]:
    yield f"{screen.mark(row['verdict'])} {text}"
    if row["hint"] and row["verdict"] != "ok":
        yield f"    Hint: {safe(row['hint'])}"
