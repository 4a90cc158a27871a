"""How clients reach Loci: MCP over stdio, in both eras of the protocol.

Above stand the application and the command, which open the store and choose the door; below stand
the tools, resources and prompts, which say what can be asked.
"""

from .server import LociServer, build_server
from .stdio import serve_stdio
from .streams import serve_streams

__all__ = ["LociServer", "build_server", "serve_stdio", "serve_streams"]
