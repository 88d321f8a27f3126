"""What there is to know about services: pure, over every way they can stand."""

from __future__ import annotations

import pytest

from memsync_git.app.pulse import FRESH_FOR_S
from memsync_git.app.standing import Judgement, Standing, judged
from memsync_git.ports import (
    AtLogin,
    Beginning,
    ByHand,
    DaemonStanding,
    Installed,
    Removed,
    Running,
    ServiceStanding,
    Stopped,
    Unserved,
    WithMachine,
)

UNIT, LINE = Installed("/u/memsync-git.service", changed=False), Installed("*/15 …", changed=False)
RUNS = Running(changed=False, pid=7, since_s=FRESH_FOR_S + 1)
NONE = Removed(changed=False)
LACKING = Unserved("This machine has no crontab command.", "memsync-git sync", lacks_tool=True)


def systemd(
    installed: ServiceStanding = UNIT,
    daemon: DaemonStanding | None = RUNS,
    begins: Beginning | None = WithMachine(),  # noqa: B008  a value without state
    *,
    name: str = "systemd",
) -> Standing:
    return Standing(name, True, installed, daemon, begins)


def cron(installed: ServiceStanding = LINE) -> Standing:
    return Standing("cron", False, installed, None, WithMachine())


INSTALL, START, RESTART = (f"memsync-git service {verb}" for verb in ("install", "start", "restart"))

CASES: list[tuple[str, list[Standing], bool, str, str]] = [
    ("all is well", [systemd(), cron()], True, "takes over if it dies", ""),
    ("cron alone, as somebody wished", [systemd(NONE, None, None), cron()], False, "now and then", ""),
    ("a machine without crontab", [systemd(), cron(LACKING)], True, "keeps the daemon running", ""),
    ("an agent of a mac", [systemd(begins=AtLogin()), cron()], True, "keeps the daemon running", ""),
    (
        "nothing is installed",
        [systemd(NONE, None, None), cron(NONE)],
        False,
        "Nothing syncs by itself",
        INSTALL,
    ),
    ("nothing could be installed", [cron(LACKING)], False, "no crontab", "memsync-git sync"),
    ("no service at all", [], False, "Nothing syncs by itself", ""),
    (
        "another text stands there",
        [systemd(Installed("/u", changed=False, is_current=False)), cron()],
        True,
        "systemd runs is not what",
        INSTALL,
    ),
    (
        "another line stands there",
        [systemd(), cron(Installed("*/9", changed=False, is_current=False))],
        True,
        "cron runs is not what",
        INSTALL,
    ),
    (
        "another line stands alone, as somebody wished",
        [systemd(NONE, None, None), cron(Installed("*/9", changed=False, is_current=False))],
        False,
        "cron runs is not what",
        f"{INSTALL} --kind cron",
    ),
    ("stopped", [systemd(daemon=Stopped(False)), cron()], False, "does not run", START),
    ("failed", [systemd(daemon=Stopped(False, "it ended with watchdog")), cron()], False, "watchdog", START),
    ("wedged", [systemd(), cron()], False, "no sign of life", RESTART),
    ("wedged on a mac", [systemd(daemon=Running(False, 7)), cron()], False, "no sign of life", RESTART),
    ("just begun", [systemd(daemon=Running(False, 7, 1.0)), cron()], False, "keeps the daemon running", ""),
    (
        "lingering is off",
        [systemd(begins=AtLogin("loginctl enable-linger")), cron()],
        True,
        "log out",
        "loginctl",
    ),
    ("disabled", [systemd(begins=ByHand()), cron()], True, "does not begin", INSTALL),
    ("no fallback", [systemd(), cron(NONE)], True, "cron would not take over", INSTALL),
    ("two daemons", [systemd(), systemd(name="launchd"), cron()], True, "one is enough", INSTALL),
    ("cannot be told", [systemd(daemon=Unserved("It is silent.", "look"))], True, "It is silent", "look"),
]


@pytest.mark.parametrize(
    ("standings", "is_beating", "said", "cure"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
def test_the_gravest_thing_is_said_with_its_cure(
    standings: list[Standing], is_beating: bool, said: str, cure: str
) -> None:
    judgement = judged(standings, is_beating=is_beating)
    assert said in judgement.sentence
    assert judgement.cure.startswith(cure)
    assert bool(judgement.cure) == bool(cure)
    assert not judgement.sentence.endswith(".")
    is_well = not cure and bool(standings)
    assert judgement.verdict == ("ok" if is_well else "warn")
    assert judgement.install == cure.startswith(INSTALL)


def test_a_service_is_never_a_failure() -> None:
    found: list[Judgement] = [judged(case[1], is_beating=beats) for case in CASES for beats in (True, False)]
    assert {judgement.verdict for judgement in found} == {"ok", "warn"}
