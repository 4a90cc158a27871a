"""The best versions for a question's words, in time that grows far more slowly than the ledger.

To rank all versions that have *any* of the words, BM25 must score each of them: a microsecond each,
and a person's name is in thousands. So only the rarer words *select* versions; the commoner ones add
to the scores of those. The scores are the same as over all words, for BM25 is a sum over words:
`rare AND common` has the whole score of what has both, `rare` that of all others. What has none of
the rarer words is not found. After MaxScore (Turtle and Flood, "Query evaluation: strategies and
optimizations", 1995), with a bound on work in the place of the bound on scores.
"""

import json
from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    Integer,
    Select,
    Text,
    bindparam,
    column,
    func,
    literal_column,
    select,
    table,
    union_all,
)

from .fulltext import any_of
from .prepared import Prepared, prepare
from .readers import Fetch
from .reads import seqs
from .tables import memories
from .terms import as_phrase, as_question
from .where import Shape, Sight, parameters, seen, shape_of

__all__ = ["FEW", "LAST", "OVERFETCH", "Match", "absent", "ranked_all", "scored_all", "search"]

_SELECTED = 1500
"""Versions that may be selected, at the most. Of 1,161 questions to 100,000 memories, BM25 alone finds
by all words, by 1,500 and by 1,000: recall@10 of LoCoMo 45.5, 45.4, 46.0, of LifeBench 48.3, 49.2,
48.6; recall@100 72.1, 72.2, 71.0, and 73.3, 73.3, 69.4."""
OVERFETCH = 2
"""Versions ranked for each one wanted: some may not be seen."""


LAST = 2**63 - 1
"""The greatest seq there can be."""
FEW = 4000
"""Versions that a filter leaves of which each may be scored."""


class Match(NamedTuple):
    """A version that the words found."""

    seq: int
    bm25: float
    """Higher is better."""


class _Words(NamedTuple):
    """A question's words that are in the ledger at all."""

    rare: list[str]
    common: list[str]
    selected: int
    """Versions that have one of the rare words, counted once for each word they have."""


def search(fetch: Fetch, tenant: int, question: str, sight: Sight, limit: int) -> list[Match]:
    """Up to `limit` of the best versions by BM25 that may be seen, best first.

    With fewer than about 1,500 uses of its words in the tenant's memories, or where a filter leaves few,
    the best of all that have any of them; else the best of those that have one of the rarer words. A quoted
    phrase is a rare word of its own, beside its words.
    """
    first = limit * OVERFETCH
    words = _divide(_counted(fetch, tenant, as_question(question)), first)
    if not words.rare:
        return []
    rare, common = any_of(words.rare), any_of(words.common)
    values = {**parameters(tenant, sight), "limit": limit, "least": 0, "most": LAST}
    values |= {"any": any_of([*words.rare, *words.common])}
    shape = shape_of(sight)
    some_are_not_ranked = bool(common) or words.selected > first
    if sight.narrow and some_are_not_ranked:
        few = [seq for (seq,) in fetch(seqs(shape), {**values, "limit": FEW + 1})]
        if not few:
            return []
        if len(few) <= FEW:
            values |= {"least": few[0], "most": few[-1]}
            return _matches(fetch(ranked_all(tenant, shape), values))
    values |= {"first": first, "rare": rare, "both": f"({rare}) AND ({common})"}
    found = fetch(_best(tenant, shape, divided=bool(common)), values)
    if len(found) < limit and some_are_not_ranked:
        found = fetch(ranked_all(tenant, shape), values)
    return _matches(found)


def absent(fetch: Fetch, tenant: int, texts: Sequence[str]) -> list[str]:
    """Those of the texts, names or phrases, whose words no version has in a row."""
    counts = _counts(fetch, tenant, [as_phrase(one) for one in texts], most=1)
    return [one for one, (_, count) in zip(texts, counts, strict=True) if not count]


def _matches(found: Sequence[tuple[Any, ...]]) -> list[Match]:
    return [Match(seq, -rank) for seq, rank in found]


