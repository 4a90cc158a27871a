"""Notes are erased with what they became, and by themselves."""

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from sqlalchemy import Connection, Text, bindparam, delete, func, or_, select, update

from .prepared import Prepared, prepare
from .scratchpad_rows import remove_empty
from .tables import Micros, notes, pads, promotions
from .where import one_of

__all__ = ["ErasedNote", "erase_notes", "existing", "mentions", "selected"]

_n, _d, _q = notes.c, pads.c, promotions.c


class ErasedNote(NamedTuple):
    """What was erased, to look for afterwards."""

    id: str
    content: str
    session: str


def erase_notes(
    connection: Connection,
    tenant: int,
    *,
    ids: Sequence[str] = (),
    memories: Sequence[str] = (),
    contents: Sequence[str] = (),
) -> list[ErasedNote]:
    """Remove notes: those of the ids, those that became one of the memories or say what became one,
    and those that say just what one of the contents says. No decision names any of it any more."""
    said = [content.strip() for content in contents]
    any_of = or_(
        one_of(_n.id, ids), one_of(_n.memory, memories), one_of(func.trim(_n.content), said)
    )
    where = (_n.tenant == tenant, any_of)
    columns = select(_n.id, _n.content, _d.session).join(pads, _d.key == _n.pad)
    found = [ErasedNote(*row) for row in connection.execute(columns.where(*where))]
    connection.execute(delete(notes).where(*where))
    remove_empty(connection, tenant)
    gone = [*(note.id for note in found), *memories]
    named = (_q.tenant == tenant, one_of(_q.near, gone))
    connection.execute(update(promotions).where(*named).values(near=None))
    return found


def mentions(connection: Connection, text: str) -> bool:
    """Whether a note holds a text, or its session's name does."""
    inside = select(_n.seq).where(func.instr(_n.content, text) > 0)
    named = select(_d.key).where(func.instr(_d.session, text) > 0)
    found = (connection.execute(one.limit(1)).first() for one in (inside, named))
    return any(row is not None for row in found)


@cache
def selected(given: frozenset[str]) -> Prepared:
    """Ids of a `session`'s notes, oldest first; those of a `namespace` with what is below, and those
    written `before`, where these are given."""
    conditions = {
        "namespace": or_(
            _n.namespace == bindparam("namespace", type_=Text()),
            func.substr(_n.namespace, 1, func.length(bindparam("below", type_=Text())))
            == bindparam("below", type_=Text()),
        ),
        "before": _n.at < bindparam("before", type_=Micros()),
    }
    mine = (_d.tenant == bindparam("tenant"), _d.session == bindparam("session", type_=Text()))
    narrowed = [condition for name, condition in conditions.items() if name in given]
    statement = select(_n.id).join(pads, _d.key == _n.pad).where(*mine, *narrowed)
    return prepare(statement.order_by(_n.seq))


@cache
def existing() -> Prepared:
    """Those of the `wanted` ids that name a note."""
    where = (_n.tenant == bindparam("tenant"), one_of(_n.id, bindparam("wanted", type_=Text())))
    return prepare(select(_n.id).where(*where))
