"""Documents as the app answers them, for the functions that put them into words."""

from __future__ import annotations

from typing import Any

NASTY = "tea\x1b[2J\x1b]0;owned\x07 \u202egnp.exe\u2028\x9b31m\ud83d"
"""Clears the screen, renames the window, turns text round, breaks the line, colours, and is half an emoji."""

PLAIN_STATUS: dict[str, Any] = {
    "schema_version": 1,
    "state": "in_sync",
    "store": "default",
    "replica": {"id": "laptop-7f3a", "host": "laptop"},
    "stores": [
        {
            "store": "default",
            "path": "/m/memory.json",
            "format": "jsonl",
            "entities": 1,
            "relations": 5,
            "observations": 31,
            "other": 0,
        }
    ],
    "remotes": [
        {
            "name": "origin",
            "kind": "git",
            "url": "git@example.org:me/memory.git",
            "branch": "main",
            "head": "abc",
            "last_fetch": "2026-11-20T11:00:00Z",
            "last_push": None,
            "outcome": "accepted",
        }
    ],
    "pending": {"up": 2, "down": 0},
    "conflicts": 1,
    "holds": 0,
    "hosts": [
        {
            "id": "laptop-7f3a",
            "host": "laptop",
            "rev": 42,
            "last_change": "2026-11-20T11:27:00Z",
            "retired": False,
        },
        {"id": "desk-91c2", "host": "desk", "rev": 17, "last_change": None, "retired": True},
    ],
    "daemon": {
        "running": True,
        "pid": 123,
        "heartbeat": "2026-11-20T11:29:58Z",
        "watching": "events",
    },
    "pause": None,
    "last_sync": {"at": "2026-11-20T09:30:00Z", "outcome": "accepted", "ms": 41},
    "last_success": "2026-11-20T09:30:00Z",
    "failing_since": None,
    "silence": None,
    "next_sync": "2026-11-20T11:31:30Z",
    "outcome": "accepted",
    "notices": [],
}
PLAIN_STATUS["file"] = PLAIN_STATUS["stores"][0]
PLAIN_STATUS["remote"] = PLAIN_STATUS["remotes"][0]

SERVICE: dict[str, Any] = {
    "schema_version": 1,
    "action": "status",
    "changed": False,
    "verdict": "warn",
    "sentence": "systemd says that the daemon runs, but it gives no sign of life",
    "next": "memsync-git service restart",
    "services": [
        {
            "name": "systemd",
            "keeps_daemon": True,
            "offered": True,
            "installed": True,
            "what": "/u/memsync-git.service",
            "current": True,
            "running": True,
            "pid": 7,
            "begins": "boot",
            "reason": "",
            "hint": "",
        },
        {
            "name": "cron",
            "keeps_daemon": False,
            "offered": False,
            "installed": False,
            "what": None,
            "current": None,
            "running": None,
            "pid": None,
            "begins": None,
            "reason": "This machine has no crontab command.",
            "hint": "memsync-git sync",
        },
    ],
    "daemon": {"running": False, "pid": 7, "heartbeat": "2026-11-20T11:20:00Z", "watching": None},
    "notices": [],
}

PAUSED_STATUS: dict[str, Any] = {
    **PLAIN_STATUS,
    "state": "paused",
    "daemon": {**PLAIN_STATUS["daemon"], "watching": "polling"},
    "pause": {"until": "2026-11-20T13:30:00Z"},
    "next_sync": None,
}
NO_DAEMON: dict[str, Any] = {"running": False, "pid": None, "heartbeat": None, "watching": None}
PAUSE: dict[str, Any] = {
    "schema_version": 1,
    "paused": True,
    "until": "2026-11-20T13:30:00Z",
    "daemon": PLAIN_STATUS["daemon"],
}
RESUMED: dict[str, Any] = {**PAUSE, "paused": False, "until": None}

ITEM: dict[str, Any] = {"kind": "observation", "name": "Alice", "value": "likes tea"}

SYNC: dict[str, Any] = {
    "schema_version": 1,
    "outcome": "accepted",
    "local": {"added": 2, "removed": 0, "changed": 1},
    "remote": {"added": 0, "removed": 3, "changed": 0},
    "conflicts": 1,
    "holds": 0,
    "published": True,
    "wrote_file": True,
    "rounds": 1,
    "ms": 41,
    "txn": "laptop-7f3a:42",
    "dry_run": False,
    "remotes": [{"name": "origin", "outcome": "accepted", "reason": ""}],
    "notices": [],
}

