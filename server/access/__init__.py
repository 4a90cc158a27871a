"""Who is asking, and the way to what is theirs.

Above stand the tools, resources and prompts, which ask the `Desk` for the caller's memories; below
stands the engine. Tenants, tokens, scopes and limits of remote callers will live here.
"""

from .caller import Caller, as_caller, current_caller
from .desk import Desk

__all__ = ["Caller", "Desk", "as_caller", "current_caller"]
