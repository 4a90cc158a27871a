"""Token counts: exact, offline, and for every string there is."""

from pathlib import Path

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loci.server.tokens import TokenCounter
from loci.server.tokens.counter import LONGEST_BLANK
from loci.server.tokens.packed import pack, unpack
from loci.server.tokens.table import main

COUNTER = TokenCounter()

# Computed with js-tiktoken 1.0.21 in node.
KNOWN = {
    "": 0,
    "hello world": 2,
    "Loci is a memory server for LLM agents.": 11,
    "<|endoftext|>": 7,
    "Straße, naïve café — 漢字かな交じり文 😀👩\u200d👩\u200d👧": 24,
    "def f(x):\n    return x ** 2  # square\n\n\n": 14,
    "1234567890 3.14159 0xDEADBEEF": 15,
    "  leading and   inner   spaces\t\ttabs\r\n": 11,
    "I'll we've THEY'RE it's": 6,
}


@pytest.mark.parametrize(("text", "tokens"), KNOWN.items())
def test_counts_are_those_of_the_reference(text: str, tokens: int) -> None:
    assert COUNTER.count(text) == tokens


@given(st.text(st.characters()))
def test_any_string_can_be_counted(text: str) -> None:
    assert 0 <= COUNTER.count(text) <= 4 * len(text)


def test_a_lone_surrogate_counts_as_the_replacement_character() -> None:
    assert COUNTER.count("a\ud800b") == COUNTER.count("a\ufffdb")


@pytest.mark.parametrize("run", ["a", "A", "1", " ", "\t ", "\n", "漢", "!", "aB"])
def test_a_megabyte_of_one_thing_is_counted_in_seconds(run: str) -> None:
    assert 0 < COUNTER.count(run * (1_000_000 // len(run))) <= 1_000_000


def test_long_white_space_is_cut_only_beyond_the_documented_length() -> None:
    short = " " * LONGEST_BLANK
    assert COUNTER.count(short * 2 + "x") == COUNTER.count(short) + COUNTER.count(short + "x")


@pytest.mark.anyio
async def test_many_texts_are_counted_off_the_loop() -> None:
    counter = TokenCounter()
    with anyio.fail_after(10):
        await counter.load()
        await counter.load()
        assert await counter.count_all(list(KNOWN)) == list(KNOWN.values())
        assert await counter.count_all([]) == []


def test_the_table_is_packed_and_unpacked_without_loss() -> None:
    tokens = [b"a", b"bc", bytes(range(200)), b"\x00"]
    assert unpack(pack(tokens), len(tokens)) == {token: rank for rank, token in enumerate(tokens)}


def test_a_table_that_is_not_the_published_one_is_refused(tmp_path: Path) -> None:
    source = tmp_path / "o200k_base.tiktoken"
    source.write_bytes(b"IQ== 0\n")
    with pytest.raises(ValueError, match="sha256"):
        main([str(source), str(tmp_path / "out.xz")])
    with pytest.raises(SystemExit, match="usage"):
        main([])
