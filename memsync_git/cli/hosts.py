"""`memsync-git hosts`: the machines of the fleet."""

from __future__ import annotations

import click

from memsync_git.cli.asking import agree
from memsync_git.cli.changes import machine_words
from memsync_git.cli.declaring import examples, json_option, yes_option
from memsync_git.cli.lazy import LazyGroup
from memsync_git.cli.opening import opened
from memsync_git.cli.printing import put, put_notices
from memsync_git.cli.status_screen import host_lines
from memsync_git.cli.terminal import Screen
from memsync_git.documents import HostPart, HostsDocument


@click.group(
    cls=LazyGroup,
    places={},
    invoke_without_command=True,
    epilog=examples("memsync-git hosts", "memsync-git hosts retire desk-91c2"),
)
@json_option
@click.pass_context
def hosts(context: click.Context, as_json: bool) -> None:
    """List the machines, each with its last change."""
    if context.invoked_subcommand is None:
        put(opened().hosts(), render_hosts, as_json=as_json)


@hosts.command(epilog=examples("memsync-git hosts retire desk-91c2"))
@click.argument("rid")
@yes_option
@json_option
def retire(rid: str, yes: bool, as_json: bool) -> None:
    """Tell the fleet that a machine, named by id or label, will not come back. What it noted stays."""
    app = opened()
    meant = retirable(app.hosts(), rid)
    if meant is not None:
        agree(f"Retire {machine_words(meant['host'], meant['id'])}?", yes=yes)
    document = app.retire(rid)
    put(document, render_hosts, as_json=as_json)
    if not as_json:
        put_notices(document.get("notices", ()))


@hosts.command(epilog=examples("memsync-git hosts rename kitchen"))
@click.argument("label")
@json_option
def rename(label: str, as_json: bool) -> None:
    """Give this machine another label. Its id, and everything it noted, stays."""
    document = opened().rename(label)
    put(document, render_hosts, as_json=as_json)
    if not as_json:
        put_notices(document.get("notices", ()))


def retirable(document: HostsDocument, name: str) -> HostPart | None:
    """The machine of an id or a label; None where there is nothing to ask, as the app will refuse."""
    found = [host for host in document["hosts"] if host["id"] == name]
    found = found or [host for host in document["hosts"] if host["host"] == name]
    if len(found) != 1 or found[0]["retired"] or found[0]["id"] == document["replica"]["id"]:
        return None
    return found[0]


def render_hosts(document: HostsDocument, screen: Screen) -> str:
    """A line for each machine."""
    return "\n".join(host_lines(document["hosts"], document["replica"]["id"], screen))
