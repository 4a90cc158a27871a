"""Looking tokens up for many requests: one question at a time, and never an answer from before."""

from collections.abc import Mapping

import anyio
import pytest

from loci.server.errors import StoreError
from loci.server.ledger.lookups import Lookups

pytestmark = pytest.mark.anyio


class Shelf:
    """Names and values, looked up slowly."""

    def __init__(self, **values: int) -> None:
        self.values = dict(values)
        self.asked: list[set[str]] = []
        self.goes_on = anyio.Event()
        self.fails = False

    async def look(self, names: set[str]) -> Mapping[str, int]:
        self.asked.append(set(names))
        found = {name: self.values[name] for name in names if name in self.values}
        await self.goes_on.wait()
        if self.fails:
            self.fails = False
            raise StoreError("the disk")
        return found


async def asking(shelf: Shelf, lookups: Lookups[int], *names: str) -> dict[str, int | None]:
    """Ask for the first name; for the others while that is under way; then let it go on."""
    answers: dict[str, int | None] = {}

    async def ask(name: str) -> None:
        answers[name] = await lookups(name)

    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            for name in names:
                tasks.start_soon(ask, name)
                await anyio.wait_all_tasks_blocked()
            shelf.values["late"] = 3
            shelf.goes_on.set()
    return answers


async def test_who_comes_while_a_question_is_under_way_shares_the_next() -> None:
    shelf = Shelf(a=1, b=2)
    answers = await asking(shelf, Lookups(shelf.look), "a", "b", "c", "late")
    assert answers == {"a": 1, "b": 2, "c": None, "late": 3}
    assert shelf.asked == [{"a"}, {"b", "c", "late"}]


async def test_nobody_is_told_what_was_so_before_they_asked() -> None:
    shelf = Shelf()
    lookups = Lookups(shelf.look)
    answers: list[int | None] = []

    async def ask() -> None:
        answers.append(await lookups("late"))

    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask)
            await anyio.wait_all_tasks_blocked()  # the question is out, and finds nothing
            shelf.values["late"] = 3
            tasks.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
            shelf.goes_on.set()
    assert sorted(answers, key=lambda one: one or 0) == [None, 3]


async def test_others_are_answered_when_who_asks_is_cancelled_or_fails() -> None:
    shelf = Shelf(a=1, b=2, c=3)
    lookups = Lookups(shelf.look)
    answers: dict[str, int | None] = {}
    scope = anyio.CancelScope()

    async def cut_off() -> None:
        with scope:
            await lookups("a")

    async def ask(name: str) -> None:
        try:
            answers[name] = await lookups(name)
        except StoreError:
            answers[name] = -1

    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(cut_off)
            await anyio.wait_all_tasks_blocked()
            for name in ("b", "c"):
                tasks.start_soon(ask, name)
                await anyio.wait_all_tasks_blocked()
            scope.cancel()
            await anyio.wait_all_tasks_blocked()
            shelf.fails = True
            shelf.goes_on.set()
    assert answers == {"b": -1, "c": 3}
