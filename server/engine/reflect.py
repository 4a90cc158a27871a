"""reflect: one cycle of consolidation, and taking it back.

In this order: memories whose time is up by a rule of retention, summaries that no longer hold, states that have
ended, statements said twice, episodes that are worth a summary. What is to be done is found first, without
holding anybody up; then it is done in one transaction, to whatever is still as it was found.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from anyio import to_thread

from ..consolidation import Statement, statement_of
from ..ledger import Done, Plan, Sight, Taken, VersionRow
from ..model import Closed, Cycle, Filters, Kind, Reflection, Tier, Undone
from ..tasks import uninterrupted
from .check import check_namespace
from .outdated import Stating, endings, stating_of
from .repeated import merges
from .retire import retirements
from .room import Room
from .summing import Episode, Progress, nobody, summaries

__all__ = ["cycles", "reflect", "retain", "undo"]

_PAGE = 200
"""Rows at once: more would keep the event loop."""
_SETTLED = timedelta(days=1)
"""Age from which a memory is looked at unasked: before, whoever remembered it may be at work still."""
_LOG = 100


@dataclass(slots=True)
class _Looked:
    """What was seen of a tenant's memories."""

    until: datetime
    """Those that were remembered later are passed over."""
    ids: set[str] = field(default_factory=set[str])
    statements: list[Statement] = field(default_factory=list[Statement])
    stating: dict[str, Stating] = field(default_factory=dict[str, Stating])
    episodes: list[Episode] = field(default_factory=list[Episode])

    def take(self, rows: Sequence[VersionRow]) -> None:
        """Look at some. It takes a while: call it in a thread."""
        for seq, memory in rows:
            if memory.tier is Tier.COLD or memory.remembered_at > self.until:
                continue
            self.ids.add(memory.id)
            if memory.kind is Kind.EPISODIC:
                self.episodes.append(Episode(memory.valid_from, seq, memory.id, memory.namespace))
            elif (statement := statement_of(seq, memory)) is not None:
                self.statements.append(statement)
            if (stating := stating_of(seq, memory)) is not None:
                self.stating[memory.id] = stating


async def reflect(
    room: Room,
    namespace: str | None = None,
    *,
    dry_run: bool = False,
    unasked: bool = False,
    progress: Progress = nobody,
) -> Reflection:
    """Consolidate a namespace, or all. With `dry_run`, say what would be done and do nothing.
    `unasked`, only what has settled is looked at.

    Raises:
        InvalidInput: the namespace cannot be one.
        StoreError, ModelError: nothing was changed.
    """
    check_namespace(namespace or "")
    async with room.reflecting:
        plan, found = await _plan(room, namespace, unasked, progress)
        if not dry_run and found.changes:
            await progress(9, 10, "writing")
            found = await uninterrupted(_apply(room, plan, found))
        await progress(10, 10, "done")
        return replace(found, dry_run=dry_run)


async def retain(room: Room) -> Reflection:
    """Archive and delete what the rules of retention say, and nothing else."""
    async with room.reflecting:
        retired, told, late = await retirements(room, None, room.limits.reflect_most)
        found = Reflection(cycle=None, dry_run=False, looked=0, retired=told, left=late)
        if not retired:
            return found
        return await uninterrupted(_apply(room, Plan(retired=retired), found))


async def undo(room: Room) -> Undone:
    """Take back the last cycle that was not taken back yet. What was changed since stays."""
    async with room.reflecting:
        return await uninterrupted(_undo(room))


async def cycles(room: Room) -> list[Cycle]:
    """The log: what the last cycles did, newest first."""
    return await room.ledger.cycles.log(_LOG)


