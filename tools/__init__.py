"""The tools a model calls: one file each, a plain function that parses, asks and shapes the answer.

Above stand the transports, which register them and turn errors into short sentences; below stands
`access`, the way to the caller's memories. What a verb means is decided in the engine, not here.
"""

from typing import Literal

from . import (
    blackboard,
    entities,
    forget,
    promote,
    recall,
    reflect,
    remember,
    revise,
    scratchpad,
)
from .kit import LociTool

__all__ = ["LociTool", "Profile", "tools"]

Profile = Literal["core", "full"]


def tools(profile: Profile) -> list[LociTool]:
    """The tools of a profile, in the order in which they are listed."""
    core = [remember.TOOL, recall.TOOL, forget.TOOL, *blackboard.TOOLS]
    if profile == "core":
        return core
    pads = (scratchpad.WRITE, scratchpad.READ, promote.TOOL)
    return [*core, revise.TOOL, *entities.TOOLS, *pads, reflect.TOOL]
