"""The layers of the configuration, and the places of everything."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from memsync_git.config import Configuration, Places, load, validate
from memsync_git.config.configuration import all_keys
from memsync_git.config.settings import SECTIONS, settings_of
from memsync_git.config.writing import change, remove
from memsync_git.errors import Misused

FORMATS_PAGE = """
[replica]
host = "laptop"                    # label for people; the rid is in the state folder

[[remotes]]
name = "origin"
kind = "git"
url = "git@github.com:me/memory.git"
branch = "main"
refs_mode = "host+main"            # found by itself where the hub refuses one
timeout_s = 60

[sync]
debounce_s = 1.0
max_delay_s = 10.0
poll_s = [2, 60]                   # adaptive: quick after activity, backing off
cron_interval_min = 15

[guards]
hold_deletions_over = 25
max_line_mib = 16
max_observation_mib = 1
max_nesting = 64
hold_deletions_share = 0.20
max_file_mib = 64

[[stores]]
name = "default"
file = "~/.cache/mcp-memory/memory.json"
format = "jsonl"
include = []
exclude = []
follow_symlink = false
writer_caches = false

[log]
level = "info"
max_mib = 1
keep = 5
"""


@pytest.fixture
def places(home: Path) -> Places:
    return Places.of({"MEMSYNC_HOME": str(home)})


def test_the_documented_file_is_right_and_says_nothing_but_the_defaults(
    places: Places, written: Callable[[str], Path]
) -> None:
    path = written(FORMATS_PAGE)
    assert validate(path) == []
    told, silent = load(places, environment={}), Configuration()
    assert (told.sync, told.guards, told.stores, told.log) == (
        silent.sync,
        silent.guards,
        silent.stores,
        silent.log,
    )
    assert told.remotes[0].branch == "main"
    assert told.replica.host == "laptop"


def test_the_documented_file_has_every_key(written: Callable[[str], Path]) -> None:
    for section in SECTIONS:
        for key in settings_of(section):
            assert f"\n{key} = " in FORMATS_PAGE, f"{section}.{key}"
    assert len(all_keys()) == sum(line.count(" = ") for line in FORMATS_PAGE.splitlines())


def test_option_speaks_over_variable_over_file_over_default(
    places: Places, written: Callable[[str], Path]
) -> None:
    variables = {"MEMSYNC_LOG_KEEP": "30"}
    seen = [load(places, environment={}).get("log.keep")]
    written("[log]\nkeep = 20\n")
    seen.append(load(places, environment={}).get("log.keep"))
    seen.append(load(places, environment=variables).get("log.keep"))
    configuration = load(places, environment=variables, options={"log.keep": 40})
    seen.append(configuration.get("log.keep"))
    assert seen == [5, 20, 30, 40]
    assert configuration.explain("log.keep").origin.source == "option"


def test_a_variable_can_mean_the_first_table_or_a_named_one(
    places: Places, written: Callable[[str], Path]
) -> None:
    written('[[remotes]]\nname="a"\nurl="/a"\n[[remotes]]\nname="b-c"\nurl="/b"\n')
    variables = {"MEMSYNC_REMOTES_BRANCH": "first", "MEMSYNC_REMOTES_B_C_BRANCH": "named"}
    assert [remote.branch for remote in load(places, environment=variables).remotes] == ["first", "named"]


def test_a_remote_can_come_from_a_variable_alone(places: Places) -> None:
    (remote,) = load(places, environment={"MEMSYNC_REMOTES_URL": "/srv/hub.git"}).remotes
    assert (remote.name, remote.url) == ("origin", "/srv/hub.git")


def test_a_misspelt_variable_is_refused_with_the_nearest(places: Places) -> None:
    with pytest.raises(Misused) as refusal:
        load(places, environment={"MEMSYNC_SYNC_DEBONCE_S": "1"})
    assert refusal.value.hint == "The nearest is MEMSYNC_SYNC_DEBOUNCE_S"


def test_a_variable_that_does_not_fit_is_named(places: Places) -> None:
    with pytest.raises(Misused, match="MEMSYNC_LOG_KEEP: log"):
        load(places, environment={"MEMSYNC_LOG_KEEP": "x"})


def test_variables_of_other_rooms_are_no_settings(places: Places, home: Path) -> None:
    load(places, environment={"MEMSYNC_HOME": str(home), "MEMSYNC_FAILPOINT": "x"})


def test_without_a_file_the_first_store_is_where_its_place_is(places: Places, home: Path) -> None:
    configuration = load(places, environment={})
    assert configuration.stores[0].path == home / "memory.json"
    assert configuration.get("stores.default.file") == str(home / "memory.json")
    assert configuration.remotes == ()


def test_every_key_there_is_can_be_asked_and_explained(places: Places) -> None:
    configuration = load(places, environment={}, options={"remotes.url": "/srv/hub.git"})
    for key in configuration.all_keys():
        assert configuration.explain(key).value == configuration.get(key)


def test_several_changes_are_made_at_once_or_not_at_all(places: Places) -> None:
    with pytest.raises(Misused):
        change(places.config, {"log.keep": 7, "stores.default.format": "xml"})
    assert not places.config.exists()
    change(places.config, {"log.keep": 7, "stores.default.format": "aim"})
    configuration = load(places, environment={})
    assert (configuration.log.keep, configuration.stores[0].format) == (7, "aim")


def test_a_remote_can_be_taken_out_again(places: Places) -> None:
    change(places.config, {"remotes.origin.url": "/a", "remotes.second.url": "/b"})
    assert remove(places.config, "remotes", "origin")
    assert [remote.name for remote in load(places, environment={}).remotes] == ["second"]
    assert not remove(places.config, "remotes", "origin")
    assert remove(places.config, "remotes", "second")
    assert "remotes" not in places.config.read_text()


def test_linux_places_are_those_of_the_format_page_whatever_xdg_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    monkeypatch.setenv("XDG_CONFIG_HOME", "/elsewhere")
    places = Places.of({}, platform="linux")
    assert [str(path) for path in (places.memory_file, places.clone, places.log, places.config)] == [
        "/home/ann/.cache/mcp-memory/memory.json",
        "/home/ann/.cache/memory-backup-repo",
        "/home/ann/.cache/mcp-memory/logs/memory_sync.log",
        "/home/ann/.config/memsync-git/config.toml",
    ]
    assert [str(path) for path in (places.store("default"), places.identity, places.hub)] == [
        "/home/ann/.local/state/memsync-git/default/replica.db",
        "/home/ann/.local/state/memsync-git/identity.db",
        "/home/ann/.local/share/memsync-git/hub.git",
    ]


def test_memsync_home_moves_all_of_it() -> None:
    places = Places.of({"MEMSYNC_HOME": "/d"})
    assert [str(path) for path in (places.memory_file, places.clone, places.log, places.config)] == [
        "/d/memory.json",
        "/d/memory-backup-repo",
        "/d/logs/memory_sync.log",
        "/d/config.toml",
    ]
    assert [str(path) for path in (places.store("work"), places.identity, places.hub)] == [
        "/d/state/work/replica.db",
        "/d/state/identity.db",
        "/d/hub.git",
    ]


def test_a_mac_has_all_places_in_its_library_and_none_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/Users/ann")
    places = Places.of({}, platform="darwin")
    found = [places.memory_file, places.clone, places.log, places.config, places.state, places.hub]
    assert len(set(found)) == len(found)
    assert all(str(path).startswith("/Users/ann/Library/") for path in found)


def test_a_relative_memsync_home_is_refused() -> None:
    with pytest.raises(Misused, match="absolute"):
        Places.of({"MEMSYNC_HOME": "here"})
