"""The demo, as a newcomer runs it."""

import json
from pathlib import Path

import pytest

from .conftest import Loci


def test_the_demo_shows_what_it_promises(loci: Loci, tmp_path: Path) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    said = loci("demo", env={"LOCI_EMBEDDER": "minilm", "TMPDIR": str(temporary)}).stdout
    first, _, second = said.partition("The server is stopped and started again.")
    assert "26 memories" in first
    assert "even traces of them" in first
    assert "28 April 2026" in first
    assert "14 April 2026" not in first.partition("Revised")[2]
    assert "7741" in first
    assert "No trace of it is left in: ledger.db" in first
    assert "28 April 2026" in second
    assert "7741" not in second
    assert "nothing relevant is remembered" in second
    assert "loci connect claude-desktop" in second
    assert list(temporary.iterdir()) == []


@pytest.mark.slow
def test_the_demo_plays_another_conversation_and_keeps_it(loci: Loci, tmp_path: Path) -> None:
    turns = [
        {"text": f"Number {n} is blue", "speaker": "A", "ts": f"2026-01-{n:02}", "session": "s"}
        for n in range(1, 31)
    ]
    questions = [{"question": "Which colour is number 7?", "answer": "blue", "id": "q1"}]
    for name, rows in (("turns", turns), ("questions", questions)):
        lines = "\n".join(json.dumps(row) for row in rows)
        (tmp_path / f"{name}.jsonl").write_text(lines, encoding="utf-8")
    files = ("--conversation", "turns.jsonl", "--questions", "questions.jsonl")
    said = loci("demo", *files, "--home", "kept").stdout
    assert "30 memories" in said
    assert "? Which colour is number 7?   (it was: blue)" in said
    assert len(
        json.loads(loci("ls", "--json", "--home", "kept", "--limit", "50").stdout)["memories"]
    )


def test_a_bad_conversation_is_one_clear_error(loci: Loci, tmp_path: Path) -> None:
    (tmp_path / "turns.jsonl").write_text('{"speaker": "A"}\n', encoding="utf-8")
    said = loci("demo", "--conversation", "turns.jsonl", code=1).stderr
    assert said == "loci: turns.jsonl: each line must be an object with 'text'.\n"
    assert "cannot be read" in loci("demo", "--questions", "none.jsonl", code=1).stderr
