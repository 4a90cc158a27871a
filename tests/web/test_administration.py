"""`loci serve` as a process, beside the administrator's commands; and the end of a tenant."""

import json
import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import httpx2
import pytest
from support.daemons import environment
from support.sites import open_web
from support.wires import running

from loci.server.errors import NotFound, StoreError
from loci.server.model import Draft

pytestmark = pytest.mark.anyio

LOCI = (sys.executable, "-m", "loci.server")
ENV = {"LOCI_EMBEDDER": "hash", "LOCI_INDEX": "none"}


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return door.getsockname()[1]


async def command(home: Path, *words: str, code: int = 0) -> Any:
    line = [*LOCI, *words, "--home", str(home), "--json"]
    done = await anyio.run_process(line, env=environment(ENV), check=False)
    assert done.returncode == code, done.stderr.decode()
    return json.loads(done.stdout) if done.stdout else None


async def test_a_server_and_its_administrator(tmp_path: Path) -> None:
    """One process serves; tokens made and revoked beside it count at once; SIGTERM ends it in order."""
    port = free_port()
    line = [*LOCI, "serve", "--home", str(tmp_path), "--port", str(port)]
    url = f"http://127.0.0.1:{port}"
    async with running(line, env=environment(ENV), stderr=subprocess.PIPE, seconds=300) as server:
        assert server.stderr is not None
        said = ""
        while "No credentials are configured" not in said:
            said += (await server.stderr.receive()).decode()
        assert f"Serving {url}/mcp and /sse" in said
        async with httpx2.AsyncClient(base_url=url) as client:
            while (await status(client)) is None:
                await anyio.lowlevel.checkpoint()
            assert await status(client) == 400  # it is asked, and only not in the protocol's words
            assert await command(tmp_path, "tenant", "create", "ada") == {
                "tenant": "ada",
                "created": True,
            }
            issued = await command(tmp_path, "token", "create", "--tenant", "ada")
            assert await status(client) == 401
            assert await status(client, issued["secret"]) == 400
            await command(tmp_path, "token", "revoke", issued["token"]["id"])
            assert await status(client, issued["secret"]) == 401
        server.send_signal(signal.SIGTERM)
        assert await server.wait() == 0
    (token,) = await command(tmp_path, "token", "list")
    assert "revoked_at" in token
    assert "hash" not in token
    assert "secret" not in token
    await command(tmp_path, "token", "create", "--tenant", "nobody", code=3)


async def status(client: httpx2.AsyncClient, token: str | None = None) -> int | None:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        return (await client.post("/mcp", json={}, headers=headers)).status_code
    except httpx2.ConnectError:
        return None


async def test_a_tenant_that_is_erased_leaves_nothing_but_the_others(tmp_path: Path) -> None:
    async with open_web(tmp_path, audit=True) as web:
        tokens = {name: (await web.token(name)).secret for name in ("adaline", "bob")}
        for name, token in tokens.items():
            for number in range(3):
                text = f"{name} keeps the statement number {number} to herself"
                await web.call("remember", content=text, token=token)
        receipt = await web.app.administration.erase_tenant("adaline")
        assert (receipt.memories, receipt.tokens, receipt.sought) == (3, 1, 3)
        assert receipt.audit == 5
        assert receipt.residue.found == ()
        assert (await web.ask("tools/list", token=tokens["adaline"])).status_code == 401
        assert len((await web.call("recall", query="", token=tokens["bob"]))["recollections"]) == 3
        assert [one.name for one in await web.app.administration.tenants()] == ["bob"]
        with pytest.raises(NotFound):
            await web.app.administration.erase_tenant("adaline")
    content = await anyio.Path(tmp_path / "ledger.db").read_bytes()
    assert b"adaline" not in content
    assert b"bob keeps" in content
    assert not (tmp_path / "ledger.db-wal").exists()


async def test_what_is_under_way_when_a_tenant_goes_does_not_reach_the_next_one(
    tmp_path: Path,
) -> None:
    async with open_web(tmp_path) as web:
        issued = await web.token("ada")
        await web.call("remember", content="Ada was here.", token=issued.secret)
        engine = web.app._engine  # pyright: ignore[reportPrivateUsage]
        assert engine is not None
        held = await engine.for_tenant("ada")
        await web.app.administration.erase_tenant("ada")
        token = (await web.token("bob")).secret
        with pytest.raises(StoreError, match="erased meanwhile"):
            await held.remember([Draft(content="Too late.")])
        assert (await web.call("recall", query="", token=token))["recollections"] == []


async def test_the_audit_cannot_be_changed(tmp_path: Path) -> None:
    async with open_web(tmp_path, audit=True) as web:
        token = (await web.token("ada")).secret
        await web.call("remember", content="It happened.", token=token)
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as connection:
        for statement in ("UPDATE audit SET action = 'nothing'", "DELETE FROM audit"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                connection.execute(statement)
