"""`memsync-git config`, as people and scripts use it."""

from __future__ import annotations

import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Command


def test_path_prints_where_the_configuration_is(memsync: Command, home: Path) -> None:
    assert memsync("config", "path").out == f"{home}/config.toml\n"
    document = json.loads(memsync("config", "path", "--json").out)
    assert document == {"schema_version": 1, "path": f"{home}/config.toml"}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("sync.debounce_s", "1"),
        ("sync.poll_s", "[2.0, 60.0]"),
        ("guards.hold_deletions_share", "0.2"),
        ("stores.default.include", ""),
        ("stores.follow_symlink", "false"),
        ("log.level", "info"),
    ],
)
def test_get_prints_the_default_of_a_key_nobody_set(memsync: Command, key: str, value: str) -> None:
    assert memsync("config", "get", key).out == value + "\n"


@pytest.mark.parametrize(
    ("key", "typed", "read"),
    [
        ("sync.debounce_s", "2.5", "2.5"),
        ("sync.poll_s", "1,30", "[1.0, 30.0]"),
        ("sync.cron_interval_min", "30", "30"),
        ("guards.hold_deletions_share", "0.5", "0.5"),
        ("stores.default.exclude", "secret*, draft", "secret*,draft"),
        ("stores.include", '["a,b"]', "a,b"),
        ("stores.writer_caches", "yes", "true"),
        ("remotes.origin.url", "git@example.org:me/memory.git", "git@example.org:me/memory.git"),
        ("replica.host", "kitchen", "kitchen"),
        ("log.level", "debug", "debug"),
    ],
)
def test_what_is_set_is_what_get_prints_afterwards(memsync: Command, key: str, typed: str, read: str) -> None:
    assert memsync("config", "set", key, typed).code == 0
    assert memsync("config", "get", key).out == read + "\n"
    assert memsync("config", "validate").code == 0


