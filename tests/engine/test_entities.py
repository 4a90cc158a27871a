"""What memories are about: entities, what is said of them over time, links; and that all of it goes with
the memories that support it."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.engines import START, Clock, ask, keep, open_memories, opened

from loci.server.engine import Limits, Memories
from loci.server.entities import Found
from loci.server.errors import InvalidInput, NotFound
from loci.server.model import Draft, EntityType, Filters, ForgetMode, Revision

pytestmark = pytest.mark.anyio

TABLES = ("entities", "aliases", "mentions", "states", "contexts", "links", "merges")


async def names(memories: Memories, query: str = "") -> list[str]:
    found = await memories.entities(query, limit=50, max_tokens=50_000)
    return [card.name for card in found.cards]


async def named(memories: Memories, memory: str) -> dict[str, str]:
    """What a memory names, and how that is known."""
    return {one.name: one.how for one in (await memories.connections(memory)).mentions}


async def id_of(memories: Memories, name: str) -> str:
    return (await memories.entities(name)).cards[0].id


async def states(memories: Memories, name: str) -> list[tuple[str, str, bool]]:
    """Attribute, value, and whether it still holds."""
    card = await memories.entity(await id_of(memories, name))
    return [(one.attribute, one.value, one.until is None) for one in card.states]


def rows(home: Path, table: str) -> int:
    with closing(sqlite3.connect(home / "ledger.db")) as connection:
        # Of one of the tables above.
        return connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


async def test_remember_says_what_it_found_and_what_it_may_update(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        (first,) = await memories.remember([Draft(content="Anna Smith works at Siemens.")])
        assert first.entities == ("Anna Smith", "Siemens")
        assert first.updates == ()
        (second,) = await memories.remember([Draft(content="Anna works at Bosch now.")])
        assert second.entities == ("Anna Smith", "Bosch")
        (update,) = second.updates
        assert (update.id, update.entity, update.attribute) == (first.id, "Anna Smith", "works at")
        assert (update.was, update.now) == ("Siemens", "Bosch")
        links = (await memories.connections(first.id)).links
        assert [(one.type, one.memory, one.forward) for one in links] == [
            ("contradicts", second.id, False)
        ]


async def test_given_entities_win(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        draft = Draft(content="Anna met Bob on 2026-01-05.", entities=("Anna", "Q4 planning"))
        (one,) = await memories.remember([draft])
        assert one.entities == ("Anna", "Q4 planning")
        assert await named(memories, one.id) == {
            "Anna": "given",
            "Q4 planning": "given",
            "2026-01-05": "new",
        }


async def test_names_are_resolved_exactly_by_alias_and_by_spelling(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        await keep(memories, "Anna Smith leads Siemens AG.", "Muhammad Ali wrote it.")
        found = await keep(
            memories, "Anna called Siemens.", "Mohammed Ali agreed.", "Anna Jones left."
        )
        assert await named(memories, found[0]) == {"Anna Smith": "alias", "Siemens AG": "alias"}
        assert await named(memories, found[1]) == {"Muhammad Ali": "fuzzy"}
        assert await named(memories, found[2]) == {"Anna Jones": "new"}


async def test_a_full_name_is_ones_whatever_the_words_beside_it_suggest(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        await keep(memories, "A visit near Xanthe Quillon was planned.")
        for text in ("Xanthe Quillon said no.", "We use Xanthe Quillon."):
            (told,) = await keep(memories, text)
            assert set(await named(memories, told)) == {"Xanthe Quillon"}, text


async def test_two_words_of_a_name_may_come_in_the_other_order(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        await keep(memories, "Qian Yongqiang called.")
        (told,) = await keep(memories, "Yongqiang Qian agreed.")
        assert await named(memories, told) == {"Qian Yongqiang": "alias"}


async def test_namesakes_with_names_that_look_alike_stay_two(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        await keep(memories, "Zhiqiang called.", "Liu Zhiqiang agreed.")
        one, two = await keep(memories, "Wu Zhiqiang agreed.", "Liu Zhiqiang called.")
        assert await named(memories, one) == {"Wu Zhiqiang": "new"}
        assert set(await named(memories, two)) == {"Liu Zhiqiang"}


@pytest.mark.parametrize(
    "text",
    [
        "Zhang Mingxuan (childhood friend, nickname Xuanzi, phone 12345) called.",
        "Zhang Mingxuan, also known as Xuanzi, called.",
        "Zhang Mingxuan a.k.a. Xuanzi called.",
        'Zhang Mingxuan goes by "Xuanzi".',
    ],
)
async def test_another_name_that_a_text_gives_is_known_from_then_on(
    tmp_path: Path, text: str
) -> None:
    async with open_memories(tmp_path) as memories:
        await keep(memories, text)
        (later,) = await keep(memories, "Dinner with Xuanzi was good.")
        assert await named(memories, later) == {"Zhang Mingxuan": "exact"}


@pytest.mark.parametrize(
    "text",
    ["Zhang Mingxuan called Xuanzi.", "Zhang Mingxuan said. The nickname Xuanzi is nice."],
)
async def test_what_only_stands_beside_a_name_is_no_other_name_of_it(
    tmp_path: Path, text: str
) -> None:
    async with open_memories(tmp_path) as memories:
        (one,) = await keep(memories, text)
        assert set(await named(memories, one)) == {"Zhang Mingxuan", "Xuanzi"}


async def test_a_short_name_of_two_is_told_by_the_session_and_else_left_open(
    tmp_path: Path,
) -> None:
    async with open_memories(tmp_path) as memories:
        await memories.remember([Draft(content="Anna Smith called.", session="one")])
        await memories.remember([Draft(content="Anna Jones called.", session="two")])
        (told,) = await memories.remember([Draft(content="Anna agreed.", session="two")])
        assert await named(memories, told.id) == {"Anna Jones": "context"}


async def test_pronouns_and_the_project_mean_the_only_one(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        said = ["Anna Smith joined Project Apollo.", "She prefers tea.", "The project is blocked."]
        drafts = [Draft(content=text, session="one") for text in said]
        _, second, third = await memories.remember(drafts)
        assert await named(memories, second.id) == {"Anna Smith": "pronoun"}
        assert await named(memories, third.id) == {"Project Apollo": "pronoun"}
        assert ("prefers", "tea", True) in await states(memories, "Anna Smith")
        assert ("status", "blocked", True) in await states(memories, "Apollo")
        (alone,) = await memories.remember([Draft(content="She hates coffee.", session="else")])
        assert await named(memories, alone.id) == {}
        more = Draft(content="Bob Miller came. Anna Smith went. He was late.", session="x")
        (both,) = await memories.remember([more])
        assert set((await named(memories, both.id)).values()) == {"new", "exact"}


async def test_the_speaker_is_meant_by_i(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        await memories.remember([Draft(content="I live in Berlin.", speaker="Bob Miller")])
        assert await states(memories, "Bob Miller") == [("lives in", "Berlin", True)]


async def test_states_end_where_the_next_begins(tmp_path: Path) -> None:
    clock = Clock()
    async with open_memories(tmp_path, clock=clock) as memories:
        for text in (
            "Mara works at Siemens.",
            "Mara works at Bosch.",
            "Mara no longer works at Bosch.",
        ):
            await keep(memories, text)
            clock.pass_days(10)
        assert await states(memories, "Mara") == [
            ("works at", "Bosch", False),
            ("works at", "Siemens", False),
        ]


async def test_the_setting_lets_an_update_supersede(tmp_path: Path) -> None:
    async with open_memories(tmp_path, limits=Limits(updates="supersede")) as memories:
        old, mixed = await keep(
            memories, "Mara works at Siemens.", "Mara lives in Bonn; Mara likes tea."
        )
        (one,) = await memories.remember([Draft(content="Mara works at Bosch.")])
        assert one.status == "superseded_others"
        assert (await memories.get(old)).superseded_by == one.id
        (two,) = await memories.remember([Draft(content="Mara lives in Kiel.")])
        assert [update.id for update in two.updates] == [mixed]
        assert (await memories.get(mixed)).superseded_by is None
        older = Draft(content="Mara works at Miele.", at=START)
        await memories.remember([older])
        assert (await memories.get(one.id)).superseded_by is None


async def test_recall_and_forget_by_entity_know_its_other_names(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        await keep(memories, "Anna Smith likes tea.", "Anna moved.", "Bob moved.")
        found = await ask(memories, "", Filters(entity="anna smith"))
        assert sorted(found) == ["Anna Smith likes tea.", "Anna moved."]


async def test_entities_are_found_by_name_alias_and_description(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        await keep(memories, "Anna Smith studies photosynthesis.", "Siemens builds trains.")
        assert await names(memories, "anna") == ["Anna Smith"]
        assert (await names(memories, "photosynthesis"))[0] == "Anna Smith"
        assert set(await names(memories)) == {"Anna Smith", "Siemens"}
        typed = await memories.entities("", EntityType.PERSON)
        assert [card.name for card in typed.cards] == ["Anna Smith"]
        assert await memories.complete("entity", "ANN") == ["Anna Smith"]
        with pytest.raises(InvalidInput):
            await memories.entities(limit=0)
        with pytest.raises(NotFound):
            await memories.entity("e000000000000")


async def test_the_budget_is_kept(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        await keep(memories, *(f"Anna Smith likes thing number{n} a lot." for n in range(60)))
        found = await memories.entities("Anna", max_tokens=200)
        assert found.tokens <= 200
        assert found.cards[0].mentions == 60


async def test_merge_undo_and_split(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        await keep(memories, "Robert Miller likes tea.", "Bobby likes hiking.", "Rob likes coffee.")
        root, bobby, rob = [await id_of(memories, name) for name in ("Robert", "Bobby", "Rob")]
        before = [await memories.entity(one) for one in (root, bobby, rob)]
        await memories.merge(bobby, [rob])
        card = await memories.merge(root, [bobby])
        assert (card.id, card.mentions) == (root, 3)
        assert set(card.aliases) == {"Bobby", "Rob"}
        assert (await memories.entity(rob)).id == root
        again = await keep(memories, "Bobby sings.")
        assert await named(memories, again[0]) == {"Robert Miller": "exact"}
        await memories.forget(again, ForgetMode.ERASE)
        await memories.merge(root, [bobby], undo=True)
        assert (await memories.entity(rob)).id == bobby
        await memories.merge(bobby, [rob], undo=True)
        assert [await memories.entity(one) for one in (root, bobby, rob)] == before
        with pytest.raises(NotFound):
            await memories.merge(bobby, [rob], undo=True)
        with pytest.raises(NotFound):
            await memories.merge(bobby, ["e000000000000"])
        await memories.merge(root, [bobby])
        rest = await memories.merge(root, ["Bobby"], undo=True)
        assert rest.aliases == ()
        assert await names(memories, "Bobby") == ["Bobby"]
        with pytest.raises(InvalidInput):
            await memories.merge(rob, ["Rob"], undo=True)


async def test_an_entity_is_gone_once_nothing_names_it_and_it_stands_for_none(
    tmp_path: Path,
) -> None:
    async with open_memories(tmp_path) as memories:
        (first,) = await keep(memories, "Anna Smith sings.")
        await keep(memories, "Bob Miller sings.")
        anna, bob = await id_of(memories, "Anna Smith"), await id_of(memories, "Bob Miller")
        await memories.merge(anna, [bob])
        await memories.forget([first], ForgetMode.ERASE)
        await undo(memories, anna, bob)
        assert await names(memories) == ["Bob Miller"]
        assert rows(tmp_path, "entities") == 1


async def test_a_name_of_a_merged_one_outlives_the_memory_that_brought_it(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        (first,) = await keep(memories, "Anna Smith met Bob Miller.")
        anna, bob = await id_of(memories, "Anna Smith"), await id_of(memories, "Bob Miller")
        await memories.merge(anna, [bob])
        await keep(memories, "Bob Miller sings.")
        await memories.forget([first], ForgetMode.ERASE)
        assert await names(memories) == ["Bob Miller"]


async def test_erasing_takes_all_that_nothing_else_supports(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        draft = Draft(content="Wilhelmina Zanzibar works at Quuxtronics.", session="s")
        (first,) = await memories.remember([draft])
        more = ["Wilhelmina prefers chamomile.", "She works at Quuxtronics."]
        later = [Draft(content=text, session="s") for text in more]
        second, third = await memories.remember(later)
        receipt = await memories.forget([first.id], ForgetMode.ERASE)
        assert receipt.residue is not None
        assert receipt.residue.found == ()
        assert await names(memories, "Wilhelmina") == ["Wilhelmina"]
        assert "Wilhelmina Zanzibar" not in await names(memories)
        await memories.forget([second.id, third.id], ForgetMode.ERASE)
        assert await names(memories) == []
    assert {table: rows(tmp_path, table) for table in TABLES} == dict.fromkeys(TABLES, 0)
    assert b"Zanzibar" not in await anyio.Path(tmp_path / "ledger.db").read_bytes()


async def test_what_is_deleted_is_not_shown_and_comes_back(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        kept = await keep(memories, "Anna Smith likes tea.")
        await memories.forget(kept)
        assert await names(memories) == []
        await memories.restore(kept)
        assert await names(memories) == ["Anna Smith"]


async def test_a_revision_is_looked_through_anew(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        (kept,) = await keep(memories, "Anna Smith likes tea.")
        await memories.revise(kept, Revision(content="Bob Miller likes tea."))
        assert await names(memories) == ["Bob Miller"]
        assert rows(tmp_path, "entities") == 1


async def test_tenants_and_extractors_are_apart(tmp_path: Path) -> None:
    class Shouts:
        """Finds words in capitals: another extractor."""

        identity = "shouts"

        def load(self) -> None:
            """Nothing to read."""

        def extract(self, texts: Sequence[str]) -> list[list[Found]]:
            """Each word in capitals."""
            return [
                [
                    Found(text.index(word), text.index(word) + len(word), EntityType.OTHER, word)
                    for word in text.split()
                    if word.isupper()
                ]
                for text in texts
            ]

    async with opened(tmp_path, extractor=Shouts()) as engine:
        ada, bob = await engine.for_tenant("ada"), await engine.for_tenant("bob")
        await keep(ada, "Anna met ZED")
        assert (await names(ada), await names(bob)) == (["ZED"], [])
        with pytest.raises(NotFound):
            await bob.entity(await id_of(ada, "ZED"))


PEOPLE = ("Anna Smith", "Anna", "Bob Miller", "Bob", "Siemens", "Project Apollo")
ACTS = st.lists(
    st.tuples(st.sampled_from(("keep", "merge", "undo", "erase")), st.integers(0, 5), st.integers(0, 5)),
    max_size=12,
)  # fmt: skip


@settings(max_examples=8, deadline=None)
@given(acts=ACTS)
def test_undoing_every_merge_gives_back_what_was(
    acts: list[tuple[str, int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Whatever is remembered, merged and erased between: what still hangs on another can be taken apart, and
    then every entity is its own root, and every one is named by a memory."""
    home = tmp_path_factory.mktemp("merges")

    async def main() -> None:
        async with open_memories(home) as memories:
            kept: list[str] = []
            merged: list[tuple[str, str]] = []
            for number, (act, one, other) in enumerate(acts):
                cards = (await memories.entities(limit=50, max_tokens=50_000)).cards
                cards = sorted(cards, key=lambda card: card.name)
                if act == "keep":
                    kept += await keep(
                        memories, f"{PEOPLE[one]} met {PEOPLE[other]} {number} times."
                    )
                elif act == "merge" and len(cards) > 1:
                    into, child = cards[one % len(cards)].id, cards[other % len(cards)].id
                    if into != child:
                        await memories.merge(into, [child])
                        merged.append((into, child))
                elif act == "undo" and merged:
                    await undo(memories, *merged.pop())
                elif act == "erase" and kept:
                    await memories.forget([kept.pop(one % len(kept))], ForgetMode.ERASE)
            while merged:
                await undo(memories, *merged.pop())
            # What hung on an entity that was erased hangs on its root now.
            while hung := hanging(home):
                root, child = hung[0]
                await memories.merge(root, [child], undo=True)

    anyio.run(main)
    with closing(sqlite3.connect(home / "ledger.db")) as connection:
        apart = "SELECT count(*) FROM entities WHERE root <> id"
        nameless = (
            "SELECT count(*) FROM entities AS e WHERE NOT EXISTS "
            "(SELECT 1 FROM mentions AS m WHERE m.entity = e.id AND m.folded <> '')"
        )
        lost = "SELECT count(*) FROM mentions WHERE entity NOT IN (SELECT id FROM entities)"
        assert connection.execute(apart).fetchone() == (0,)
        assert connection.execute(nameless).fetchone() == (0,)
        assert connection.execute(lost).fetchone() == (0,)


def hanging(home: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(home / "ledger.db")) as connection:
        return connection.execute("SELECT root, id FROM entities WHERE root <> id").fetchall()


async def test_what_was_merged_into_an_erased_entity_can_be_taken_apart(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        _, erased, _ = await keep(
            memories, "Anna Smith likes tea.", "Bob Miller likes tea.", "Siemens sells turbines."
        )
        anna, bob, siemens = [
            await id_of(memories, name) for name in ("Anna Smith", "Bob Miller", "Siemens")
        ]
        await memories.merge(bob, [anna])
        await memories.merge(siemens, [bob])
        await memories.forget([erased], ForgetMode.ERASE)
        assert hanging(tmp_path) == [(siemens, anna)]
        await memories.merge(siemens, [anna], undo=True)
        assert hanging(tmp_path) == []
        assert sorted(await names(memories)) == ["Anna Smith", "Siemens"]


async def undo(memories: Memories, into: str, child: str) -> None:
    try:
        await memories.merge(into, [child], undo=True)
    except NotFound:
        # It went with what was erased.
        return
