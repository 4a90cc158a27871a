"""The terms of texts and questions: words, pieces of scripts that put no spaces, quoted phrases.

A run of Han, Kana or Hangul is one word to FTS5. So its pieces are indexed beside it: each two
characters in a row, and each alone, as Lucene's CJKBigramFilter makes them. Pairs come first, so that
those of a phrase stand side by side.
"""

import re
from collections.abc import Iterator

from .stopwords import STOPWORDS

__all__ = ["as_phrase", "as_question", "pieces", "question_terms", "quoted", "terms_of"]

_WORD = re.compile(r"\w+", re.UNICODE)
_SPACELESS = re.compile(
    "([\u3005-\u3007\u3041-\u30ff\u3105-\u312f\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
    "\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]+)"
)
_QUOTED = re.compile('"([^"]+)"|“([^”]+)”|„([^“”]+)[“”]|«([^»]+)»|「([^」]+)」|『([^』]+)』')
_TERMS = 64
"""A longer question adds time and no focus."""


def pieces(text: str) -> str:
    """What is indexed beside a text itself; empty where words stand apart."""
    if _SPACELESS.search(text) is None:
        return ""
    mixed = (word for word in _WORD.findall(text) if _SPACELESS.search(word))
    return " ".join(piece for word in mixed for piece in _parts(word, alone=True))


def terms_of(text: str) -> list[str]:
    """All terms of a text, lower-cased: its words, or the pieces of those without spaces."""
    words = _WORD.findall(text.casefold())
    return [part for word in words for part in _parts(word, alone=True)]


def question_terms(question: str) -> list[str]:
    """The words to look for: stop words go, unless nothing else is there."""
    words = _WORD.findall(question.casefold())
    terms = list(dict.fromkeys(part for word in words for part in _parts(word, alone=False)))
    return ([term for term in terms if term not in STOPWORDS] or terms)[:_TERMS]


def quoted(question: str) -> list[str]:
    """What a question puts between quotation marks, as it is written."""
    return [next(filter(None, found.groups())) for found in _QUOTED.finditer(question)]


def _question_phrases(question: str) -> list[str]:
    """What a question quotes, of two terms or more, as `as_phrase`."""
    phrases = dict.fromkeys(as_phrase(one) for one in quoted(question))
    return [one for one in phrases if " " in one][:_TERMS]


def as_question(question: str) -> list[str]:
    """All that is looked for: quoted phrases, and words."""
    return [*_question_phrases(question), *question_terms(question)]


def as_phrase(text: str) -> str:
    """The terms that stand in a row wherever a text occurs."""
    words = _WORD.findall(text.casefold())
    return " ".join(part for word in words for part in _parts(word, alone=False))


def _parts(word: str, *, alone: bool) -> Iterator[str]:
    """A word, or its pieces. `alone` also gives each single character; otherwise only one that has
    no neighbour."""
    for place, part in enumerate(_SPACELESS.split(word)):
        if not place % 2:
            if part:
                yield part
            continue
        yield from (part[at : at + 2] for at in range(len(part) - 1))
        if alone or len(part) == 1:
            yield from part