def _counted(fetch: Fetch, tenant: int, terms: Sequence[str]) -> list[tuple[str, int]]:
    """The words and how many versions have each, rarest first; counted only as far as it matters."""
    counts = _counts(fetch, tenant, terms, most=_SELECTED + 1)
    return sorted((one for one in counts if one[1]), key=lambda one: one[1])


def _counts(fetch: Fetch, tenant: int, terms: Sequence[str], most: int) -> list[tuple[str, int]]:
    """How many versions have each, counted up to `most`."""
    if not terms:
        return []
    quoted = json.dumps([any_of([term]) for term in terms], ensure_ascii=False)
    found = fetch(_frequencies(tenant), {"terms": quoted, "most": most})
    return [(terms[int(place)], int(count)) for place, count in found]


def _divide(counted: Sequence[tuple[str, int]], enough: int) -> _Words:
    """The rarest words select, as long as their versions are not too many, or not yet enough."""
    selected = 0
    for place, (_, many) in enumerate(counted):
        if selected >= enough and selected + many > _SELECTED:
            terms = [term for term, _ in counted]
            return _Words(terms[:place], terms[place:], selected)
        selected += many
    return _Words([term for term, _ in counted], [], selected)


@cache
def _frequencies(tenant: int) -> Prepared:
    """The place of each of the `terms` and how many versions have it, counted up to `most`."""
    terms = func.json_each(bindparam("terms", type_=Text())).table_valued("key", "value")
    words = _words(tenant)
    having = select(words.c.rowid).correlate(terms)
    having = having.where(literal_column(words.name).op("MATCH")(terms.c.value))
    having = having.limit(bindparam("most", type_=Integer()))
    many = select(func.count()).select_from(having.subquery()).scalar_subquery()
    return prepare(select(terms.c.key, many))


@cache
def _best(tenant: int, shape: Shape, *, divided: bool) -> Prepared:
    """Seq and negated BM25 of the best versions that may be seen, up to `limit`.

    Only the `first` best of all are filtered: a join for each match would cost more than its rank.
    """
    ranked = _both_or_rare(tenant) if divided else _scored(tenant, "rare")
    first = bindparam("first", type_=Integer())
    best = ranked.order_by(literal_column("rank")).limit(first).subquery()
    statement = select(best.c.seq, best.c.rank).join(memories, memories.c.seq == best.c.seq)
    statement = statement.where(seen(shape, picked=True)).order_by(best.c.rank, best.c.seq.desc())
    return prepare(statement.limit(bindparam("limit", type_=Integer())))


def _both_or_rare(tenant: int) -> Any:
    """All with a rare word, each with its whole score."""
    both = _scored(tenant, "both").cte("both")
    rest = _scored(tenant, "rare").where(_words(tenant).c.rowid.not_in(select(both.c.seq)))
    return union_all(select(both.c.seq, both.c.rank), rest)


@cache
def scored_all(tenant: int) -> Prepared:
    """Seq and negated BM25 of all that have `any` of the words, from the seq `least` to `most`."""
    return prepare(_bounded(tenant))


def _bounded(tenant: int) -> Select[int, float]:
    bounds = (bindparam(name, type_=Integer()) for name in ("least", "most"))
    return _scored(tenant, "any").where(_words(tenant).c.rowid.between(*bounds))


@cache
def ranked_all(tenant: int, shape: Shape) -> Prepared:
    """The best of the same that may be seen, up to `limit`. They are filtered first and scored then."""
    scored = _bounded(tenant)
    # Without the 0 SQLite might look each version up in the full text.
    here = memories.c.seq == _words(tenant).c.rowid + 0
    statement = scored.join(memories, here).where(seen(shape, picked=True))
    statement = statement.order_by(literal_column("rank"), memories.c.seq.desc())
    return prepare(statement.limit(bindparam("limit", type_=Integer())))


def _scored(tenant: int, terms: str) -> Select[int, float]:
    words = _words(tenant)
    rank = func.bm25(literal_column(words.name)).label("rank")
    matches = literal_column(words.name).op("MATCH")(bindparam(terms, type_=Text()))
    return select(words.c.rowid.label("seq"), rank).where(matches)


@cache
def _words(tenant: int) -> Any:
    return table(f"words_{tenant:d}", column("rowid", Integer()))
