"""How the memory is doing, proved by a canary that is really written, recalled and forgotten."""

import time
from collections import Counter

from ..errors import LociError
from ..model import Answered, CardsStatus, Draft, Filters, ForgetMode, IndexStatus, Query, Status
from ..model.render import compact
from ..model.shown import card_dict
from .cards import cards_of
from .memories import Memories
from .room import Room

__all__ = ["CANARY", "check_canary", "index_status", "status"]

CANARY = "~canary"
"""The tenant that the canary lives in. No caller's name begins with a tilde."""

_CARDS = 20
"""The most named entities, whose cards are compared with their memories."""
_SONG = "The canary sings at dawn in the engine room."


async def check_canary(memories: Memories) -> tuple[bool, str]:
    """Whether a memory can be written, recalled and erased, and what went wrong where not."""
    started = time.perf_counter()
    try:
        (stored,) = await memories.remember([Draft(content=_SONG)])
        answer = await memories.recall(Query(text="Where does the canary sing?"))
        receipt = await memories.forget([stored.id], ForgetMode.ERASE)
    except LociError as error:
        return False, str(error)
    if stored.id not in [one.memory.id for one in answer.recollections]:
        return False, "It was written, but recall does not find it."
    if receipt.residue is None or receipt.residue.found:
        return False, "It was written and recalled, but traces stay after erasing it."
    taken = round((time.perf_counter() - started) * 1000)
    return True, f"written, recalled and erased in {taken} ms"


async def status(room: Room, canary: tuple[bool, str]) -> Status:
    """Counts, the model in use, and what the canary found."""
    counts = await room.ledger.counts(room.sight(Filters()))
    hot = (await room.choose_hot()).seqs
    tiers: Counter[str] = Counter({"hot": len(hot), "warm": -len(hot), "cold": 0})
    kinds: Counter[str] = Counter()
    for (tier, kind), count in counts.items():
        tiers[tier.value] += count
        kinds[kind] += count
    return Status(
        tiers=dict(tiers),
        kinds=dict(kinds),
        embedder=room.embedder.identity,
        waiting=await room.ledger.backlog_size(),
        index=await index_status(room),
        answers=Answered(again=room.answers.hits, sought=room.answers.misses),
        cards=await cards_status(room),
        healthy=canary[0],
        canary=canary[1],
    )


async def cards_status(room: Room) -> CardsStatus:
    """What the cards of the most named entities save."""
    await room.counter.load()
    ids = await room.ledger.about.named_like("", None, _CARDS)
    cards = [card for card in await cards_of(room, ids) if card.mentions > 1]
    kept = {card.id for card in cards}
    texts = [content for _, _, content in await room.ledger.about.memories(kept)]
    return CardsStatus(
        entities=await room.ledger.about.count(),
        cards=len(cards),
        card_tokens=sum(await room.counter.count_all([compact(card_dict(one)) for one in cards])),
        memory_tokens=sum(await room.counter.count_all(texts)),
    )


async def index_status(room: Room) -> IndexStatus:
    """What state the tenant's vector index is in, and why."""
    if room.feed is not None:
        return await room.feed.status()
    vectors = await room.dense.count()
    searched = "by codes" if room.dense.coded else "exactly"
    return IndexStatus(state="off", searched=searched, vectors=vectors)
