"""A tenant's erasures: what is to go, what goes, and the look through all files afterwards."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from ..model import Residue, utc_now
from . import reads
from .about import Pruned
from .audit import Deeds
from .erase import Erasure, Needle, erase, explained
from .jobs import Do
from .outbox import Erasures
from .readers import Readers
from .residue import find_residue
from .writer import Writer

__all__ = ["ErasureLedger"]


class ErasureLedger:
    """What a tenant erases: `TenantLedger.erasure`."""

    __slots__ = (
        "_deeds",
        "_erasures",
        "_files",
        "_model",
        "_pruned",
        "_readers",
        "_tenant",
        "_writer",
    )

    def __init__(
        self,
        tenant: int,
        model: int,
        readers: Readers,
        writer: Writer,
        files: tuple[Path, Path],
        erasures: Erasures | None,
        pruned: Pruned,
        deeds: Deeds,
    ) -> None:
        """Without `erasures` there is no index to be told; `pruned` counts what erasing may take away
        under a memory that is being prepared."""
        self._tenant = tenant
        self._model = model
        self._readers = readers
        self._writer = writer
        self._files = files
        self._erasures = erasures
        self._pruned = pruned
        self._deeds = deeds

    async def due(self, now: datetime) -> list[str]:
        """Deleted memories whose time to be restored is up."""
        values = {"tenant": self._tenant, "now": now}
        return [one for (one,) in await self._readers.fetch(reads.due(), values)]

    async def erase(
        self,
        ids: Sequence[str],
        *,
        due: datetime | None = None,
        now: datetime | None = None,
        notes: Sequence[str] = (),
    ) -> Erasure:
        """Remove every version of the memories; with `due`, of those whose time is up by then. The
        cells of boards and the notes that they were promoted from go as well, and other notes.

        Raises:
            NotFound: without `due`, an id is unknown; nothing was erased.
        """
        cells = (self._tenant, self._model, ids, now or due or utc_now(), due, self._erasures)
        noting = self._deeds.noting("erase")

        def job(connection: Connection) -> Erasure:
            noting(connection, [*ids, *notes])
            self._pruned.times += 1
            return erase(connection, *cells, notes)

        return await self._writer.write(Do(job))

    async def residue(self, erasure: Erasure) -> Residue:
        """Look through all files for what stayed. Raises StoreError if one cannot be read."""

        async def is_explained(needle: Needle) -> bool:
            return await self._readers.read(lambda c: explained(c, needle))

        return await find_residue(*self._files, erasure, is_explained)