async def _plan(
    room: Room, namespace: str | None, unasked: bool, progress: Progress
) -> tuple[Plan, Reflection]:
    left = room.limits.reflect_most
    await progress(0, 10, "reading")
    retired, told_retired, late = await retirements(room, namespace, left)
    looked = await _look(room, namespace, unasked)
    gone = {one.one.id for one in retired}
    closed, told_closed = await _stale(room, looked.ids if namespace else None, gone)
    left -= len(retired) + len(closed)
    await progress(4, 10, "comparing")
    stating = {name: one for name, one in looked.stating.items() if name not in gone}
    outdated, told_outdated, later = await endings(room, stating, max(left, 0))
    left -= len(outdated)
    past = gone | {one.old.id for one in outdated}
    statements = [one for one in looked.statements if one.id not in past]
    merged, told_merged, more = await merges(room, statements, max(left, 0))
    await progress(6, 10, "summing up")
    ended = {one.id for one in closed}
    episodes = [one for one in looked.episodes if one.id not in gone]
    summed, told_summed, rest = await summaries(
        room, episodes, ended, max(left - len(merged), 0), progress
    )
    plan = Plan(retired=retired, closed=closed, outdated=outdated, merged=merged, summed=summed)
    return plan, Reflection(
        cycle=None,
        dry_run=True,
        looked=len(looked.ids),
        retired=told_retired,
        closed=told_closed + told_outdated,
        merged=told_merged,
        summed=told_summed,
        left=late + later + more + rest,
    )


async def _look(room: Room, namespace: str | None, unasked: bool) -> _Looked:
    now = room.clock()
    looked = _Looked(now - _SETTLED if unasked else now)
    sight = Sight(filters=Filters(namespace=namespace or None), now=now)
    seqs = await room.ledger.seqs(sight)
    for start in range(0, len(seqs), _PAGE):
        rows = await room.ledger.by_seq(seqs[start : start + _PAGE], sight)
        await to_thread.run_sync(looked.take, list(rows.values()))
    return looked


async def _stale(
    room: Room, ids: set[str] | None, gone: set[str]
) -> tuple[list[Taken], tuple[Closed, ...]]:
    found = {
        name: (seq, source)
        for seq, name, source in await room.ledger.cycles.stale()
        if name not in gone and (ids is None or name in ids)
    }
    told = tuple(Closed(id=name, source=source) for name, (_, source) in found.items())
    return [Taken(seq, name) for name, (seq, _) in found.items()], told


async def _apply(room: Room, plan: Plan, found: Reflection) -> Reflection:
    now = room.clock()
    until = now + timedelta(days=room.limits.restore_days)
    done, delta = await room.ledger.cycles.apply(plan, now, until, _summary(found))
    if done.ids:
        await room.committed(delta, tuple(sorted(done.ids)))
    return _done(found, done)


def _done(found: Reflection, done: Done) -> Reflection:
    """Of what was found, what was done: the rest was changed meanwhile."""
    merged = tuple(
        replace(one, ids=tuple(name for name in one.ids if name in done.ids))
        for one in found.merged
    )
    return replace(
        found,
        cycle=done.cycle,
        retired=tuple(one for one in found.retired if one.id in done.ids),
        closed=tuple(one for one in found.closed if one.id in done.ids),
        merged=tuple(one for one in merged if one.ids),
        summed=tuple(one for one in found.summed if one.id in done.ids),
    )


def _summary(found: Reflection) -> str:
    """A line of the log. It names rules, and no memory: it outlives what is erased."""
    rules = sorted({one.rule for one in found.retired})
    parts = {
        f"retired ({'; '.join(rules)})": len(found.retired),
        "closed": len(found.closed),
        "merged": sum(len(one.ids) for one in found.merged),
        "summed up": len(found.summed),
    }
    return ", ".join(f"{count} {what}" for what, count in parts.items() if count)


async def _undo(room: Room) -> Undone:
    now = room.clock()
    until = now + timedelta(days=room.limits.restore_days)
    done, delta = await room.ledger.cycles.undo(now, until)
    if done.ids:
        await room.committed(delta, tuple(sorted(done.ids)))
    return Undone(cycle=done.cycle, ids=tuple(sorted(done.ids)), changed=tuple(sorted(done.left)))
