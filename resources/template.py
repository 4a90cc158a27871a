"""What a resource with variables in its address is made of."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mcp.types import Annotations

__all__ = ["Template"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """An address with variables, and the function that takes them."""

    uri: str
    name: str
    title: str
    description: str
    mime_type: str = "application/json"
    annotations: Annotations
    fn: Callable[..., Any]
