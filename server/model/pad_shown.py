"""How a scratchpad and a promotion are shown: one compact form for every door."""

from typing import Any

from .promotion import Decision, Promotion
from .scratchpad import Note, Pad
from .times import iso

__all__ = ["decision_dict", "note_dict", "pad_dict", "promotion_dict"]


def pad_dict(pad: Pad) -> dict[str, Any]:
    """The notes in the order in which they were written, with what is not shown of them."""
    shown: dict[str, Any] = {
        "session": pad.session,
        "notes": [note_dict(note) for note in pad.notes],
        "omitted": pad.omitted,
    }
    if pad.dropped:
        shown["dropped"] = pad.dropped
    return shown | ({"tokens": pad.tokens} if pad.tokens else {})


def note_dict(note: Note) -> dict[str, Any]:
    """A note. What is not known of it is left out."""
    shown: dict[str, Any] = {
        "id": note.id,
        "section": note.section.value,
        "content": note.content,
        "at": iso(note.at),
    }
    known = {
        "by": note.agent,
        "importance": note.importance,
        "outcome": note.outcome and note.outcome.value,
        "memory": note.memory,
    }
    return shown | {name: value for name, value in known.items() if value is not None}


def promotion_dict(promotion: Promotion, most: int) -> dict[str, Any]:
    """What became of up to so many notes: those promoted first, then by their scores."""
    ranked = sorted(
        promotion.decisions.items(), key=lambda one: (one[1].verdict == "left", -one[1].score)
    )
    notes = [
        {"id": name, **decision_dict(decision, promotion.memories.get(name))}
        for name, decision in ranked[:most]
    ]
    promoted = sum(one.verdict == "promoted" for one in promotion.decisions.values())
    shown: dict[str, Any] = {
        "session": promotion.session,
        "dry_run": promotion.dry_run,
        "promoted": promoted,
        "notes": notes,
    }
    return shown | ({"omitted": len(ranked) - most} if len(ranked) > most else {})


def decision_dict(decision: Decision, memory: str | None) -> dict[str, Any]:
    """A decision with its scores and its reason."""
    shown: dict[str, Any] = {
        "status": decision.verdict,
        "reason": decision.reason,
        "score": round(decision.score, 2),
        "scores": {name: round(value, 2) for name, value in decision.scores.items()},
    }
    links = {"memory": memory, "near": decision.near}
    return shown | {name: value for name, value in links.items() if value is not None}
