"""The verbs at the shell, end to end."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import Loci

Ask = Callable[..., Any]

MINILM = {"LOCI_EMBEDDER": "minilm"}
HERE = pytest.mark.parametrize("where", ["here"], indirect=True)
"""For what a daemon would refuse: other settings than the directory's."""


@pytest.fixture(
    params=[pytest.param("here", marks=pytest.mark.slow), "in the daemon"], autouse=True
)
def where(request: pytest.FixtureRequest) -> None:
    """Where the verbs are carried out. What they answer is the same."""
    if request.param != "here":
        request.getfixturevalue("daemon")


def test_what_is_remembered_is_recalled_listed_and_shown(loci: Loci, answer: Ask) -> None:
    details = ("--speaker", "Mara", "--tag", "taste", "--at", "2026-03-02", "--metadata", "k=v")
    (stored,) = answer("remember", "Mara likes green tea", *details)
    assert stored["status"] == "stored"
    assert answer("remember", "Mara likes green tea", *details)[0]["status"] == "duplicate"

    found = answer("recall", "who likes green tea?", "--explain")
    assert [one["id"] for one in found["recollections"]] == [stored["id"]]
    assert "cosine" in found["recollections"][0]["why"]

    page = answer("ls")
    assert [one["content"] for one in page["memories"]] == ["Mara likes green tea"]
    shown = answer("show", stored["id"])
    assert (shown["speaker"], shown["tags"]) == ("Mara", ["taste"])
    assert shown["metadata"] == {"k": "v"}
    assert [one["version"] for one in answer("show", stored["id"], "--history")] == [1]

    people = loci("recall", "who likes green tea?").stdout
    assert "Mara: Mara likes green tea" in people
    assert "2026-03-02" in people


def test_filters_reach_the_engine(answer: Ask) -> None:
    answer("remember", "Tea in March", "--at", "2026-03-02", "--namespace", "work/loci")
    answer("remember", "Tea in April", "--at", "2026-04-02", "--session", "two")

    def contents(*filters: str, code: int = 0) -> list[str]:
        found = answer("recall", "tea", *filters, code=code)["recollections"]
        return sorted(one["content"] for one in found)

    assert contents() == ["Tea in April", "Tea in March"]
    assert contents("--namespace", "work") == ["Tea in March"]
    assert contents("--session", "two") == ["Tea in April"]
    assert contents("--since", "2026-04-01") == ["Tea in April"]
    assert contents("--until", "2026-03-02") == ["Tea in March"]
    assert contents("--tag", "none", code=3) == []


def test_nothing_relevant_and_nothing_there_exit_with_3(loci: Loci) -> None:
    assert loci("ls", code=3).stdout == "Nothing is remembered here.\n"
    assert loci("recall", "anything", code=3).stdout == "Nothing relevant is remembered.\n"
    assert "No memory 'nope'" in loci("show", "nope", code=3).stderr
    failure = json.loads(loci("show", "nope", "--json", code=3).stderr)
    assert failure["error"] == "NotFound"


def test_a_statement_comes_from_stdin(loci: Loci, answer: Ask) -> None:
    loci("remember", stdin="From a pipe\n")
    loci("remember", "-", stdin="With a dash\n")
    contents = [one["content"].strip() for one in answer("ls")["memories"]]
    assert contents == ["With a dash", "From a pipe"]


def test_it_is_said_what_was_masked(loci: Loci, tmp_path: Path) -> None:
    secret = "ghp_" + "a1B2" * 9
    assert "\n  masked: GitHub token\n" in loci("remember", f"Deploy with {secret}.").stdout
    (tmp_path / "lines.txt").write_text(f"It is not {secret}.\nIt is Monday.\n", encoding="utf-8")
    said = loci("remember", "--lines", "lines.txt").stdout
    assert said.endswith("Credentials were masked in 1 of them.\n")
    said = loci("board", "plan", "key", "--set", f"Use {secret}.").stdout
    assert said == "key is at version 1.\n  masked: GitHub token\n"


def test_the_lines_of_a_file_are_remembered_in_batches(
    loci: Loci, answer: Ask, tmp_path: Path
) -> None:
    lines = [f"Line number {number}" for number in range(250)]
    (tmp_path / "lines.txt").write_text("\n\n".join([*lines, lines[0]]), encoding="utf-8")
    said = loci("remember", "--lines", "lines.txt").stdout
    assert said == "Remembered 250 of 251 lines; the others were known.\n"
    assert sum(answer("stats")["kinds"].values()) == 250
    assert len(answer("remember", "--lines", "-", stdin="a\nb\n")) == 2


@HERE
def test_a_bad_line_says_which_lines_are_kept(loci: Loci, tmp_path: Path) -> None:
    (tmp_path / "lines.txt").write_text("a\nb\nc\n" + "d" * 101 + "\n", encoding="utf-8")
    limits = {"LOCI_MAX_BATCH": "2", "LOCI_MAX_CONTENT": "100"}
    said = loci("remember", "--lines", "lines.txt", code=1, env=limits).stderr
    assert said.startswith("loci: content: 101 characters")
    assert "In lines 3 to 4, blank ones aside. The 2 before are remembered." in said


