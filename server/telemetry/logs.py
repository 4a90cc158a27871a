"""Where log records go and what they look like.

The standard library's root logger gets one handler. It is set before an MCP server is made: the SDK
would set one of its own where it finds none. structlog is imported with the first record, or by
`configure_structlog`: it brings rich with it, 0.1 s that the handshake shall not wait for.
"""

import logging
import sys
import traceback
from typing import TYPE_CHECKING, Literal, cast

from ..errors import LociError

if TYPE_CHECKING:
    from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

__all__ = ["configure_logs", "configure_structlog"]

# Below warnings these say what passes through them: messages, rows, arguments.
_TALKATIVE = (
    "mcp",
    "sqlalchemy",
    "alembic",
    "asyncio",
    "httpx2",
    "sentence_transformers",
)
_TELLING = (LociError, OSError)
"""Exceptions whose text may be logged. That of others, such as pydantic's, quotes what it is about."""


def configure_logs(level: str, form: Literal["console", "json"]) -> None:
    """Log to stderr from `level` up. Calling it again replaces what was set."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Late(form))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))


def configure_structlog() -> None:
    """Lead structlog's loggers to the standard library's. Imports structlog: call it in a thread."""
    import structlog

    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _shared() -> "list[Processor]":
    import structlog

    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]


class _Late(logging.Formatter):
    """A formatter by structlog that is made when it is first needed."""

    def __init__(self, form: Literal["console", "json"]) -> None:
        super().__init__()
        self._form: Literal["console", "json"] = form
        self._made: logging.Formatter | None = None

    def format(self, record: logging.LogRecord) -> str:
        if self._made is None:
            self._made = _formatter(self._form)
        return self._made.format(record)


def _formatter(form: Literal["console", "json"]) -> logging.Formatter:
    import structlog

    shown: list[Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta, _discreet]
    if form == "json":
        shown.append(structlog.processors.JSONRenderer(ensure_ascii=False))
    else:
        plain = structlog.dev.plain_traceback
        colours = sys.stderr.isatty()
        shown.append(structlog.dev.ConsoleRenderer(colors=colours, exception_formatter=plain))
    return structlog.stdlib.ProcessorFormatter(foreign_pre_chain=_shared(), processors=shown)


def _discreet(_logger: "WrappedLogger", _method: str, event: "EventDict") -> "EventDict":
    """Put a traceback in its place that quotes no data."""
    found = cast("ExcInfo | BaseException | bool | None", event.pop("exc_info", None))
    error = found[1] if isinstance(found, tuple) else sys.exception() if found is True else found
    if isinstance(error, BaseException):
        event["exception"] = "".join(_lines(error)).rstrip()
    return event


def _lines(error: BaseException) -> list[str]:
    told = f": {error}" if isinstance(error, _TELLING) else ""
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return [
        *(_lines(cause) if cause is not None else ()),
        *traceback.format_tb(error.__traceback__),
        f"{type(error).__module__}.{type(error).__qualname__}{told}\n",
        *(line for one in _members(error) for line in _lines(one)),
    ]


def _members(error: BaseException) -> tuple[BaseException, ...]:
    if not isinstance(error, BaseExceptionGroup):
        return ()
    return cast("BaseExceptionGroup[BaseException]", error).exceptions
