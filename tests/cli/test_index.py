"""The index as a person sees it: what state it is in and why, and how it is built anew."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from .conftest import Loci

Ask = Callable[..., Any]


def state(report: Any, tenant: str = "local") -> tuple[bool, str]:
    (found,) = (one for one in report["findings"] if one["part"] == f"index of {tenant}")
    return found["well"], found["text"]


def a_file_of(home: Path) -> Path:
    return max((home / "index").rglob("chroma.sqlite3"))


@pytest.mark.slow
def test_the_doctor_and_the_statistics_say_what_state_an_index_is_in_and_why(
    loci: Loci, answer: Ask, home: Path
) -> None:
    loci("remember", "one")
    assert state(answer("doctor")) == (
        True,
        "none yet: it is built while Loci runs; behind by 1, searched exactly",
    )
    status = answer("stats")["index"]
    assert (status["state"], status["searched"]) == ("missing", "exactly")
    assert "Indexed 1 vectors." in loci("reindex").stdout
    assert state(answer("doctor")) == (True, "sound, 1 vectors (asked for)")
    loci("remember", "two")
    well, text = state(answer("doctor"))
    assert well
    assert text.endswith("behind by 1, searched exactly")
    assert answer("stats")["index"]["state"] == "behind"
    content = a_file_of(home).read_bytes()
    a_file_of(home).write_bytes(content[:-1])
    well, text = state(answer("doctor", code=1))
    assert not well
    assert text.startswith("damaged: chroma.sqlite3 has ")
    assert "loci reindex" in text
    assert answer("reindex")["state"] == "current"
    assert state(answer("doctor"))[0]


@pytest.mark.slow
def test_each_tenant_has_a_state_of_its_own(loci: Loci, answer: Ask) -> None:
    for tenant in ("ada", "bob"):
        loci("remember", "one", "--tenant", tenant)
    loci("reindex", "--tenant", "bob")
    report = answer("doctor")
    assert state(report, "ada")[1].startswith("none yet")
    assert state(report, "bob")[1].startswith("sound")


def test_reindexing_nothing_says_so(loci: Loci) -> None:
    assert "nothing to index" in loci("reindex").stdout + loci("reindex").stderr


@pytest.mark.parametrize("verb", ["reindex", "doctor"])
def test_without_an_index_nothing_is_built_and_the_doctor_says_so(loci: Loci, verb: str) -> None:
    loci("remember", "one")
    done = loci(verb, env={"LOCI_INDEX": "none"})
    assert "exact" in done.stdout + done.stderr
