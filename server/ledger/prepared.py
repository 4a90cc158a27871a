"""Statements that are compiled once and then only run.

On the way of a recall, SQLAlchemy's execution costs more than SQLite's: about .2 ms of CPU for each
statement, and a row object for each row. So reads are compiled by SQLAlchemy once and run by the driver.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from sqlalchemy import BindParameter, Dialect, Select
from sqlalchemy.dialects.sqlite.pysqlite import dialect as sqlite_dialect

from .tables import Json, Micros

__all__ = ["Prepared", "key_groups", "key_names", "prepare"]

Convert = Callable[[Any], Any]
_MANY = 128
_OURS = (Json, Micros)
_DIALECT: Dialect = sqlite_dialect()


@dataclass(frozen=True, slots=True)
class Prepared:
    """A SELECT as SQL, the order of its parameters, and what turns its columns into values."""

    sql: str
    names: tuple[str, ...]
    fixed: Mapping[str, Any]
    """Values that are part of the statement."""
    into: Mapping[str, Convert]
    """For parameters."""
    out: tuple[tuple[int, Convert], ...]
    """For columns, by their places; NULL stays None."""

    def bind(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        """The parameters, in order. Values that the statement does not name are passed over."""
        return tuple(self._value(name, values) for name in self.names)

    def rows(self, found: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        """The driver's rows as values."""
        if not self.out:
            return [tuple(row) for row in found]
        rows = [list(row) for row in found]
        for row in rows:
            for place, convert in self.out:
                if (value := row[place]) is not None:
                    row[place] = convert(value)
        return [tuple(row) for row in rows]

    def _value(self, name: str, values: Mapping[str, Any]) -> Any:
        value = values[name] if name in values else self.fixed[name]
        convert = self.into.get(name)
        return value if convert is None else convert(value)


def prepare(statement: Select[*tuple[Any, ...]]) -> Prepared:
    """Compile a SELECT. Its variable values are named `bindparam`s."""
    compiled = statement.compile(dialect=_DIALECT)
    binds = cast("Mapping[str, BindParameter[Any]]", compiled.binds)
    into = {name: _into(bind.type) for name, bind in binds.items()}
    return Prepared(
        sql=str(compiled),
        names=tuple(compiled.positiontup or ()),
        fixed={name: bind.value for name, bind in binds.items() if not bind.required},
        into={name: convert for name, convert in into.items() if convert is not None},
        out=tuple(
            (place, convert)
            for place, column in enumerate(statement.selected_columns)
            if (convert := _out(column.type)) is not None
        ),
    )


def key_names(size: int) -> list[str]:
    """The names of a list of binary parameters, which cannot travel as JSON."""
    return [f"key{place}" for place in range(size)]


def key_groups(keys: Sequence[bytes]) -> Iterator[tuple[int, dict[str, bytes]]]:
    """Any number of keys as parameters of statements of two sizes: more would be compiled anew."""
    for start in range(0, len(keys), _MANY):
        group = keys[start : start + _MANY]
        size = 1 if len(group) == 1 else _MANY
        padded = [*group, *[group[-1]] * (size - len(group))]
        yield size, dict(zip(key_names(size), padded, strict=True))


def _into(kind: object) -> Convert | None:
    return partial(kind.process_bind_param, dialect=_DIALECT) if isinstance(kind, _OURS) else None


def _out(kind: object) -> Convert | None:
    return kind.read if isinstance(kind, _OURS) else None