PREVIEW: dict[str, Any] = {
    "schema_version": 1,
    "action": "join /srv/hub.git as laptop",
    "machines": PLAIN_STATUS["hosts"][1:],
    "would_add": 2,
    "would_remove": 1,
    "would_change": 0,
    "changes": [{**ITEM, "change": "add"}, {**ITEM, "value": "likes coffee", "change": "remove"}],
    "cut": 1,
    "notices": [],
}

CONFLICTS: dict[str, Any] = {
    "schema_version": 1,
    "conflicts": [
        {
            "store": "default",
            "kind": "written",
            "name": "Project X",
            "field": "type",
            "values": [
                {
                    "value": "project",
                    "id": "desk-91c2",
                    "host": "desk",
                    "at": "2026-11-20T11:29:00Z",
                    "mine": False,
                    "winner": True,
                },
                {
                    "value": None,
                    "id": "laptop-7f3a",
                    "host": "laptop",
                    "at": None,
                    "mine": True,
                    "winner": False,
                },
            ],
        }
    ],
}

HOLDS: dict[str, Any] = {
    "schema_version": 1,
    "holds": [
        {
            "id": "h1",
            "store": "default",
            "source": "file",
            "at": "2026-11-20T11:20:00Z",
            "reason": "31 of 40 items would be deleted",
            "entities": 31,
            "relations": 0,
            "observations": 1,
            "items": [ITEM],
            "cut": 30,
        }
    ],
    "decided": [],
    "notices": [],
}

HOSTS: dict[str, Any] = {
    "schema_version": 1,
    "replica": PLAIN_STATUS["replica"],
    "hosts": PLAIN_STATUS["hosts"],
}

SHOW: dict[str, Any] = {
    "schema_version": 1,
    "name": "Alice",
    "at": None,
    "found": [
        {
            "store": "default",
            "name": "Alice",
            "type": "person",
            "observations": [
                {
                    "value": "likes tea",
                    "host": "laptop",
                    "at": "2026-11-20T11:00:00Z",
                    "id": "laptop-7f3a:102",
                }
            ],
            "relations": [{"source": "Alice", "target": "Oslo", "type": "lives_in"}],
            "fields": {"createdAt": '"2026"'},
            "history": [
                {
                    **ITEM,
                    "change": "add",
                    "host": "laptop",
                    "at": "2026-11-19T11:00:00Z",
                    "txn": "laptop-7f3a:3",
                }
            ],
        }
    ],
}

RESOLVED: dict[str, Any] = {
    "schema_version": 1,
    "resolved": [
        {"kind": "type", "name": "Project X", "value": "plan", "was": "project", "change": "change"}
    ],
    "left": 0,
    "txn": "laptop-7f3a:43",
    "notices": [],
}

SELF_TEST: dict[str, Any] = {
    "schema_version": 1,
    "rows": [
        {"name": "configuration", "verdict": "ok", "detail": "/m/config.toml", "ms": 1, "hint": ""},
        {
            "name": "service",
            "verdict": "warn",
            "detail": "no crontab",
            "ms": 12,
            "hint": "memsync-git daemon",
        },
        {"name": "remote", "verdict": "fail", "detail": "no answer", "ms": 5000, "hint": "git ls-remote"},
    ],
    "preview": None,
}

DOCTOR: dict[str, Any] = {
    "schema_version": 1,
    "rows": [
        {
            "check": "file mode",
            "verdict": "fail",
            "evidence": "0644",
            "cure": "chmod 600 /m",
            "curable": False,
            "fixed": False,
        },
        {
            "check": "clock",
            "verdict": "ok",
            "evidence": "no drift",
            "cure": "",
            "curable": False,
            "fixed": False,
        },
    ],
    "bundle": None,
}

IMPORT: dict[str, Any] = {
    "schema_version": 1,
    "source": "old.json",
    "format": "jsonl",
    "imported": {"added": 1, "removed": 0, "changed": 2},
    "known": 3,
    "unreadable": 1,
    "txn": "laptop-7f3a:44",
    "notices": [],
}

VERIFY: dict[str, Any] = {
    "schema_version": 1,
    "outcome": "failed",
    "parts": [
        {
            "what": "store",
            "name": "",
            "digest": "0a1b2c3d4e5f6071",
            "verdict": "ok",
            "evidence": "revision 42",
        },
        {
            "what": "file",
            "name": "",
            "digest": "f1e2d3c4b5a69788",
            "verdict": "warn",
            "evidence": "it differs in 2 items: memsync-git sync",
        },
        {
            "what": "fragment",
            "name": "desk on origin",
            "digest": "",
            "verdict": "fail",
            "evidence": "two different revisions 3",
        },
    ],
}

