"""Skills over MCP (SEP-2640): how an agent should use this server, as a file that hosts can load.

Source: the Skills extension, final since 2026-09-13: `skills/list`, `skills/get`, and the files as
`skill://` resources with their SHA-256.
"""

import hashlib
import importlib.resources
from typing import Any

from mcp import MCPError
from mcp.server.context import ServerRequestContext
from mcp.server.extension import Extension, MethodBinding, ResourceBinding
from mcp.server.mcpserver.resources import TextResource
from mcp.types import INVALID_PARAMS, Annotations, PaginatedRequestParams, RequestParams

__all__ = ["Skills"]

_NAME = "using-memory"
_FILE = f"skill://{_NAME}/SKILL.md"
_CACHE = {"ttlMs": 3_600_000, "cacheScope": "public"}


class SkillGet(RequestParams):
    """Parameters of skills/get."""

    uri: str


class Skills(Extension):
    """The skill `using-memory`. Also readable as `skill://using-memory`, which is easier to say."""

    identifier = "io.modelcontextprotocol/skills"

    def __init__(self) -> None:
        folder = importlib.resources.files(__name__)
        self._text = folder.joinpath(_NAME, "SKILL.md").read_text(encoding="utf-8")
        self._front = _front_matter(self._text)

    def resources(self) -> list[ResourceBinding]:
        return [self._resource(f"skill://{_NAME}"), self._resource(_FILE)]

    def methods(self) -> list[MethodBinding]:
        return [
            MethodBinding("skills/list", PaginatedRequestParams, self._list),
            MethodBinding("skills/get", SkillGet, self._get),
        ]

    async def _list(
        self, ctx: ServerRequestContext[Any, Any], params: PaginatedRequestParams
    ) -> dict[str, Any]:
        return {"skills": [self._entry()], **_CACHE}

    async def _get(self, ctx: ServerRequestContext[Any, Any], params: SkillGet) -> dict[str, Any]:
        if params.uri != _FILE:
            raise MCPError(INVALID_PARAMS, "Unknown skill", {"uri": params.uri})
        return {"skill": self._entry(), **_CACHE}

    def _entry(self) -> dict[str, Any]:
        data = self._text.encode()
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        files = [{"uri": _FILE, "digest": digest, "size": len(data)}]
        return {"uri": _FILE, "frontmatter": self._front, "resources": files}

    def _resource(self, uri: str) -> ResourceBinding:
        return ResourceBinding(
            TextResource(
                uri=uri,
                name=self._front["name"],
                title="Using memory",
                description=self._front["description"],
                mime_type="text/markdown",
                annotations=Annotations(audience=["assistant"], priority=0.8),
                text=self._text,
            )
        )


def _front_matter(text: str) -> dict[str, str]:
    """The `name: value` lines between the first two rules."""
    head = text.split("---\n", 2)[1]
    pairs = (line.partition(": ") for line in head.splitlines())
    return {name: value for name, _, value in pairs}
