"""Whatever is remembered: a cycle taken back leaves what was there before."""

import tempfile
from pathlib import Path

import anyio
import hypothesis.strategies as st
from hypothesis import given, settings
from support.engines import Clock, open_memories

from loci.server.engine import Limits
from loci.server.model import Draft, Filters, Kind, Query
from loci.server.tiers import retention_of

TEXTS = ("tea", "Tea.", "the tea", "milk", "Milk!", "a walk", "walk", "A walk. It rained.")
STATES = ("Mara works at Bosch.", "Mara works at Miele.", "Mara left Bosch.")
NAMESPACES = ("", "old", "old/er")
drafts = st.builds(
    Draft,
    content=st.sampled_from(TEXTS),
    kind=st.sampled_from([Kind.SEMANTIC, Kind.EPISODIC, Kind.EPISODIC]),
    namespace=st.sampled_from(NAMESPACES),
    session=st.sampled_from([None, "s"]),
    pinned=st.sampled_from([False, False, True]),
    expires_in=st.sampled_from([None, None, 86_400.0]),
)
states_of_mara = st.builds(Draft, content=st.sampled_from(STATES))
FIELDS = [
    "id",
    "content",
    "kind",
    "tier",
    "namespace",
    "tags",
    "importance",
    "pinned",
    "session",
    "valid_from",
    "valid_until",
    "remembered_at",
    "superseded_by",
    "deleted_at",
    "restorable_until",
    "uses",
    "used_at",
]


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.one_of(drafts, states_of_mara), st.sampled_from([0, 1, 20])),
        min_size=1,
        max_size=12,
    ),
    st.sampled_from([1, 3, 100]),
    st.integers(1, 3),
)
def test_undo_restores_the_state_before(
    said: list[tuple[Draft, int]], most: int, cycles: int
) -> None:
    async def run() -> None:
        clock = Clock()
        rules = retention_of("old: archive after 20d; old/er: delete after 25d")
        limits = Limits(retention=rules, reflect_most=most, updates="supersede")
        with tempfile.TemporaryDirectory() as home:
            # What is remembered supersedes nothing yet: so there is something left to do.
            async with open_memories(Path(home), clock=clock) as memories:
                for draft, days in said:
                    await memories.remember([draft])
                    clock.pass_days(days)
            async with open_memories(Path(home), clock=clock, limits=limits) as memories:
                everything = Query(
                    text="",
                    limit=100,
                    max_tokens=100_000,
                    filters=Filters(include_superseded=True),
                )

                async def state() -> list[tuple[object, ...]]:
                    found = (await memories.recall(everything)).recollections
                    shown = [tuple(getattr(o.memory, name) for name in FIELDS) for o in found]
                    return sorted(shown, key=str)

                states = [await state()]
                done = 0
                for _ in range(cycles):
                    if (await memories.reflect()).cycle is not None:
                        done += 1
                        states.append(await state())
                for _ in range(done):
                    states.pop()
                    undone = await memories.undo()
                    assert undone.changed == ()
                    assert await state() == states[-1]
                assert (await memories.undo()).cycle is None

    anyio.run(run)
