"""A month of one agent's use, on a clock of its own, drawn as `month.svg`.

    PYTHONPATH=tests python -m simulation.month

The real engine with the shipped model; only the agent is made up: it works on another project each ten
days, notes what happened, says some facts twice, keeps scratch notes, and asks about what it works on,
now and then about what was. Each night the server is tidy; each Sunday it reflects.
"""

import random
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import anyio
from simulation.drawing import draw

from loci.server.embedding import shipped
from loci.server.engine import Limits, Memories, open_engine
from loci.server.ledger import open_ledger
from loci.server.model import Draft, Kind, Query, Tier
from loci.server.tiers import Budget, Warmth, base_level, retention_of
from loci.server.tokens import TokenCounter

START = datetime(2026, 3, 1, tzinfo=UTC)
PROJECTS = ("billing", "search", "mobile")
EVENTS = (
    "Deployed the {} service to staging and the smoke tests passed.",
    "The {} service failed its deploy: a migration was missing.",
    "Fixed a bug in the {} service where totals were rounded twice.",
    "Talked with the {} team about the release date.",
    "The {} tests are slow again: one of them sleeps.",
)
FACTS = ("The {} service listens on port 80{}.", "Owner number {1} of {0} is on call in week {1}.")
WATCHED = ("asked for each day", "asked for in one week", "never asked for")


@dataclass
class Month:
    """What is drawn, a value a day."""

    tiers: dict[str, list[float]] = field(
        default_factory=lambda: {"hot": [], "warm": [], "cold": [], "deleted": []}
    )
    hot: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in PROJECTS})
    activation: dict[str, list[float]] = field(
        default_factory=lambda: {name: [] for name in WATCHED}
    )
    cycles: dict[str, list[float]] = field(default_factory=lambda: {"merged": [], "summed up": []})


class Agent:
    """One agent and its clock."""

    def __init__(self, memories: Memories) -> None:
        self.memories = memories
        self.dice = random.Random(3)
        self.month = Month()
        self.watched: list[str] = []
        self.done: Counter[str] = Counter()

    async def live(self, day: int) -> None:
        """A day: remember, ask, and let the server be tidy."""
        project = PROJECTS[min(day // 10, 2)]
        drafts = [
            Draft(
                content=f"{self.dice.choice(EVENTS).format(project)} Ticket {day}-{n}.",
                kind=Kind.EPISODIC,
                namespace=project,
            )
            for n in range(4)
        ]
        fact = self.dice.choice(FACTS).format(project, self.dice.randrange(10, 14))
        drafts += [Draft(content=fact, namespace=project)]
        drafts += [Draft(content=fact.upper(), namespace=project)] if day % 3 == 0 else []
        drafts += [
            Draft(content=f"Scratch {day}-{n}: try {n}.", namespace="scratch") for n in range(3)
        ]
        await self.memories.remember(drafts)
        asked = [project] * 4 + ([PROJECTS[0]] if day % 9 == 8 else [])
        for name in asked:
            await self.ask(
                f"What happened to the {name} service {self.dice.choice(['deploy', 'tests', 'release'])}?"
            )
        await self.ask("Which colour has the logo?")
        if 7 <= day < 14:
            await self.ask("Who feeds the office cat?")
        if day % 7 == 6:
            found = await self.memories.reflect()
            self.done.update({"merged": sum(len(one.ids) for one in found.merged)})
            self.done.update({"summed up": len(found.summed)})
        await self.memories.tidy()

    async def ask(self, question: str) -> None:
        await self.memories.recall(Query(text=question, limit=4))

    async def measure(self, now: datetime, kept: int) -> None:
        """Write the day down."""
        cold, warm = await self.all_of(Tier.COLD), await self.all_of(Tier.WARM)
        hot = await self.all_of(Tier.HOT)
        sizes = {"hot": len(hot), "warm": len(warm), "cold": len(cold)}
        sizes["deleted"] = kept
        for name, size in sizes.items():
            self.month.tiers[name].append(size)
        inside = Counter(hot)
        for name in PROJECTS:
            self.month.hot[name].append(inside[name])
        for name, one in zip(WATCHED, self.watched, strict=True):
            memory = await self.memories.get(one)
            level = base_level(memory.uses, memory.remembered_at, now)
            self.month.activation[name].append(level)
        for name in self.month.cycles:
            self.month.cycles[name].append(self.done[name])

    async def all_of(self, tier: Tier) -> list[str]:
        """The namespaces of all memories of a tier."""
        found: list[str] = []
        cursor: str | None = None
        while True:
            page = await self.memories.page(tier, cursor=cursor, limit=100)
            found += [one.namespace for one in page.memories]
            cursor = page.cursor
            if cursor is None:
                return found


async def simulate() -> Month:
    """Thirty days."""
    now = START

    def clock() -> datetime:
        return now

    limits = Limits(
        hot=Budget(tokens=600),
        warmth=Warmth(budget=Budget(count=90), young=timedelta(days=5)),
        retention=retention_of("scratch: delete after 2w"),
    )
    with tempfile.TemporaryDirectory() as home:
        async with (
            open_ledger(Path(home) / "ledger.db") as ledger,
            open_engine(ledger, shipped(), TokenCounter(), limits=limits, clock=clock) as engine,
        ):
            agent = Agent(await engine.for_tenant("somebody"))
            watched = (
                "The logo is teal.",
                "Ines feeds the office cat.",
                "The attic smells of tar.",
            )
            drafts = [Draft(content=text) for text in watched]
            agent.watched = [one.id for one in await agent.memories.remember(drafts)]
            for day in range(30):
                now = START + timedelta(days=day + 1)
                await agent.live(day)
                retired = [one.summary for one in await agent.memories.cycles()]
                deleted = sum(int(o.split()[0]) for o in retired if "retired" in o)
                await agent.measure(now, deleted)
    return agent.month


def main() -> None:
    """Draw the month beside this file."""
    month = anyio.run(simulate)
    panels = {
        "Memories by tier, and those that a rule of retention deleted": month.tiers,
        "Of which project the hot tier speaks": month.hot,
        "Activation of three facts of the first day": month.activation,
        "What four Sundays of reflecting did, added up": month.cycles,
    }
    target = Path(__file__).with_name("month.svg")
    target.write_text(draw(panels), encoding="utf-8")
    for title, lines in panels.items():
        last = ", ".join(f"{name} {values[-1]:.1f}" for name, values in lines.items())
        sys.stdout.write(f"{title}: {last}\n")


if __name__ == "__main__":
    main()
