"""Names and statements in texts, as the rules find them."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loci.server.entities import RuleExtractor, keywords, statements
from loci.server.tokens import TokenCounter

COUNTER = TokenCounter()
RULES = RuleExtractor(COUNTER.rank)


def found(text: str) -> dict[str, str]:
    return {one.name: one.type.value for one in RULES.extract([text])[0]}


def said(text: str) -> set[tuple[str, str, str, bool]]:
    names = RULES.extract([text])[0]
    return {
        (text[one.start : one.stop], one.attribute, one.value, one.negated)
        for one in statements(text, names)
    }


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (
            "Anna Smith works at Siemens in Munich since 2024-05-01.",
            {
                "Anna Smith": "person",
                "Siemens": "organisation",
                "Munich": "place",
                "2024-05-01": "date",
            },
        ),
        (
            "The parser in src/loci/parse.py calls read_tokens() and fails on Python 3.12, see PROJ-1234.",
            {
                "src/loci/parse.py": "file",
                "read_tokens()": "symbol",
                "Python": "product",
                "3.12": "version",
                "PROJ-1234": "id",
            },
        ),
        (
            "Project Apollo is due March 5th, 2026 and costs $2.5M.",
            {"Project Apollo": "project", "March 5th, 2026": "date", "$2.5M": "amount"},
        ),
        (
            "We moved the billing service to PostgreSQL 16: https://wiki.acme.io/billing, bob@acme.io.",
            {
                "billing service": "project",
                "PostgreSQL": "product",
                "16": "version",
                "https://wiki.acme.io/billing": "url",
                "bob@acme.io": "email",
            },
        ),
        (r"It reads C:\Users\ada\notes.txt and ~/.config/loci.", {r"C:\Users\ada\notes.txt": "file", "~/.config/loci": "file"}),
        ("Please pin numpy==2.4.6 in requirements.txt", {"numpy": "package", "2.4.6": "version", "requirements.txt": "file"}),
        ("i met obama in paris", {"obama": "person", "paris": "place"}),
        ("The weather was nice and nothing happened.", {}),
    ],
)  # fmt: skip
def test_names_are_found_with_their_sort(text: str, names: dict[str, str]) -> None:
    assert found(text) == names


@pytest.mark.parametrize(
    ("text", "states"),
    [
        (
            "Anna works at Siemens in Munich; she prefers tea over coffee.",
            {("Anna", "works at", "Siemens", False), ("she", "prefers", "tea", False)},
        ),
        ("Anna no longer works at Siemens.", {("Anna", "works at", "Siemens", True)}),
        ("Apollo's deadline is March 5th, 2026.", {("Apollo", "deadline", "March 5th, 2026", False)}),
        ("The owner of Apollo is Bob Miller.", {("Apollo", "owner", "Bob Miller", False)}),
        ("NumPy was upgraded to 2.4.6", {("NumPy", "version", "2.4.6", False)}),
        ("My favourite drink is tea.", {("My", "favourite drink", "tea", False)}),
    ],
)  # fmt: skip
def test_statements_are_read(text: str, states: set[tuple[str, str, str, bool]]) -> None:
    assert said(text) == states


def test_questions_say_nothing() -> None:
    assert said("Does Anna work at Siemens?") == set()


@settings(max_examples=50)
@given(st.text(max_size=100))
def test_names_lie_in_the_text_and_overlap_nothing(text: str) -> None:
    end = 0
    for one in RULES.extract([text])[0]:
        assert end <= one.start < one.stop <= len(text)
        assert text[one.start : one.stop] == one.name
        end = one.stop


@pytest.mark.parametrize(
    "piece", ["a.", "A", "a/", "a_", "-a", "1.", "a::", "$", "Aa ", "(", "@", "x@", "the a "]
)
def test_no_text_takes_long(piece: str) -> None:
    """A pattern that backtracks over 20,000 characters would not end within the suite's time."""
    text = piece * (20_000 // len(piece))
    assert statements(text, RULES.extract([text])[0]) == []


def test_keywords_are_names_and_rare_words() -> None:
    text = "Anna presented the photosynthesis experiment to the whole team."
    words = keywords(text, RULES.extract([text])[0], COUNTER.rank)
    assert words[0] == "Anna"
    assert "photosynthesis" in words
    assert "whole" not in words


@pytest.mark.parametrize("sign", ["1,", "-", "a.", "/a", "=", "A1-"])
def test_a_long_run_of_signs_is_no_name_and_hides_none(sign: str) -> None:
    names = found(f"{sign * (12_000 // len(sign))} and Anna Smith wrote src/loci/parse.py.")
    assert {"Anna Smith", "src/loci/parse.py"} <= set(names)
    assert max(map(len, names)) < 300
