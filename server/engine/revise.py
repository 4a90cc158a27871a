"""revise: a new version in the place of the old one, which stays readable."""

from dataclasses import replace

from ..errors import InvalidInput, NotFound
from ..ledger import NewPassage, VersionRow
from ..model import Memory, Revision, content_key
from ..tasks import uninterrupted
from .about import look_through
from .check import check_ids, check_revision
from .passages import make_passages
from .redaction import guarded_revision
from .room import Room

__all__ = ["revise"]


async def revise(room: Room, name: str, revision: Revision) -> VersionRow:
    """Change a memory. Returns its new version.

    Raises:
        InvalidInput: nothing would change, or a value cannot be stored.
        NotFound: no such memory.
        LimitExceeded: the tenant keeps as much as it may.
        StoreError: it could not be kept.
    """
    check_ids([name])
    check_revision(revision, room.limits)
    revision = guarded_revision(revision, room.limits.secrets)
    size = len((revision.content or "").encode())
    async with room.usage.room_for(1, size):
        return await _revise(room, name, revision)


async def _revise(room: Room, name: str, revision: Revision) -> VersionRow:
    while True:
        row = (await room.ledger.current([name])).get(name)
        if row is None:
            raise NotFound(f"No memory {name}. Ids come from recall or remember.")
        later = _revised(row.memory, revision)
        content = await _content(room, row, later)
        done = await uninterrupted(_replace(room, row, later, content))
        if done is not None:
            return done
        # Another revision came between: this one applies to what that one made.


async def _replace(
    room: Room, row: VersionRow, later: Memory, content: tuple[bytes, list[NewPassage]] | None
) -> VersionRow | None:
    done = await room.ledger.revise(row, later, room.clock(), content)
    if done is None:
        return None
    if content is not None:
        await look_through(room, [done[0].memory])
    await room.committed(done[1], (later.id,))
    return done[0]


def _revised(memory: Memory, revision: Revision) -> Memory:
    changes = {
        field: value
        for field in Revision.__dataclass_fields__
        if (value := getattr(revision, field)) is not None
    }
    later = replace(memory, **changes)
    if later.valid_until is not None and later.valid_until <= later.valid_from:
        raise InvalidInput("valid_until: it lies before the memory begins to hold.")
    return later


async def _content(
    room: Room, row: VersionRow, later: Memory
) -> tuple[bytes, list[NewPassage]] | None:
    if later.content == row.memory.content:
        return None
    key = content_key(later.content, namespace=later.namespace, speaker=later.speaker, at=None)
    passages = await make_passages(room.ledger, room.embedder, [later.content])
    return key, passages[0]
