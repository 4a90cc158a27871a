"""Whether the process runs, and whether it can do what it is for."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict

import anyio
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse

from ...errors import LociError
from ...model import Readiness

__all__ = ["Ready", "healthz"]

_FOR = 5.0
"""Seconds for which an answer is given again: whoever may ask often must not make us write often."""


async def healthz(_: Request) -> PlainTextResponse:
    """The process answers."""
    return PlainTextResponse("ok\n")


class Ready:
    """Writes, recalls and erases a canary, and says what with."""

    def __init__(self, check: Callable[[], Awaitable[Readiness]]) -> None:
        self._check = check
        self._lock = anyio.Lock()
        self._until = float("-inf")
        self._last = Readiness(ready=False, canary="", embedder="", index="")

    async def __call__(self, _: Request) -> JSONResponse:
        async with self._lock:
            if anyio.current_time() > self._until:
                self._last = await self._checked()
                self._until = anyio.current_time() + _FOR
        return JSONResponse(asdict(self._last), 200 if self._last.ready else 503)

    async def _checked(self) -> Readiness:
        try:
            return await self._check()
        except LociError as error:
            return Readiness(ready=False, canary=str(error), embedder="", index="")
