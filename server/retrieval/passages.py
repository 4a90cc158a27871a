"""From the passages that are near to their versions: a long memory has several."""

from collections.abc import Mapping, Sequence
from itertools import islice

from ..index import Found
from ..ledger import seqs_of

__all__ = ["AGAIN", "best_of", "best_of_each", "passages_for", "versions_of"]

_SPARE = 4
"""One passage more for so many versions that are wanted: long memories have several near ones."""
_MOST = 4000
"""Passages sought for it at the most."""
AGAIN = 4
"""Times as many passages that are sought where those were of too few versions."""


def passages_for(limit: int) -> int:
    """How many passages are sought first for so many versions."""
    return limit + limit // _SPARE + 1


def versions_of(
    found: Sequence[Found], limit: int, wanted: int
) -> list[Mapping[int, float]] | None:
    """The best versions of each, unless so many passages as were wanted are of too few of them."""
    best = [best_of(one, limit) for one in found]
    pairs = zip(best, found, strict=True)
    if wanted > _MOST or all(len(o) == limit or len(f.ids) < wanted for o, f in pairs):
        return best
    return None


def best_of(found: Found, limit: int) -> Mapping[int, float]:
    """The best passage of each version, best first."""
    best: dict[int, float] = {}
    for seq, cosine in zip(seqs_of(found.ids).tolist(), found.cosines.tolist(), strict=True):
        if seq not in best:
            best[seq] = cosine
            if len(best) == limit:
                break
    return best


def best_of_each(
    near: Mapping[int, float], choices: Sequence[Sequence[int]], limit: int
) -> Mapping[int, float]:
    """Of versions, nearest first, the best of each choice."""
    best: dict[int, float] = {}
    for choice in map(frozenset, choices):
        best.update(islice(((seq, cosine) for seq, cosine in near.items() if seq in choice), limit))
    return best
