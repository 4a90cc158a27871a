"""The model's threads: batches leave one to questions while those come."""

import threading

import anyio
import pytest

from loci.server.embedding.runners import Runners

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(("asked_before", "together"), [(True, 1), (False, 2)])
async def test_a_batch_leaves_a_thread_while_questions_come(
    asked_before: bool, together: int
) -> None:
    runners = Runners(2, clock=lambda: 0.0)
    lock, meeting = threading.Lock(), threading.Event()
    active, most = 0, 0

    def work(item: int) -> int:
        nonlocal active, most
        with lock:
            active += 1
            most = max(most, active)
            if most == 2:
                meeting.set()
        meeting.wait(0.05)
        with lock:
            active -= 1
        return item

    with anyio.fail_after(20):
        if asked_before:
            assert await runners.one(lambda: "a vector") == "a vector"
        assert await runners.each(work, range(8)) == list(range(8))
    assert most == together
