"""Who is asking, and the way to what is theirs.

Above stand the tools, resources and prompts, which ask the `Desk` for the caller's memories, and the
verbs of the shell, which go through the daemon as `calls`; below stands the engine. Tenants, tokens, scopes and limits of remote callers will live here.
"""

from .caller import Caller, as_caller, current_caller
from .desk import Desk
from .scopes import EVERYTHING, Scope, scopes_in
from .verbs import Shell, ShellDesk, at_desk
from .visit import Visit, current_visit, visiting, wrote_in

__all__ = [
    "EVERYTHING",
    "Caller",
    "Desk",
    "Scope",
    "Shell",
    "ShellDesk",
    "Visit",
    "as_caller",
    "at_desk",
    "current_caller",
    "current_visit",
    "scopes_in",
    "visiting",
    "wrote_in",
]
