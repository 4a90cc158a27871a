"""From what texts name to what their memories are about: names resolved, references followed, statements
given to their entities. Within one call, what comes later knows what came before."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..entities import (
    Antecedent,
    Found,
    Known,
    Name,
    Reference,
    Resolution,
    context,
    means,
    name_of,
    resolve,
)
from ..ledger import About, NewEntity, NewMention, NewState
from ..model import EntityType, Memory, Source, new_entity_id
from .reading import Named, Read, Reading, known_of

__all__ = ["Context", "Settled", "Settling"]

Vector: TypeAlias = NDArray[np.float32]
Context: TypeAlias = Mapping[str, Vector]
"""The mean vector of the memories that name an entity."""

_USER = "user"


@dataclass(slots=True)
class Settled:
    """What one memory is about."""

    memory: Memory
    entities: dict[str, NewEntity] = field(default_factory=dict[str, NewEntity])
    names: dict[str, tuple[str, EntityType]] = field(
        default_factory=dict[str, tuple[str, EntityType]]
    )
    """Of each entity, in the order in which they are named."""
    mentions: list[NewMention] = field(default_factory=list[NewMention])
    states: list[NewState] = field(default_factory=list[NewState])
    keywords: tuple[str, ...] = ()
    antecedents: list[Antecedent] = field(default_factory=list[Antecedent])

    def about(self, extractor: str, reading: Reading) -> About:
        """For the ledger, without links."""
        shown = [name for name, _ in self.names.values()]
        return About(
            entities=tuple(self.entities.values()),
            mentions=tuple(self.mentions),
            states=tuple(self.states),
            keywords=self.keywords,
            context=context(self.memory.speaker, shown[:6], self.keywords),
            extractor=extractor,
            pruned=reading.pruned,
            pruned_then=reading.pruned_then,
        )


class Settling:
    """Settles the memories of one call, in their order."""

    def __init__(self, reading: Reading, contexts: Context) -> None:
        """`contexts` has those entities of which some name leaves several."""
        self._known = known_of(reading.known)
        self._kept = {(one.id, one.folded) for one in reading.known if one.own}
        self._names = {one.id: (one.name, one.type) for one in self._known}
        self._contexts = contexts
        self._recent: dict[str, list[list[tuple[str, EntityType]]]] = {}
        """What each session's memories name, last first."""
        for session, rows in reading.recent.items():
            memories: dict[int, list[tuple[str, EntityType]]] = {}
            for row in rows:
                memories.setdefault(row.seq, []).append((row.id, row.type))
                self._names.setdefault(row.id, (row.name, row.type))
            self._recent[session] = list(memories.values())

    def settle(self, memory: Memory, read: Read, vector: Vector | None) -> Settled:
        """What a memory is about."""
        settled = Settled(memory, keywords=read.keywords)
        nearness = None if vector is None else self._nearness(vector)
        before = self._recent.setdefault(memory.session, []) if memory.session else []
        places: dict[int, str] = {}
        for named in read.named:
            told = places.get(read.others.get(named.found.start, -2))
            recent = [i for m in before for i, _ in m]
            one = self._entity(named, told, recent, nearness, settled)
            places[named.found.start if named.found.stop else -1] = one
        self._refer(read, settled, before, places)
        spans = {one.found.start: one.found for one in read.named}
        self._state(read, settled, places, spans)
        if memory.session:
            before.insert(0, [(i, kind) for i, (_, kind) in settled.names.items()])
        return settled

    def _entity(
        self,
        named: Named,
        told: str | None,
        recent: Sequence[str],
        nearness: Callable[[Collection[str]], Mapping[str, float]] | None,
        settled: Settled,
    ) -> str:
        found, name = named.found, named.name
        resolution = (
            resolve(name, found.type, self._known, recent, nearness)
            if told is None
            else Resolution(told, "alias", "the text says that both are its names")
        )
        one = self._enter(found.name, name, found.type, resolution, settled)
        how = "given" if named.given and resolution.id is None else resolution.how
        evidence = "named by the agent" if how == "given" else resolution.evidence
        if not any(m.entity == one and m.folded == name.folded for m in settled.mentions):
            settled.mentions.append(
                NewMention(one, name.folded, found.start, found.stop, how, evidence)
            )
            settled.antecedents.append(Antecedent(one, self._names[one][1], 0, found.start))
        return one

    def _enter(
        self, text: str, name: Name, sort: EntityType, resolution: Resolution, settled: Settled
    ) -> str:
        """The entity's id, known from now on by this name."""
        fresh = resolution.id is None
        one = resolution.id or new_entity_id()
        before = (text, sort) if fresh else self._names[one]
        shown, kind = self._names[one] = _learned(before, text, sort, resolution)
        # A name may be settled under several forms: each is a row, and all are the same entity's.
        key = one if one not in settled.entities else f"{one} {name.folded}"
        learned = (shown, kind) != before
        entity = NewEntity(
            one,
            text,
            shown,
            kind,
            fresh,
            resolution.apart,
            learned,
            (one, name.folded) in self._kept and not learned,
            *name[1:],
            name.folded,
        )
        settled.entities.setdefault(key, entity)
        settled.names[one] = (shown, kind)
        self._known.append(Known(*name, one, shown, kind))
        return one

    def _refer(
        self,
        read: Read,
        settled: Settled,
        before: Sequence[Sequence[tuple[str, EntityType]]],
        places: dict[int, str],
    ) -> None:
        """Follow pronouns and the like."""
        back = [
            Antecedent(one, kind, number, 0)
            for number, memory in enumerate(before, 1)
            for one, kind in memory
        ]
        wanted = {statement.start for statement in read.statements}
        for reference in read.references:
            if reference.text in ("i", "my") and reference.start not in wanted:
                continue
            meant = self._meant(reference, [*settled.antecedents, *back], settled)
            if meant is not None:
                one, how, evidence = meant
                places[reference.start] = one
                if not any(m.entity == one for m in settled.mentions):
                    settled.mentions.append(
                        NewMention(one, "", reference.start, reference.stop, how, evidence)
                    )
                    settled.names.setdefault(one, self._names[one])

    def _meant(
        self, reference: Reference, before: Sequence[Antecedent], settled: Settled
    ) -> tuple[str, str, str] | None:
        memory = settled.memory
        speaker = memory.speaker or (_USER if memory.source is Source.USER else None)
        meant = means(reference, before, speaker)
        if meant is None or meant[1] != "speaker":
            return meant
        name = name_of(meant[0], EntityType.PERSON)
        resolution = resolve(name, EntityType.PERSON, self._known, (), None)
        one = self._enter(meant[0], name, EntityType.PERSON, resolution, settled)
        settled.mentions.append(NewMention(one, name.folded, 0, 0, "speaker", meant[2]))
        return one, meant[1], meant[2]

    def _state(
        self, read: Read, settled: Settled, places: Mapping[int, str], spans: Mapping[int, Found]
    ) -> None:
        for said in read.statements:
            entity = places.get(said.start)
            found = spans.get(said.start)
            if entity is not None and (found is None or found.stop <= said.stop):
                settled.states.append(
                    NewState(entity, said.attribute, said.value, said.single, said.negated)
                )

    def _nearness(self, vector: Vector) -> Callable[[Collection[str]], Mapping[str, float]]:
        def nearness(ids: Collection[str]) -> Mapping[str, float]:
            return {
                one: float(self._contexts[one] @ vector) for one in ids if one in self._contexts
            }

        return nearness


def _learned(
    before: tuple[str, EntityType], text: str, sort: EntityType, resolution: Resolution
) -> tuple[str, EntityType]:
    """An entity's name and sort, after it was named once more."""
    shown, kind = before
    return (
        text if resolution.longer else shown,
        sort if kind is EntityType.OTHER else kind,
    )
