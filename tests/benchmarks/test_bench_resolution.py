"""Which names are put together: `python -m pytest -m bench -s tests/benchmarks/test_bench_resolution.py`.

The real engine remembers public conversations that stand beside the checkout, in their order. What is gold follows from
them: in LoCoMo, the names of the two who speak, and a beginning of three letters or more of one of them (`Mel`
for `Melanie`); in LifeBench, names, given names and nicknames in the owner's list of contacts, where they are one
contact's alone. Scored are the gold mentions that the extractor found, one for each memory and
surface: pairs of them, and B-cubed. The floor puts together what has exactly the same folded name.
"""

import gzip
import json
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from support.engines import opened

from loci.server.embedding import shipped
from loci.server.engine import Memories
from loci.server.entities import fold
from loci.server.model import Draft, Kind, Source

pytestmark = pytest.mark.bench

Row = dict[str, Any]
Gold = Mapping[str, str]
"""Whom a surface, as it is written, names."""

LEAST = 3
AT_ONCE = 100
OWNERS = ("fenghaoran", "yinhao")
CONTACT = re.compile(r"Contact: (.+?) \((.+), nickname (.+?), phone")
KIN = frozenset(
    ["Father", "Mother", "Dad", "Mom", "Brother", "Sister", "Aunt", "Uncle", "Maternal Uncle"]
)
"""Say whom only together with who says them."""


class Score(NamedTuple):
    """Precision, recall and F1."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        return 2 * self.precision * self.recall / (self.precision + self.recall)


class Mention(NamedTuple):
    """A gold mention that was found."""

    gold: tuple[str, str]
    folded: tuple[str, str]
    entity: str


class Seen(NamedTuple):
    """What the engine made of one tenant's texts."""

    mentions: list[Mention]
    missed: int
    strangers: Counter[tuple[str, str]]
    """Other surfaces that were put with a gold one, and with whom."""


def data(name: str) -> Path:
    for folder in Path(__file__).resolve().parents:
        if (found := folder / "shared" / "data" / name).exists():
            return found
    pytest.skip(f"shared/data/{name} is not there")


def tenants(rows: Iterable[Row]) -> Iterator[tuple[str, list[Row]]]:
    for tenant, mine in groupby(rows, lambda row: row["tenant"]):
        yield tenant, list(mine)


def locomo() -> Iterator[tuple[str, list[Row], Gold]]:
    lines = data("locomo.corpus.jsonl").read_text(encoding="utf-8").splitlines()
    for tenant, rows in tenants(map(json.loads, lines)):
        names = {row["speaker"] for row in rows}
        begins = [(name[:n], name) for name in names for n in range(LEAST, len(name) + 1)]
        yield tenant, rows, only([*begins, *((name, name) for name in names)])


def lifebench() -> Iterator[tuple[str, list[Row], Gold]]:
    """Only those records that mention a contact, and the contacts themselves."""
    with gzip.open(data("lifebench.corpus.jsonl.gz"), "rt", encoding="utf-8") as lines:
        for tenant, rows in tenants(map(json.loads, lines)):
            if tenant in OWNERS:
                gold = contacts(tenant, rows)
                pattern = surfaces(gold)
                named = (row for row in rows if pattern.search(row["text"]))
                yield tenant, list(named), gold


def contacts(owner: str, rows: Sequence[Row]) -> Gold:
    pairs: list[tuple[str, str]] = []
    for row in rows:
        if match := CONTACT.match(row["text"]):
            # Two may have one name: then it is nobody's alone.
            name, _, nickname = match.groups()
            turned = " ".join(reversed(name.split()))
            pairs += [(one, row["id"]) for one in {name, turned, nickname, name.split()[-1]}]
    return {
        surface: one
        for surface, one in only(pairs).items()
        if surface not in KIN and not owner.endswith(fold(surface))
    }


def only(pairs: Iterable[tuple[str, str]]) -> Gold:
    """What belongs to one alone."""
    whose: dict[str, set[str]] = defaultdict(set)
    for surface, one in pairs:
        whose[surface].add(one)
    return {surface: min(all_) for surface, all_ in whose.items() if len(all_) == 1}


