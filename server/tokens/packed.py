"""The form in which the table of tokens is shipped.

Before xz: the length of each token in rank order, one byte each, then the tokens one after another.
The longest token of `o200k_base` has 128 bytes, and lengths kept apart compress better.
"""

import lzma
from collections.abc import Sequence

__all__ = ["TOKENS", "pack", "unpack"]

TOKENS = 199_998
"""Tokens in `o200k_base`, special ones not counted."""


def pack(tokens: Sequence[bytes]) -> bytes:
    """The table as package data. `tokens` are in rank order, none longer than 255 bytes."""
    return lzma.compress(bytes(map(len, tokens)) + b"".join(tokens), preset=9 | lzma.PRESET_EXTREME)


def unpack(packed: bytes, tokens: int = TOKENS) -> dict[bytes, int]:
    """The rank of each token, from what `pack` made of that many `tokens`."""
    table = lzma.decompress(packed)
    ranks: dict[bytes, int] = {}
    start = tokens
    for rank in range(tokens):
        stop = start + table[rank]
        ranks[table[start:stop]] = rank
        start = stop
    return ranks
