"""What speaks for keeping a note: five signals from 0 to 1, each by a rule that can be read.

- *novelty*: how far it is from the nearest that is known, by cosine; or, if that is more, the share
  of its specifics (names, numbers, identifiers, negations) that the nearest does not have. "The port
  is 9090" is near "the port is 8080", and new.
- *recurrence*: other notes of the session that say the same, n of them: 1 - 1 / (1 + n).
- *salience*: the importance that the agent gave, or else what the text shows: half for each four
  specifics or two words of weight (decided, because, always, …), of what was missing to 1. The words
  are English; specifics are anybody's.
- *use*: how often it was read back, and twice how often later notes name it: 1 - 1 / (1 + n).
- *outcome*: 1 or 0 after the first note from here on that says how it turned out, well or ill; 0.5
  where none does. So all that led to a result shares in it.
"""

import re
from collections.abc import Sequence

from ..model import Note, NoteOutcome

__all__ = ["novelty", "outcomes", "salience", "saturated", "specifics", "uses"]

_FIRST = 4000
"""Characters of a note that are looked at."""
_TOKEN = re.compile(r"[^\W_][\w.:/@#%+\\'’-]*[\w%]|\w|[/~][\w./-]+")
_OWNED = re.compile(r"['’]s$")
_SENTENCE = re.compile(r"[.!?:]\s|\n")
_NEGATIONS = frozenset(
    ["no", "not", "never", "none", "nothing", "without", "cannot", "neither", "nor"]
)
_NAME = re.compile(r"\bn[0-9a-hjkmnp-tv-z]{12}\b")
_WEIGHTY = frozenset(
    [
        "agreed",
        "always",
        "because",
        "blocked",
        "broke",
        "broken",
        "bug",
        "cause",
        "caused",
        "causes",
        "conclude",
        "concluded",
        "conclusion",
        "confirmed",
        "deadline",
        "decide",
        "decided",
        "decision",
        "decisions",
        "dislikes",
        "due",
        "fails",
        "fix",
        "fixed",
        "fixes",
        "found",
        "important",
        "instead",
        "learned",
        "learnt",
        "lesson",
        "likes",
        "must",
        "never",
        "prefer",
        "preferred",
        "prefers",
        "promised",
        "remember",
        "required",
        "requires",
        "resolved",
        "root",
        "should",
        "solution",
        "solved",
        "therefore",
        "turns",
        "wants",
        "warning",
        "works",
    ]
)
_HALF = 4
"""Specifics, or twice so many weighty words, that are worth a half."""
_UNKNOWN = 0.5


def specifics(text: str) -> frozenset[str]:
    """What in a text cannot be paraphrased: numbers, identifiers, paths, names and negations, in
    lower case. A capital at the beginning of a sentence makes no name."""
    text = text[:_FIRST]
    begins = {0, *(found.end() for found in _SENTENCE.finditer(text))}
    return frozenset(
        token.lower()
        for found in _TOKEN.finditer(text)
        if _is_specific(token := _OWNED.sub("", found.group()), first=found.start() in begins)
    )


def _is_specific(token: str, *, first: bool) -> bool:
    small = token.lower().replace("’", "'")
    if small in _NEGATIONS or small.endswith("n't") or any(letter.isdigit() for letter in token):
        return True
    if any(mark in token for mark in "_/@#.:\\"):
        return len(token) > 2
    inner = token[1:]
    return inner != inner.lower() or (not first and len(token) > 1 and token[0].isupper())


def novelty(own: frozenset[str], other: frozenset[str], cosine: float) -> float:
    """How much a text says that another does not, by the specifics of both and their cosine."""
    missing = len(own - other) / len(own) if own else 0.0
    return min(1.0, max(0.0, 1 - cosine, missing))


def saturated(count: float) -> float:
    """A count as a part of 1: 0, 1/2, 2/3, 3/4, …"""
    return 1 - 1 / (1 + count)


def salience(note: Note, own: frozenset[str]) -> float:
    """How much a note claims by itself; `own` are its specifics."""
    if note.importance is not None:
        return note.importance
    words = re.findall(r"\w+", note.content[:_FIRST].lower())
    weight = len(own) + 2 * sum(word in _WEIGHTY for word in words)
    return 1 - 0.5 ** (weight / _HALF)


def uses(notes: Sequence[Note]) -> list[float]:
    """For each note of a session."""
    named = {note.id: 0 for note in notes}
    for note in notes:
        for name in set(_NAME.findall(note.content[:_FIRST])) - {note.id}:
            if name in named:
                named[name] += 1
    return [saturated(note.uses + 2 * named[note.id]) for note in notes]


def outcomes(notes: Sequence[Note]) -> list[float]:
    """For each note of a session, oldest first."""
    found: list[float] = []
    value = _UNKNOWN
    for note in reversed(notes):
        if note.outcome is not None:
            value = 1.0 if note.outcome is NoteOutcome.SUCCESS else 0.0
        found.append(value)
    return found[::-1]
