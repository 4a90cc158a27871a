"""How well names are found: `python -m pytest -m bench -s tests/benchmarks/test_bench_entities.py`.

Exact spans, whatever their type, on the development halves of WNUT-17 and StackOverflow NER, which stand beside
the checkout. The floors are those of their README: capitals, and the shape of code.
"""

import json
import random
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from support.engines import opened

from loci.server.embedding import shipped
from loci.server.engine.room import Room
from loci.server.entities import RuleExtractor, statements
from loci.server.model import Draft, Memory, Update
from loci.server.tokens import TokenCounter

pytestmark = pytest.mark.bench

FLOORS = {"wnut17": 42, "so_ner": 26}
Span = tuple[int, int]


def extractor() -> RuleExtractor:
    made = RuleExtractor(TokenCounter().rank)
    made.load()
    return made


def data(name: str) -> Path:
    for folder in Path(__file__).resolve().parents:
        if (found := folder / "shared" / "data" / name).exists():
            return found
    pytest.skip(f"shared/data/{name} is not there")


def sentences(path: Path) -> Iterator[tuple[str, set[Span]]]:
    """Texts with the spans of their names."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.strip():
            row = json.loads(line)
            yield " ".join(row["tokens"]), set(spans(row["tokens"], row["tags"]))


def spans(tokens: list[str], tags: list[str]) -> Iterator[Span]:
    start, place, open_tag = 0, 0, "O"
    ends = 0
    for token, tag in zip([*tokens, ""], [*tags, "O"], strict=True):
        if open_tag != "O" and tag != f"I-{open_tag}":
            yield start, ends
            open_tag = "O"
        if tag != "O" and open_tag == "O":
            start, open_tag = place, tag[2:]
        ends = place + len(token)
        place = ends + 1


def shown(name: str, right: int, found: int, wanted: int) -> float:
    precision, recall = right / found, right / wanted
    f1 = 2 * precision * recall / (precision + recall)
    sys.stdout.write(
        f"\n{name:28} P {precision:.1%}  R {recall:.1%}  F1 {f1:.1%}  ({wanted} names)"
    )
    return 100 * f1


@pytest.mark.parametrize("name", ["wnut17", "so_ner"])
def test_names_are_found_better_than_the_floor(name: str) -> None:
    rules = extractor()
    right = found = wanted = 0
    spent = time.process_time()
    texts = 0
    for text, names in sentences(data(f"{name}.dev.jsonl")):
        mine = {(one.start, one.stop) for one in rules.extract([text])[0]}
        right, found, wanted = right + len(mine & names), found + len(mine), wanted + len(names)
        texts += 1
    f1 = shown(name, right, found, wanted)
    sys.stdout.write(f"{'':28} {(time.process_time() - spent) / texts * 1e3:.2f} ms CPU a text")
    assert f1 > FLOORS[name]


def test_facts_are_read_as_states() -> None:
    """Of FactConsolidation, each of whose texts is one fact: how many give a state."""
    rules = extractor()
    lines = data("factcons.corpus.jsonl").read_text(encoding="utf-8").splitlines()
    texts = [json.loads(line)["text"] for line in lines]
    read = sum(bool(statements(t, f)) for t, f in zip(texts, rules.extract(texts), strict=True))
    sys.stdout.write(f"\nfacts read as states          {read / len(texts):.1%} of {len(texts)}")
    assert read > len(texts) / 2


class Plain(NamedTuple):
    """A memory of which nothing is understood."""

    about: None = None
    names: tuple[str, ...] = ()
    updates: tuple[Update, ...] = ()


async def nothing_read(room: Room, memories: Sequence[Memory]) -> None:
    """In the place of `read`: what remembering was without entities."""


async def nothing_understood(room: Room, memories: Sequence[Memory], *_: object) -> list[Plain]:
    """In the place of `understand`."""
    return [Plain() for _ in memories]


ROUNDS = 150
WHO = ("Anna Smith", "Bob Miller", "Carla Gomez", "David Chen", "Elena Petrova")
DOES = (
    "works at {org}",
    "moved to {city}",
    "likes hiking near {city}",
    "uses {tool} 3.1.{n}",
    "met {other}",
)
ORGS = ("Siemens", "Bosch", "Acme Corp", "SAP")
CITIES = ("Berlin", "Munich", "Paris", "Oslo")
TOOLS = ("Python", "PostgreSQL", "Docker")


def statement(number: int) -> str:
    """A new one for each number, of some people, places and things."""
    pick = random.Random(number)
    does = pick.choice(DOES).format(
        org=pick.choice(ORGS),
        city=pick.choice(CITIES),
        tool=pick.choice(TOOLS),
        other=pick.choice(WHO),
        n=number,
    )
    return f"{pick.choice(WHO)} {does}, said at meeting {number}."


@pytest.mark.anyio
async def test_what_entities_add_to_remembering(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two engines side by side, in one of which nothing is read, understood or kept of it; the calls alternate.
    The cost of one embedding says how fast the machine is now."""
    walls: list[list[float]] = [[], []]
    cpus: list[list[float]] = [[], []]
    async with (
        opened(tmp_path / "with", embedder=shipped()) as full,
        opened(tmp_path / "without", embedder=shipped()) as bare,
    ):
        for engine in (full, bare):
            await engine.warm()
        sides = [await full.for_tenant("t"), await bare.for_tenant("t")]
        for number in range(ROUNDS):
            for side, memories in enumerate(sides):
                with monkeypatch.context() as patched:
                    if side:
                        patched.setattr("loci.server.engine.remember.read", nothing_read)
                        patched.setattr(
                            "loci.server.engine.remember.understand", nothing_understood
                        )
                    cpu, wall = time.process_time(), time.perf_counter()
                    await memories.remember([Draft(content=statement(number), session="s")])
                    walls[side].append(time.perf_counter() - wall)
                    cpus[side].append(time.process_time() - cpu)
    rest = slice(20, None)
    vectors = shipped()
    await vectors.load()
    embedding: list[float] = []
    for number in range(60):
        cpu = time.process_time()
        await vectors.embed_query(statement(10_000 + number))
        embedding.append(time.process_time() - cpu)
    await vectors.aclose()
    sys.stdout.write(
        f"\nembedding one of them, CPU    {statistics.median(embedding) * 1e3:6.2f} ms"
    )
    for title, values in (("wall", walls), ("CPU", cpus)):
        full_ms, bare_ms = (statistics.median(one[rest]) * 1e3 for one in values)
        sys.stdout.write(
            f"\nremember, median {title:4} {full_ms:6.2f} ms, without entities {bare_ms:6.2f} ms: "
            f"+{full_ms - bare_ms:.2f} ms"
        )
