"""Thirty-two clients that come, ask and drop their connections: nothing is left of them."""

import gc
from collections import Counter
from pathlib import Path

import anyio
import anyio.lowlevel
import httpx2
import psutil
import pytest
from support.sites import Web, open_web, serving

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

CLIENTS = 32
ROUNDS = 4
SECONDS = 8.0


async def client(web: Web, url: str, number: int, token: str, done: Counter[str]) -> None:
    """Ask for a while; and one time in three, drop the connection before the answer is there."""
    until = anyio.current_time() + SECONDS / ROUNDS
    turn = 0
    while anyio.current_time() < until:
        turn += 1
        async with httpx2.AsyncClient(base_url=url, timeout=None, verify=False) as http:
            other = Web(web.app, web.site, web.asgi, http)
            patience = 0.02 if (number + turn) % 3 == 0 else 30
            with anyio.move_on_after(patience) as scope:
                content = f"Client {number} says {turn}"
                arguments = {"name": "remember", "arguments": {"content": content}}
                answer = await other.ask("tools/call", arguments, token=token)
                done[str(answer.status_code)] += 1
            if scope.cancelled_caught:
                done["dropped"] += 1


async def test_nothing_is_left_of_clients_that_drop(tmp_path: Path) -> None:
    process = psutil.Process()
    async with open_web(tmp_path, rate=100_000, burst=100_000, concurrency=1000) as web:
        token = (await web.token()).secret
        async with serving(web) as url:
            sizes: list[tuple[int, int, int]] = []
            done: Counter[str] = Counter()
            for _ in range(ROUNDS):
                began = anyio.current_time()
                async with anyio.create_task_group() as tasks:
                    for number in range(CLIENTS):
                        tasks.start_soon(client, web, url, number, token, done)
                with anyio.fail_after(20):
                    while any(web.site.limiter.under_way()):
                        await anyio.lowlevel.checkpoint()
                gc.collect()
                sizes.append((process.memory_info().rss, process.num_fds(), len(_tasks())))
                print(f"{done} in {anyio.current_time() - began:.1f} s, {sizes[-1]}")  # noqa: T201
    assert done["200"] > 0
    assert done["dropped"] > 0
    assert set(done) == {"200", "dropped"}
    first, last = sizes[1], sizes[-1]
    assert last[0] - first[0] < 32 << 20
    assert last[1] - first[1] <= 8
    assert last[2] - first[2] <= 8


def _tasks() -> list[anyio.TaskInfo]:
    return anyio.get_running_tasks()
