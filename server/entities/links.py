"""URLs and e-mail addresses, by linkify-it. It has no types, so that it enters here and nowhere else."""

from collections.abc import Iterator, Sequence
from typing import Protocol, cast

from linkify_it import LinkifyIt

from ..model import EntityType
from .protocol import Found

__all__ = ["Links"]


class _Match(Protocol):
    schema: str
    index: int
    last_index: int
    raw: str


class _Linkify(Protocol):
    def match(self, text: str) -> Sequence[_Match] | None: ...


class Links:
    """Finds what has a scheme, and addresses. Bare domains are left to the rules: to linkify-it, `main.rs`
    is one."""

    def __init__(self) -> None:
        self._linkify = cast(
            "_Linkify", LinkifyIt(options={"fuzzy_link": False, "fuzzy_ip": False})
        )

    def found(self, text: str) -> Iterator[Found]:
        """By place."""
        if "://" not in text and "@" not in text:
            return
        for match in self._linkify.match(text) or ():
            sort = EntityType.EMAIL if match.schema == "mailto:" else EntityType.URL
            yield Found(match.index, match.last_index, sort, match.raw)
