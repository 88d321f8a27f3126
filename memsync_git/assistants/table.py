"""The assistants that keep their MCP servers in a file, and where.

Sources, looked up in November 2026: modelcontextprotocol.io/quickstart/user (Claude Desktop),
code.claude.com/docs/en/mcp (Claude Code: `~/.claude.json`, at the root and under each project, and a
project's `.mcp.json`), docs.cursor.com (Cursor: `~/.cursor/mcp.json`), code.visualstudio.com/docs/copilot
(VS Code: `mcp.json` of the user, key `servers`), developers.openai.com/codex/mcp (Codex: `config.toml` in
CODEX_HOME, tables `mcp_servers.NAME`). On Linux Claude Desktop is packaged by others, who keep the path of
Electron programs.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from memsync_git.values import dataclass

Syntax = Literal["json", "toml"]
Keys = tuple[str, ...]
ANY = "*"
"""In keys: whatever stands there."""


@dataclass(frozen=True, slots=True)
class Assistant:
    """One assistant. file: beside or below a folder of `Folders`. roots: the keys its servers lie under."""

    name: str
    folder: Literal["home", "programs", "codex"]
    file: str
    syntax: Syntax
    roots: tuple[Keys, ...]


ASSISTANTS: tuple[Assistant, ...] = (
    Assistant("Claude Desktop", "programs", "Claude/claude_desktop_config.json", "json", (("mcpServers",),)),
    Assistant(
        "Claude Code", "home", ".claude.json", "json", (("mcpServers",), ("projects", ANY, "mcpServers"))
    ),
    Assistant("Cursor", "home", ".cursor/mcp.json", "json", (("mcpServers",),)),
    Assistant("VS Code", "programs", "Code/User/mcp.json", "json", (("servers",),)),
    Assistant("Codex", "codex", "config.toml", "toml", (("mcp_servers",),)),
)

PROJECT = Assistant("Claude Code", "home", ".mcp.json", "json", (("mcpServers",),))
"""What a project of Claude Code says for everybody who works on it, in the project's folder."""


@dataclass(frozen=True, slots=True)
class Folders:
    """Where programs of one account keep what they are told."""

    home: Path
    programs: Path
    codex: Path

    @classmethod
    def of(cls, home: Path, environment: Mapping[str, str], platform: str) -> Folders:
        """The folders by the rules of a platform (`sys.platform`)."""
        match platform:
            case "darwin":
                programs = home / "Library" / "Application Support"
            case "win32":
                programs = Path(environment.get("APPDATA") or home / "AppData" / "Roaming")
            case _:
                programs = Path(environment.get("XDG_CONFIG_HOME") or home / ".config")
        return cls(home, programs, Path(environment.get("CODEX_HOME") or home / ".codex"))

    def file_of(self, assistant: Assistant) -> Path:
        """The file an assistant is configured in."""
        return {"home": self.home, "programs": self.programs, "codex": self.codex}[
            assistant.folder
        ] / assistant.file
