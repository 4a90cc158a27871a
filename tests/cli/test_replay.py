"""`loci replay`: what a promotion policy keeps of recorded sessions."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anyio
import pytest
from support.engines import opened

from loci.server.model import NewNote, NoteOutcome, Section

from .conftest import Loci

Ask = Callable[..., Any]

WORTH = "Decided with Mara: loci_core runs on port 9090, because 8080 is taken."
ONLY_USE = "novelty=0 recurrence=0 salience=0 use=1 outcome=0"


def recorded(folder: Path, lines: Sequence[dict[str, Any]]) -> str:
    file = folder / "sessions.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return str(file)


def statuses(answer: dict[str, Any], policy: str) -> list[str]:
    return [one[policy]["status"] for one in answer["decisions"]]


@pytest.mark.slow
def test_two_policies_are_compared_over_the_same_sessions(
    loci: Loci, answer: Ask, tmp_path: Path, home: Path
) -> None:
    file = recorded(
        tmp_path,
        [
            {"session": "one", "section": "reasoning", "content": WORTH, "kept": True},
            {"session": "one", "content": "ok", "uses": 9, "kept": False},
            # Known by then.
            {"session": "two", "content": WORTH, "importance": 1},
        ],
    )
    found = answer("replay", file)
    assert (found["sessions"], found["notes"]) == (2, 3)
    assert statuses(found, "settings") == ["promoted", "left", "left"]
    assert found["decisions"][2]["settings"]["reason"] == "says nothing new"
    assert found["settings"] == {"promoted": 1, "precision": 1.0, "recall": 1.0}
    assert "tried" not in found

    found = answer("replay", file, "--weights", ONLY_USE, "--from", "0.8")
    assert statuses(found, "tried") == ["left", "promoted", "left"]
    assert found["tried"] == {"promoted": 1, "precision": 0.0, "recall": 0.0}
    assert found == answer("replay", file, "--weights", ONLY_USE, "--from", "0.8")

    people = loci("replay", file, "--weights", ONLY_USE, "--from", "0.8").stdout
    assert "2 sessions, 3 notes" in people
    assert "What is decided otherwise:" in people
    assert WORTH in people
    # Nothing of it came into the data directory.
    assert not home.exists()


async def fill(home: Path) -> None:
    async with opened(home) as engine:
        new = NewNote(
            session="s", section=Section.EXAMPLE, content=WORTH, outcome=NoteOutcome.SUCCESS
        )
        await (await engine.for_tenant("local")).note(new)


def test_the_scratchpads_of_a_directory_are_replayed_and_saved(
    loci: Loci, answer: Ask, tmp_path: Path, home: Path
) -> None:
    said = loci("replay", code=3).stderr
    assert said == "loci: There are no scratchpads here. Give a file of recorded sessions.\n"
    anyio.run(fill, home)
    file = tmp_path / "saved.jsonl"
    found = answer("replay", "--save", str(file))
    assert [one["content"] for one in found["decisions"]] == [WORTH]
    assert file.stat().st_mode & 0o777 == 0o600
    again = answer("replay", str(file))
    assert again["decisions"] == found["decisions"]
    assert "cannot be written" in loci("replay", "--save", str(file), code=1).stderr


def test_what_is_wrong_is_named(loci: Loci, tmp_path: Path) -> None:
    file = recorded(tmp_path, [{"session": "s", "content": "x"}, {"session": "s"}])
    assert "sessions.jsonl, line 2: content: Field required." in loci("replay", file, code=1).stderr
    assert "cannot be read" in loci("replay", str(tmp_path / "none"), code=1).stderr
    right = recorded(tmp_path, [{"session": "s", "content": "x"}])
    said = loci("replay", right, "--weights", "use=1", code=1).stderr
    assert said == "loci: --weights: see promotion_weights among the settings.\n"
    bad = recorded(tmp_path, [{"session": "s", "content": " "}])
    assert "content: it is empty" in loci("replay", bad, code=1).stderr
