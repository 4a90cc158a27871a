"""How clients reach Loci: MCP over stdio and over the daemon's socket, in both eras of the protocol, and
the verbs of a shell.

Above stand the application and the command, which open the store and choose the door; below stand
the tools, resources and prompts, which say what can be asked.
"""

from .greeting import Guest, Hello, Refusal, is_newer
from .lines import LinesIn, LinesOut
from .listener import Gone, Listener
from .messages import serve_lines
from .resuming import Resuming
from .server import LociServer, build_server
from .stdio import serve_stdio
from .streams import serve_streams
from .verbs import serve_verbs

__all__ = [
    "Gone",
    "Guest",
    "Hello",
    "LinesIn",
    "LinesOut",
    "Listener",
    "LociServer",
    "Refusal",
    "Resuming",
    "build_server",
    "is_newer",
    "serve_lines",
    "serve_stdio",
    "serve_streams",
    "serve_verbs",
]