EXPORT: dict[str, Any] = {
    "schema_version": 1,
    "format": "json-array",
    "path": "/m/all.json",
    "bytes": 99,
    "entities": 1,
    "relations": 2,
    "observations": 3,
    "other": 4,
    "left_out": 0,
    "notices": [],
}

INIT: dict[str, Any] = {
    "schema_version": 1,
    "replica": PLAIN_STATUS["replica"],
    "file": PLAIN_STATUS["file"],
    "remote": PLAIN_STATUS["remote"],
    "hub": True,
    "created": ["/m/hub.git"],
    "service": None,
    "sync": SYNC,
    "notices": [],
}


def poisoned(value: Any, *, keep: frozenset[str]) -> Any:
    """The document with every text replaced by a hostile one, but for those under `keep`, which are words
    of ours."""
    if isinstance(value, dict):
        return {
            (key if key in _ours(value) else NASTY): member if key in keep else poisoned(member, keep=keep)
            for key, member in value.items()
        }
    if isinstance(value, list):
        return [poisoned(member, keep=keep) for member in value]
    return NASTY if isinstance(value, str) else value


def _ours(value: dict[str, Any]) -> set[str]:
    """Keys of documents are ours; those of `fields` come from a memory."""
    return set(value) - {"createdAt"}


LOG: dict[str, Any] = {
    "schema_version": 1,
    "name": None,
    "revisions": [
        {
            "txn": "desk-91c2:17",
            "first": 15,
            "id": "desk-91c2",
            "host": "desk",
            "mine": False,
            "at": "2026-11-20T11:00:00Z",
            "cause": "",
            "changes": [
                {"kind": "observation", "name": "Alice", "value": "likes tea", "change": "remove"},
                {"kind": "type", "name": "Alice", "value": "pilot", "change": "change", "was": "person"},
            ],
            "cut": 3,
        },
        {
            "txn": "laptop-7f3a:42",
            "first": 42,
            "id": "laptop-7f3a",
            "host": "laptop",
            "mine": True,
            "at": "2026-11-20T09:30:00Z",
            "cause": "undo",
            "changes": [{"kind": "entity", "name": "Alice", "value": "person", "change": "add"}],
            "cut": 0,
        },
    ],
    "whole": False,
    "notices": [],
}

LOG_STATS: dict[str, Any] = {
    "schema_version": 1,
    "machines": [
        {
            "id": "laptop-7f3a",
            "host": "laptop",
            "mine": True,
            "revisions": 42,
            "added": 7,
            "removed": 2,
            "changed": 0,
            "first": "2026-11-13T11:30:00Z",
            "last": "2026-11-20T09:30:00Z",
        },
        {
            "id": "desk-91c2",
            "host": "desk",
            "mine": False,
            "revisions": 1,
            "added": 0,
            "removed": 1,
            "changed": 1,
            "first": "2026-11-20T11:00:00Z",
            "last": "2026-11-20T11:00:00Z",
        },
    ],
    "rounds": {"accepted": 9, "offline": 1},
    "ms": 420,
    "whole": False,
    "notices": [],
}

BLAME: dict[str, Any] = {
    "schema_version": 1,
    "name": "Alice",
    "lines": [
        {
            "kind": "entity",
            "name": "Alice",
            "value": "person",
            "host": "laptop",
            "at": "2026-11-20T11:00:00Z",
            "id": "laptop-7f3a:9",
            "others": [],
            "winner": True,
            "doubtful": False,
        },
        {
            "kind": "entity",
            "name": "Alice",
            "value": "pilot",
            "host": "desk",
            "at": "2026-11-19T11:30:00Z",
            "id": "desk-91c2:3",
            "others": [],
            "winner": False,
            "doubtful": False,
        },
        {
            "kind": "observation",
            "name": "Alice",
            "value": "likes tea",
            "host": "desk",
            "at": "2026-11-20T12:30:00Z",
            "id": "desk-91c2:4",
            "others": ["laptop"],
            "winner": True,
            "doubtful": True,
        },
    ],
}

AMENDS: dict[str, Any] = {
    "schema_version": 1,
    "action": "take back desk-91c2:17 (desk, 2026-11-20T11:00:00Z)",
    "undone": ["desk-91c2:17"],
    "at": None,
    "changes": [{"kind": "observation", "name": "Alice", "value": "likes tea", "change": "add"}],
    "cut": 2,
    "txn": "laptop-7f3a:43",
    "notices": [],
}
