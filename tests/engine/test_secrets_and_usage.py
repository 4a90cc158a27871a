"""Credentials are not remembered, and a tenant keeps no more than it may."""

from pathlib import Path

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.engines import contents, keep, open_memories

from loci.server.engine import Limits
from loci.server.engine.credentials import masked
from loci.server.errors import InvalidInput, LimitExceeded
from loci.server.model import Draft, ForgetMode, Revision

pytestmark = pytest.mark.anyio

# Made up, in the forms that their issuers publish; in pieces, so that no scanner takes them for real.
SECRETS = {
    "AWS key": "AKIA" + "IOSFODNN7EXAMPLE",
    "GitHub token": "ghp_" + "a1B2" * 9,
    "GitLab token": "glpat-" + "x1Y2z3A4b5C6d7E8f9G0",
    "Slack token": "xoxb-" + "123456789012-abcdefABCDEF",
    "Stripe key": "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc",
    "API key": "sk-proj-" + "T3BlbkFJabcdefghijklmnop",
    "Google key": "AIza" + "SyA-1234567890abcdefghijklmnopqrstu",
    "npm token": "npm_" + "a1B2c3" * 6,
    "PyPI token": "pypi-" + "AgEIcHlwaS5vcmc" * 4,
    "Hugging Face token": "hf_" + "AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEfGh",
    "SendGrid key": "SG." + "a" * 22 + "." + "b" * 43,
    "JWT": "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiIxMjM0In0." + "c2lnbmF0dXJl",
    "Loci token": "loci_" + "0123456789abcdef_" + "A" * 43,
    "private key": "-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabc\n-----END RSA PRIVATE KEY-----",
    "password in an address": "admin:hunter2",
    "password": "password: hunter2hunter2",
    "authorization": "dGhpcyBpcyBhIHNlY3JldA",
}
AROUND = {
    "password in an address": ("postgres://", "@db/x"),
    "authorization": ("Authorization: Bearer ", ""),
}
HARMLESS = (
    "The password is kept in the safe in the hall.",
    "Her API key is in 1Password, under staging.",
    "Mara's secret: she likes tea.",
    "https://example.com:8080/path and mail@example.com",
    "Commit 3f786850e387550fdab836ed7e6dc881de23001b fixed it.",
    "The task-management-board-for-the-autumn-release is late.",
    "sk-learn is a library; the ID is 123e4567-e89b-12d3-a456-426614174000.",
)


@pytest.mark.parametrize("kind", SECRETS)
def test_what_looks_like_a_credential_is_masked(kind: str) -> None:
    before, after = AROUND.get(kind, (" ", " "))
    text, kinds = masked(f"Use this:{before}{SECRETS[kind]}{after} for staging")
    assert kinds == (kind,)
    assert text == f"Use this:{before}[masked: {kind}]{after} for staging"


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_speaks_of_one_stays(text: str) -> None:
    assert masked(text) == (text, ())


@pytest.mark.parametrize(
    "text",
    ["PASSWORD=hunter2hunter2", "Api-Key: hunter2hunter2", "authorization: BASIC " + "a1" * 10],
)
def test_words_before_a_credential_may_be_written_in_any_case(text: str) -> None:
    assert "[masked: " in masked(text)[0]


@given(st.text(max_size=300), st.sampled_from(sorted(SECRETS)), st.text(max_size=300))
def test_masking_leaves_no_credential_wherever_it_stands(
    before: str, kind: str, after: str
) -> None:
    ahead, behind = AROUND.get(kind, ("", ""))
    text, _ = masked(f"{before} {ahead}{SECRETS[kind]}{behind} {after}")
    assert SECRETS[kind] not in text


def holding(folder: Path, text: str) -> list[Path]:
    files = [file for file in folder.rglob("*") if file.is_file()]
    assert files
    return [file for file in files if text.encode() in file.read_bytes()]


async def test_a_credential_reaches_no_file(tmp_path: Path) -> None:
    secret = SECRETS["GitHub token"]
    async with open_memories(tmp_path) as memories:
        draft = Draft(content=f"Deploy with {secret}.", metadata={"token": secret})
        (stored,) = await memories.remember([draft])
        assert stored.masked == ("GitHub token",)
        await memories.revise(stored.id, Revision(content=f"Deploy with {secret} again."))
        assert await contents(memories) == ["Deploy with [masked: GitHub token] again."]
    assert holding(tmp_path, secret) == []


async def test_a_credential_can_be_refused_or_allowed(tmp_path: Path) -> None:
    text = f"Deploy with {SECRETS['GitHub token']}."
    async with open_memories(tmp_path, limits=Limits(secrets="refuse")) as memories:
        with pytest.raises(InvalidInput, match=r"GitHub token.*Leave that out") as caught:
            await keep(memories, text)
        assert SECRETS["GitHub token"] not in str(caught.value)
        (name,) = await keep(memories, "Harmless.")
        with pytest.raises(InvalidInput, match="credential"):
            await memories.revise(name, Revision(content=text))
    async with open_memories(tmp_path, limits=Limits(secrets="allow")) as memories:
        await keep(memories, text)
        assert text in await contents(memories)


async def test_a_tenant_keeps_no_more_memories_than_it_may(tmp_path: Path) -> None:
    async with open_memories(tmp_path, limits=Limits(max_memories=3)) as memories:
        first = await keep(memories, "One.", "Two.")
        with pytest.raises(LimitExceeded, match="2 of 3 are kept"):
            await keep(memories, "Three.", "Four.")
        await keep(memories, "Two.")  # a repeat is kept once, and counted once
        await memories.revise(first[0], Revision(pinned=True))
        with pytest.raises(LimitExceeded, match="3 of 3"):
            await keep(memories, "Three.")
        await memories.forget(first[:1], ForgetMode.ERASE)
        await keep(memories, "Three.", "Four.")


async def test_a_tenant_keeps_no_more_text_than_it_may(tmp_path: Path) -> None:
    async with open_memories(tmp_path, limits=Limits(max_bytes=1000)) as memories:
        await keep(memories, "ü" * 400)
        with pytest.raises(LimitExceeded, match="Too much text"):
            await keep(memories, "a" * 201)
        await keep(memories, "b" * 200)


async def test_writers_side_by_side_do_not_exceed_it_together(tmp_path: Path) -> None:
    async with open_memories(tmp_path, limits=Limits(max_memories=5)) as memories:
        refused: list[LimitExceeded] = []

        async def one(number: int) -> None:
            try:
                await keep(memories, f"Number {number}.")
            except LimitExceeded as error:
                refused.append(error)

        async with anyio.create_task_group() as tasks:
            for number in range(12):
                tasks.start_soon(one, number)
        assert len(await contents(memories)) == 5
        assert len(refused) == 7
