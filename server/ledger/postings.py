"""The words of a tenant's versions in memory: which versions have each, and what it is worth in them.

FTS5 reads a word's versions from pages and computes every score anew, a microsecond each; here the worth
of a question's words is summed for all versions at once (term at a time, as in Buckley and Lewit,
"Optimization of inverted vector searches", 1985). The scores are FTS5's: Okapi BM25 with k1 = 1.2 and
b = .75 (Robertson and Zaragoza, 2009), over all words.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Counted", "Postings", "hashes_of", "size_of", "weighed"]

_K1, _B = 1.2, 0.75
_LEAST = 1e-6
"""What a word is worth, if more than half of all versions have it."""


class Counted(NamedTuple):
    """How often each word is in each version."""

    hashes: NDArray[np.int64]
    """Of the words."""
    spread: NDArray[np.int64]
    """How many versions have each."""
    places: NDArray[np.int32]
    """Which versions these are, word after word."""
    uses: NDArray[np.int32]
    """How often it is in each of them."""


class Postings:
    """Never changed: what is stored later is not in it, and what is erased must be dropped with it."""

    __slots__ = ("_hashes", "_order", "_places", "_starts", "_worth", "seqs")

    def __init__(
        self, seqs: NDArray[np.int64], counted: Counted, worth: NDArray[np.float32]
    ) -> None:
        """`seqs`: of all versions, ascending; `worth`: what each word adds to each version's score."""
        self.seqs = seqs
        self._order = np.argsort(counted.hashes)
        self._hashes = counted.hashes[self._order]
        self._starts = np.concatenate([[0], np.cumsum(counted.spread)])
        self._places = counted.places
        self._worth = worth

    @property
    def last(self) -> int:
        """The newest version's seq."""
        return int(self.seqs[-1])

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        arrays = (self.seqs, self._order, self._hashes, self._starts, self._places, self._worth)
        return sum(one.nbytes for one in arrays)

    def scores(self, words: Sequence[str]) -> NDArray[np.float32]:
        """BM25 of all versions, shape (versions,). A word that is there twice counts twice."""
        total = np.zeros(len(self.seqs), np.float32)
        for term in self._found(words):
            part = slice(self._starts[term], self._starts[term + 1])
            total[self._places[part]] += self._worth[part]
        return total

    def places(self, seqs: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where those of the versions are that it has."""
        places = np.searchsorted(self.seqs, seqs[seqs <= self.last])
        return places[self.seqs[places] == seqs[seqs <= self.last]]

    def _found(self, words: Sequence[str]) -> list[int]:
        """The numbers of those words that any version has."""
        wanted = hashes_of(words)
        at = np.searchsorted(self._hashes, wanted)
        at[at == len(self._hashes)] = 0
        return self._order[at[self._hashes[at] == wanted]].tolist()


def hashes_of(words: Sequence[str]) -> NDArray[np.int64]:
    """Of 64 bits, the same within a process: two of 100,000 words agree once in a billion times."""
    return np.fromiter(map(hash, words), np.int64, len(words))


def size_of(seqs: NDArray[np.int64], parts: Sequence[Counted]) -> int:
    """The bytes that postings of these will hold."""
    return 8 * (len(seqs) + 1) + sum(24 * len(one.hashes) + 8 * len(one.places) for one in parts)


def weighed(seqs: NDArray[np.int64], parts: Sequence[Counted]) -> Postings:
    """The postings of versions: at least one, and at least one word."""
    lengths = np.zeros(len(seqs))
    for part in parts:
        lengths += np.bincount(part.places, part.uses, len(seqs))
    damping = _K1 * (1 - _B + _B * lengths / lengths.mean())
    worth = np.concatenate([_worth(part, damping) for part in parts])
    return Postings(seqs, Counted(*map(np.concatenate, zip(*parts, strict=True))), worth)


def _worth(counted: Counted, damping: NDArray[np.float64]) -> NDArray[np.float32]:
    rarity = np.log((len(damping) - counted.spread + 0.5) / (counted.spread + 0.5))
    worth = np.repeat(np.where(rarity > 0, rarity, _LEAST), counted.spread)
    worth *= counted.uses * (_K1 + 1) / (counted.uses + damping[counted.places])
    return worth.astype(np.float32)
