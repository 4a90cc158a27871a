"""Retention: whose time is up by a rule."""

from anyio import to_thread

from ..ledger import Retire, Taken
from ..model import Retired
from ..tiers import Kept
from .room import Room

__all__ = ["retirements"]


async def retirements(
    room: Room, namespace: str | None, most: int
) -> tuple[list[Retire], tuple[Retired, ...], int]:
    """What is to be archived or deleted, up to so many, what is told of it, and how many are left."""
    retention = room.limits.retention
    if not retention.rules:
        return [], (), 0
    now = room.clock()
    retired: list[Retire] = []
    told: list[Retired] = []
    left = 0
    async for rows in room.ledger.cycles.kept():
        kept = [one for one in (Kept(*row) for row in rows) if _inside(one.namespace, namespace)]
        for one, rule in await to_thread.run_sync(retention.due, kept, now):
            if len(retired) == most:
                left += 1
                continue
            retired.append(Retire(Taken(one.seq, one.id), rule.action == "delete"))
            told.append(Retired(id=one.id, rule=rule.text))
    return retired, tuple(told), left


def _inside(namespace: str, wanted: str | None) -> bool:
    return not wanted or namespace == wanted or namespace.startswith(f"{wanted}/")
