"""Prompts, the completion of their arguments, and the skill's manifest."""

import hashlib
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from mcp import Client, MCPError
from mcp.types import (
    INVALID_PARAMS,
    PromptReference,
    Request,
    ResourceTemplateReference,
    Result,
    TextContent,
)
from pydantic import ConfigDict

pytestmark = pytest.mark.anyio

Connect = Callable[..., AbstractAsyncContextManager[Client]]
PROMPTS = {
    "recall_first": ["topic"],
    "remember_session": ["session"],
    "handoff": ["board", "to"],
    "reflect_on": ["period"],
    "onboard": ["namespace"],
}


class AnyResult(Result):
    """Whatever an extension answers."""

    model_config = ConfigDict(extra="allow")


async def complete(client: Client, prompt: str, value: str) -> list[str]:
    argument = {"name": PROMPTS[prompt][0], "value": value}
    reference = PromptReference(type="ref/prompt", name=prompt)
    return (await client.complete(reference, argument)).completion.values


@pytest.mark.parametrize("door", ["memory"], indirect=True)
async def test_each_prompt_takes_its_argument_as_it_is(connect: Connect) -> None:
    async with connect() as client:
        listed = (await client.list_prompts()).prompts
        assert [prompt.name for prompt in listed] == list(PROMPTS)
        for prompt in listed:
            arguments = prompt.arguments or []
            assert [argument.name for argument in arguments] == PROMPTS[prompt.name]
            assert all(argument.required and argument.description for argument in arguments)
            assert prompt.title
            given = {argument.name: f"the {{blue}} {argument.name}" for argument in arguments}
            result = await client.get_prompt(prompt.name, given)
            (message,) = result.messages
            assert isinstance(message.content, TextContent)
            for name, value in given.items():
                assert value in message.content.text
                assert "{" + name + "}" not in message.content.text


async def test_a_wrong_prompt_is_refused(connect: Connect) -> None:
    async with connect() as client:
        for name, arguments, said in (
            ("recollect", {}, "Unknown prompt: recollect"),
            ("recall_first", {}, "recall_first: give topic."),
            ("recall_first", {"topic": "x", "tone": "y"}, "recall_first: give topic."),
        ):
            with pytest.raises(MCPError) as caught:
                await client.get_prompt(name, arguments)
            assert (caught.value.error.code, caught.value.error.message) == (INVALID_PARAMS, said)


async def test_arguments_complete_from_what_is_remembered(connect: Connect) -> None:
    async with connect() as client:
        notes: list[dict[str, Any]] = [
            {"content": "a", "entities": ["Ada Lovelace"], "namespace": "work/engine"},
            {"content": "b", "entities": ["Ada Lovelace", "Adam"], "tags": ["advice"]},
            {"content": "c", "session": "monday", "namespace": "home"},
        ]
        for note in notes:
            await client.call_tool("remember", note)
        assert await complete(client, "recall_first", "ad") == [
            "Ada Lovelace",
            "Adam",
            "advice",
        ]
        assert await complete(client, "remember_session", "mo") == ["monday"]
        assert await complete(client, "onboard", "w") == ["work/engine"]
        assert await complete(client, "reflect_on", "last") == ["last week", "last month"]
        assert await complete(client, "onboard", "\0") == []
        template = ResourceTemplateReference(
            type="ref/resource", uri="memory://tiers/{tier}{?cursor,limit}"
        )
        tiers = await client.complete(template, {"name": "tier", "value": ""})
        assert tiers.completion.values == ["hot", "warm", "cold"]
        none = await client.complete(template, {"name": "cursor", "value": "1"})
        assert none.completion.values == []


async def test_completions_are_at_most_a_hundred(connect: Connect) -> None:
    async with connect() as client:
        for start in range(0, 120, 30):
            tags = [f"tag {start + n:03}" for n in range(30)]
            await client.call_tool("remember", {"content": f"{start}", "tags": tags})
        assert len(await complete(client, "recall_first", "tag")) == 100


@pytest.mark.parametrize("door", ["streams"], indirect=True)
async def test_completions_show_nothing_of_another_tenant(connect: Connect) -> None:
    async with connect(tenant="ada") as ada, connect(tenant="bob") as bob:
        await ada.call_tool("remember", {"content": "a", "entities": ["Secret project"]})
        assert await complete(bob, "recall_first", "") == []


@pytest.mark.parametrize("mode", ["auto"], indirect=True)
async def test_the_skill_is_listed_with_its_digest(connect: Connect) -> None:
    async with connect() as client:
        listed = await send(client, "skills/list")
        (skill,) = listed["skills"]
        (file,) = skill["resources"]
        (contents,) = (await client.read_resource(file["uri"])).contents
        data = contents.model_dump()["text"].encode()
        assert file["size"] == len(data)
        assert file["digest"] == "sha256:" + hashlib.sha256(data).hexdigest()
        assert skill["frontmatter"]["name"] == "using-memory"
        assert (await send(client, "skills/get", uri=skill["uri"]))["skill"] == skill
        with pytest.raises(MCPError):
            await send(client, "skills/get", uri="skill://nothing")


async def send(client: Client, method: str, **params: str) -> dict[str, Any]:
    request = Request[dict[str, Any], str](method=method, params=dict(params))
    return (await client.session.send_request(request, AnyResult)).model_dump()
