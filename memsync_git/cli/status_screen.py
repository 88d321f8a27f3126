"""The screen of `status`."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from memsync_git.cli.failures import words_of
from memsync_git.cli.printing import put
from memsync_git.cli.terminal import Screen, columns, counted, cut, safe
from memsync_git.words import OutcomeWord, StateWord, Verdict

if TYPE_CHECKING:
    from memsync_git.app import App
    from memsync_git.documents import HostPart, StatusDocument

MOST_NAMED, LONGEST_NAME = 3, 24
"""What a line of the screen has room for."""
STATES: dict[StateWord, tuple[Verdict, str]] = {
    "in_sync": ("ok", "in sync"),
    "pending": ("ok", "changes wait for the next sync"),
    "syncing": ("ok", "syncing now"),
    "offline": ("warn", "offline; work here is safe and goes out later"),
    "stopped": ("warn", "nothing syncs by itself on this machine"),
    "paused": ("warn", "paused: memsync-git resume"),
    "attention": ("fail", "something needs you"),
}

WORDS: dict[OutcomeWord, str] = {
    "accepted": "published",
    "nothing": "nothing new",
    "stale": "another was first",
    "failed": "failed",
    "offline": "offline",
    "refused": "refused",
    "held": "held",
    "unusable": "memory file unusable",
    "locked": "locked",
}


def show(app: App, *, as_json: bool) -> None:
    """Print how things stand."""
    put(app.status(), render_status, as_json=as_json)
    sys.stdout.flush()


def render_status(document: StatusDocument, screen: Screen) -> str:
    """The screen of `status`."""
    verdict, words = STATES[document["state"]]
    head = f"{screen.mark(verdict)} {screen.paint(words, 'strong')}"
    parts = [head, "", *columns(list(_rows(document, screen))), "", *_hosts(document, screen)]
    for notice in document["notices"]:
        parts += ["", words_of(notice)]
    return "\n".join(parts)


def _rows(document: StatusDocument, screen: Screen) -> Iterator[tuple[str, str]]:
    last = document["last_sync"]
    yield "last sync", f"{screen.ago(last['at'])}, {WORDS[last['outcome']]}" if last else "never"
    if document["failing_since"] or document["silence"]:
        yield "last success", _success(document, screen)
    pending = document["pending"]
    yield "pending", f"{pending['up']} up, {pending['down']} down"
    if document.get("staged"):
        yield "", f"staged: {_names(document['staged'])}"
    if document.get("waiting"):
        yield "", f"to be applied: {_names(document['waiting'])}"
    for file in document["stores"]:
        holds = f"{counted(file['entities'], 'entity')}, {counted(file['relations'], 'relation')}, "
        out = f"; {counted(file['left_out'], 'name')} left out" if file.get("left_out") else ""
        yield f"file {safe(file['store'])}", holds + counted(file["observations"], "observation") + out
        yield "", f"{safe(file['path'])} ({safe(file['format'])})"
    for remote in document["remotes"]:
        outcome = WORDS[remote["outcome"]] if remote["outcome"] else "never spoken to"
        yield f"remote {safe(remote['name'])}", f"{safe(remote['url'])} ({safe(remote['branch'])}), {outcome}"
    if not document["remotes"]:
        yield "remote", "none: memsync-git init"
    yield "conflicts", _with_command(document["conflicts"], "memsync-git conflicts")
    yield "holds", _with_command(document["holds"], "memsync-git holds")
    yield "next sync", _next(document, screen)
    yield "daemon", _daemon(document, screen)


def _names(names: Sequence[str]) -> str:
    """The first of some names."""
    told = ", ".join(cut(name, LONGEST_NAME) for name in names[:MOST_NAMED])
    return f"{told}, …" if len(names) > MOST_NAMED else told


def _success(document: StatusDocument, screen: Screen) -> str:
    """When it last went well, and since when it does not."""
    success, failing = screen.ago(document["last_success"]), document["failing_since"]
    return f"{success}; the first failure since then was {screen.ago(failing)}" if failing else success


def _with_command(number: int, command: str) -> str:
    return f"{number}: {command}" if number else "none"


def _next(document: StatusDocument, screen: Screen) -> str:
    pause = document["pause"]
    if pause is not None:
        return f"after the pause, {screen.ago(pause['until'])}" if pause["until"] else "after the pause"
    return screen.due(document["next_sync"]) if document["next_sync"] else "when you ask for it"


def _daemon(document: StatusDocument, screen: Screen) -> str:
    daemon = document["daemon"]
    seen = f", last seen {screen.ago(daemon['heartbeat'])}" if daemon["heartbeat"] else ""
    if not daemon["running"]:
        return f"not running{seen}"
    how = "; it looks at the file every second" if daemon["watching"] == "polling" else ""
    return f"running (pid {daemon['pid']}){seen}{how}"


def _hosts(document: StatusDocument, screen: Screen) -> list[str]:
    return host_lines(document["hosts"], document["replica"]["id"], screen)


def host_lines(hosts: list[HostPart], own: str, screen: Screen) -> list[str]:
    """A line for each machine."""
    rows = [
        (
            cut(host["host"], 24),
            safe(host["id"]),
            f"rev {host['rev']}",
            f"last change {screen.ago(host['last_change'])}",
            "this machine" if host["id"] == own else "retired" if host["retired"] else "",
        )
        for host in hosts
    ]
    return columns([("machines", "", "", "", ""), *rows])
