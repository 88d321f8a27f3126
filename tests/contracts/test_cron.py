"""cron: the line survives cron and the shell, the rest of the crontab survives us."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from memsync_git.errors import Misused
from memsync_git.ports import Installed, Unserved
from memsync_git.services.cron import BEGIN, END, CronService, line_in, merge, render, schedule, without
from tests.standins import offer

FOREIGN = 'MAILTO=""\n# a comment of mine\n17 *\t* * *   cd / && run-parts  --report /etc/cron.hourly\n\n'


class Crontab:
    """A crontab command of our own, and its spool file."""

    def __init__(self, folder: Path) -> None:
        self.standin = offer(folder, "crontab")
        self.spool = self.standin.state / "spool"

    def service(self, *, interval_min: int = 15) -> CronService:
        return CronService(
            "/opt/memsync git/bin/memsync-git", interval_min, crontab=str(self.standin.command)
        )


@pytest.fixture
def crontab(tmp_path: Path) -> Crontab:
    return Crontab(tmp_path / "bin")


# --- cron: the crontab's other lines ------------------------------------------------------------------


def test_lines_of_others_are_given_back_byte_for_byte(crontab: Crontab) -> None:
    theirs = FOREIGN.encode() + b"# Latin-1: caf\xe9 \x85 \xe2\x80\xa8 \x0c\r\n@daily x\n"
    crontab.spool.write_bytes(theirs)
    crontab.service().install()
    assert crontab.spool.read_bytes().startswith(theirs)
    crontab.service().remove()
    assert crontab.spool.read_bytes() == theirs


def test_a_changed_interval_replaces_the_line_where_it_stands(crontab: Crontab) -> None:
    crontab.service().install()
    crontab.spool.write_text(crontab.spool.read_text() + "@daily after\n")
    renewed = crontab.service(interval_min=30).install()
    assert isinstance(renewed, Installed)
    assert renewed.changed
    text = crontab.spool.read_text()
    assert text.count(BEGIN) == text.count(END) == text.count("--if-stale") == 1
    assert text.splitlines()[1].startswith("*/30 ")
    assert text.endswith("@daily after\n")


def test_a_crontab_that_cannot_be_read_is_never_written(crontab: Crontab) -> None:
    crontab.spool.write_text(FOREIGN)
    crontab.standin.set("off")
    answer = crontab.service().install()
    assert isinstance(answer, Unserved)
    assert "you are not allowed" in answer.reason
    assert crontab.spool.read_text() == FOREIGN


def test_a_refused_crontab_is_reported_with_its_own_words(crontab: Crontab) -> None:
    crontab.standin.set("refuses-write")
    answer = crontab.service().install()
    assert isinstance(answer, Unserved)
    assert "bad minute" in answer.reason


def test_a_machine_without_crontab_is_told_so(tmp_path: Path) -> None:
    service = CronService("/bin/memsync-git", 15, crontab=str(tmp_path / "none"))
    for answer in (service.install(), service.remove(), service.status()):
        assert isinstance(answer, Unserved)
        assert answer.reason == "This machine has no crontab command."
        assert answer.hint


_LINES = st.lists(
    st.sampled_from(
        [BEGIN, END, "", " ", "# mine", "*/5 * * * * mine", "1 2 3 4 5 x sync --if-stale 9 --quiet"]
    )
)


@given(_LINES, st.booleans())
def test_no_line_outside_a_block_of_ours_is_ever_lost(lines: list[str], closed: bool) -> None:
    text = "\n".join(lines) + ("\n" if closed and lines else "")
    ours = render("/bin/memsync-git", 15)
    kept = [line for line in lines if line.strip() and line not in {BEGIN, END} and "--if-stale" not in line]
    for changed in (merge(text, ours), without(text), without(merge(text, ours))):
        assert [line for line in changed.split("\n") if line in kept] == kept
    assert line_in(merge(text, ours)) == ours
    assert merge(merge(text, ours), ours) == merge(text, ours)
    assert line_in(without(text)) is None


def test_a_sync_line_somebody_wrote_himself_stays() -> None:
    text = "0 * * * * memsync-git sync --if-stale 15 --quiet\n"
    assert without(merge(text, render("/bin/memsync-git", 15))) == text


# --- cron: what the line says -------------------------------------------------------------------------


def test_the_line_is_the_documented_one() -> None:
    line = render("/home/me/.local/bin/memsync-git", 15)
    assert line == "*/15 * * * * /home/me/.local/bin/memsync-git sync --if-stale 15 --quiet"
    assert "MEMSYNC_HOME=/srv/m " in render("/bin/memsync-git", 15, "/srv/m")


@pytest.mark.parametrize(
    ("interval_min", "fields"),
    [
        (1, "* * * * *"),
        (15, "*/15 * * * *"),
        (7, "*/6 * * * *"),
        (45, "*/30 * * * *"),
        (59, "*/30 * * * *"),
        (60, "0 * * * *"),
        (90, "0 * * * *"),
        (300, "0 */4 * * *"),
        (1440, "0 0 * * *"),
        (100_000, "0 0 * * *"),
    ],
)
def test_steps_that_do_not_divide_the_hour_or_day_become_the_next_shorter_ones(
    interval_min: int, fields: str
) -> None:
    assert schedule(interval_min) == fields


def test_a_new_interval_is_renewed_where_the_line_is_ours_and_stands_there(crontab: Crontab) -> None:
    crontab.service(interval_min=30).renew()
    assert not crontab.spool.exists()
    crontab.service().install()
    renewed = crontab.service(interval_min=30).renew()
    assert isinstance(renewed, Installed)
    assert renewed.changed
    assert renewed.what.startswith("*/30 ")


def test_the_line_of_another_installation_is_not_renewed(crontab: Crontab) -> None:
    crontab.service().install()
    other = CronService("/opt/other/memsync-git", 30, crontab=str(crontab.standin.command))
    assert other.renew() == Installed(crontab.service().install().what, changed=False, is_current=False)  # type: ignore[union-attr]


def test_an_interval_below_a_minute_is_refused() -> None:
    with pytest.raises(Misused):
        render("/bin/memsync-git", 0)


def _as_cron_reads(line: str) -> str:
    """The command cron hands to the shell: Vixie cron's own loop (do_command.c), character by character."""
    command, escaped = "", False
    for char in line.split(" ", 5)[5]:
        if escaped:
            command = command[:-1] + char if char == "%" else command + char
            escaped = False
        elif char == "%":
            break
        else:
            command += char
            escaped = char == "\\"
    return command


_PATHS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\n\r"), min_size=1)


@given(_PATHS, _PATHS)
@example("/a b/100%/it's", "\\%\\\\%%")
def test_any_path_comes_through_cron_and_the_shell_as_it_is(executable: str, home: str) -> None:
    words = shlex.split(_as_cron_reads(render(executable, 15, home)))
    assert words == [f"MEMSYNC_HOME={home}", executable, "sync", "--if-stale", "15", "--quiet"]


def test_the_line_really_runs_under_a_shell(tmp_path: Path) -> None:
    folder = tmp_path / "it's 100% \\%mine"
    folder.mkdir()
    program = folder / "memsync-git"
    program.write_text('#!/bin/sh\nprintf "%s|" "$MEMSYNC_HOME" "$@"\n')
    program.chmod(0o755)
    command = _as_cron_reads(render(str(program), 15, str(folder)))
    said = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=True).stdout
    assert said == f"{folder}|sync|--if-stale|15|--quiet|"


def test_a_path_with_a_line_break_is_refused() -> None:
    with pytest.raises(Misused):
        render("/a\nb", 15)
