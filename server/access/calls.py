"""A verb asked for and answered in lines of JSON, between a shell and the daemon.

    {"call": 1, "verb": "recall", "arguments": {"query": {…}}}
    {"call": 1, "answer": {…}}
    {"call": 1, "error": {"kind": "NotFound", "text": "…"}}

Calls of one connection are told apart by their numbers. Values are written and read by the annotations
of the verbs.
"""

import inspect
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, cast, get_type_hints

from pydantic import TypeAdapter, ValidationError

from .. import errors
from ..errors import InvalidInput, LociError
from .verbs import VERBS

__all__ = ["LONGEST", "Answer", "Call", "answer_line", "call_line", "error_line"]

LONGEST = 16 * 1024 * 1024
"""Bytes of one call at the most: longer lines the daemon does not read."""


@dataclass(frozen=True, slots=True)
class Call:
    """A verb with its arguments, as the daemon reads it."""

    number: int
    verb: str
    arguments: Mapping[str, Any]

    @classmethod
    def read(cls, line: bytes) -> "Call":
        """Raises ValueError: that is no call of this version's."""
        content = json.loads(line)
        try:
            number, verb, given = int(content["call"]), content["verb"], content["arguments"]
            types = _types(VERBS[verb])[0]
            read = {name: types[name].validate_python(value) for name, value in given.items()}
        except (KeyError, TypeError, AttributeError, ValidationError):
            # The texts of these quote what was sent.
            raise ValueError("a call that no shell of this version makes") from None
        return cls(number, verb, read)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a call, as the shell reads it."""

    number: int
    value: Any
    error: LociError | None

    @classmethod
    def read(cls, line: bytes) -> "Answer":
        """Raises ValueError: that is no answer."""
        content = json.loads(line)
        told = content.get("error")
        error = None if told is None else _error(told["kind"], told["text"])
        return cls(content["call"], content.get("answer"), error)

    def of(self, verb: Callable[..., Awaitable[Any]]) -> Any:
        """As the verb answers. Raises what it raised."""
        if self.error is not None:
            raise self.error
        return _types(verb)[1].validate_python(self.value)


def call_line(
    number: int, verb: Callable[..., Awaitable[Any]], *args: object, **kwargs: object
) -> bytes:
    """Raises InvalidInput: it is too long."""
    types = _types(verb)[0]
    # The desk is the daemon's.
    bound = inspect.signature(verb).bind(None, *args, **kwargs).arguments
    given = {name: types[name].dump_python(bound[name], mode="json") for name in types}
    line = _line({"call": number, "verb": verb.__name__, "arguments": given})
    if len(line) > LONGEST:
        raise InvalidInput(
            f"This is {len(line) / 1e6:,.0f} MB, and the daemon takes {LONGEST / 1e6:,.0f} MB at once: "
            "split it, or run `loci daemon stop` first."
        )
    return line


def answer_line(call: Call, answer: object) -> bytes:
    """An answer on its way."""
    shown = _types(VERBS[call.verb])[1].dump_python(answer, mode="json")
    return _line({"call": call.number, "answer": shown})


def error_line(call: Call, error: LociError) -> bytes:
    """A refusal on its way."""
    told = {"kind": type(error).__name__, "text": str(error)}
    return _line({"call": call.number, "error": told})


@cache
def _types(
    verb: Callable[..., Awaitable[Any]],
) -> tuple[dict[str, TypeAdapter[Any]], TypeAdapter[Any]]:
    """How a verb's arguments and its answer are written and read."""
    hints = get_type_hints(verb)
    answer = hints.pop("return")
    hints.pop("desk")
    return {name: TypeAdapter[Any](kind) for name, kind in hints.items()}, TypeAdapter[Any](answer)


def _error(kind: str, text: str) -> LociError:
    found: object = getattr(errors, kind, None) if kind in errors.__all__ else None
    return cast("type[LociError]", found or LociError)(text)


def _line(content: object) -> bytes:
    # Half characters pass: the engine says what is wrong with them, here as there.
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "surrogatepass") + b"\n"
