"""What a question asks for by name: people, places, numbers, what it quotes.

A score cannot tell a near miss: what is remembered of somebody else, or of another place, is as near as an
answer would be (AUROC about .5 on public questions that have none). Whether the name asked for occurs at
all in what is remembered can be told, and is.
"""

import re

from ..ledger import question_terms, quoted
from .people import Named
from .when import Times

__all__ = ["details"]

_WORD = re.compile(r"[^\W_]+(?:[-'’._][^\W_]+)*")
_SENTENCE_ENDS = '.!?:;"“«'
_POSSESSIVE = re.compile(r"['’]s$")
_MOST = 8


def details(text: str, named: list[Named], times: Times) -> list[str]:
    """The details that a question names, as it writes them, in its order.

    Not its first word, whose capital says nothing, nor known people, nor times, which memories do
    not repeat.
    """
    taken = [(one.start, one.stop) for one in named]
    taken += [(span.start, span.stop) for span in times.spans]
    found = [
        _POSSESSIVE.sub("", word.group())
        for word in _WORD.finditer(text)
        if not any(start < word.end() and word.start() < stop for start, stop in taken)
        and _is_name(word.group(), text[: word.start()].rstrip())
    ]
    unique = dict.fromkeys([*quoted(text), *found])
    return [one for one in unique if question_terms(one)][:_MOST]


def _is_name(word: str, before: str) -> bool:
    """Whether a word is written as a name, or has digits in it."""
    if any(letter.isdigit() for letter in word):
        return len(word) > 1
    begins = not before or before[-1] in _SENTENCE_ENDS
    return len(word) > 1 and word[0].isupper() and not begins
