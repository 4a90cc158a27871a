"""Several clients of one daemon: one memory, told to each other, and each with options of its own."""

import json
from collections.abc import Generator
from pathlib import Path

import anyio
import pytest
from support.daemons import Home, a_home
from support.wires import MEBIBYTE, Era, Wire

pytestmark = pytest.mark.anyio

WATCHED = "memory://tiers/warm"


@pytest.fixture
def home(tmp_path: Path) -> Generator[Home]:
    with a_home(tmp_path / "home") as home:
        yield home


@pytest.mark.parametrize(("writer", "reader"), [("legacy", "modern"), ("modern", "legacy")])
async def test_what_one_client_remembers_another_recalls_at_once(
    home: Home, writer: Era, reader: Era
) -> None:
    async with home.client(era=writer) as one, home.client(era=reader) as other:
        for number in range(20):
            await one.result(number, "remember", content=f"Fact {number}.")
            assert f"Fact {number}." in await other.contents(number)


async def test_a_change_is_told_to_the_clients_that_watch_in_both_eras(home: Home) -> None:
    async with (
        home.client() as old,
        home.client(era="modern") as new,
        home.client() as writer,
        home.client("--tenant", "somebody else") as stranger,
    ):
        await old.ask(1, "resources/subscribe", {"uri": WATCHED})
        assert "result" in await old.hear()
        listen = {"notifications": {"resourceSubscriptions": [WATCHED]}}
        await new.ask(1, "subscriptions/listen", listen)
        opened = await new.message()
        assert opened["method"] == "notifications/subscriptions/acknowledged", opened
        await stranger.result(1, "remember", content="Not theirs.")
        await writer.result(1, "remember", content="Theirs.")
        for one in (old, new):
            told = await one.message()
            assert told["method"] == "notifications/resources/updated"
            assert told["params"]["uri"] == WATCHED
        # What was told before it would have come first.
        assert await old.contents() == ["Theirs."]
        assert old.notices == []


async def recalled(wire: Wire, names: range) -> list[bytes]:
    """All that is remembered, asked for several times at once: the answers behind their ids."""
    everything = {"query": "", "limit": 100, "max_tokens": 100_000}
    for name in names:
        await wire.ask(name, "tools/call", {"name": "recall", "arguments": everything})
    lines = [await wire.line() for _ in names]
    answers = {int(json.loads(line)["id"]): line for line in lines}
    return [answers[name].partition(b'"result":')[2] for name in names]


@pytest.mark.slow
async def test_results_of_8_megabytes_arrive_byte_for_byte(home: Home) -> None:
    # Many characters and few tokens.
    texts = [f"{number} " + "=" * 44_000 for number in range(100)]
    async with home.client() as wire, home.client() as other:
        await wire.result(1, "remember", content=texts[:50])
        await wire.result(2, "remember", content=texts[50:])
        answers: list[bytes] = []

        async def hear(one: Wire) -> None:
            answers.extend(await recalled(one, range(10, 13)))

        async with anyio.create_task_group() as tasks:
            for one in (wire, other):
                tasks.start_soon(hear, one)
    await home.stop()
    async with home.client("--in-process") as wire:
        (expected,) = await recalled(wire, range(10, 11))
    assert len(expected) > 8 * MEBIBYTE
    # To be recalled makes some hot.
    same = {
        one.replace(b'"hot', b'"warm') == expected.replace(b'"hot', b'"warm') for one in answers
    }
    assert (len(answers), same) == (6, {True})


