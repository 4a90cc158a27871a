"""What agents work with while they work: scratchpads, one session's notes before any of them is a
memory, and blackboards, shared cells with versions that agents coordinate through.

Above stands the engine, which gives each tenant its own and promotes from here into memory; below stands
the ledger, which keeps both. Nothing here is recalled: it is read by its name.
"""

from .blackboard import Blackboard
from .board_limits import BoardLimits
from .board_tending import BoardTending
from .boards import Boards

__all__ = ["Blackboard", "BoardLimits", "BoardTending", "Boards"]
