"""Words that the rules know. They are read once, when an extractor is loaded."""

import importlib.resources
from functools import cache

from ...model import EntityType

__all__ = ["given_names", "inside", "never", "ordinary", "places", "technology"]


def _text(name: str) -> str:
    return importlib.resources.files(__name__).joinpath(name).read_text(encoding="utf-8")


@cache
def given_names() -> frozenset[str]:
    """Given names, lower case."""
    return frozenset(_text("given_names.txt").split())


@cache
def places() -> frozenset[str]:
    """Countries and cities, lower case."""
    return frozenset(_text("places.txt").splitlines())


@cache
def inside() -> frozenset[str]:
    """Words that name nothing alone, but may be part of a name, lower case."""
    return frozenset(_text("inside.txt").split())


@cache
def never() -> frozenset[str]:
    """Words that name nothing worth tracking, lower case."""
    return frozenset(_text("never.txt").split())


@cache
def technology() -> dict[str, EntityType]:
    """Products, packages and organisations of the trade, lower case."""
    return {word.rstrip("!"): sort for word, sort in _technology()}


@cache
def ordinary() -> frozenset[str]:
    """Those of them that are common words as well."""
    return frozenset(word.rstrip("!") for word, _ in _technology() if word.endswith("!"))


def _technology() -> list[tuple[str, EntityType]]:
    rows = (line.split(":", 1) for line in _text("technology.txt").splitlines())
    return [(word, EntityType(sort)) for sort, words in rows for word in words.split()]
