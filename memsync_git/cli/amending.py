"""What `undo` and `restore` have in common: the preview, the question, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from memsync_git.cli.changes import (
    changes_something,
    consent,
    few_lines,
    put_new_notices,
    put_preview,
)
from memsync_git.cli.printing import leave, put
from memsync_git.cli.terminal import Screen, safe
from memsync_git.documents import AmendsDocument, ChangePart

if TYPE_CHECKING:
    from memsync_git.app import App
    from memsync_git.app.amending import Intention


def carry_out(app: App, intention: Intention, *, dry_run: bool, yes: bool, as_json: bool) -> None:
    """Show what would change, ask, and do it. What changes nothing needs no answer."""
    if dry_run:
        put_preview(intention.preview, as_json=as_json)
        leave()
    shown = intention.preview if changes_something(intention.preview) else None
    if shown is not None:
        consent(shown, "Do this?", yes=yes, as_json=as_json)
    document = app.amend(intention)
    told = shown["changes"] if shown is not None else []
    put(document, partial(render_amends, told=told), as_json=as_json)
    if not as_json:
        put_new_notices(document["notices"], shown)


def render_amends(document: AmendsDocument, screen: Screen, *, told: Sequence[ChangePart] = ()) -> str:
    """What was changed, unless just that was `told` before, and how to have it back."""
    if document["txn"] is None:
        return f"{screen.mark('ok')} Nothing to change: {safe(document['action'])}"
    lines = [f"{screen.mark('ok')} Done. memsync-git undo {safe(document['txn'])}  takes it back"]
    if document["changes"] != told:
        lines += few_lines(document["changes"], document["cut"], screen)
    return "\n".join(lines)
