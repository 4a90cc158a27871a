"""A process that ends while it erases a tenant: the tenant is there as a whole, or nothing of it is."""

import signal
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
from support.children import started
from support.engines import START, ask, keep, opened

from loci.server.engine import Engine
from loci.server.index.folders import folder_of

pytestmark = pytest.mark.anyio

CHILD = Path(__file__).with_name("erasing_child.py")
STAYS = "The ferry leaves at nine."


def erase_until_ended(home: Path, seed: int) -> tuple[set[str], set[str]]:
    """Whose erasure had begun, and whose was done."""
    told: dict[str, set[str]] = {"going": set(), "gone": set()}
    with started(CHILD, home, seed) as child:
        assert child.stdout is not None
        for line in child.stdout:
            kind, _, name = line.decode().strip().partition(" ")
            if kind in told:
                told[kind].add(name)
        assert child.wait(30) == -signal.SIGALRM
    return told["going"], told["gone"]


async def there(engine: Engine) -> set[str]:
    return {one.name for one in await engine.registry.tenants(START)}


def traces(home: Path, name: str) -> list[Path]:
    """Where a tenant's name is, which each of its memories has; and what is left of its index."""
    files = [path for path in home.rglob("*") if path.is_file()]
    found = [path for path in files if name.encode() in path.read_bytes()]
    return [*found, *folder_of(home / "index", name).glob("*")]


async def survive(home: Path, rounds: int) -> None:
    async with opened(home) as engine:
        await keep(await engine.for_tenant("stays"), STAYS)
    whole = 0
    for seed in range(rounds):
        going, gone = await anyio.to_thread.run_sync(erase_until_ended, home, seed)
        with anyio.fail_after(60):
            async with opened(home, index=True) as engine:
                left = await there(engine) & going
                assert not left & gone
                assert await ask(await engine.for_tenant("stays"), "ferry") == [STAYS]
                for name in left:
                    whole += 1
                    memories = await engine.for_tenant(name)
                    assert len(await ask(memories, f"{name} slate")) == 20
                    receipt = await engine.erase_tenant(name)
                    assert (receipt.memories, receipt.residue.found) == (20, ())
        for name in going:
            assert traces(home, name) == []
    assert rounds < 20 or 0 < whole < rounds, "the alarm falls before and after the commit"


async def test_a_tenant_that_is_erased_goes_as_a_whole(tmp_path: Path) -> None:
    await survive(tmp_path, rounds=2)


@pytest.mark.slow
async def test_a_tenant_that_is_erased_goes_as_a_whole_in_40_deaths(tmp_path: Path) -> None:
    await survive(tmp_path, rounds=40)
