"""How a recall is shown: one compact form, which the budget counts and every door sends."""

import json
from typing import Any

from .answers import Recall, Recollection, Why
from .times import iso

__all__ = ["compact", "recall_dict", "recollection_dict"]


def compact(value: Any) -> str:
    """JSON without spaces, every script readable."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def recall_dict(recall: Recall) -> dict[str, Any]:
    """A recall as plain values."""
    shown: dict[str, Any] = {
        "recollections": [recollection_dict(one) for one in recall.recollections],
        "considered": recall.considered,
        "omitted": recall.omitted,
        "tokens": recall.tokens,
        "nothing_relevant": recall.nothing_relevant,
    }
    optional = {"reason": recall.reason, "absent": list(recall.absent)}
    return shown | {name: value for name, value in optional.items() if value}


def recollection_dict(one: Recollection) -> dict[str, Any]:
    """One result, with its speaker and its reasons where there are any."""
    shown: dict[str, Any] = {
        "id": one.memory.id,
        "content": one.memory.content if one.excerpt is None else one.excerpt,
        "relevance": round(one.relevance, 2),
        "kind": one.memory.kind.value,
        "tier": one.tier.value,
        "when": iso(one.memory.valid_from),
        "source": one.memory.source.value,
    }
    if one.excerpt is not None:
        shown["excerpt"] = True
    if one.memory.speaker is not None:
        shown["speaker"] = one.memory.speaker
    if one.why is not None:
        shown["why"] = _why(one.why)
    return shown


def _why(why: Why) -> dict[str, Any]:
    known = {"cosine": why.cosine, "bm25": why.bm25, "score": why.score}
    shown: dict[str, Any] = {n: round(v, 3) for n, v in known.items() if v is not None}
    signals = {name: round(value, 3) for name, value in why.signals.items()}
    shown["signals"] = {name: value for name, value in signals.items() if value}
    return shown
