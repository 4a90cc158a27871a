"""Completions of prompt arguments and of the variables of resource templates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mcp import MCPError
from mcp.types import (
    INTERNAL_ERROR,
    Completion,
    CompletionArgument,
    CompletionContext,
    PromptReference,
    ResourceTemplateReference,
)

from ..access import Desk, current_caller
from ..errors import InvalidInput, LociError
from ..model import Tier

if TYPE_CHECKING:
    from ..workspace import Boards

__all__ = ["Completing"]

_MOST = 100
_PERIODS = ("today", "yesterday", "this week", "last week", "this month", "last month", "this year")


class Completing:
    """Answers completion/complete from what the caller has remembered."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def complete(
        self,
        ref: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        context: CompletionContext | None,
    ) -> Completion | None:
        """At most 100 values that begin so, most used first."""
        try:
            values = await self._values(argument.name, argument.value, context)
        except LociError as error:
            raise MCPError(INTERNAL_ERROR, str(error)) from error
        return Completion(values=values[:_MOST], total=None, has_more=len(values) > _MOST)

    async def _values(self, name: str, prefix: str, context: CompletionContext | None) -> list[str]:
        # What cannot be printed begins no name, and half a character could not even be asked for.
        if not prefix.isprintable():
            return []
        match name:
            case "tier":
                return [tier.value for tier in Tier if tier.value.startswith(prefix.lower())]
            case "period":
                return [period for period in _PERIODS if period.startswith(prefix.lower())]
            case "topic":
                memories = await self._desk.memories()
                found = await memories.complete("entity", prefix)
                return list(dict.fromkeys([*found, *await memories.complete("tag", prefix)]))
            case "query":
                return await (await self._desk.memories()).complete("entity", prefix)
            case "namespace" | "session":
                return await (await self._desk.memories()).complete(name, prefix)
            case "board":
                return await (await self._boards()).complete(prefix)
            case "key":
                return await self._keys((context.arguments or {}) if context else {}, prefix)
            case _:
                return []

    async def _keys(self, given: Mapping[str, str], prefix: str) -> list[str]:
        try:
            return await (await self._boards()).complete_key(given.get("board", ""), prefix)
        except InvalidInput:  # such a board has no keys
            return []

    async def _boards(self) -> Boards:
        return (await self._desk.memories()).boards(current_caller().actor())