async def test_each_client_has_its_own_tenant_namespace_tools_and_name(home: Home) -> None:
    flags = ("--tenant", "ada", "--namespace=work/loci", "--tools", "core", "--agent", "Ada's")
    env = {
        "LOCI_TENANT": "bob",
        "LOCI_NAMESPACE": "home",
        "LOCI_TOOLS": "full",
        "LOCI_AGENT": "Bob's",
    }
    async with (
        home.client(*flags) as ada,
        home.client(env=env) as bob,
        home.client("--tenant", "ada", "--namespace", "", "--agent", "Again", env=env) as again,
    ):
        for one in (ada, bob, again):
            await one.result(1, "remember", content=f"Remembered by {one.process.pid}.")
        assert await ada.contents() == [f"Remembered by {ada.process.pid}."]
        assert await bob.contents() == [f"Remembered by {bob.process.pid}."]
        assert len(await again.contents(namespace="")) == 2
        assert [await tools(one) for one in (ada, bob, again)] == [5, 12, 12]
        assert await agents(again) == {"Ada's", "Again"}
        assert await agents(bob) == {"Bob's"}
        shown = {one["pid"]: one for one in home.status()["clients"]}
        assert {
            name: shown[ada.process.pid][name] for name in ("tenant", "namespace", "tools")
        } == {
            "tenant": "ada",
            "namespace": "work/loci",
            "tools": "core",
        }


async def tools(wire: Wire) -> int:
    await wire.ask(2, "tools/list", {})
    return len((await wire.hear())["result"]["tools"])


async def agents(wire: Wire) -> set[str]:
    """Who remembered what a client's tenant has."""
    found: set[str] = set()
    for tier in ("hot", "warm"):
        await wire.ask(3, "resources/read", {"uri": f"memory://tiers/{tier}?limit=100"})
        (page,) = (await wire.hear())["result"]["contents"]
        found |= {one["agent"] for one in json.loads(page["text"])["memories"]}
    return found


@pytest.mark.parametrize(
    ("flags", "env", "named"),
    [
        (
            (),
            {"LOCI_EMBEDDER": "minilm"},
            "embedder (LOCI_EMBEDDER in the client's environment) is",
        ),
        (("--profile", "prod"), {}, "profile (the client's --profile) is prod"),
        ((), {"LOCI_IDLE_SECONDS": "5"}, "idle_seconds (LOCI_IDLE_SECONDS in the client's"),
    ],
)
async def test_what_is_not_the_clients_to_say_is_refused_and_says_where_it_is_said(
    home: Home, flags: tuple[str, ...], env: dict[str, str], named: str
) -> None:
    async with home.client() as wire:
        said = await refused(home, *flags, env=env)
        assert named in said
        assert f"from {home.path / 'loci.toml'}, where it is" in said
        assert await wire.contents() == []


async def refused(home: Home, *flags: str, env: dict[str, str]) -> str:
    """The one line that a client is refused with."""
    async with home.shim(*flags, env=env) as wire:
        code, said = await wire.ended()
    assert code == 2
    (line,) = said.splitlines()
    assert line.startswith("loci: ")
    return line


async def test_what_says_the_same_as_the_daemon_is_no_reason_to_refuse(home: Home) -> None:
    env = {"LOCI_EMBEDDER": "hash", "LOCI_PROFILE": "", "LOCI_HOME": "elsewhere"}
    async with home.client("--profile=embedded", env=env) as wire:
        assert await wire.contents() == []


@pytest.mark.parametrize(
    ("flags", "env", "said"),
    [
        ((), {"LOCI_NAMEPACE": "x"}, "Did you mean LOCI_NAMESPACE?"),
        ((), {"LOCI_TOOLS": "many"}, "tools: 'many' (from LOCI_TOOLS in the client's environment)"),
        (("--tools", "many"), {}, "tools: 'many' (from the client's --tools) is not allowed."),
        (("--namespace", "a//b"), {}, "namespace: 'a//b' (from the client's --namespace)"),
        (("--tenant", "~hidden"), {}, "tenant: '~hidden' (from the client's --tenant)"),
    ],
)
async def test_a_wrong_option_of_a_client_is_refused_by_name(
    home: Home, flags: tuple[str, ...], env: dict[str, str], said: str
) -> None:
    assert said in await refused(home, *flags, env=env)


async def test_in_the_profile_prod_no_client_chooses_its_tenant(tmp_path: Path) -> None:
    with a_home(tmp_path / "home", profile="prod", index="none") as home:
        for flags, env in ((("--tenant", "ada"), {}), ((), {"LOCI_TENANT": "ada"})):
            assert "in the profile prod it comes from credentials alone." in await refused(
                home, *flags, env=env
            )
        async with home.client("--tenant", "local") as wire:
            with anyio.fail_after(60):
                assert await wire.contents() == []
