"""Logs and metrics; the spans are the SDK's own. Logs go to stderr: over stdio, stdout belongs to the protocol.

`app` and the command stand above and set it up; every room below may log by
`structlog.get_logger`. What is remembered is never logged: no texts of memories, no questions.
"""

from .logs import configure_logs, configure_structlog
from .rotation import keep_log_small, rotate_log

__all__ = ["configure_logs", "configure_structlog", "keep_log_small", "rotate_log"]
