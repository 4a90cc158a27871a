"""Counts tokens."""

import importlib.resources
import re
import threading
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Protocol

import anyio
import anyio.to_thread

from .packed import unpack

__all__ = ["LONGEST_BLANK", "TokenCounter"]

# The pattern of `o200k_base`, as tiktoken_ext/openai_public.py has it (tiktoken, MIT).
_PATTERN = "|".join(
    [
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
        + r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
        + r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
        r"\p{N}{1,3}",
        r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
        r"\s*[\r\n]+",
        r"\s+(?!\S)",
        r"\s+",
    ]
)

LONGEST_BLANK = 100_000
"""Code points of white space in a row beyond which a text is counted in parts."""

# The look-behind lets a run be tried only where it begins: the search stays linear.
_BLANKS = re.compile(rf"(?<!\s)\s{{{LONGEST_BLANK + 1},}}")

_BUILDING = threading.Lock()
"""Two that ask at once wait for one table."""


class _Encoding(Protocol):
    def encode_ordinary(self, text: str) -> list[int]: ...
    def encode_single_token(self, text_or_bytes: str) -> int: ...


class TokenCounter:
    """Exact `o200k_base` counts. Text that spells a special token counts as ordinary text.

    Lone surrogates count as U+FFFD, as in tiktoken. White space of more than `LONGEST_BLANK` code
    points in a row is cut there, which can add a token at each cut: tiktoken's pattern backtracks
    over such a run and would exhaust its stack at a million.

    Construction is cheap. The table, one for the process, is built at the first use (about 0.2 s): await
    `load` before `count` is called in an event loop.
    """

    async def load(self) -> None:
        """Build the table now, in a worker thread. Loading twice is a no-op."""
        if not _build.cache_info().currsize:
            await anyio.to_thread.run_sync(_table)

    def count(self, text: str) -> int:
        """Tokens in `text`: about 0.1 ms for each 1,000, in the calling thread."""
        encoding = _table()
        return sum(len(encoding.encode_ordinary(part)) for part in _parts(text))

    def rank(self, token: str) -> int | None:
        """The token's place in the table; None where the text is not one token."""
        try:
            return _table().encode_single_token(token)
        except KeyError:
            return None

    async def count_all(self, texts: Sequence[str]) -> list[int]:
        """Tokens in each of `texts`, counted in a worker thread."""
        return await anyio.to_thread.run_sync(lambda: [self.count(text) for text in texts])


def _parts(text: str) -> Iterator[str]:
    if len(text) <= LONGEST_BLANK:
        yield text
        return
    start = 0
    for run in _BLANKS.finditer(text):
        for cut in range(run.start() + LONGEST_BLANK, run.end(), LONGEST_BLANK):
            yield text[start:cut]
            start = cut
    yield text[start:]


def _table() -> _Encoding:
    with _BUILDING:
        return _build()


@cache
def _build() -> _Encoding:
    # Imported here: 0.02 s that a process which never counts does not pay.
    import tiktoken

    here = importlib.resources.files(__name__.rpartition(".")[0])
    ranks = unpack(here.joinpath("o200k_base.xz").read_bytes())
    encoding = tiktoken.Encoding(
        "o200k_base", pat_str=_PATTERN, mergeable_ranks=ranks, special_tokens={}
    )
    # The encoding has made its own table of it and keeps this one for looks only: 20 MB.
    ranks.clear()
    return encoding
