"""Whom a question names: known people, however their names are written."""

import hypothesis.strategies as st
import pytest
from hypothesis import given

from loci.server.retrieval.people import People

PEOPLE = ("Caroline", "Melanie", "Feng Haoran", "zhangwei", "Mohammed Ali", "May", "user", "王伟")


def named(question: str, *people: str) -> list[str]:
    return [one.person for one in People(people or PEOPLE).named_in(question)]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("When did Caroline go to Melanie's party?", ["Caroline", "Melanie"]),
        ("what did caroline say", ["Caroline"]),
        ("What did Feng Haoran buy?", ["Feng Haoran"]),
        ("What did FengHaoran buy?", ["Feng Haoran"]),
        ("What did Zhang Wei buy?", ["zhangwei"]),
        ("What does Feng like?", ["Feng Haoran"]),
        ("What does Ali like?", ["Mohammed Ali"]),
        ("What is Mel's favourite book?", ["Melanie"]),
        ("Where does Muhammad live?", ["Mohammed Ali"]),
        ("Where is Carolyne?", ["Caroline"]),
        ("What does May like?", ["May"]),
        ("May I go?", ["May"]),
        ("I may go there", []),
        ("What did the user say?", []),
        ("Who sells melons?", []),
        ("What about Zoë?", []),
        ("", []),
    ],
)
def test_a_question_names(question: str, expected: list[str]) -> None:
    assert named(question) == expected


def test_what_two_people_share_names_neither() -> None:
    assert named("What does Anna like?", "Anna Bell", "Anna Moss") == []
    assert named("What does Ann like?", "Annabel", "Annika") == []
    assert named("What does Bell like?", "Anna Bell", "Anna Moss") == ["Anna Bell"]


def test_the_place_of_a_name_has_its_possessive_ending() -> None:
    text = "Is Caroline's cat older than Melanie?"
    first, second = People(PEOPLE).named_in(text)
    assert (text[first.start : first.stop], first.possessive) == ("Caroline's", True)
    assert (text[second.start : second.stop], second.possessive) == ("Melanie", False)


def test_nobody_is_named_where_nobody_is_known() -> None:
    assert People(()).named_in("What did Caroline say?") == []
    assert People(("", "!?", "user")).named_in("What did the user say?") == []


@given(text=st.text(), people=st.lists(st.text(), max_size=5))
def test_any_text_can_be_asked(text: str, people: list[str]) -> None:
    end = 0
    for one in People(people).named_in(text):
        assert one.person in people
        assert end <= one.start < one.stop <= len(text)
        end = one.stop
