"""States that have ended: what says nothing else is superseded by what says otherwise later.

The rules are those of `linking` and `about`, as when something is remembered, for what was not, or could not be, told
then: what was remembered before the setting, or after the newer one. Only where the setting lets updates supersede.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby

from ..ledger import Merge, Said, Taken
from ..model import Closed, Kind, Memory
from .linking import VAGUE, differs
from .room import Room

__all__ = ["Stating", "endings", "stating_of"]

Stating = tuple[Taken, str, bool]
"""A memory that may say a state, its namespace, and whether it may be superseded."""


def stating_of(seq: int, memory: Memory) -> Stating | None:
    """None for what happened, which stays true, and for what ends by itself."""
    if memory.kind is Kind.EPISODIC or memory.valid_until is not None:
        return None
    return Taken(seq, memory.id), memory.namespace, not memory.pinned


async def endings(
    room: Room, stating: Mapping[str, Stating], most: int
) -> tuple[list[Merge], tuple[Closed, ...], int]:
    """What is to be superseded by what, oldest first and up to so many, what is told of it, and how many are left."""
    if room.limits.updates == "report":
        return [], (), 0
    about = room.ledger.about
    several = await about.several_said()
    said = await about.said({one for one, _ in several}, {one for _, one in several}, room.clock())
    alone = await about.of_one_statement({one.memory for one in said})
    undone = await room.ledger.cycles.undone_merges()
    there = [one for one in said if one.memory in stating and one.attribute not in VAGUE]
    found = [
        Merge(stating[old][0], stating[new][0])
        for old, new in _ended(there, lambda one: stating[one.memory][1])
        if old in alone and stating[old][2] and (old, new) not in undone
    ]
    closed = tuple(Closed(id=one.old.id, source=one.keeper.id) for one in found[:most])
    return found[:most], closed, max(len(found) - most, 0)


def _ended(said: Sequence[Said], space: Callable[[Said], str]) -> Iterator[tuple[str, str]]:
    """The memory that said something, oldest first, and the last that says otherwise and is of a later time, and of the
    same namespace."""

    def of_what(one: Said) -> tuple[str, str, str]:
        return one.entity, one.attribute, space(one)

    # Stable: of two of one time, what was remembered later is the later.
    ordered = sorted(sorted(said, key=lambda one: one.since), key=of_what)
    for _, group in groupby(ordered, of_what):
        of_one = list(group)
        for place, old in enumerate(of_one):
            later = (one for one in reversed(of_one[place + 1 :]) if one.memory != old.memory)
            new = next((one for one in later if differs(one, old)), None)
            if new is not None:
                yield old.memory, new.memory
