"""The verbs: remember, recall, forget, revise, note, promote. All that Loci decides is decided here.

Above stand the doors (MCP, the command), which hold a `Memories` of one tenant and nothing else;
below stand retrieval, the tiers and the workspace, and under them the ledger, the index and the embedder. Nothing
here knows of MCP, of HTTP or of the environment.
"""

from .engine import Engine, open_engine
from .limits import Limits
from .memories import Memories

__all__ = ["Engine", "Limits", "Memories", "open_engine"]
