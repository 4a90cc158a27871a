"""Wrong arguments, said in a sentence or two that a model can act on."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

__all__ = ["refusal"]

_SAID = 2
"""How many things are said to be wrong at once."""
_SHOWN = 40

_WANTED = {
    "bool": "true or false",
    "dict": "an object",
    "float": "a number",
    "int": "a whole number",
    "list": "a list",
    "mapping": "an object",
    "string": "text",
}


def refusal(error: ValidationError, parameters: Mapping[str, Any]) -> str:
    """What to do instead. `parameters` is the tool's input schema.

    No value that was sent is repeated: it may be long, secret, or what made it fail.
    """
    properties: Mapping[str, Any] = parameters["properties"]
    said: dict[str, str] = {}
    for details in error.errors(include_url=False, include_input=False):
        place = details["loc"]
        name = str(place[0]) if place else "arguments"
        if name in said:
            # A union complains once for each of its branches.
            said[name] = f"{name}: give text or a list of texts."
        else:
            said[name] = _sentence(name, details, list(properties))
    return " ".join(list(said.values())[:_SAID])


def _sentence(name: str, details: ErrorDetails, known: Sequence[str]) -> str:
    kind = details["type"]
    if kind == "extra_forbidden":
        return _unknown(name, known)
    if kind == "missing":
        return f"{name}: it is required."
    if kind in ("enum", "literal_error"):
        return f"{name}: use {str(details.get('ctx', {})['expected']).replace(chr(39), '')}."
    wanted = _WANTED.get(kind.partition("_")[0])
    if wanted is None:
        return f"{name}: {details['msg'][0].lower()}{details['msg'][1:]}."
    if len(details["loc"]) > 1:
        return f"{name}: each must be {wanted}."
    return f"{name}: give {wanted}."


def _unknown(name: str, known: Sequence[str]) -> str:
    near = get_close_matches(name, known, n=1)
    instead = f"did you mean {near[0]}?" if near else f"use {', '.join(known)}."
    return f"There is no argument {name[:_SHOWN]!a}; {instead}"
