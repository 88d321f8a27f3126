"""`memsync-git hosts`: the machines of the fleet."""

from __future__ import annotations

import click

from memsync_git.cli.asking import agree
from memsync_git.cli.changes import machine_words
from memsync_git.cli.declaring import examples, json_option, yes_option
from memsync_git.cli.opening import opened
from memsync_git.cli.printing import put
from memsync_git.cli.status import host_lines
from memsync_git.cli.terminal import Screen, safe
from memsync_git.documents import HostsDocument
from memsync_git.errors import Misused


@click.group(
    invoke_without_command=True, epilog=examples("memsync-git hosts", "memsync-git hosts retire desk-91c2")
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
    """Tell the fleet that the machine RID will not come back. What it noted stays."""
    app = opened()
    agree(f"Retire {_named(app.hosts(), rid)}?", yes=yes)
    put(app.retire(rid), render_hosts, as_json=as_json)


def _named(document: HostsDocument, rid: str) -> str:
    for host in document["hosts"]:
        if host["id"] == rid:
            return machine_words(host["host"], rid)
    raise Misused(
        f"No machine has the id {safe(rid)!r}", unharmed="Nothing was changed.", hint="memsync-git hosts"
    )


def render_hosts(document: HostsDocument, screen: Screen) -> str:
    """A line for each machine."""
    return "\n".join(host_lines(document["hosts"], document["replica"]["id"], screen))
