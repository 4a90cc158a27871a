"""`loci eval`, as somebody runs it on data of their own."""

import gzip
import json
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from loci.server.cli.evaluation_data import corpora_in, read_corpus
from loci.server.errors import InvalidInput
from loci.server.settings import Settings

from .conftest import Loci

ABLATIONS = "signals" in Settings.model_fields
"""Whether the server can rank by words or by meaning alone."""

MEMORIES: list[dict[str, Any]] = [
    {"tenant": "ann", "id": "1", "text": "The blue bicycle stands in the cellar", "speaker": "Ann"},
    {"tenant": "ann", "id": "2", "text": "Oscar the tortoise eats dandelions", "ts": "2026-01-02"},
    {"tenant": "ann", "id": "3", "text": "The piano teacher is called Maren", "session": "s"},
    {"tenant": "ann", "id": "4", "text": "Oscar the tortoise sleeps in winter", "ts": "2026-03-02"},
    # The same memory again: one of the two is remembered.
    {"tenant": "ann", "id": "5", "text": "The piano teacher is called Maren", "session": "s"},
    {
        "tenant": "bob",
        "id": "1",
        "text": "The linter of the project is Biome",
        "meta": {"scope": ["domain:code"], "tags": ["tools"], "unknown": {"deep": [1]}},
    },
    {
        "tenant": "bob",
        "id": "2",
        "text": "The linter of the project is ESLint",
        "meta": {"scope": ["domain:code"], "superseded_by": "1", "pinned": False},
    },
    {"tenant": "bob", "id": "3", "text": "The linter plays chess", "meta": {"scope": ["hobby"]}},
    {
        "tenant": "bob",
        "id": "4",
        "text": "The linter of the project is in question",
        "ts": "2026-01-02",
        "meta": {"scope": ["domain:code"], "resolved_at": "2026-02-03T00:00:00Z"},
    },
    {
        "tenant": "bob",
        "id": "5",
        "text": "The project has a linter that must be fast",
        "meta": {"scope": ["domain:code"], "pinned": True},
    },
]
QUESTIONS: list[dict[str, Any]] = [
    {
        "id": "q1",
        "tenant": "ann",
        "question": "Where is the blue bicycle?",
        "category": "where",
        "evidence": [["1"]],
    },
    {
        "id": "q2",
        "tenant": "ann",
        "question": "Who is the piano teacher?",
        "category": "who",
        "evidence": [["5", "4"]],
        "answer": "Maren",
    },
    {
        "id": "q3",
        "tenant": "ann",
        "question": "zebra quartz",
        "category": "who",
        "evidence": [],
        "abstain": True,
    },
    {
        "id": "q4",
        "tenant": "bob",
        "question": "Which linter does the project use?",
        "category": "versions",
        "evidence": [["1"]],
        "stale": [["2"]],
        "forbidden": ["2", "3", "4", "5"],
        "scope": ["domain:code"],
    },
]


