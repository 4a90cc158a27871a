"""What a client can read: the tiers, each memory and its history, blackboards, the status, and the skill.

Above stand the transports, which register them and say what an error is; below stands `access`, the
way to the caller's memories. Whose they are is decided there: no URI names a tenant.
"""

from .scopes import scopes_of
from .skills import Skills
from .static import static_resources
from .template import Template
from .templates import templates

__all__ = ["Skills", "Template", "scopes_of", "static_resources", "templates"]
