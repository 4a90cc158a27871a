"""Where clients keep their configuration of MCP servers, and what Loci's entry in it looks like."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, assert_never

__all__ = ["Client", "ClientName", "client_named"]

ClientName = Literal["claude-desktop", "claude-code", "cursor", "vscode"]


@dataclass(frozen=True, slots=True)
class Client:
    """One client's configuration."""

    path: Path
    servers: str
    """The key that holds all servers, by name."""
    typed: bool
    """Whether an entry says how the server is spoken to."""
    then: str
    """What is left to do."""

    def entry(self, command: list[str]) -> dict[str, Any]:
        """What starts Loci."""
        kind = {"type": "stdio"} if self.typed else {}
        return {**kind, "command": command[0], "args": command[1:]}


def client_named(name: ClientName, *, project: bool) -> Client:
    """A client's configuration on this platform. `project` is for claude-code: in this folder."""
    home = Path.home()
    match name:
        case "claude-desktop":
            path = _applications() / "Claude" / "claude_desktop_config.json"
            return Client(path, "mcpServers", False, "Quit Claude Desktop and start it again.")
        case "claude-code":
            path = Path.cwd() / ".mcp.json" if project else home / ".claude.json"
            return Client(path, "mcpServers", True, "Start Claude Code anew; /mcp lists it.")
        case "cursor":
            path = home / ".cursor" / "mcp.json"
            return Client(
                path, "mcpServers", False, "Switch it on in Cursor's settings, under MCP."
            )
        case "vscode":
            path = _applications() / "Code" / "User" / "mcp.json"
            return Client(path, "servers", True, "In VS Code run: MCP: List Servers, and start it.")
        case _:
            assert_never(name)


def _applications() -> Path:
    """The folder of applications' settings."""
    home = Path.home()
    if sys.platform == "darwin":
        return home / "Library" / "Application Support"
    if sys.platform == "win32":
        return Path(os.environ.get("APPDATA") or home / "AppData" / "Roaming")
    return Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
