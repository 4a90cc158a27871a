"""Whom the network door lets in: who has a credential, and nobody else once there are credentials."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Protocol

from ..errors import Unauthorized
from ..model import utc_now
from .caller import Caller
from .credentials import Credentials, TokenStore
from .guests import Guest

__all__ = ["Doorkeeper", "Registered"]


class Registered(TokenStore, Protocol):
    """Where Loci's own tokens are kept, and whether there ever were any."""

    async def had_tokens(self) -> bool:
        """Whether there ever was a token, whatever became of it."""
        ...


class Doorkeeper:
    """Asked anew for each request.

    With a `local` caller, who comes from this very machine without a credential is that one; until the
    first token is made, and then never again: a door that was closed does not open by itself.
    """

    def __init__(
        self,
        credentials: Callable[[], Awaitable[Credentials]],
        registered: Callable[[], Awaitable[Registered]],
        local: Caller | None,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._credentials = credentials
        self._registered = registered
        self._local = local
        self._clock = clock

    async def guest(self, bearer: str | None, *, near: bool) -> Guest:
        """Who asks. `near`: from this machine, and through no proxy.

        Raises:
            Unauthorized: nobody who may come in.
            StoreError: it cannot be told; nobody is let in.
        """
        if bearer is not None:
            return await (await self._credentials()).guest(bearer, self._clock())
        if self._local is not None and await (await self._registered()).had_tokens():
            self._local = None
        if self._local is None or not near:
            raise Unauthorized("A credential is needed: Authorization: Bearer TOKEN")
        return Guest(caller=self._local)
