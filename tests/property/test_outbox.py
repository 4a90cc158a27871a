"""Any sequence of verbs by two tenants, while generations are built, extended, adopted and given up.

What an adopted generation holds and what is pending after it make up what belongs into the index;
and that is as much as the count says.
"""

import tempfile
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from support.ledgers import DIMENSION, NOW, UNTIL, a_memory, key_of, pages, parts, replayed

from loci.server.errors import NotFound
from loci.server.ledger import Ledger, TenantLedger, open_ledger, vectors

pytestmark = pytest.mark.anyio

VERBS = ("store", "supersede", "revise", "archive", "delete", "restore", "erase", "embed")
STEPS = ("build", "extend", "feed", "adopt", "disown", "restart")
steps = st.lists(
    st.tuples(
        st.sampled_from(("ada", "ada", "bob")),
        st.sampled_from((*VERBS, "store", "erase", *STEPS, "feed", "adopt")),
        st.integers(0, 7),
    ),
    min_size=20,
    max_size=60,
)


@dataclass
class Draft:
    """A generation that is being made."""

    held: set[int]
    sequence: int
    begun: int
    after: int | None
    """Where to go on reading pages; None: only the outbox is read."""


class Tenant:
    """A tenant beside a model of its index, which is a set of passages."""

    def __init__(self, ledger: TenantLedger, before: "Tenant | None") -> None:
        self.ledger = ledger
        self.index = ledger.index
        self.names: list[str] = [] if before is None else before.names
        self.adopted: set[int] | None = None if before is None else before.adopted
        self.draft: Draft | None = None

    async def take(self, step: str, number: int) -> None:
        """One step. A verb about what is not there is none."""
        with suppress(NotFound):
            match step:
                case "store" | "supersede":
                    await self.store(number, step == "supersede")
                case "revise":
                    await self.revise(await self.pick(number), number)
                case "archive":
                    await self.ledger.archive([await self.pick(number)])
                case "delete":
                    await self.ledger.mark_deleted([await self.pick(number)], NOW, UNTIL)
                case "restore":
                    await self.ledger.restore([await self.pick(number, deleted=True)])
                case "erase":
                    await self.ledger.erasure.erase([await self.pick(number, deleted=True)])
                case "embed":
                    await self.embed(number)
                case _:
                    await self.tend(step, number)

    async def tend(self, step: str, number: int) -> None:
        match step:
            case "build" | "extend":
                await self.begin(extending=step == "extend")
            case "feed" if self.draft is not None:
                await self.feed(self.draft, 1 + 3 * number)
            case "adopt" if self.draft is not None:
                await self.adopt(self.draft)
            case "disown":
                self.adopted = None
                await self.index.disown("damaged")
            case _:
                return

    async def pick(self, number: int, *, deleted: bool = False) -> str:
        """One of the current memories, or with `deleted` of all there are; 0 is the newest."""
        there = await self.ledger.current(self.names, deleted=deleted)
        found = [name for name in reversed(self.names) if name in there]
        return found[number % len(found)] if found else "nobody"

    async def store(self, number: int, superseding: bool) -> None:
        """Up to three, with up to three passages each. The last may supersede one of them, too."""
        names = [f"m{len(self.names) + place}" for place in range(1 + number % 3)]
        new = [a_memory(name, passages=(number + n) % 4) for n, name in enumerate(names)]
        if superseding:
            old = names[0] if number > 4 and len(names) > 1 else await self.pick(number)
            new[-1] = replace(new[-1], supersedes=(old,))
        await self.ledger.store(new, NOW)
        self.names += names

    async def revise(self, name: str, number: int) -> None:
        for row in (await self.ledger.current([name])).values():
            text = f"{name} {number}"
            content = (key_of(text), parts(text, number % 4)) if number % 2 else None
            later = replace(row.memory, content=text) if content else row.memory
            await self.ledger.revise(row, later, NOW, content)

    async def embed(self, number: int) -> None:
        waiting = await self.ledger.backlog(3)
        late = [(row.seq, parts(f"late {row.seq}", number % 3)) for row in waiting]
        await self.ledger.add_passages(late)

    async def begin(self, *, extending: bool) -> None:
        """A generation from everything, or from the one there is."""
        begun = await self.index.last()
        row = await self.index.row()
        if row is None or row.generation is None:
            self.adopted = None
        if extending and self.adopted is not None and row is not None:
            self.draft = Draft(set(self.adopted), row.sequence, begun, after=None)
        else:
            self.draft = Draft(set(), begun, begun, after=0)
            await self.feed(self.draft, 1)

    async def feed(self, draft: Draft, limit: int) -> None:
        if draft.after is not None:
            rows, draft.after = await self.index.page(draft.after)
            draft.held |= set(rows.ids.tolist())
            return
        for row in await self.index.pending(draft.sequence, limit):
            there = (await self.index.rows([row.passage])).ids.tolist()
            draft.held = replayed(draft.held, [row]) if there or not row.added else draft.held
            draft.sequence = row.id

    async def adopt(self, draft: Draft) -> None:
        while draft.after is not None:
            await self.feed(draft, 1)
        await self.index.adopt("g", draft.sequence, draft.begun, "built", NOW)
        self.adopted, self.draft = draft.held, None

    async def check(self) -> None:
        belongs = await pages(self.ledger)
        assert await self.index.count() == len(belongs)
        row = await self.index.row()
        if row is None or row.generation is None:
            self.adopted = None
        if self.adopted is not None:
            assert row is not None
            there = await self.index.rows(list(self.adopted))
            assert set(there.ids.tolist()) == self.adopted, "it holds what was erased"
            rows = await self.index.pending(row.sequence, 10_000)
            assert replayed(self.adopted, rows) == belongs


async def enter(ledger: Ledger, before: dict[str, Tenant]) -> dict[str, Tenant]:
    found: dict[str, Tenant] = {}
    for name in ("ada", "bob"):
        entered = await ledger.for_tenant(name, model="hash", dimension=DIMENSION)
        found[name] = Tenant(entered, before.get(name))
    return found


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=steps)
async def test_a_generation_and_what_is_pending_are_all_that_belongs(
    steps: list[tuple[str, str, int]],
) -> None:
    tenants: dict[str, Tenant] = {}
    left = list(steps)
    with pytest.MonkeyPatch.context() as patch, tempfile.TemporaryDirectory() as home:
        patch.setattr(vectors, "_CHUNK", 2)
        while left:
            async with open_ledger(Path(home) / "ledger.db") as ledger:
                tenants = await enter(ledger, tenants)
                while left:
                    name, step, number = left.pop(0)
                    if step == "restart":
                        break
                    await tenants[name].take(step, number)
                    for tenant in tenants.values():
                        await tenant.check()
