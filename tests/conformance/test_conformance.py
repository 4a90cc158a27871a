"""The protocol's own judges: the official conformance suite, and the Inspector as a client nobody here
wrote. Both run in Node.js, over HTTP, against the real application; see the README beside."""

import json
import re
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import anyio
import pytest
from conformance.fixtures import mount
from conformance.node import CONFORMANCE, INSPECTOR, Node, NoNode
from support.sites import open_web, serving

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.conformance,
    # The suite asks the fixtures for what 2026-07-28 deprecates.
    pytest.mark.filterwarnings("ignore::mcp.MCPDeprecationWarning"),
]

UNSCORED = re.compile(r"^  [✓✗] ([a-z0-9-]+) \(", re.MULTILINE)
PASSED = re.compile(r"^✓ ([a-z0-9-]+): [1-9]\d* passed, 0 failed", re.MULTILINE)
ALL = re.compile(r"^Passed: ([1-9]\d*)/\1, 0 failed", re.MULTILINE)
UNAUTHORIZED, TOOL_ERROR = 3, 5
"""How the Inspector ends."""
SECONDS = 240


@pytest.fixture(scope="module")
def node(pytestconfig: pytest.Config) -> Node:
    """With the programs installed beside pytest's other caches."""
    assert pytestconfig.cache is not None
    try:
        return Node(pytestconfig.cache.mkdir("conformance"))
    except NoNode as reason:
        pytest.skip(f"left out: {reason}")


@asynccontextmanager
async def with_fixtures(home: Path) -> AsyncGenerator[str]:
    """The address of the real application, without credentials, that has the suite's fixtures."""
    async with open_web(home) as web:
        mount(web.site.server)
        async with serving(web) as url:
            yield f"{url}/mcp"


async def suite(node: Node, folder: Path, *arguments: str) -> str:
    """What the suite says of a server whose requirements are met."""
    line = node.command(CONFORMANCE, "server", *arguments, "--output-dir", str(folder))
    with anyio.fail_after(SECONDS):
        done = await anyio.run_process(line, check=False, env=node.environment(folder))
    said = done.stdout.decode()
    assert done.returncode == 0, said.partition("=== SUMMARY ===")[2] or said
    return said


@pytest.mark.parametrize(("revision", "scenarios"), [("2026-07-28", 37), ("2025-11-25", 30)])
async def test_every_scenario_that_a_revision_requires_passes(
    node: Node, tmp_path: Path, revision: str, scenarios: int
) -> None:
    async with with_fixtures(tmp_path / "home") as url:
        said = await suite(node, tmp_path, "--url", url, "--requirements", revision)
    required = {*PASSED.findall(said)} - {*UNSCORED.findall(said)}
    assert len(required) == scenarios


@pytest.mark.parametrize(
    ("revision", "scenario"),
    [
        ("2026-07-28", "http-header-validation"),
        ("2026-07-28", "http-custom-header-server-validation"),
        ("2025-11-25", "server-session-lifecycle"),
    ],
)
async def test_so_do_those_that_are_not_required_yet(
    node: Node, tmp_path: Path, revision: str, scenario: str
) -> None:
    async with with_fixtures(tmp_path / "home") as url:
        options = ["--scenario", scenario, "--spec-version", revision]
        said = await suite(node, tmp_path, "--url", url, *options)
    assert ALL.search(said), said


class Inspector:
    """The Inspector's command, as a client with one credential in one era."""

    def __init__(self, node: Node, home: Path, url: str, era: str, token: str) -> None:
        header = f"Authorization: Bearer {token}"
        self._line = node.command(INSPECTOR, "--cli", "--quiet", url, "--header", header)
        self._line += ["--protocol-era", era, "--format", "json", "--method"]
        self._env = node.environment(home)

    async def run(self, method: str, *options: str, code: int = 0) -> "CompletedProcess[bytes]":
        """What becomes of a command that is to end with this code."""
        line = [*self._line, method, *options]
        with anyio.fail_after(SECONDS):
            done = await anyio.run_process(line, check=False, env=self._env)
        assert done.returncode == code, (done.stdout + done.stderr).decode()
        return done

    async def __call__(self, method: str, *options: str, code: int = 0) -> Any:
        """What it prints."""
        printed = json.loads((await self.run(method, *options, code=code)).stdout)
        return printed.get("result", printed)

    async def call(self, tool: str, *, code: int = 0, **arguments: Any) -> Any:
        """What a tool answers."""
        given = ["--tool-name", tool, "--tool-args-json", json.dumps(arguments)]
        return await self("tools/call", *given, code=code)


@asynccontextmanager
async def inspected(node: Node, folder: Path, era: str) -> AsyncGenerator[Inspector]:
    """The Inspector before the application as it is, with one of Loci's own tokens."""
    async with open_web(folder / "home") as web:
        issued = await web.token("ada")
        async with serving(web) as url:
            yield Inspector(node, folder, f"{url}/mcp", era, issued.secret)


@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_the_inspector_lists_and_calls(node: Node, tmp_path: Path, era: str) -> None:
    async with inspected(node, tmp_path, era) as inspector:
        listed = await inspector("tools/list", "--strict")
        assert {"remember", "recall"} <= {tool["name"] for tool in listed["tools"]}
        listed = await inspector("resources/list")
        assert "memory://tiers/hot" in {one["uri"] for one in listed["resources"]}
        listed = await inspector("prompts/list")
        assert "recall_first" in {prompt["name"] for prompt in listed["prompts"]}
        content = "Ada wrote the first program."
        told = await inspector.call("remember", content=content)
        (stored,) = told["structuredContent"]["memories"]
        told = await inspector.call("recall", query="Who wrote the first program?")
        (found,) = told["structuredContent"]["recollections"]
        assert (found["id"], found["content"]) == (stored["id"], content)
        assert (await inspector.call("recall", code=TOOL_ERROR, words="program"))["isError"]


async def test_the_inspector_verifies_the_skills(node: Node, tmp_path: Path) -> None:
    """Extensions are of the later era: in the other, the SDK declares none."""
    async with inspected(node, tmp_path, "modern") as inspector:
        skill = await inspector("skills/list", "--verify")
    assert skill["ok"]
    assert (skill["name"], skill["outcome"]) == ("using-memory", "verified")


@pytest.mark.parametrize("era", ["modern", "legacy"])
async def test_the_inspector_is_not_let_in_without_a_valid_token(
    node: Node, tmp_path: Path, era: str
) -> None:
    async with open_web(tmp_path / "home") as web:
        issued = await web.token("ada")
        await web.app.administration.revoke_token(issued.token.id)
        async with serving(web) as url:
            refused = Inspector(node, tmp_path, f"{url}/mcp", era, issued.secret)
            done = await refused.run("tools/list", code=UNAUTHORIZED)
    assert not done.stdout
