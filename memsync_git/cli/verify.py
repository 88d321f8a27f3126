"""`memsync-git verify`: whether file, store and remotes hold the same."""

from __future__ import annotations

import click

from memsync_git.cli.declaring import examples, json_option, store_option
from memsync_git.cli.exits import CODES
from memsync_git.cli.opening import opened
from memsync_git.cli.printing import leave, put
from memsync_git.cli.terminal import Screen, columns, safe
from memsync_git.documents import VerifiedPart, VerifyDocument


@click.command(epilog=examples("memsync-git verify"))
@store_option
@json_option
def verify(as_json: bool) -> None:
    """Compare the file, the store and every remote; exit 0 only if all say the same.

    Else 1 where something differs, 5 where a remote cannot be reached, 6 where it refuses, 7 where the file
    cannot be used.
    """
    document = opened().verify()
    put(document, render_verify, as_json=as_json)
    leave(CODES[document["outcome"]])


def render_verify(document: VerifyDocument, screen: Screen) -> str:
    """A line for each thing that was compared."""
    cells = [(_name(part), safe(part["digest"]) or "-", safe(part["evidence"])) for part in document["parts"]]
    lines = columns(cells)
    told = [
        f"{screen.mark(part['verdict'])} {line}" for part, line in zip(document["parts"], lines, strict=True)
    ]
    same = document["outcome"] == "accepted"
    return "\n".join([*told, "Everything says the same." if same else "Not everything says the same."])


def _name(part: VerifiedPart) -> str:
    """What was compared, behind its store where there are several."""
    named = f"{part['what']} {part['name']}".rstrip()
    return safe(f"{part['store']}: {named}" if "store" in part else named)