def lines(rows: list[dict[str, Any]]) -> bytes:
    return "\n".join(json.dumps(row) for row in rows).encode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with one corpus and its questions."""
    made = tmp_path / "data"
    made.mkdir()
    (made / "tiny.corpus.jsonl.gz").write_bytes(gzip.compress(lines(MEMORIES)))
    (made / "tiny.queries.jsonl").write_bytes(lines(QUESTIONS))
    (made / "alone.corpus.jsonl").write_bytes(lines(MEMORIES))
    return made


def measured(loci: Loci, *arguments: str) -> dict[str, Any]:
    said = loci("eval", *arguments, "--no-ablations", "--json").stdout
    (corpus,) = json.loads(said)["corpora"]
    return corpus


@pytest.mark.slow
def test_a_folder_is_measured_and_drawn_and_leaves_nothing(
    loci: Loci, folder: Path, tmp_path: Path
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    done = loci(
        *("eval", "data", "--no-ablations", "--json", "--k", "1,3", "--plot", "plot.svg"),
        *("--budget", "100", "--budget", "2000"),
        env={"TMPDIR": str(temporary)},
    )
    assert done.stderr == ""
    (corpus,) = json.loads(done.stdout)["corpora"]
    assert (corpus["name"], corpus["memories"], corpus["questions"]) == ("tiny", 10, 4)
    found = corpus["signals"]["all"]
    assert list(corpus["signals"]) == ["all"]
    assert list(found["categories"]) == ["where", "who", "versions"]
    overall = found["overall"]
    assert (overall["questions"], overall["answerable"]) == (4, 3)
    for figure in ("recall@1", "recall_all@3", "mrr", "within@2000", "newest_first", "set_recall"):
        assert overall[figure] == 1, figure
    assert (overall["set_precision"], overall["set_precision_beside"]) == (1 / 2, 1)
    assert 0 < overall["tokens"] <= 1000
    assert 0 < overall["ms_median"] <= overall["ms_p95"]
    assert 0 <= found["categories"]["who"]["nothing_abstain"] <= 1
    assert "recall@1" in found["categories"]["who"]
    drawn = ET.parse(tmp_path / "plot.svg").getroot()
    assert drawn.tag == "{http://www.w3.org/2000/svg}svg"
    words = [text.text for text in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert words[0] == "tiny: R@3, %"
    assert {"overall", "where", "who", "versions", "relevance, %"} < set(words)
    dots = list(drawn.iter("{http://www.w3.org/2000/svg}circle"))
    assert len(dots) == len(found["reliability"]) > 0
    assert 0 <= overall["calibration_error"] <= 1
    assert list(temporary.iterdir()) == []


@pytest.mark.slow
def test_what_was_kept_is_taken_again_for_the_same_corpus_only(loci: Loci, folder: Path) -> None:
    files = [str(folder / "tiny.corpus.jsonl.gz"), str(folder / "tiny.queries.jsonl")]
    first = measured(loci, *files, "--keep", "kept", "--limit", "1")
    kept = folder.parent / "kept"
    assert (first["questions"], first["memories"]) == (1, 5)
    assert len(list(kept.glob("*.json"))) == 1
    again = measured(loci, *files, "--keep", "kept", "--limit", "1")
    assert again["seconds"]["remember"] == 0
    timeless = [
        {
            name: value
            for name, value in one["signals"]["all"]["overall"].items()
            if "ms" not in name
        }
        for one in (first, again)
    ]
    assert timeless[0] == timeless[1]
    changed = [{**row, "text": f"{row['text']}!"} for row in MEMORIES]
    (folder / "tiny.corpus.jsonl.gz").write_bytes(gzip.compress(lines(changed)))
    measured(loci, *files, "--keep", "kept", "--limit", "1")
    assert len(list(kept.glob("*.json"))) == 2


@pytest.mark.slow
def test_tables_are_for_people_and_the_date_of_a_question_can_be_asked_at(
    loci: Loci, folder: Path
) -> None:
    dated = {
        "id": "q",
        "tenant": "ann",
        "question": "What about Oscar the tortoise in winter?",
        "question_date": "2026-02-01",
        "evidence": [["4"]],
    }
    (folder / "dated.jsonl").write_bytes(lines([dated]))
    files = (str(folder / "alone.corpus.jsonl"), str(folder / "dated.jsonl"), "--no-ablations")
    said = loci("eval", *files, "--k", "1", "--keep", "kept").stdout
    assert "alone: evidence found" in said
    assert "alone: relevance" in said
    assert "alone: 5 memories, 1 questions" in said
    (row,) = [line.split() for line in said.splitlines() if line.startswith("overall  ")][:1]
    assert row[:3] == ["overall", "1", "100.0"]
    then = measured(loci, *files[:2], "--at", "question", "--keep", "kept")
    assert then["signals"]["all"]["overall"]["recall@20"] == 0


@pytest.mark.skipif(not ABLATIONS, reason="there is no such setting yet")
@pytest.mark.slow
def test_words_and_meaning_are_measured_alone_too(loci: Loci, folder: Path) -> None:
    said = loci("eval", "data", "--json", "--limit", "2", "--plot", "plot.svg").stdout
    (corpus,) = json.loads(said)["corpora"]
    assert list(corpus["signals"]) == ["all", "words", "meaning"]
    assert corpus["signals"]["words"]["overall"]["recall@1"] == 1
    assert "recall@10" in corpus["signals"]["meaning"]["overall"]
    assert "words only" in (folder.parent / "plot.svg").read_text(encoding="utf-8")
    refused = loci("eval", "data", code=2, env={"LOCI_SIGNALS": "words"}).stderr
    assert "Unset it" in refused


def test_a_server_that_does_not_start_is_one_clear_error(loci: Loci, folder: Path) -> None:
    failed = loci("eval", "data", "--no-ablations", code=1, env={"LOCI_EMBEDDER": "no-such"})
    assert "embedder: 'no-such'" in failed.stderr
    assert failed.stderr.endswith("loci: The server did not start; what it said is above.\n")


def test_what_the_server_refuses_is_named(loci: Loci, folder: Path) -> None:
    wrong = {**MEMORIES[0], "speaker": "x" * 201}
    (folder / "tiny.corpus.jsonl.gz").write_bytes(gzip.compress(lines([wrong, *MEMORIES[1:]])))
    failed = loci("eval", "data", "--no-ablations", code=1)
    assert failed.stderr == "loci: '1' of 'ann': speaker: give 1 to 200 characters.\n"


def test_a_wrong_line_is_named_before_anything_starts(loci: Loci, folder: Path) -> None:
    with (folder / "tiny.queries.jsonl").open("ab") as file:
        file.write(b"\n{}\n")
    failed = loci("eval", "data", code=1)
    assert failed.stderr == "loci: data/tiny.queries.jsonl, line 5: id: Field required.\n"
    assert failed.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("data", "--k", "5,x"), "1,5,10,20"),
        (("data", "--k", "101"), "from 1 to 100"),
        (("data/alone.corpus.jsonl",), "QUESTIONS"),
        (("data", "--budget", "99"), "--budget"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_a_wrong_command_line_is_refused(loci: Loci, arguments: tuple[str, ...], said: str) -> None:
    assert said in loci("eval", *arguments, code=2).stderr


@pytest.mark.usefixtures("folder")
def test_a_plot_that_cannot_be_written_is_noticed_at_once(loci: Loci) -> None:
    assert "make it first" in loci("eval", "data", "--plot", "no/plot.svg", code=1).stderr


MEMORY, QUESTION = MEMORIES[0], QUESTIONS[0]


@pytest.mark.parametrize(
    ("memories", "questions", "said"),
    [
        (b"no JSON", b"", "corpus.jsonl, line 1: Invalid JSON"),
        (b"\n[1]\n", b"", "corpus.jsonl, line 2: Input should be an object"),
        (lines([{**MEMORY, "text": " "}]), b"", "line 1: text: it is empty."),
        (lines([{**MEMORY, "id": 7}]), b"", "line 1: id: Input should be a valid string."),
        (lines([{**MEMORY, "ts": "today"}]), b"", "line 1: ts: the time: 'today' is no time."),
        (lines([{**MEMORY, "meta": {"tags": "a"}}]), b"", "line 1: meta.tags: Input should be"),
        (lines([MEMORY, MEMORY]), b"", "line 2: the id '1' is there twice."),
        (b"\xff", b"", "line 1: Invalid JSON"),
        (
            lines([{**MEMORY, "meta": {"superseded_by": "2"}}]),
            lines([QUESTION]),
            "'1' is superseded by '2': not there.",
        ),
        (
            lines([{**MEMORY, "meta": {"superseded_by": "1"}}]),
            lines([QUESTION]),
            "'1' supersedes itself",
        ),
        (lines([MEMORY]), b"", "no questions in it."),
        (
            lines([MEMORY]),
            lines([{**QUESTION, "tenant": "eve"}]),
            "line 1: the corpus has no tenant",
        ),
        (lines([MEMORY]), lines([{**QUESTION, "evidence": [["9"]]}]), "the corpus has no '9' of"),
        (lines([MEMORY]), lines([{**QUESTION, "evidence": [[]]}]), "line 1: evidence.0: "),
    ],
)
def test_each_row_is_checked(tmp_path: Path, memories: bytes, questions: bytes, said: str) -> None:
    corpus, queries = tmp_path / "a.corpus.jsonl", tmp_path / "a.queries.jsonl"
    corpus.write_bytes(memories)
    queries.write_bytes(questions)
    with pytest.raises(InvalidInput) as caught:
        read_corpus(corpus, queries)
    assert said in str(caught.value)


def test_files_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.corpus.jsonl.gz").write_bytes(gzip.compress(lines(MEMORIES))[:-20])
    (tmp_path / "b.corpus.jsonl.gz").write_bytes(b"not gzip")
    for name in ("a", "b", "none"):
        with pytest.raises(InvalidInput, match=f"{name}.corpus.jsonl.gz") as caught:
            read_corpus(tmp_path / f"{name}.corpus.jsonl.gz", tmp_path / "queries.jsonl")
        assert str(caught.value).endswith(".")
    with pytest.raises(InvalidInput, match=r"no NAME\.corpus"):
        corpora_in(tmp_path)


def test_what_is_superseded_is_remembered_first(tmp_path: Path) -> None:
    chain = {"c": None, "b": "c", "x": None, "a": "b"}
    rows = [{**MEMORY, "id": one, "meta": {"superseded_by": by}} for one, by in chain.items()]
    (tmp_path / "corpus").write_bytes(lines(rows))
    (tmp_path / "questions").write_bytes(lines([{**QUESTION, "evidence": [["c"]]}]))
    read = read_corpus(tmp_path / "corpus", tmp_path / "questions")
    assert [row.id for row in read.rows["ann"]] == ["a", "b", "c", "x"]
