"""What the writer is given to do."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby
from typing import Any, Generic, Protocol, TypeVar, cast

from sqlalchemy import Connection

from ..model import Actor
from .audit import note
from .board_writes import BoardWrite, write_boards
from .outbox import append
from .rows import NewMemory
from .vectors import Delta
from .writes import Stored, store

__all__ = ["Do", "Job", "Store", "run_jobs"]

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")


class Job(Protocol[T_co]):
    """One caller's write. It may run twice, so it decides by what it reads from the connection."""

    def run(self, connection: Connection) -> T_co: ...


@dataclass(frozen=True, slots=True)
class Do(Generic[T]):
    """Any function over the connection."""

    function: Callable[[Connection], T]

    def run(self, connection: Connection) -> T:
        return self.function(connection)


@dataclass(frozen=True, slots=True)
class Store:
    """New memories. Stores of one tenant that stand side by side become one, which saves most of
    their statements: alone each costs six."""

    tenant: int
    model: int
    new: Sequence[NewMemory]
    now: datetime
    feeding: bool
    actor: Actor | None
    """Whom the audit names; None where none is kept."""

    def run(self, connection: Connection) -> tuple[list[Stored], Delta]:
        stored, delta = self.store(connection)
        self.note(connection, stored)
        return stored, delta

    def note(self, connection: Connection, stored: Sequence[Stored]) -> None:
        """Write down what was done."""
        if self.actor is not None:
            ids = [one.id for one in stored]
            note(connection, self.tenant, self.actor, "remember", ids, self.now)

    def store(self, connection: Connection) -> tuple[list[Stored], Delta]:
        """Store, and write nothing down."""
        stored, delta = store(connection, self.tenant, self.model, self.new, self.now)
        if self.feeding:
            append(connection, self.tenant, delta)
        return stored, delta


def run_jobs(connection: Connection, jobs: Sequence[Job[Any]]) -> list[Any]:
    """The jobs' results, in order. Raises what the first failing job raises."""
    results: list[Any] = []
    for _, found in groupby(jobs, key=_kind):
        group = list(found)
        if isinstance(group[0], Store):
            results += _store_together(connection, cast("list[Store]", group))
        elif isinstance(group[0], BoardWrite):
            results += write_boards(connection, cast("list[BoardWrite]", group))
        else:
            results += [job.run(connection) for job in group]
    return results


def _kind(job: Job[Any]) -> tuple[object, ...]:
    """Jobs of one kind that stand side by side are done together."""
    match job:
        case Store():
            return Store, job.tenant, job.model, job.feeding
        case BoardWrite():
            return BoardWrite, job.tenant
        case _:
            return ()


def _store_together(
    connection: Connection, group: Sequence[Store]
) -> list[tuple[list[Stored], Delta]]:
    """The index's delta goes to the first: it is applied once."""
    new = [n for job in group for n in job.new]
    stored, delta = replace(group[0], new=new).store(connection)
    answers: list[tuple[list[Stored], Delta]] = []
    for job in group:
        mine, stored = stored[: len(job.new)], stored[len(job.new) :]
        job.note(connection, mine)
        answers.append((mine, delta))
        delta = Delta()
    return answers
