"""What a text says of an entity: its attribute and its value.

A statement is a subject, a phrase that names the attribute, and the rest of the clause. Phrases are of
four sorts: verbs that are listed; `the ATTRIBUTE of X is`; `X's ATTRIBUTE is`; and any `is …ed in` or
`is a … of`. Questions say nothing. What is not one of these is left alone: a missed statement is still
in the memory, a wrong one would be believed.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from ..model import EntityType
from .protocol import Found

__all__ = ["SPEAKER", "Statement", "statements"]

SPEAKER: Final = "i"
"""Stands for whoever says it."""


class Statement(NamedTuple):
    """What is said of something."""

    start: int
    stop: int
    """The subject's characters; of a `my`, that word's."""
    attribute: str
    value: str
    single: bool
    """Whether there can be only one at a time, so that another value contradicts it."""
    negated: bool = False


class _Verb(NamedTuple):
    attribute: str
    pattern: re.Pattern[str]
    single: bool
    negated: bool


def _verbs() -> Iterator[_Verb]:
    now = r"(?:(?:now|currently|also|really|recently|just|still|usually|always|has|have|had) )*"
    for attribute, phrases, single, negated in (
        (
            "works at",
            r"no longer works? (?:at|for)|left|quit|stopped working (?:at|for)|doesn't work (?:at|for)",
            True,
            True,
        ),
        (
            "works at",
            r"works? (?:at|for)|is employed (?:at|by)|am employed (?:at|by)|(?:started|began) (?:working )?at",
            True,
            False,
        ),
        ("role", r"works? as|(?:became|was promoted to)", True, False),
        (
            "lives in",
            r"lives? in|moved to|relocated to|resides? in|is based in|am based in",
            True,
            False,
        ),
        (
            "likes",
            r"hates?|dislikes?|does(?:n't| not) like|do(?:n't| not) like|no longer likes?|can't stand",
            False,
            True,
        ),
        ("likes", r"likes?|loves?|enjoys?|adores?", False, False),
        ("prefers", r"prefers?|would rather have", True, False),
        (
            "uses",
            r"no longer uses?|stopped using|does(?:n't| not) use|do(?:n't| not) use|dropped",
            False,
            True,
        ),
        (
            "uses",
            r"uses?|runs? on|relies on|is (?:written|built|implemented) (?:in|with|on)|switched to|migrated to",
            False,
            False,
        ),
        (
            "version",
            (
                r"(?:is|was) (?:now )?(?:at|on) (?:version |release )?(?=v?\d)|(?:is|was) (?:upgraded|updated|bumped) to (?:version )?"
                r"(?=v?\d)|(?:upgraded|updated) to (?:version )?(?=v?\d)|version is|runs (?=v?\d)"
            ),
            True,
            False,
        ),
        (
            "due",
            r"is due (?:on |by )?|is scheduled for|ships on|launches on|starts on|takes place on",
            True,
            False,
        ),
        ("led by", r"is (?:led|owned|managed|maintained|run|headed) by|reports? to", True, False),
        ("married to", r"is married to|am married to", True, False),
        ("name", r"is called|is named|was renamed (?:to )?", True, False),
        ("speaks", r"speaks? the language of|speaks?", False, False),
        ("owns", r"owns?|has an?|bought an?", False, False),
        ("plays", r"plays? the position of", True, False),
        (
            "status",
            (
                r"(?:is|was) (?=(?:done|blocked|on hold|in progress|cancel+ed|finished|live|deprecated|archived|paused|"
                r"complete[d]?|delayed|in review|broken|down|merged|released)\b)"
            ),
            True,
            False,
        ),
    ):
        yield _Verb(
            attribute, re.compile(rf" {now}(?:{phrases}) ?", re.IGNORECASE), single, negated
        )


_VERBS: Final = tuple(_verbs())
_RELATION = re.compile(
    r" ((?:is|was) (?:(?:[a-z]+ed|born|written|known|famous|spoken) |an? [a-z]+ )(?:[a-z]+ ){0,4}?(?:in|of|by|with|for|to|at))"
    r"(?: the (?:city|language|sport|continent|religion|country|town) of)? ",
)
_DIED = re.compile(r" ((?:died|worked|studied|graduated) (?:in|at|from))(?: the city of)? ")
_OF = re.compile(
    r"\b(?:the|our) ((?:[a-z][\w\-]* ){0,4}?[a-z][\w\-]*) (?:of|for|in|that|where) (.{1,80}?)"
    r"(?: (?:was educated|plays|produced))? (?:is|are|was)(?: now| located in the city of| located in)? ",
    re.IGNORECASE,
)
_OWN = re.compile(
    r"['’]s ((?:[a-z][\w\-]* ){0,2}[a-z][\w\-]*) (?:is|are|was|became)(?: now)? ", re.IGNORECASE
)
_MY = re.compile(r"\b(my) ((?:[a-z][\w\-]* ){0,2}[a-z][\w\-]*) (?:is|are)(?: now)? ", re.IGNORECASE)
_CLAUSE = re.compile(
    r"[.;!?\n](?=\s|$)|,|[.;!?]$| (?:but|because|since|while|although|so that|instead of|rather than|over|after|before|when|"
    r"if|which|who|until|as of|since|last|this|next|now|and (?:she|he|they|it|i|we|the|his|her|also))\b",
    re.IGNORECASE,
)
_FURTHER = re.compile(r",? (?:in|at|on|for|from|with|since|as|to|near|under)\b")
_REFERENCES = re.compile(
    r"\b(?:he|she|it|i|we|(?:the|this|our) (?:project|company|team|repo|repository|app|library|package|service|tool|product))$",
    re.IGNORECASE,
)
_LONGEST = 80
_NO_SUBJECT = frozenset((EntityType.DATE, EntityType.AMOUNT, EntityType.VERSION))
_EMPTY = frozenset(("a", "an", "the", "it", "that", "this", "not", "to"))


def statements(text: str, found: Sequence[Found]) -> list[Statement]:
    """What a text says of what it names, of `he`, `the project` and the like, and of its speaker."""
    if text.rstrip().endswith("?") or len(text) > 5000:
        return []
    seen: dict[tuple[int, str, str], Statement] = {}
    for one in _all(text, found):
        if one.value.lower() not in _EMPTY:
            seen.setdefault((one.start, one.attribute, one.value.lower()), one)
    return list(seen.values())


def _all(text: str, everything: Sequence[Found]) -> Iterator[Statement]:
    found = [one for one in everything if one.type not in _NO_SUBJECT]
    ends = {one.stop: one.start for one in found}
    spans = {one.start: one.stop for one in everything}
    taken: set[int] = set()
    for verb in _VERBS:
        for match in verb.pattern.finditer(text):
            subject = _before(text, match.start(), ends)
            if subject is not None and match.end() not in taken:
                taken.add(match.end())
                value = _value(text, match.end(), spans)
                if value:
                    yield Statement(*subject, verb.attribute, value, verb.single, verb.negated)
    for pattern in (_RELATION, _DIED):
        for match in pattern.finditer(text):
            subject = _before(text, match.start(), ends)
            if (
                subject is not None
                and match.end() not in taken
                and (value := _value(text, match.end(), spans))
            ):
                yield Statement(*subject, match.group(1).lower(), value, single=True)
    yield from _owned(text, found, ends, spans)


def _owned(
    text: str, found: Sequence[Found], ends: dict[int, int], spans: dict[int, int]
) -> Iterator[Statement]:
    for match in _OF.finditer(text):
        start, stop = match.span(2)
        inside = [f for f in found if start <= f.start and f.stop <= stop]
        if inside and (value := _value(text, match.end(), spans)):
            first = min(f.start for f in inside)
            yield Statement(
                first, max(f.stop for f in inside), match.group(1).lower(), value, single=True
            )
    for match in _OWN.finditer(text):
        if match.start() in ends and (value := _value(text, match.end(), spans)):
            yield Statement(
                ends[match.start()], match.start(), match.group(1).lower(), value, single=True
            )
    for match in _MY.finditer(text):
        if value := _value(text, match.end(), spans):
            yield Statement(*match.span(1), match.group(2).lower(), value, single=True)


def _before(text: str, stop: int, ends: dict[int, int]) -> tuple[int, int] | None:
    """The subject that ends there."""
    if stop in ends:
        return ends[stop], stop
    match = _REFERENCES.search(text, max(0, stop - 40), stop)
    return match.span() if match else None


def _value(text: str, start: int, spans: dict[int, int]) -> str:
    """The rest of the clause; of what names something and says more about it, the name."""
    named = spans.get(start, start)
    if named > start and _FURTHER.match(text, named):
        return text[start:named]
    end = _CLAUSE.search(text, named)
    stop = len(text) if end is None else end.start()
    return text[start:stop].strip(" .,;:!?\"'()")[:_LONGEST].strip()
