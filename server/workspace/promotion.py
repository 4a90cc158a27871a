"""Which notes of a session become memories, and why. A function of its arguments: the same evidence
and the same policy make the same decisions, so that a policy can be replayed."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..model import SIGNALS, Decision, Note, Occasion, Policy
from .promotion_signals import novelty, outcomes, salience, saturated, specifics, uses

__all__ = ["Evidence", "Known", "decide", "is_open"]


class Known(NamedTuple):
    """What is remembered and near a note."""

    id: str
    content: str
    cosine: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The notes of a session, oldest first, and what is known beside them."""

    notes: Sequence[Note]
    cosines: NDArray[np.float32]
    """Of each note to each, shape (n, n). A note that is too long to be compared is near nothing."""
    known: Sequence[Sequence[Known]]
    """For each note."""
    near_from: float
    """The cosine from which two texts may say the same."""


@dataclass(slots=True)
class _Candidate:
    """A note that no memory was made of yet."""

    place: int
    note: Note
    own: frozenset[str]
    scores: dict[str, float] = field(default_factory=dict[str, float])
    near: str | None = None
    """What says the same."""

    def meet(self, name: str, theirs: frozenset[str], cosine: float, near_from: float) -> None:
        """Take what else is known, or will be, into account."""
        new = round(novelty(self.own, theirs, cosine), 3)
        self.scores["novelty"] = min(self.scores["novelty"], new)
        if self.near is None and cosine >= near_from and new <= 1 - near_from:
            self.near = name


def is_open(note: Note, asked: Collection[str]) -> bool:
    """Whether more can be decided on a note: it is no memory. One that was left for another of its
    scratchpad, which is, can only be asked for."""
    if note.memory is None:
        return True
    return note.id in asked and note.decision is not None and note.decision.verdict == "left"


def decide(
    evidence: Evidence, policy: Policy, asked: Iterable[str], occasion: Occasion
) -> dict[str, Decision]:
    """What becomes of each note that is open. The asked ones are promoted in any case.

    The best is taken first, and what is left is compared with it: so of several that say the same
    one is promoted, the newest where they are equal. What says nothing new is left, whatever its
    score.
    """
    wanted = set(asked)
    candidates = _candidates(evidence, wanted)
    decisions: dict[str, Decision] = {}
    while candidates:
        best = max(candidates, key=lambda one: (one.note.id in wanted, *_rank(one, policy)))
        decision = _decision(best, policy, occasion, asked=best.note.id in wanted)
        if decision.verdict == "left":
            # So are all that rank below it.
            decisions |= {one.note.id: _decision(one, policy, occasion) for one in candidates}
            break
        decisions[best.note.id] = decision
        candidates.remove(best)
        for other in candidates:
            cosine = float(evidence.cosines[other.place, best.place])
            other.meet(best.note.id, best.own, cosine, evidence.near_from)
    return {note.id: decisions[note.id] for note in evidence.notes if note.id in decisions}


def _candidates(evidence: Evidence, asked: Collection[str]) -> list[_Candidate]:
    notes = evidence.notes
    near = evidence.cosines >= evidence.near_from
    signals = zip(notes, uses(notes), outcomes(notes), near.sum(axis=1).tolist(), strict=True)
    found: list[_Candidate] = []
    for place, (note, use, outcome, alike) in enumerate(signals):
        if not is_open(note, asked):
            continue
        one = _Candidate(place, note, specifics(note.content))
        one.scores = {
            "novelty": 1.0,
            "recurrence": saturated(max(0, alike - bool(near[place, place]))),
            "salience": salience(note, one.own),
            "use": use,
            "outcome": outcome,
        }
        one.scores = {name: round(value, 3) for name, value in one.scores.items()}
        for known in evidence.known[place]:
            one.meet(known.id, specifics(known.content), known.cosine, evidence.near_from)
        found.append(one)
    return found


def _rank(one: _Candidate, policy: Policy) -> tuple[bool, float, int]:
    return one.near is None, policy.score(one.scores), one.place


def _decision(
    one: _Candidate, policy: Policy, occasion: Occasion, *, asked: bool = False
) -> Decision:
    score = policy.score(one.scores)
    enough = score >= policy.threshold
    if asked:
        reason = "asked for"
    elif one.near is not None:
        reason = "says nothing new"
    else:
        reason = f"{score:.2f} {'≥' if enough else '<'} {policy.threshold:.2f}: "
        reason += _because(one.scores, policy, enough=enough)
    promoted = asked or (enough and one.near is None)
    return Decision(
        verdict="promoted" if promoted else "left",
        score=score,
        scores=dict(one.scores),
        reason=reason,
        near=one.near,
        occasion=occasion,
    )


def _because(scores: Mapping[str, float], policy: Policy, *, enough: bool) -> str:
    """The two signals that did most for the score, or that it lacks most."""
    parts = {
        name: policy.weights[name] * (scores[name] if enough else 1 - scores[name])
        for name in SIGNALS
    }
    first, second = sorted(SIGNALS, key=lambda name: -parts[name])[:2]
    return f"{first} and {second}" if enough else f"too little {first} and {second}"
