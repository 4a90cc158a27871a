"""MCP over the network: Streamable HTTP and, for older clients, HTTP with SSE, in one application.

Above stands the composition root, which says whom to let in and where to listen; below stand the
server that answers (`transports.server`) and `access`, which tells from a credential who asks.

From the outside in: `entrance` (request ids, Host and Origin, size), `admission` (who asks, how
often, for how long), then the SDK's transports, and in them `transports.gate` (what may be asked).
"""

from .admission import Admission
from .app import Site, build_site
from .challenge import Challenge
from .entrance import Hosts
from .open_streams import OpenStreams

__all__ = ["Admission", "Challenge", "Hosts", "OpenStreams", "Site", "build_site"]