@pytest.mark.parametrize(
    ("arguments", "stdin", "said"),
    [
        (["remember", " "], b"", "content: it is empty"),
        (["remember"], b"\xff\xfe", "stdin is not text in UTF-8"),
        (["remember", "x", "--metadata", "novalue"], b"", "use KEY=VALUE"),
        (["remember", "x", "--at", "yesterday"], b"", "is no time"),
        (["remember", "x", "--lines", "f"], b"", "not both"),
        (["remember", "--lines", "missing.txt"], b"", "cannot be read"),
        (["recall", "x", "--limit", "0"], b"", "limit: give 1 to 100"),
        (["forget"], b"", "Say what to forget"),
        (["forget", "m123", "--tag", "a"], b"", "not both"),
        (["forget", "--mode", "restore", "--tag", "a"], b"", "restore: give the ids"),
    ],
)
def test_a_bad_argument_is_one_sentence_that_says_what_to_do(
    loci: Loci, arguments: list[str], stdin: bytes, said: str
) -> None:
    text = loci(*arguments, stdin=stdin, code=1).stderr
    assert said in text
    assert text.startswith("loci: ")
    assert text.count("\n") == 1


def test_forgetting_is_restorable_or_final(loci: Loci, answer: Ask) -> None:
    (stored,) = answer("remember", "The alarm code is 7741")
    name = stored["id"]
    receipt = answer("forget", name)
    assert receipt["mode"] == "delete"
    assert re.match(r"\d{4}-\d\d-\d\dT", receipt["restorable_until"])
    loci("show", name, code=3)
    assert answer("forget", "--mode", "restore", name) == {"mode": "restore", "ids": [name]}
    assert answer("show", name)["content"] == "The alarm code is 7741"
    assert answer("forget", name, "--mode", "archive")["mode"] == "archive"
    assert answer("show", name)["tier"] == "cold"

    asked = loci("forget", name, "--mode", "erase", code=1).stderr
    assert f"This would erase 1 memories: {name}. Repeat with --yes." in asked
    erased = answer("forget", name, "--mode", "erase", "--yes")
    assert erased["residue"]["found"] == []
    assert "ledger.db" in erased["residue"]["scanned"]
    loci("show", name, code=3)


@pytest.mark.slow
def test_a_selection_is_confirmed_before_it_is_forgotten(loci: Loci, answer: Ask) -> None:
    answer("remember", "--lines", "-", "--tag", "drop", stdin="one\ntwo\n")
    answer("remember", "three", "--tag", "keep")
    assert "Repeat with --yes" in loci("forget", "--tag", "drop", code=1).stderr
    assert len(answer("ls")["memories"]) == 3
    assert len(answer("forget", "--tag", "drop", "--yes")["ids"]) == 2
    assert [one["content"] for one in answer("ls")["memories"]] == ["three"]
    assert loci("forget", "--tag", "drop", "--yes", code=3).stderr == "Nothing is selected.\n"


def test_stats_count_and_prove_health(loci: Loci, answer: Ask, home: Path) -> None:
    answer("remember", "one", "--kind", "procedural")
    stats = answer("stats")
    assert stats["kinds"] == {"procedural": 1}
    assert stats["home"] == str(home)
    assert stats["healthy"] is True
    assert "hash/words+trigrams/64" in loci("stats").stdout


def test_pages_go_on_where_the_last_ended(answer: Ask) -> None:
    answer("remember", "--lines", "-", stdin="one\ntwo\nthree\n")
    first = answer("ls", "--limit", "2")
    second = answer("ls", "--limit", "2", "--cursor", first["cursor"])
    shown = [one["content"] for one in first["memories"] + second["memories"]]
    assert shown == ["three", "two", "one"]
    assert second["cursor"] is None


def test_tenants_are_apart(loci: Loci, answer: Ask) -> None:
    answer("remember", "Mine", "--tenant", "mara")
    loci("--tenant", "tomas", "ls", code=3)
    assert len(answer("--tenant=mara", "ls")["memories"]) == 1


@pytest.mark.slow
@HERE
def test_the_shipped_model_finds_by_meaning(loci: Loci, answer: Ask) -> None:
    loci("remember", "Tomas is allergic to walnuts", env=MINILM)
    loci("remember", "The service stores its readings in PostgreSQL", env=MINILM)
    found = answer("recall", "Which food makes Tomas ill?", env=MINILM)
    assert found["recollections"][0]["content"] == "Tomas is allergic to walnuts"
    loci("recall", "Who won the chess match in Riga?", code=3, env=MINILM)


@pytest.mark.parametrize(
    "locale",
    [
        pytest.param({"LANG": "C"}, marks=pytest.mark.slow),
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        pytest.param({"PYTHONIOENCODING": "latin-1"}, marks=pytest.mark.slow),
    ],
)
def test_it_speaks_utf8_whatever_the_locale_says(
    loci: Loci, answer: Ask, locale: dict[str, str]
) -> None:
    content = "Zażółć gęślą jaźń 日本語 🐙"
    loci("remember", stdin=content, env=locale)
    assert answer("ls", env=locale)["memories"][0]["content"] == content
    assert content in loci("ls", env=locale).stdout


def test_markup_in_a_memory_is_shown_as_it_is(loci: Loci) -> None:
    loci("remember", "[bold]not markup[/bold] :smile: [/]")
    for verb in (["ls"], ["recall", "markup"]):
        assert "[bold]not markup[/bold] :smile: [/]" in loci(*verb).stdout


@pytest.mark.slow
def test_reflecting_shows_does_logs_and_takes_back(loci: Loci, answer: Ask) -> None:
    answer("remember", "Ada likes tea")
    answer("remember", "ada likes tea")
    planned = answer("reflect", "--dry-run")
    assert (planned["changes"], planned.get("cycle")) == (1, None)
    shown = loci("reflect").stdout
    assert shown.startswith("merge ")
    assert "1 changes were made" in shown
    loci("reflect", code=3)
    assert [one["summary"] for one in answer("reflect", "--log")["cycles"]] == ["1 merged"]
    assert answer("reflect", "--undo")["cycle"] == 1
    loci("reflect", "--undo", code=3)
    assert "alone" in loci("reflect", "--undo", "--log", code=1).stderr