def surfaces(gold: Gold) -> re.Pattern[str]:
    """One word beside another with a capital is part of another name (`Xinyi Café`)."""
    longest = sorted(gold, key=len, reverse=True)
    several = "|".join(re.escape(one) for one in longest if " " in one)
    alone = "|".join(re.escape(one) for one in longest if " " not in one)
    return re.compile(rf"(?<![\w-])(?:{several or '(?!)'}|(?:{alone})(?! [A-Z]))(?![\w-])")


def draft(row: Row) -> Draft:
    at = None if row["ts"] is None else datetime.fromisoformat(row["ts"]).replace(tzinfo=UTC)
    return Draft(
        content=row["text"],
        kind=Kind.EPISODIC,
        source=Source.IMPORT,
        speaker=row["speaker"],
        session=row["session"],
        at=at,
    )


async def seen(memories: Memories, tenant: str, rows: Sequence[Row], gold: Gold) -> Seen:
    ids: dict[str, str] = {}
    for start in range(0, len(rows), AT_ONCE):
        some = rows[start : start + AT_ONCE]
        for row, one in zip(some, await memories.remember([draft(r) for r in some]), strict=True):
            ids.setdefault(one.id, row["text"])
    pattern = surfaces(gold)
    mentions: list[Mention] = []
    others: list[tuple[str, str]] = []
    missed = 0
    for name, text in ids.items():
        there = (await memories.connections(name)).mentions
        found = {text[one.start : one.stop]: one.entity for one in there if one.stop}
        wanted = set(pattern.findall(text))
        missed += len(wanted - set(found))
        mentions += [
            Mention((tenant, gold[s]), (tenant, fold(s)), found[s]) for s in wanted & set(found)
        ]
        others += [(s, found[s]) for s in set(found) - set(gold)]
    whose = {one.entity: one.gold[1] for one in mentions}
    strangers = Counter((s, whose[entity]) for s, entity in others if entity in whose)
    return Seen(mentions, missed, strangers)


def pairs(mentions: Sequence[Mention], made: Sequence[Any]) -> Score:
    """Of pairs that are together."""

    def count(keys: Iterable[Any]) -> int:
        return sum(n * (n - 1) // 2 for n in Counter(keys).values())

    golds = [one.gold for one in mentions]
    both = count(zip(golds, made, strict=True))
    return Score(both / max(count(made), 1), both / max(count(golds), 1))


def b_cubed(mentions: Sequence[Mention], made: Sequence[Any]) -> Score:
    golds = [one.gold for one in mentions]
    both = Counter(zip(golds, made, strict=True))
    mine, theirs = Counter(made), Counter(golds)
    squares = [(n * n, n * n / mine[m], n * n / theirs[g]) for (g, m), n in both.items()]
    return Score(*(sum(one[i] for one in squares) / len(mentions) for i in (1, 2)))


def shown(title: str, mentions: Sequence[Mention], made: Sequence[Any]) -> tuple[float, float]:
    two = pairs(mentions, made), b_cubed(mentions, made)
    cells = "   ".join(f"P {s.precision:6.1%}  R {s.recall:6.1%}  F1 {s.f1:6.1%}" for s in two)
    sys.stdout.write(f"\n{title:24} {cells}")
    return two[0].f1, two[1].f1


@pytest.mark.anyio
@pytest.mark.parametrize("corpus", [locomo, lifebench])
async def test_names_are_put_together_better_than_by_the_same_name(
    tmp_path: Path, corpus: Any
) -> None:
    all_of: list[Seen] = []
    async with opened(tmp_path, embedder=shipped()) as engine:
        for tenant, rows, gold in corpus():
            memories = await engine.for_tenant(tenant)
            all_of.append(await seen(memories, tenant, rows, gold))
    mentions = [mention for one in all_of for mention in one.mentions]
    missed = sum(one.missed for one in all_of)
    strangers = sum((one.strangers for one in all_of), Counter[tuple[str, str]]())
    sys.stdout.write(
        f"\n{corpus.__name__}: {len(mentions)} gold mentions of {len({m.gold for m in mentions})} people under "
        f"{len({m.folded for m in mentions})} names; {missed} more were not found; {strangers.total()} mentions of "
        f"other names were put with them\n{'':24} {'pairs':31}   B-cubed"
    )
    floor = shown("  the same name (floor)", mentions, [one.folded for one in mentions])
    mine = shown("  Loci", mentions, [one.entity for one in mentions])
    assert min(m - f for m, f in zip(mine, floor, strict=True)) >= 0
