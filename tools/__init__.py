"""The tools a model calls: one file each, a plain function that parses, asks and shapes the answer.

Above stand the transports, which register them and turn errors into short sentences; below stands
`access`, the way to the caller's memories. What a verb means is decided in the engine, not here.
"""

from typing import Literal

from . import forget, recall, remember, revise
from .kit import LociTool

__all__ = ["LociTool", "Profile", "tools"]

Profile = Literal["core", "full"]


def tools(profile: Profile) -> list[LociTool]:
    """The tools of a profile, in the order in which they are listed."""
    core = [remember.TOOL, recall.TOOL, forget.TOOL]
    return core if profile == "core" else [*core, revise.TOOL]
