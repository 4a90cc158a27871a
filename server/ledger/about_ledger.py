"""What a tenant's memories are about: the entities' side of a tenant."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from ..model import EntityType, LinkType
from . import about_reads as reads
from . import merging
from .about import About, Pruned
from .about_erase import rewrite
from .audit import Deeds
from .jobs import Do
from .packing import plain
from .prepared import Prepared
from .readers import Readers
from .reads import current
from .rows import unpack
from .where import fold
from .writer import Writer

__all__ = ["AboutLedger", "Candidate", "Forms", "LinkRow", "MentionRow", "Recent", "Said"]


@dataclass(frozen=True, slots=True)
class Forms:
    """Forms of names, by which what they may stand for is looked up; see `entities.naming`."""

    folded: frozenset[str]
    bare: frozenset[str]
    single: frozenset[str]
    """Whole names of one word: they may be the first or the last of a longer one."""
    skeletons: frozenset[str]


class Candidate(NamedTuple):
    """A name that is known, and what it stands for."""

    folded: str
    bare: str
    first: str
    last: str
    skeleton: str
    id: str
    name: str
    type: EntityType
    own: bool
    """Whether the name is its own, and not that of one that was merged into it."""


class Recent(NamedTuple):
    """What a memory of the session names."""

    seq: int
    memory: str
    id: str
    name: str
    type: EntityType


class Said(NamedTuple):
    """What a memory says of an entity."""

    entity: str
    attribute: str
    value: str
    single: bool
    negated: bool
    memory: str
    since: datetime
    until: datetime | None


class MentionRow(NamedTuple):
    """What a memory names."""

    id: str
    name: str
    type: EntityType
    start: int
    stop: int
    how: str
    evidence: str


class LinkRow(NamedTuple):
    """A link between two memories."""

    type: LinkType
    source: str
    target: str
    why: str


class AboutLedger:
    """A tenant's entities, states and links: `TenantLedger.about`."""

    __slots__ = ("_deeds", "_dimension", "_model", "_readers", "_tenant", "_writer", "pruned")

    def __init__(
        self,
        tenant: int,
        model: int,
        dimension: int,
        readers: Readers,
        writer: Writer,
        deeds: Deeds,
    ) -> None:
        self._deeds = deeds
        self._tenant = tenant
        self._model = model
        self._dimension = dimension
        self._readers = readers
        self._writer = writer
        self.pruned = Pruned()
        """Ask what it says before candidates are read."""

    # Reading

    async def candidates(self, forms: Forms) -> list[Candidate]:
        """Known names that are like those."""
        values = {
            "folded": _json(forms.folded),
            "bare": _json(forms.bare),
            "single": _json(forms.single),
            "skeletons": _json(forms.skeletons),
        }
        rows = await self._fetch(reads.candidates(), values)
        return [Candidate._make((*row[:-2], EntityType(row[-2]), bool(row[-1]))) for row in rows]

    async def recent(self, session: str, limit: int) -> list[Recent]:
        """What the session's last memories name, newest first."""
        rows = await self._fetch(reads.recent(), {"session": session, "limit": limit})
        return [Recent._make((*row[:-1], EntityType(row[-1]))) for row in rows]

    async def said(
        self, entities: Iterable[str], attributes: Iterable[str], now: datetime
    ) -> list[Said]:
        """What holds now of entities, by some attributes; oldest first."""
        values = {"roots": _json(entities), "attributes": _json(attributes), "now": now}
        rows = await self._fetch(reads.said(), values)
        return [_said((*row[:-1], None)) for row in rows]

    async def several_said(self) -> list[tuple[str, str]]:
        """Entities and attributes of which several current memories say something."""
        return [(root, name) for root, name in await self._fetch(reads.several_said(), {})]

    async def states(self, entities: Iterable[str]) -> list[Said]:
        """All that was ever said of entities, oldest first."""
        rows = await self._fetch(reads.states_of(), {"roots": _json(entities)})
        return [_said(row) for row in rows]

    async def of_one_statement(self, ids: Iterable[str]) -> set[str]:
        """Those of the memories that say one thing of one entity, and no more."""
        return {one for (one,) in await self._fetch(reads.of_one_statement(), {"ids": _json(ids)})}

    async def vectors(self, entity: str, limit: int) -> NDArray[np.float32]:
        """Those of the newest memories that name an entity, shape (up to limit, dimension)."""
        values = {"root": entity, "model": self._model, "limit": limit}
        rows = await self._fetch(reads.vectors_of(), values)
        return unpack([vector for _, vector in rows], self._dimension)

    async def mentions(self, memory: str) -> list[MentionRow]:
        """What a memory names, by place."""
        rows = await self._fetch(reads.mentions_of(), {"memory": memory})
        return [MentionRow._make((*row[:2], EntityType(row[2]), *row[3:])) for row in rows]

    async def context(self, memory: str) -> tuple[tuple[str, ...], str] | None:
        """A memory's keywords and its context; None before it was looked through."""
        rows = await self._fetch(reads.about_memory(), {"memory": memory})
        return (tuple(rows[0][0]), rows[0][1]) if rows else None

    async def links(self, memory: str) -> list[LinkRow]:
        """A memory's links, both ways, newest first."""
        rows = await self._fetch(reads.links_of(), {"memory": memory})
        return [LinkRow(LinkType(row[0]), *row[1:]) for row in rows]

    async def roots(self, ids: Iterable[str]) -> dict[str, str]:
        """Which entity each stands for now, of those that exist."""
        return dict(await self._fetch(reads.roots(), {"ids": _json(ids)}))

    async def names(
        self, entities: Iterable[str]
    ) -> dict[str, tuple[str, EntityType, tuple[str, ...]]]:
        """Name, type and all names of entities."""
        found: dict[str, tuple[str, EntityType, tuple[str, ...]]] = {}
        for root, name, kind, alias in await self._fetch(
            reads.names_of(), {"roots": _json(entities)}
        ):
            before = found[root][2] if root in found else ()
            found[root] = (name, EntityType(kind), before if alias is None else (*before, alias))
        return found

    async def memories(self, entities: Iterable[str]) -> list[tuple[str, str, str]]:
        """Entity, id and content of the memories that name one of the entities, newest first."""
        values = {"tenant": self._tenant, "roots": _json(entities)}
        rows = await self._readers.ask(lambda fetch: plain(fetch(reads.memories_of(), values), 3))
        return [(root, memory, content) for root, memory, _, content in rows]

    async def named_like(self, text: str, kind: EntityType | None, limit: int) -> list[str]:
        """Entities with a name that contains a text, most named first; with none, all."""
        query = reads.named_like(kind is not None, bool(text))
        values = {"text": fold(text), "type": kind, "limit": limit}
        return [root for root, _ in await self._fetch(query, values)]

    async def complete(self, prefix: str, limit: int) -> list[str]:
        """Names that begin so, most used first."""
        values = {"prefix": fold(prefix), "limit": limit}
        return [name for (name,) in await self._fetch(reads.complete_names(), values)]

    async def count(self) -> int:
        """How many entities there are."""
        ((number,),) = await self._fetch(reads.count(), {})
        return number

    async def merged(self, entity: str) -> list[tuple[str, str, datetime, str]]:
        """What was merged into an entity: child, into, when, evidence."""
        rows = await self._fetch(reads.merged(), {"root": entity})
        return [(row[0], row[1], row[2], row[3]) for row in rows]

    async def unread(self, limit: int) -> list[int]:
        """Seqs of memories that were not looked through yet, oldest first."""
        return [seq for (seq,) in await self._fetch(reads.unread(), {"limit": limit})]

    # Writing: each returns after its commit

    async def put(self, rows: Sequence[tuple[str, About]], now: datetime) -> None:
        """Write what memories that are there are about, in the place of what was written before."""

        def job(connection: Connection) -> None:
            self.pruned.times += 1
            ids = [memory for memory, _ in rows]
            there = current(connection, self._tenant, ids, deleted=True)
            kept = [(memory, about) for memory, about in rows if memory in there]
            rewrite(connection, self._tenant, kept, now)

        await self._writer.write(Do(job))

    async def merge(self, into: str, children: Sequence[str], evidence: str, now: datetime) -> str:
        """Let entities be the same as another. Returns the one that stands for all. Raises NotFound."""
        cells = (self._tenant, into, children, evidence, now)
        noting = self._deeds.noting("entities merge")

        def job(connection: Connection) -> str:
            noting(connection, [into, *children])
            return merging.merge(connection, *cells)

        return await self._writer.write(Do(job))

    async def undo(self, into: str, children: Sequence[str], now: datetime) -> list[str]:
        """Take merged entities apart again. Raises NotFound."""
        cells = (self._tenant, into, children, now)
        noting = self._deeds.noting("entities take apart")

        def job(connection: Connection) -> list[str]:
            noting(connection, [into, *children])
            self.pruned.times += 1
            return merging.undo(connection, *cells)

        return await self._writer.write(Do(job))

    async def split(self, entity: str, name: str, new: str, evidence: str, now: datetime) -> str:
        """Make a name of an entity an entity of its own. Raises NotFound, InvalidInput."""
        cells = (self._tenant, entity, name, new, evidence, now)
        noting = self._deeds.noting("entity split")

        def job(connection: Connection) -> str:
            noting(connection, [entity, new])
            return merging.split(connection, *cells)

        return await self._writer.write(Do(job))

    async def _fetch(self, query: Prepared, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        return await self._readers.fetch(query, {"tenant": self._tenant, **values})


def _json(values: Iterable[str]) -> str:
    return json.dumps(sorted(values), ensure_ascii=False)


def _said(row: tuple[Any, ...]) -> Said:
    entity, attribute, value, single, negated, memory, since, until = row
    return Said(entity, attribute, value, bool(single), bool(negated), memory, since, until)
