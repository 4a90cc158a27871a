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
    chosen = _newest(notes, budget, count)
    while True:
        pad = _counted(
            Pad(
                session=session,
                notes=tuple(chosen),
                omitted=len(notes) - len(chosen),
                dropped=dropped,
                tokens=_GUESS,
            ),
            count,
        )
        if pad.tokens <= budget or not chosen:
            return pad
        del chosen[0]


def _newest(notes: Sequence[Note], budget: int, count: Count) -> list[Note]:
    chosen: list[Note] = []
    left = budget
    for note in reversed(notes):
        if left < _LEAST:
            break
        cost = count(compact(note_dict(note)))
        if cost <= left:
            chosen.append(note)
            left -= cost
    return chosen[::-1]


def _counted(pad: Pad, count: Count) -> Pad:
    """With what it costs, which depends on the digits of the number itself."""
    while (tokens := count(compact(pad_dict(pad)))) != pad.tokens:
        pad = replace(pad, tokens=tokens)
    return pad
