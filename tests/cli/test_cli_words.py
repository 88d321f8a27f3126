"""Documents in words: pure functions, compared as transcripts."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from memsync_git.cli.amending import render_amends
from memsync_git.cli.blame import render_blame
from memsync_git.cli.changes import render_preview
from memsync_git.cli.conflicts import render_conflicts
from memsync_git.cli.doctor import render_doctor
from memsync_git.cli.export import render_export
from memsync_git.cli.failures import words_of
from memsync_git.cli.holds import render_decided, render_holds
from memsync_git.cli.hosts import render_hosts
from memsync_git.cli.imports import render_import
from memsync_git.cli.init import render_init
from memsync_git.cli.log import render_log, render_stats
from memsync_git.cli.pause import render_pause
from memsync_git.cli.resolve import render_resolved
from memsync_git.cli.self_test import render_self_test
from memsync_git.cli.service import render_service
from memsync_git.cli.show import render_show, render_with_origin
from memsync_git.cli.status_screen import STATES, render_status
from memsync_git.cli.sync_screen import SENTENCES, render_sync
from memsync_git.cli.terminal import Screen, columns, counted, cut, safe
from memsync_git.cli.verify import render_verify
from memsync_git.words import OUTCOMES_WORST_FIRST
from tests.cli import documents_of_a_fleet as fleet

SCREEN = Screen(datetime(2026, 11, 20, 11, 30, tzinfo=UTC))
COLOURED = Screen(SCREEN.now, colour=True)
OURS = frozenset(
    {"action", "begins", "state", "outcome", "kind", "change", "verdict", "source", "schema_version"}
)

CASES: list[tuple[Callable[[Any, Screen], str], dict[str, Any], str]] = [
    (
        render_status,
        fleet.PLAIN_STATUS,
        """\
✓ in sync

last sync      2 hours ago, published
pending        2 up, 0 down
file default   1 entity, 5 relations, 31 observations
               /m/memory.json (jsonl)
remote origin  git@example.org:me/memory.git (main), published
conflicts      1: memsync-git conflicts
holds          none
next sync      in 1 minute
daemon         running (pid 123), last seen just now

machines
laptop    laptop-7f3a  rev 42  last change 3 minutes ago  this machine
desk      desk-91c2    rev 17  last change never          retired""",
    ),
    (
        render_service,
        fleet.SERVICE,
        """\
! systemd says that the daemon runs, but it gives no sign of life

systemd  /u/memsync-git.service; runs (pid 7); begins with the machine
cron     This machine has no crontab command.
daemon   last sign of life 10 minutes ago (pid 7); it is dead or wedged

Hint: memsync-git service restart""",
    ),
    (
        render_status,
        fleet.PAUSED_STATUS,
        """\
! paused: memsync-git resume

last sync      2 hours ago, published
pending        2 up, 0 down
file default   1 entity, 5 relations, 31 observations
               /m/memory.json (jsonl)
remote origin  git@example.org:me/memory.git (main), published
conflicts      1: memsync-git conflicts
holds          none
next sync      after the pause, in 2 hours
daemon         running (pid 123), last seen just now; it looks at the file every second

machines
laptop    laptop-7f3a  rev 42  last change 3 minutes ago  this machine
desk      desk-91c2    rev 17  last change never          retired""",
    ),
    (
        render_pause,
        fleet.PAUSE,
        """\
! Paused: nothing syncs by itself. The pause ends in 2 hours.
The daemon still takes in what is noted here; it goes out afterwards.
memsync-git sync  works all the same; memsync-git resume  ends the pause""",
    ),
    (
        render_pause,
        {**fleet.PAUSE, "until": None, "daemon": fleet.NO_DAEMON},
        """\
