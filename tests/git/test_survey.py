"""Looking at an address before anything is written to it."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from memsync_git.errors import Misused
from memsync_git.ports import Unreachable
from memsync_git.remotes.survey import Survey, contents, create_hub, survey
from memsync_git.remotes.url import validate
from tests.git.hubs import DESK, HubFolder, accepted, fetched, fragment, git, publication


def surveyed(hub: HubFolder, **options: object) -> Survey:
    found = survey(validate(str(hub.path)), timeout_s=20.0, **options)  # type: ignore[arg-type]
    assert isinstance(found, Survey), found
    return found


def commit(hub: HubFolder, files: dict[str, bytes], ref: str = "refs/heads/main") -> None:
    rows = []
    for name, data in files.items():
        rows.append(f"100644 blob {hub.git('hash-object', '-w', '--stdin', stdin=data)}\t{name}\n")
    tree = hub.git("mktree", stdin="".join(rows).encode())
    hub.git("update-ref", ref, git("commit-tree", tree, "-m", "x", cwd=hub.path).decode().strip())


def test_a_new_repository_is_empty(hub: HubFolder) -> None:
    assert surveyed(hub) == Survey("empty", public=None)


def test_a_repository_a_hosting_service_calls_new_is_empty(hub: HubFolder) -> None:
    commit(hub, {"README.md": b"# memory", "LICENSE": b"MIT", ".gitignore": b""})
    assert surveyed(hub).kind == "empty"


def test_one_of_ours_names_its_machines(hub: HubFolder) -> None:
    accepted(hub.remote().publish(publication(fragment(DESK), unified=b"{}")))
    found = surveyed(hub)
    assert (found.kind, found.hosts, found.default_branch) == ("memsync", (DESK,), "main")
    assert ".memsync.json" in found.paths


def test_an_older_tool_is_recognised_by_its_files_and_they_can_be_read_and_moved(hub: HubFolder) -> None:
    commit(hub, {"memory.json": b"[1]", "memory-LAPTOP.json": b"[2]", "notes.txt": b"x"})
    found = surveyed(hub)
    assert (found.kind, found.paths) == ("older tool", ("memory-LAPTOP.json", "memory.json"))
    remote = hub.remote()
    fetched(remote)
    assert remote.read_file("memory-LAPTOP.json") == b"[2]"
    assert remote.read_file("gone.json") is None
    wanted = (*found.paths, "gone.json")
    assert contents(validate(str(hub.path)), wanted) == {
        "memory.json": b"[1]",
        "memory-LAPTOP.json": b"[2]",
    }
    step = publication(fragment(DESK), unified=b"{}")
    moves = tuple((path, f"legacy/{path}") for path in found.paths)
    accepted(remote.publish(replace(step, relocate=moves)))
    files = hub.files()
    assert files["legacy/memory.json"] == b"[1]"
    assert files["legacy/memory-LAPTOP.json"] == b"[2]"
    assert files["memory.json"] == b"{}"
    assert files["notes.txt"] == b"x"
    assert "memory-LAPTOP.json" not in files
    assert surveyed(hub).kind == "memsync"


def test_anything_else_is_foreign(hub: HubFolder) -> None:
    commit(hub, {"main.c": b"int main;"})
    assert surveyed(hub) == Survey("foreign", ("main.c",), default_branch="main")


def test_content_on_another_branch_is_foreign_and_names_the_branch(hub: HubFolder) -> None:
    commit(hub, {"main.c": b"int main;"}, ref="refs/heads/trunk")
    hub.git("symbolic-ref", "HEAD", "refs/heads/trunk")
    found = surveyed(hub)
    assert (found.kind, found.default_branch, found.paths) == ("foreign", "trunk", ("refs/heads/trunk",))
    assert surveyed(hub, branch="trunk").paths == ("main.c",)


def test_a_survey_leaves_the_hub_as_it_is(hub: HubFolder) -> None:
    accepted(hub.remote().publish(publication(fragment(DESK))))
    before = hub.git("for-each-ref")
    surveyed(hub)
    assert hub.git("for-each-ref") == before


def test_a_missing_repository_is_unreachable(tmp_path: Path) -> None:
    assert isinstance(survey(validate(str(tmp_path / "gone.git"))), Unreachable)


class Serving(SimpleHTTPRequestHandler):
    """A repository as plain files over http; a password where `locked` is set."""

    locked = False

    def do_GET(self) -> None:
        expected = "Basic " + base64.b64encode(b"me:secret").decode()
        if self.locked and self.headers.get("Authorization") != expected:
            self.send_response(401)
            self.send_header("WWW-Authenticate", 'Basic realm="hub"')
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        super().do_GET()

    def log_message(self, *args: object) -> None:
        """Quiet."""


@pytest.fixture
def http_port(hub: HubFolder) -> Iterator[int]:
    commit(hub, {"memory.json": b"[]"})
    hub.git("update-server-info")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Serving, directory=str(hub.folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def credentials(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """A person whose git knows the password, by a helper."""
    helper = folder / "helper"
    helper.write_text("#!/bin/sh\necho username=me; echo password=secret\n")
    helper.chmod(0o755)
    settings = folder / "gitconfig"
    settings.write_text(f"[credential]\n\thelper = {helper}\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))


def test_a_repository_anybody_can_read_is_called_public(http_port: int) -> None:
    found = survey(validate(f"http://127.0.0.1:{http_port}/hub.git"))
    assert isinstance(found, Survey), found
    assert found.public is True


def test_a_repository_behind_a_password_is_private(
    http_port: int, hub: HubFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    credentials(monkeypatch, hub.folder)
    monkeypatch.setattr(Serving, "locked", True)
    found = survey(validate(f"http://127.0.0.1:{http_port}/hub.git"))
    assert isinstance(found, Survey), found
    assert (found.kind, found.public) == ("older tool", False)


def test_an_embedded_hub_is_private_and_never_loses_history(tmp_path: Path) -> None:
    hub = HubFolder(tmp_path)
    accepted(hub.remote().publish(publication(fragment(DESK))))
    assert hub.path.stat().st_mode & 0o777 == 0o700
    create_hub(hub.path)
    assert fetched(hub.remote()).on_main == {DESK: (1, "a")}
    assert hub.git("config", "receive.denyNonFastForwards") == "true"
    assert hub.git("config", "receive.denyDeletes") == "true"


def test_a_hub_cannot_be_made_where_a_file_stands(tmp_path: Path) -> None:
    (tmp_path / "hub.git").write_text("a file")
    with pytest.raises(Misused):
        create_hub(tmp_path / "hub.git")
