"""How a memory, an entity or a deed is shown whole: to the model, in resources and at the shell."""

from typing import Any

from .access import AuditEntry
from .entity import Card, Cards, Connections, Named, State
from .memory import Memory
from .times import iso

__all__ = ["audit_dict", "card_dict", "cards_dict", "connections_dict", "memory_dict"]


def memory_dict(memory: Memory) -> dict[str, Any]:
    """A memory as plain values. What is empty, or does not hold, is left out."""
    shown: dict[str, Any] = {
        "id": memory.id,
        "version": memory.version,
        "content": memory.content,
        "kind": memory.kind.value,
        "tier": memory.tier.value,
        "when": iso(memory.valid_from),
        "source": memory.source.value,
        "recorded_at": iso(memory.recorded_at),
    }
    # Not with the others: an importance of 0 is a value.
    if memory.importance is not None:
        shown["importance"] = memory.importance
    return shown | {name: value for name, value in _optional(memory).items() if value}


def _optional(memory: Memory) -> dict[str, Any]:
    times = {
        "valid_until": memory.valid_until,
        "replaced_at": memory.replaced_at,
        "deleted_at": memory.deleted_at,
        "restorable_until": memory.restorable_until,
    }
    return {
        "speaker": memory.speaker,
        "agent": memory.agent,
        "session": memory.session,
        "namespace": memory.namespace,
        "tags": list(memory.tags),
        "entities": list(memory.entities),
        "pinned": memory.pinned,
        "metadata": dict(memory.metadata),
        "superseded_by": memory.superseded_by,
        **{name: time and iso(time) for name, time in times.items()},
    }


def cards_dict(cards: Cards) -> dict[str, Any]:
    """The answer to a question for entities, as plain values."""
    return {
        "entities": [card_dict(card) for card in cards.cards],
        "omitted": cards.omitted,
        "tokens": cards.tokens,
    }


def card_dict(card: Card) -> dict[str, Any]:
    """An entity as plain values. What is empty is left out."""
    shown = {"id": card.id, "name": card.name, "type": card.type.value}
    more = {
        "aliases": list(card.aliases),
        "states": [_state(one) for one in card.states],
        "memories": list(card.memories),
    }
    return {
        **shown,
        **{name: value for name, value in more.items() if value},
        "mentions": card.mentions,
    }


def _state(one: State) -> dict[str, Any]:
    """With days where it matters to the day: a card is read often."""
    shown = {"attribute": one.attribute, "value": one.value, "since": f"{one.since:%Y-%m-%d}"}
    if one.until is not None:
        shown["until"] = f"{one.until:%Y-%m-%d}"
    return {**shown, "memory": one.memory}


def connections_dict(connections: Connections) -> dict[str, Any]:
    """What a memory names and how it stands to others, as plain values; nothing of what is empty."""
    shown: dict[str, Any] = {
        "mentions": [_named(one) for one in connections.mentions],
        "relations": [
            {
                "type": one.type.value if one.forward else f"{one.type.value} this",
                "memory": f"memory://memories/{one.memory}",
                "why": one.why,
            }
            for one in connections.links
        ],
        "keywords": list(connections.keywords),
        "context": connections.context,
    }
    return {name: value for name, value in shown.items() if value}


def _named(one: Named) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "entity": f"memory://entities/{one.entity}",
        "name": one.name,
        "type": one.type.value,
        "how": one.how,
        "evidence": one.evidence,
    }
    return shown | ({"at": [one.start, one.stop]} if one.stop else {})


def audit_dict(entry: AuditEntry) -> dict[str, Any]:
    """An entry of the audit as plain values."""
    deed = entry.deed
    return {
        "number": entry.number,
        "at": iso(entry.at),
        "credential": deed.credential,
        **({} if deed.agent is None else {"agent": deed.agent}),
        "action": deed.action,
        "count": deed.count,
        "ids": list(deed.ids),
    }
