"""The people of a tenant whom a question names, in whatever way it writes their names.

A name in a question misleads a small embedding model: it finds what was said *to* that person. So the
name is taken out of what is embedded, and what that person said is raised instead. Measured on public
conversations, it is the largest single gain there is (recall@10 of the dense list: 23 to 62).

A name is known by its whole form with or without spaces (`Feng Haoran`, `fenghaoran`), by its first
word, by a beginning of three letters or more (`Mel`), where that is one person's alone, and by a
spelling that is nearly the same (`Mohammed`, `Muhammad`).
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher
from typing import NamedTuple

__all__ = ["Named", "People"]

_WORD = re.compile(r"[^\W_]+(?:[-'’][^\W\d_]+)*")
_POSSESSIVE = re.compile(r"['’]s$|['’]$")
_WORDS = 3
"""Of a name at the most."""
_SHORTEST = 3
"""Letters of a beginning that stands for a name."""
_FUZZY = 5
"""Letters of a name from which other spellings are looked for."""
_ALIKE = 0.75
"""Of two spellings: twice the letters that they share in order, over all (Ratcliff and Obershelp)."""
_MANY = 2000
"""People beyond which other spellings are not looked for: each costs microseconds."""
_ROLES = frozenset(
    (
        "user",
        "human",
        "assistant",
        "ai",
        "agent",
        "bot",
        "system",
        "tool",
        "model",
        "me",
        "you",
        "i",
    )
)
"""Speakers that are no names."""
_ORDINARY = frozenset(
    (
        "will",
        "may",
        "mark",
        "april",
        "june",
        "august",
        "art",
        "bill",
        "grace",
        "hope",
        "joy",
        "rose",
    )
)
"""Names that are words as well: only where they are written as names."""


class Named(NamedTuple):
    """Somebody who is named in a question."""

    person: str
    """As the memories have it."""
    start: int
    stop: int
    """Where in the question, with a possessive ending."""
    possessive: bool


class People:
    """The known people, by the forms of their names. Made anew when somebody new speaks."""

    __slots__ = ("_exact", "_initials", "_short")

    def __init__(self, names: Iterable[str]) -> None:
        people = [name for name in names if name.casefold().strip() not in _ROLES]
        self._exact = {_squashed(name): name for name in people if _squashed(name)}
        self._short = _short_forms(people)
        self._initials: dict[str, list[str]] = {}
        """Forms that are long enough for other spellings, by their first letter."""
        if len(people) <= _MANY:
            for form in (*self._exact, *self._short):
                if len(form) >= _FUZZY:
                    self._initials.setdefault(form[0], []).append(form)

    def named_in(self, question: str) -> list[Named]:
        """Whom a question names, in its order."""
        if not self._exact:
            return []
        words = list(_WORD.finditer(question))
        found: list[Named] = []
        place = 0
        while place < len(words):
            taken, named = self._at(words[place : place + _WORDS])
            if named is not None:
                found.append(named)
            place += taken
        return found

    def _at(self, words: list[re.Match[str]]) -> tuple[int, Named | None]:
        """Who is named by the first of these words, or the first few; and how many they are."""
        for size in range(len(words), 0, -1):
            text = " ".join(word.group() for word in words[:size])
            bare = _POSSESSIVE.sub("", text)
            person = self._person(bare, whole=size > 1)
            if person is not None:
                start, stop = words[0].start(), words[size - 1].end()
                return size, Named(person, start, stop, bare != text)
        return 1, None

    def _person(self, text: str, *, whole: bool) -> str | None:
        form = _squashed(text)
        capital = (
            text[:1].isupper() or not text[:1].isalpha() or text[:1].lower() == text[:1].upper()
        )
        if form in _ORDINARY and not capital:
            return None
        if (person := self._exact.get(form)) is not None:
            return person
        if whole:
            return None
        if (person := self._short.get(form)) is not None:
            return person
        if not capital:
            return None
        return self._by_beginning(form) or self._by_spelling(form)

    def _by_beginning(self, form: str) -> str | None:
        if len(form) < _SHORTEST:
            return None
        found = {person for key, person in self._forms() if key.startswith(form)}
        return found.pop() if len(found) == 1 else None

    def _by_spelling(self, form: str) -> str | None:
        if len(form) < _FUZZY:
            return None
        best, person = _ALIKE, None
        for key in self._initials.get(form[0], ()):
            alike = SequenceMatcher(None, form, key, autojunk=False)
            if alike.real_quick_ratio() >= best and (ratio := alike.ratio()) >= best:
                best, person = ratio, self._exact.get(key) or self._short.get(key)
        return person

    def _forms(self) -> Iterable[tuple[str, str]]:
        yield from self._exact.items()
        yield from self._short.items()


def _squashed(name: str) -> str:
    return "".join(filter(str.isalnum, name.casefold()))


def _short_forms(names: Iterable[str]) -> Mapping[str, str]:
    """First and last words of names of several, where they are one person's alone."""
    pairs = {
        (_squashed(word), name)
        for name in names
        if len(words := name.split()) > 1
        for word in (words[0], words[-1])
        if len(_squashed(word)) >= _SHORTEST
    }
    many = Counter(form for form, _ in pairs)
    return {form: name for form, name in pairs if many[form] == 1}
