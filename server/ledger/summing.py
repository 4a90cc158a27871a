"""The best versions for a question's words, by postings in memory.

What was stored after these is looked up in FTS5, by the statistics of now.
"""

import json
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Integer, bindparam, column, func, select, table

from . import reads
from .fulltext import any_of
from .postings import Postings
from .prepared import Prepared, prepare
from .ranking import FEW, LAST, OVERFETCH, Match, ranked_all, scored_all, search
from .readers import Fetch
from .terms import as_question
from .vocabulary import stems
from .where import Sight, parameters, shape_of

__all__ = ["best_of", "newer"]

_AGAIN = 8
"""Times as many, while too few of them may be."""

Seqs = NDArray[np.int64]
Scores = NDArray[np.float32]


def best_of(
    fetch: Fetch,
    tenant: int,
    postings: Postings,
    question: str,
    sights: Sequence[Sight],
    limit: int,
) -> list[list[Match]]:
    """For each sight up to `limit` of the best versions by BM25 that may be seen, best first: of all that have
    any of the question's words, or a quoted phrase."""
    terms = as_question(question)
    if not terms:
        return [[] for _ in sights]
    since = newer(fetch, tenant, postings.last, FEW + 1)
    if since > FEW:
        return [search(fetch, tenant, question, sight, limit) for sight in sights]
    scores = _scores(fetch, tenant, postings, terms)
    found = [_seen(fetch, tenant, postings, scores, sight, limit) for sight in sights]
    if since:
        for sight, matches in zip(sights, found, strict=True):
            matches += _since(fetch, tenant, postings, terms, sight, limit)
            matches.sort(key=lambda one: (-one.bm25, -one.seq))
    return [matches[:limit] for matches in found]


def newer(fetch: Fetch, tenant: int, after: int, limit: int) -> int:
    """How many versions are newer than a seq, counted up to `limit`."""
    return fetch(_newer(tenant), {"after": after, "limit": limit})[0][0]


def _scores(fetch: Fetch, tenant: int, postings: Postings, terms: Sequence[str]) -> Scores:
    """Of all versions. What FTS5 splits is a phrase to it, and asked of it."""
    split = stems().of(terms)
    scores = postings.scores([parts[0] for parts in split if len(parts) == 1])
    for term, parts in zip(terms, split, strict=True):
        if len(parts) > 1:
            values = {"any": any_of([term]), "least": 0, "most": postings.last}
            found = dict(fetch(scored_all(tenant), values))
            seqs, ranks = np.array([*found], np.int64), np.array([*found.values()])
            scores[postings.places(seqs)] -= ranks[np.isin(seqs, postings.seqs)]
    return scores


def _seen(
    fetch: Fetch, tenant: int, postings: Postings, scores: Scores, sight: Sight, limit: int
) -> list[Match]:
    """The best that may be seen."""
    hits = np.flatnonzero(scores)
    values, shape = parameters(tenant, sight), shape_of(sight)
    many = limit * OVERFETCH
    if sight.narrow and len(hits) > many:
        few = fetch(reads.seqs(shape), {**values, "limit": FEW + 1})
        if len(few) <= FEW:
            places = postings.places(np.array([seq for (seq,) in few], np.int64))
            return _matches(postings, scores, _top(scores, places[scores[places] > 0], limit))
    while True:
        top = _top(scores, hits, many)
        values["wanted"] = json.dumps(postings.seqs[top].tolist())
        seen = {seq for (seq,) in fetch(reads.allowed(shape), values)}
        found = [one for one in _matches(postings, scores, top) if one.seq in seen]
        if len(found) >= limit or many >= len(hits):
            return found[:limit]
        many *= _AGAIN


def _top(scores: Scores, places: Seqs, count: int) -> Seqs:
    """The best of some places, best first; of equals the newest."""
    if count < len(places):
        least = np.partition(scores[places], -count)[-count]
        places = places[scores[places] >= least]
    return places[np.lexsort((-places, -scores[places]))][:count]


def _matches(postings: Postings, scores: Scores, places: Seqs) -> list[Match]:
    pairs = zip(postings.seqs[places].tolist(), scores[places].tolist(), strict=True)
    return [Match(seq, score) for seq, score in pairs]


def _since(
    fetch: Fetch, tenant: int, postings: Postings, terms: Sequence[str], sight: Sight, limit: int
) -> list[Match]:
    """The best of what is newer."""
    values = {**parameters(tenant, sight), "limit": limit, "any": any_of([*terms])}
    values |= {"least": postings.last + 1, "most": LAST}
    found = fetch(ranked_all(tenant, shape_of(sight)), values)
    return [Match(seq, -rank) for seq, rank in found]


@cache
def _newer(tenant: int) -> Prepared:
    """How many versions are newer than `after`, up to `limit`."""
    sizes = table(f"words_{tenant:d}_docsize", column("id", Integer()))
    later = select(sizes.c.id).where(sizes.c.id > bindparam("after", type_=Integer()))
    some = later.limit(bindparam("limit", type_=Integer())).subquery()
    return prepare(select(func.count()).select_from(some))