def test_set_makes_a_private_file_in_a_private_folder(memsync: Command, home: Path) -> None:
    memsync("config", "set", "log.keep", "3")
    assert stat.S_IMODE((home / "config.toml").stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    assert [entry.name for entry in home.iterdir()] == ["config.toml"]


def test_set_tightens_a_file_others_could_read(memsync: Command, written: Callable[[str], Path]) -> None:
    path = written("[log]\nkeep = 3\n")
    path.chmod(0o644)
    memsync("config", "set", "log.keep", "4")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_set_keeps_comments_order_and_everything_else(
    memsync: Command, written: Callable[[str], Path]
) -> None:
    text = '# mine\n[log]\nlevel = "info"   # quiet\n\n[sync]\n# slow line\ndebounce_s = 1.0\n'
    path = written(text)
    memsync("config", "set", "sync.debounce_s", "4.5")
    assert path.read_text() == text.replace("1.0", "4.5")


def test_set_writes_through_a_link_and_leaves_it_a_link(memsync: Command, home: Path, tmp_path: Path) -> None:
    target = tmp_path / "dotfiles.toml"
    target.write_text("[log]\nkeep = 3\n")
    home.mkdir()
    (home / "config.toml").symlink_to(target)
    assert memsync("config", "set", "log.keep", "4").code == 0
    assert (home / "config.toml").is_symlink()
    assert "keep = 4" in target.read_text()


def test_set_of_a_named_remote_adds_it_beside_the_others(
    memsync: Command, written: Callable[[str], Path]
) -> None:
    written('[[remotes]]\nname = "origin"\nurl = "/srv/a.git"\n')
    assert memsync("config", "set", "remotes.second.url", "/srv/b.git").code == 0
    assert memsync("config", "get", "remotes.origin.url").out == "/srv/a.git\n"
    assert memsync("config", "get", "remotes.second.url").out == "/srv/b.git\n"
    assert memsync("config", "get", "remotes.url").out == "/srv/a.git\n"


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("sync.debounce_s", "-1", "a number from 0 to 3600"),
        ("sync.debounce_s", "nan", "a number from 0 to 3600"),
        ("sync.debounce_s", "true", "a number from 0 to 3600"),
        ("sync.cron_interval_min", "1.5", "a whole number"),
        ("sync.poll_s", "60,2", "the smaller first"),
        ("sync.poll_s", "2", "two numbers"),
        ("stores.follow_symlink", "perhaps", "true or false"),
        ("stores.format", "xml", "jsonl"),
        ("stores.name", "../up", "small letters"),
        ("stores.file", "memory.json", "absolute path"),
        ("log.level", "loud", "debug, info"),
        ("remotes.origin.url", "ext::sh -c id", "transport helper"),
        ("remotes.origin.branch", "a..b", "branch"),
        ("replica.host", "two\nlines", "one line"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_and_changes_nothing(
    memsync: Command, home: Path, key: str, value: str, says: str
) -> None:
    ended = memsync("config", "set", key, value)
    assert ended.code == 2
    assert ended.err.startswith("Error: ")
    assert says in ended.err
    assert not (home / "config.toml").exists()


def test_a_password_in_an_address_is_refused_and_never_repeated(memsync: Command, home: Path) -> None:
    ended = memsync("config", "set", "remotes.origin.url", "https://me:hunter2@example.org/memory.git")
    assert ended.code == 2
    assert "hunter2" not in ended.out + ended.err
    assert "credential helper" in ended.err
    assert not (home / "config.toml").exists()


def test_an_unknown_key_is_answered_with_the_nearest(memsync: Command) -> None:
    ended = memsync("config", "get", "sync.debounce")
    assert ended.code == 2
    assert ended.err == "Error: There is no setting 'sync.debounce'\nHint: The nearest is sync.debounce_s\n"


def test_an_unknown_remote_is_answered_with_those_there_are(
    memsync: Command, written: Callable[[str], Path]
) -> None:
    written('[[remotes]]\nurl = "/srv/a.git"\n')
    ended = memsync("config", "get", "remotes.orgin.url")
    assert ended.err == "Error: No remote orgin is configured\nHint: The nearest is origin\n"


def test_validate_names_file_section_key_and_nearest_spelling_of_everything_wrong(
    memsync: Command, written: Callable[[str], Path]
) -> None:
    path = written('[sync]\ndebounce = 1\n[lgo]\n[log]\nkeep = "many"\n[[remotes]]\nname = "origin"\n')
    ended = memsync("config", "validate")
    assert ended.code == 2
    assert ended.out == (
        f"✗ {path}\n"
        "  section [sync] has no key 'debounce'\n"
        "    Hint: The nearest is debounce_s\n"
        "  there is no section [lgo]\n"
        "    Hint: The nearest is [log]\n"
        "  table 1 of [[remotes]] has no url\n"
        "  log.keep is 'many', but must be a whole number from 1 to 100\n"
        "    Hint: memsync-git config explain log.keep\n"
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("debounce_s = 1\n", "Write it under [sync]"),
        ("[[sync]]\n", "Write [sync]"),
        ("[remotes]\nurl = '/srv/a.git'\n", "Write [[remotes]]"),
        ("[sync]\nkeep = 1\n", "keep belongs to [log]"),
        ("[[stores]]\n[[stores]]\n", "table 2 of [[stores]] has no name"),
        (
            "[[stores]]\nname='a'\nfile='/m'\n[[stores]]\nname='b'\nfile='/m'\n",
            "two [[stores]] have the file '/m'",
        ),
        ("[sync]\ndebounce_s = 20\n", "sync.max_delay_s is below sync.debounce_s"),
    ],
)
def test_validate_knows_what_is_in_the_wrong_place(
    memsync: Command, written: Callable[[str], Path], text: str, says: str
) -> None:
    written(text)
    ended = memsync("config", "validate")
    assert ended.code == 2
    assert says in ended.out


@pytest.mark.parametrize(
    ("data", "line"),
    [(b"[sync]\n\ndebounce_s = \n", 3), (b"[sync\n", 1), (b"[log]\n# \xff\n", 2), (b'a = """\n\n', 3)],
)
def test_a_file_that_is_no_toml_is_named_with_its_line(
    memsync: Command, written: Callable[[str], Path], data: bytes, line: int
) -> None:
    path = written("")
    path.write_bytes(data)
    ended = memsync("config", "get", "log.keep")
    assert ended.code == 2
    assert ended.err.startswith(f"Error: Line {line} of {path} is not ")
    assert memsync("config", "set", "log.keep", "4").code == 2
    assert path.read_bytes() == data


def test_one_of_two_mistakes_can_be_mended_by_set(memsync: Command, written: Callable[[str], Path]) -> None:
    written('[log]\nkeep = "many"\nlevel = "loud"\n')
    assert memsync("config", "set", "log.keep", "4").code == 0
    assert "keep" not in memsync("config", "validate").out
    assert memsync("config", "set", "log.level", "info").code == 0
    assert memsync("config", "validate").code == 0


def test_explain_names_who_set_a_value(
    memsync: Command, written: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written("[sync]\ndebounce_s = 3\n")
    monkeypatch.setenv("MEMSYNC_SYNC_MAX_DELAY_S", "30")
    assert (
        f"debounce_s = 3\n  seconds of quiet before a sync; set by the file {path}"
        in memsync("config", "explain", "sync.debounce_s").out
    )
    assert (
        "set by the variable MEMSYNC_SYNC_MAX_DELAY_S" in memsync("config", "explain", "sync.max_delay_s").out
    )
    assert "nobody: this is the default" in memsync("config", "explain", "log.keep").out


def test_explain_without_a_key_explains_them_all(memsync: Command) -> None:
    document = json.loads(memsync("config", "explain", "--json").out)
    keys = [part["key"] for part in document["keys"]]
    assert keys[0] == "replica.host"
    assert "stores.default.format" in keys
    assert all(part["meaning"] and part["source"] == "default" for part in document["keys"])


def test_set_says_that_a_variable_speaks_over_the_file(
    memsync: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEMSYNC_LOG_KEEP", "9")
    ended = memsync("config", "set", "log.keep", "4")
    assert ended.code == 0
    assert ended.err == "MEMSYNC_LOG_KEEP is set and speaks over the file.\n"


def _editor(tmp_path: Path, script: str) -> str:
    path = tmp_path / "editor.sh"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o700)
    return str(path)


def test_edit_writes_what_the_editor_left(
    memsync: Command, written: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written("[log]\nkeep = 3\n")
    monkeypatch.setenv("EDITOR", _editor(tmp_path, 'sed -i s/3/7/ "$1"'))
    assert memsync("config", "edit").code == 0
    assert path.read_text() == "[log]\nkeep = 7\n"


def test_an_edit_that_is_wrong_is_not_written_but_kept_beside_the_file(
    memsync: Command, written: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written("[log]\nkeep = 3\n")
    monkeypatch.setenv("EDITOR", _editor(tmp_path, 'sed -i s/3/700/ "$1"'))
    ended = memsync("config", "edit")
    assert ended.code == 2
    assert path.read_text() == "[log]\nkeep = 3\n"
    kept = path.with_name("config.toml.rejected")
    assert str(kept) in ended.err
    assert kept.read_text() == "[log]\nkeep = 700\n"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_an_editor_that_changes_nothing_changes_nothing(
    memsync: Command, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDITOR", _editor(tmp_path, "true"))
    assert memsync("config", "edit").err == "Nothing was changed.\n"
    assert not (home / "config.toml").exists()
