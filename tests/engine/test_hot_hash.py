"""The hot tier's text names itself by its hash, within its budget."""

import hashlib
import re
from pathlib import Path

import pytest
from support.engines import keep, open_memories

from loci.server.engine import Limits
from loci.server.tiers import Budget

pytestmark = pytest.mark.anyio


async def test_the_text_ends_with_the_hash_of_what_stands_before(tmp_path: Path) -> None:
    limits = Limits(hot=Budget(tokens=200))
    async with open_memories(tmp_path, limits=limits) as memories:
        await keep(memories, *(f"Fact {number} about the river Aare." for number in range(30)))
        first = await memories.hot()
        assert first.tokens <= 200
        text, mark, named = first.text.rpartition("<!-- sha256 ")
        assert mark
        (digest,) = re.findall(r"^([0-9a-f]{32}) -->\n$", named)
        assert digest == hashlib.sha256(text.encode()).hexdigest()[:32]
        assert (await memories.hot()).text == first.text
        await memories.forget([line.split()[-1][:-1] for line in text.splitlines()[1:2]])
        assert (await memories.hot()).text != first.text
