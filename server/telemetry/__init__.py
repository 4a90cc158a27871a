"""Logs, and later metrics and traces. To stderr: over stdio, stdout belongs to the protocol.

`app` and the command stand above and set it up; every room below may log by
`structlog.get_logger`. What is remembered is never logged: no texts of memories, no questions.
"""

from .logs import configure_logs, configure_structlog

__all__ = ["configure_logs", "configure_structlog"]
