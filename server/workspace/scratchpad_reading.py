"""Fitting a scratchpad into a number of tokens, exactly: the newest notes, in their order."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from ..model import Note, Pad
from ..model.pad_shown import note_dict, pad_dict
from ..model.render import compact

__all__ = ["fit_pad"]

Count = Callable[[str], int]
_GUESS = 100
_LEAST = 24
"""Tokens that the shortest note costs, about: with less left there is nothing to look for."""


def fit_pad(session: str, notes: Sequence[Note], dropped: int, budget: int, count: Count) -> Pad:
    """The newest whole notes whose answer, rendered, costs at most `budget` tokens.

    A note that is too long for what is left is passed over for shorter ones before it.
    """
    bare = Pad(session=session, notes=(), omitted=len(notes), dropped=dropped, tokens=_GUESS)
    room = budget - _counted(bare, count).tokens
    while True:
        chosen = _newest(notes, room, count)
        pad = replace(bare, notes=tuple(chosen), omitted=len(notes) - len(chosen))
        pad = _counted(pad, count)
        if pad.tokens <= budget or not chosen:
            return pad
        # Joined, they cost a little more than one by one.
        room -= pad.tokens - budget


def _newest(notes: Sequence[Note], room: int, count: Count) -> list[Note]:
    chosen: list[Note] = []
    for note in reversed(notes):
        if room < _LEAST:
            break
        cost = count(compact(note_dict(note)))
        if cost <= room:
            chosen.append(note)
            room -= cost
    return chosen[::-1]


def _counted(pad: Pad, count: Count) -> Pad:
    """With what it costs, which depends on the digits of the number itself."""
    while (tokens := count(compact(pad_dict(pad)))) != pad.tokens:
        pad = replace(pad, tokens=tokens)
    return pad
