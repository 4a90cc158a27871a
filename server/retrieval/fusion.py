"""One order out of two: convex fusion of normalised scores.

After Bruch, Gai and Ingber, "An Analysis of Fusion Functions for Hybrid Retrieval" (2023): each list
is normalised to [0, 1], from a floor below which a score says nothing to the best that was found, and
the two are added with fixed weights. Measured on public conversations it beats reciprocal rank fusion
by 1 to 9 points of recall@10.
"""

from collections.abc import Mapping

__all__ = ["fuse"]

_DENSE = 0.4
_LEXICAL = 0.6
_COSINE_FLOOR = 0.1
_BM25_FLOOR = 0.0
"""Of a document without any of the words."""


def fuse(cosines: Mapping[int, float], bm25s: Mapping[int, float]) -> list[tuple[float, int]]:
    """Scores and seqs of the candidates of both lists, best first; among equals the newest first.

    A score is in [0, 1]; it orders one answer and means nothing across answers.
    """
    scores = dict.fromkeys((*cosines, *bm25s), 0.0)
    _add(scores, cosines, _COSINE_FLOOR, _DENSE)
    _add(scores, bm25s, _BM25_FLOOR, _LEXICAL)
    return sorted(((score, seq) for seq, score in scores.items()), reverse=True)


def _add(scores: dict[int, float], found: Mapping[int, float], floor: float, weight: float) -> None:
    width = max(found.values(), default=floor) - floor
    if width > 0:
        for seq, score in found.items():
            scores[seq] += weight * max(0.0, score - floor) / width