! Paused: nothing syncs by itself.
memsync-git sync  works all the same; memsync-git resume  ends the pause""",
    ),
    (render_pause, fleet.RESUMED, "✓ Not paused.\nThe daemon syncs at once."),
    (
        render_pause,
        {**fleet.RESUMED, "daemon": fleet.NO_DAEMON},
        "✓ Not paused.\nNo daemon is running: cron, or you, sync next.",
    ),
    (
        render_status,
        {
            **fleet.PLAIN_STATUS,
            "state": "attention",
            "hosts": [],
            "last_sync": {"at": "2026-11-20T11:29:00Z", "outcome": "offline", "ms": 9},
            "failing_since": "2026-11-20T10:30:00Z",
            "silence": {"since": "2026-11-20T09:30:00Z", "waiting": True},
            "notices": [{"message": "No sync.", "unharmed": "All is safe.", "hint": "memsync-git sync"}],
        },
        """\
✗ something needs you

last sync      1 minute ago, offline
last success   2 hours ago; the first failure since then was 1 hour ago
pending        2 up, 0 down
file default   1 entity, 5 relations, 31 observations
               /m/memory.json (jsonl)
remote origin  git@example.org:me/memory.git (main), published
conflicts      1: memsync-git conflicts
holds          none
next sync      in 1 minute
daemon         running (pid 123), last seen just now

machines

No sync.
All is safe.
Hint: memsync-git sync""",
    ),
    (
        render_sync,
        fleet.SYNC,
        """\
✓ Synced.
  from this machine: 2 added, 1 changed
  from the others: 3 removed
  1 conflict: memsync-git conflicts""",
    ),
    (
        render_sync,
        {
            **fleet.SYNC,
            "dry_run": True,
            "would": {"up": [], "down": [{**fleet.ITEM, "change": "add", "host": "desk"}]},
        },
        """\
would change here:
  + Alice: likes tea [desk]
Nothing was written.""",
    ),
    (
        render_preview,
        fleet.PREVIEW,
        """\
join /srv/hub.git as laptop
  with desk (desk-91c2)
  would add 2 items, remove 1 item
  + Alice: likes tea
  − Alice: likes coffee
  … and 1 more; --json lists them""",
    ),
    (
        render_conflicts,
        fleet.CONFLICTS,
        """\
Project X has several values of type:
  → project  desk, 1 minute ago
    (none)  this machine, never

memsync-git resolve NAME --take HOST  ends one, and so do --value V and --edit
The memory works meanwhile.""",
    ),
    (
        render_holds,
        fleet.HOLDS,
        """\
h1  10 minutes ago, in the memory file: 31 of 40 items would be deleted
  deletes 31 entities, 1 observation
  − Alice: likes tea
  … and 30 more

memsync-git holds accept  deletes, memsync-git holds reject  keeps""",
    ),
    (
        partial(render_decided, how="accepted"),
        {**fleet.HOLDS, "decided": ["h0"]},
        "! 1 hold accepted, 1 hold left",
    ),
    (
        render_hosts,
        fleet.HOSTS,
        """\
machines
laptop    laptop-7f3a  rev 42  last change 3 minutes ago  this machine
desk      desk-91c2    rev 17  last change never          retired""",
    ),
    (
        render_show,
        fleet.SHOW,
        """\
Alice (person)
  likes tea
  Alice → Oslo: lives_in
  createdAt = "2026"
  history
    laptop, 1 day ago, laptop-7f3a:3
      + Alice: likes tea""",
    ),
    (
        render_resolved,
        fleet.RESOLVED,
        """\
  ~ Project X has type plan (was project)
✓ no conflict left""",
    ),
    (
        render_log,
        fleet.LOG,
        """\
desk-91c2:17  desk, 30 minutes ago, with all since desk-91c2:15
  − Alice: likes tea
  ~ Alice has type pilot (was person)
  … and 3 more
laptop-7f3a:42  this machine, 2 hours ago, undo
  + Alice (person)
There is more before: --last N tells more of it.""",
    ),
    (
        render_stats,
        fleet.LOG_STATS,
        """\
this machine (laptop-7f3a)  42 revisions  7 added, 2 removed    from 7 days ago to 2 hours ago
desk (desk-91c2)            1 revision    1 removed, 1 changed  from 30 minutes ago to 30 minutes ago
10 rounds of this machine: 9 accepted, 1 offline; 42 ms each
History was not read to its beginning.""",
    ),
    (
        render_blame,
        fleet.BLAME,
        """\
