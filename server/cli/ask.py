"""One verb at the shell: open the store, ask, close it again."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, cast

import anyio

from ..access import Caller, as_caller
from ..app import App, open_app
from ..errors import LociError
from ..settings import Settings, load_settings
from ..telemetry import configure_logs

__all__ = ["Flags", "ask"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """What every command may be told."""

    home: Path | None = None
    profile: str | None = None
    tenant: str | None = None
    as_json: bool = False

    def settings(self) -> Settings:
        """All settings, with these above the others. Logs are set up by them.

        Raises:
            SettingsError: one is wrong.
        """
        settings = load_settings(
            {"home": self.home, "profile": self.profile, "tenant": self.tenant}
        )
        configure_logs(settings.log_level, settings.log_format)
        return settings


def ask(settings: Settings, command: str, verb: Callable[[App], Awaitable[T]]) -> T:
    """What the verb answers. The store is closed when this returns.

    Raises:
        LociError: what the verb raised, or the store could not be opened.
    """
    return anyio.run(_ask, settings, command, verb)


async def _ask(settings: Settings, command: str, verb: Callable[[App], Awaitable[T]]) -> T:
    answers: list[T | LociError] = []
    async with open_app(settings, command=f"loci {command}", warm=False) as app:
        with as_caller(Caller(tenant=settings.tenant, namespace=settings.namespace)):
            try:
                answers.append(await verb(app))
            except LociError as error:
                # Taken out by hand: the application's task group would wrap it.
                answers.append(error)
    if isinstance(answers[0], LociError):
        raise answers[0]
    return cast("T", answers[0])
