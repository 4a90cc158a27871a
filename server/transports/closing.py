"""What is closed at the end of a block: the half of the SDK's stream protocols that is always the same."""

from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self

__all__ = ["Closing"]


class Closing(ABC):
    """Closes itself when its block ends."""

    @abstractmethod
    async def aclose(self) -> None:
        """Close. Closing twice is a no-op."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        await self.aclose()