laptop        30 minutes ago                          Alice (person)
desk          1 day ago                               (Alice (pilot))
desk, laptop  in 1 hour by its clock, which is ahead  Alice: likes tea""",
    ),
    (
        render_amends,
        fleet.AMENDS,
        """\
✓ Done. memsync-git undo laptop-7f3a:43  takes it back
  + Alice: likes tea
  … and 2 more""",
    ),
    (
        render_amends,
        {**fleet.AMENDS, "txn": None, "changes": [], "cut": 0},
        "✓ Nothing to change: take back desk-91c2:17 (desk, 2026-11-20T11:00:00Z)",
    ),
    (
        render_self_test,
        fleet.SELF_TEST,
        """\
✓ configuration  1 ms     /m/config.toml
! service        12 ms    no crontab
    Hint: memsync-git daemon
✗ remote         5000 ms  no answer
    Hint: git ls-remote
1 step failed""",
    ),
    (
        render_doctor,
        fleet.DOCTOR,
        """\
✗ file mode  0644
    chmod 600 /m
✓ clock      no drift
2 checks, 1 with something to say""",
    ),
    (
        render_import,
        fleet.IMPORT,
        """\
✓ 1 added, 2 changed, 3 known already, from old.json (jsonl)
! 1 row left out: unreadable""",
    ),
    (
        render_verify,
        fleet.VERIFY,
        """\
✓ store                    0a1b2c3d4e5f6071  revision 42
! file                     f1e2d3c4b5a69788  it differs in 2 items: memsync-git sync
✗ fragment desk on origin  -                 two different revisions 3
Not everything says the same.""",
    ),
    (
        render_export,
        fleet.EXPORT,
        "✓ 1 entity, 2 relations, 3 observations, 4 other records written to /m/all.json (json-array)",
    ),
    (
        render_init,
        {**fleet.INIT, "sync": None, "hub": False},
        """\
