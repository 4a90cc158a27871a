"""How one memory is shown whole, to the model, in resources and at the shell; and a deed."""

from typing import Any

from .access import AuditEntry
from .memory import Memory
from .times import iso

__all__ = ["audit_dict", "memory_dict"]


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
