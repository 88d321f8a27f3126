"""`memsync-git pause` and `resume`: whether anything syncs by itself."""

from __future__ import annotations

import click

from memsync_git.cli.declaring import examples, json_option
from memsync_git.cli.opening import opened
from memsync_git.cli.printing import put
from memsync_git.cli.terminal import Screen
from memsync_git.documents import PauseDocument

STILL_SAVED = "The daemon still takes in what is noted here; it goes out afterwards."
BY_HAND = "memsync-git sync  works all the same; memsync-git resume  ends the pause"
DAEMON_FOLLOWS = "The daemon syncs at once."
NOBODY_FOLLOWS = "No daemon is running: cron, or you, sync next."


@click.command(epilog=examples("memsync-git pause", "memsync-git pause --for 2h"))
@click.option("--for", "span", metavar="SPAN", help="End the pause by itself after this long: 30min, 2h, 1d.")
@json_option
def pause(span: str | None, as_json: bool) -> None:
    """Let nothing sync by itself, neither the daemon nor cron."""
    put(opened().pause(span), render_pause, as_json=as_json)


@click.command(epilog=examples("memsync-git resume"))
@json_option
def resume(as_json: bool) -> None:
    """End a pause."""
    put(opened().resume(), render_pause, as_json=as_json)


def render_pause(document: PauseDocument, screen: Screen) -> str:
    """What holds now, and what to expect of it."""
    is_running = document["daemon"]["running"]
    if not document["paused"]:
        return f"{screen.mark('ok')} Not paused.\n{DAEMON_FOLLOWS if is_running else NOBODY_FOLLOWS}"
    end = f" The pause ends {screen.ago(document['until'])}." if document["until"] else ""
    lines = [f"{screen.mark('warn')} Paused: nothing syncs by itself.{end}"]
    return "\n".join([*lines, *([STILL_SAVED] if is_running else []), BY_HAND])