✓ This machine is laptop (laptop-7f3a)
  file    /m/memory.json (jsonl)
  remote  git@example.org:me/memory.git
  created /m/hub.git""",
    ),
]


@pytest.mark.parametrize(("render", "document", "text"), CASES)
def test_a_document_reads_like_this(
    render: Callable[[Any, Screen], str], document: dict[str, Any], text: str
) -> None:
    assert render(document, SCREEN) == text


@pytest.mark.parametrize(("render", "document", "text"), CASES)
def test_colour_changes_no_word(
    render: Callable[[Any, Screen], str], document: dict[str, Any], text: str
) -> None:
    coloured = render(document, COLOURED)
    for code in ("0", "1", "2", "31", "32", "33"):
        coloured = coloured.replace(f"\x1b[{code}m", "")
    assert coloured == text


RENDERERS = [*((render, document) for render, document, _ in CASES), (render_with_origin, fleet.SHOW)]


@pytest.mark.parametrize(("render", "document"), RENDERERS)
def test_no_text_of_a_memory_reaches_a_terminal_raw(
    render: Callable[[Any, Screen], str], document: dict[str, Any]
) -> None:
    text = render(fleet.poisoned(document, keep=OURS), SCREEN)
    dangerous = {char for char in text if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
    assert dangerous <= {"\n"}
    text.encode("utf-8")


def test_a_notice_is_harmless_too() -> None:
    text = words_of({"message": fleet.NASTY, "unharmed": fleet.NASTY, "hint": fleet.NASTY})
    assert "\x1b" not in text
    assert len(text.split("\n")) == 3


def test_of_many_changes_some_of_each_kind_are_shown_and_the_rest_is_counted() -> None:
    kinds = ["add"] * 30 + ["remove"] + ["add"] * 5 + ["change"] * 9
    changes = [{**fleet.ITEM, "value": f"{kind} {at}", "change": kind} for at, kind in enumerate(kinds)]
    shown = render_preview({**fleet.PREVIEW, "changes": changes, "cut": 100}, SCREEN)
    lines = [line.split(": ")[1] for line in shown.splitlines() if ": " in line and "…" not in line]
    assert lines == [
        *(f"add {at}" for at in range(6)),
        "remove 30",
        *(f"change {at}" for at in range(36, 42)),
    ]
    assert shown.splitlines()[-1] == "  … and 132 more; --json lists them"
    few = render_preview({**fleet.PREVIEW, "changes": changes[:20], "cut": 0}, SCREEN)
    assert "…" not in few


def test_json_is_ascii_whatever_a_memory_says() -> None:
    text = json.dumps(fleet.poisoned(fleet.PLAIN_STATUS, keep=OURS))
    assert text.isascii()
    assert text.isprintable()


def test_who_said_it_is_shown_where_it_is_asked_for() -> None:
    assert "likes tea  [laptop, 30 minutes ago, laptop-7f3a:102]" in render_with_origin(fleet.SHOW, SCREEN)


def test_what_nobody_noted_is_said_to_be_unknown() -> None:
    assert render_show({**fleet.SHOW, "found": []}, SCREEN) == "The memory says nothing about Alice"


def test_every_state_and_every_outcome_has_its_words() -> None:
    assert set(SENTENCES) == set(OUTCOMES_WORST_FIRST)
    for state in STATES:
        assert render_status({**fleet.PLAIN_STATUS, "state": state}, SCREEN)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("", ""),
        ("a\nb\tc\r", "a\\nb\\tc\\r"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\x7f\x9b", "\\x7f\\x9b"),
        ("\u202e\u2028", "\\u202e\\u2028"),
        ("\ud83d", "\\ud83d"),
        ("\U000e0041", "\\U000e0041"),
        ("Ærø 日本 👩\u200d🚀 a\u00a0b", "Ærø 日本 👩\u200d🚀 a\u00a0b"),
    ],
)
def test_a_text_is_made_harmless_and_otherwise_left_alone(text: str, shown: str) -> None:
    assert safe(text) == shown


@pytest.mark.parametrize(
    ("distance", "words"),
    [
        (timedelta(seconds=2), "just now"),
        (timedelta(seconds=59), "59 seconds ago"),
        (timedelta(seconds=60), "1 minute ago"),
        (timedelta(hours=23, minutes=59), "23 hours ago"),
        (timedelta(days=29), "29 days ago"),
        (timedelta(days=31), "on 2026-10-20"),
        (timedelta(seconds=-90), "in 1 minute"),
        (timedelta(seconds=-3), "just now"),
    ],
)
def test_times_are_said_as_people_say_them(distance: timedelta, words: str) -> None:
    assert SCREEN.ago((SCREEN.now - distance).strftime("%Y-%m-%dT%H:%M:%SZ")) == words


@pytest.mark.parametrize(("ahead_s", "words"), [(90, "in 1 minute"), (2, "in a moment"), (-7, "in a moment")])
def test_what_is_due_is_ahead(ahead_s: int, words: str) -> None:
    assert SCREEN.due((SCREEN.now + timedelta(seconds=ahead_s)).strftime("%Y-%m-%dT%H:%M:%SZ")) == words


def test_a_time_that_is_none_is_shown_as_it_stands() -> None:
    assert SCREEN.ago(None) == "never"
    assert SCREEN.ago("soon\x1b") == "soon\\x1b"


def test_columns_stand_below_one_another_also_for_wide_characters() -> None:
    assert columns([("a", "b"), ("日本", "c"), ("e\u0301é", "d")]) == ["a     b", "日本  c", "e\u0301é    d"]


def test_numbers_agree_with_their_nouns() -> None:
    assert [counted(n, "entity") for n in (0, 1, 2)] == ["0 entities", "1 entity", "2 entities"]
    assert counted(3, "hold") == "3 holds"


def test_a_long_text_is_cut_to_what_fits() -> None:
    assert cut("x" * 50, 10) == "x" * 9 + "…"
    assert cut("x" * 10, 10) == "x" * 10
