"""Credentials on blackboards and in scratchpads: masked, refused or allowed as in memories."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.boards import as_agent, cells_of, values, write
from support.engines import open_memories

from loci.server.engine import Limits
from loci.server.engine.credentials import masked_value
from loci.server.errors import InvalidInput, Stale
from loci.server.model import CellWrite, NewNote, Op, Section

pytestmark = pytest.mark.anyio

# Made up, and in pieces, so that no scanner takes them for real.
SECRET = "ghp_" + "a1B2" * 9
OTHER = "ghp_" + "c3D4" * 9
MASK = "[masked: GitHub token]"


def note(content: str) -> NewNote:
    return NewNote(session="monday", section=Section.EXAMPLE, content=content)


def traces(folder: Path, *texts: str) -> list[tuple[Path, str]]:
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert files
    return [(file, text) for file in files for text in texts if text.encode() in file.read_bytes()]


async def test_a_credential_anywhere_in_a_value_reaches_no_file(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        ann = as_agent(memories)
        value = {"deploy": ["with", {"token": f"{SECRET}!"}], SECRET: 1, OTHER: 2, "port": 80}
        done = await ann.write("plan", CellWrite(key="a", value=value))
        assert done.masked == ("GitHub token",)
        clean = {"deploy": ["with", {"token": f"{MASK}!"}], MASK: 1, f"{MASK} 2": 2, "port": 80}
        assert done.cell.value == clean
        await write(ann, "a", {"more": SECRET}, op="merge")
        await write(ann, "list", SECRET, op="append")
        await write(ann, "text", "With ")
        await write(ann, "text", SECRET, op="append")
        await write(ann, "mine", SECRET, private=True)
        await memories.note(note(f"Deploy with {SECRET}"))
        expected = {"a": {**clean, "more": MASK}, "list": [MASK], "text": f"With {MASK}"}
        assert await values(ann) == expected
        assert await values(ann, private=True) == {"mine": MASK}
    digest = hashlib.sha256(SECRET.encode()).hexdigest()
    assert traces(tmp_path, SECRET, OTHER, digest) == []


async def test_the_writer_is_told_only_where_something_was_masked(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        ann = as_agent(memories)
        assert (await ann.write("plan", CellWrite(key="a", value="plain"))).masked == ()
        assert (await memories.note(note("plain"))).masked == ()
        noted = await memories.note(note(f"{SECRET}, postgres://me:hunter2@db"))
        assert noted.masked == ("GitHub token", "password in an address")
        (_, kept) = (await memories.pad("monday")).notes
        assert kept.content == f"{MASK}, postgres://[masked: password in an address]@db"


async def test_it_can_be_refused(tmp_path: Path) -> None:
    async with open_memories(tmp_path, limits=Limits(secrets="refuse")) as memories:
        ann = as_agent(memories)
        with pytest.raises(InvalidInput, match=r"^value: .*GitHub token.*Leave that out") as caught:
            await write(ann, "a", [{"x": SECRET}])
        assert SECRET not in str(caught.value)
        with pytest.raises(InvalidInput, match=r"^content: .*GitHub token"):
            await memories.note(note(SECRET))
        await write(ann, "a", "plain")
        assert await values(ann) == {"a": "plain"}
        assert (await memories.pad("monday")).notes == ()


async def test_it_can_be_allowed(tmp_path: Path) -> None:
    async with open_memories(tmp_path, limits=Limits(secrets="allow")) as memories:
        ann = as_agent(memories)
        done = await ann.write("plan", CellWrite(key=SECRET, value={"password": SECRET}))
        assert (done.cell.value, done.masked) == ({"password": SECRET}, ())
        await memories.note(note(SECRET))
        assert (await memories.pad("monday")).notes[0].content == SECRET
    async with open_memories(tmp_path) as memories:
        await write(as_agent(memories), SECRET, op="delete")  # what was allowed can be taken away
        assert await values(as_agent(memories)) == {}


async def test_a_cell_is_not_named_by_a_credential(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        with pytest.raises(InvalidInput, match=r"^key: .*GitHub token"):
            await write(as_agent(memories), f"lock/{SECRET}", 1)
        assert await values(as_agent(memories)) == {}


async def test_swaps_and_retries_are_as_before(tmp_path: Path) -> None:
    """A retry is recognised by what would be written: no hash of a credential is kept."""
    async with open_memories(tmp_path) as memories:
        ann = as_agent(memories)
        call = CellWrite(key="a", value=SECRET, op=Op.APPEND, if_version=0, request="one")
        first, again = await ann.write("plan", call), await ann.write("plan", call)
        assert (first.repeated, again.repeated) == (False, True)
        assert first.cell == again.cell
        assert again.masked == first.masked == ("GitHub token",)
        other = CellWrite(key="a", value="else", op=Op.APPEND, if_version=0, request="one")
        with pytest.raises(InvalidInput, match="another write was made under it"):
            await ann.write("plan", other)
        with pytest.raises(Stale) as caught:
            await write(ann, "a", SECRET, if_version=5)
        assert caught.value.current is not None
        assert caught.value.current["value"] == [MASK]
        assert await write(ann, "a", {"token": SECRET}, if_version=1) == 2
        assert await cells_of(ann) == [("a", {"token": MASK}, 2)]


async def test_what_only_grows_by_its_masks_is_still_bounded(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        short = "xoxb-" + "1" * 10
        value = [short] * (65_500 // (len(short) + 3))
        with pytest.raises(InvalidInput, match="a cell has at most 65,536"):
            await write(as_agent(memories), "a", value)


@pytest.mark.parametrize(
    ("value", "clean"),
    [
        ({"password": "hunter2hunter2"}, {"password": "[masked: password]"}),
        ({"API-Key": ["abcdefgh"]}, {"API-Key": ["[masked: password]"]}),
        ({"password": "in the safe"}, {"password": "in the safe"}),
        ({"password": "short"}, {"password": "short"}),
        ({"password": None, "password_rule": "twelve-letters"}, None),
        ({"note": "password: hunter2hunter2"}, {"note": "[masked: password]"}),
    ],
)
def test_a_word_under_the_name_of_a_password_is_one(value: Any, clean: Any) -> None:
    assert masked_value(value)[0] == (value if clean is None else clean)


@given(st.binary(max_size=40), st.sampled_from(["sha256", "blake2b", "md5"]))
def test_a_hash_is_no_credential(content: bytes, algorithm: str) -> None:
    digest = hashlib.new(algorithm, content)
    for text in (digest.hexdigest(), base64.b64encode(digest.digest()).decode()):
        handle = {
            "kind": "kv_cache",
            "engine": "vllm",
            "model": "qwen3-8b",
            "prefix_hash": f"{algorithm}:{text}",
            "blocks": [text, text.upper()],
        }
        assert masked_value(handle, "cache/system-prompt") == (handle, ())


async def test_a_handle_of_a_cache_is_kept_as_it_is(tmp_path: Path) -> None:
    async with open_memories(tmp_path) as memories:
        handle = {
            "kind": "kv_cache",
            "engine": "vllm",
            "model": "qwen3-8b",
            "prefix_hash": hashlib.sha256(b"prefix").hexdigest(),
        }
        done = await as_agent(memories).write("plan", CellWrite(key="warm", value=handle, ttl=60))
        assert (done.cell.value, done.masked) == (handle, ())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(JSON)
def test_what_holds_none_stays_and_what_holds_one_loses_nothing_else(value: Any) -> None:
    assert masked_value(value) == (value, ())
    before = json.dumps(value)
    clean, kinds = masked_value([value, SECRET])
    assert kinds == ("GitHub token",)
    assert clean == [value, MASK]
    assert json.dumps(value) == before
