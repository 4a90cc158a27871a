"""Filters as SQL: which versions a question may see.

A condition is built once for each *shape* of a sight (which filters are given, not their values) and
its values travel as parameters, so that a statement is compiled once and then only run.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, TypeVar

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Text,
    and_,
    bindparam,
    exists,
    func,
    not_,
    or_,
    select,
)

from ..model import Filters, Tier
from .about_tables import aliases, entities, mentions
from .tables import Micros, labels, memories

__all__ = ["Shape", "Sight", "fold", "one_of", "parameters", "seen", "shape_of"]

T = TypeVar("T", int, str)

_m = memories.c


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What a read may see: the caller's filters, the time, and the hot set, which is no column."""

    filters: Filters
    now: datetime
    hot: frozenset[int] = frozenset()
    """Seqs of the hot tier, which is computed and not stored."""

    @property
    def travels(self) -> bool:
        """Whether it may see versions other than those current and valid now."""
        f = self.filters
        return f.as_of is not None or f.known_at is not None or f.include_superseded

    @property
    def narrow(self) -> bool:
        """Whether it asks for less than all that is current."""
        f = self.filters
        given = (f.kind, f.tier, f.namespace, f.entity, f.session, f.since, f.until)
        return bool(f.tags) or any(value is not None for value in given)


@dataclass(frozen=True, slots=True)
class Shape:
    """Which filters a sight has."""

    given: frozenset[str]
    tags: int
    tier: Tier | None
    include_superseded: bool


_OPTIONAL = ("kind", "namespace", "entity", "session", "since", "until", "as_of", "known_at")


def shape_of(sight: Sight) -> Shape:
    """The shape of a sight. Sights of one shape share their statements."""
    f = sight.filters
    given = frozenset(name for name in _OPTIONAL if getattr(f, name) is not None)
    return Shape(given, len(f.tags), f.tier, f.include_superseded)


def parameters(tenant: int, sight: Sight) -> dict[str, Any]:
    """The values for the conditions of the sight's shape."""
    f = sight.filters
    values: dict[str, Any] = {name: getattr(f, name) for name in _OPTIONAL}
    values |= {f"tag{place}": fold(tag) for place, tag in enumerate(f.tags)}
    values |= {"tenant": tenant, "now": sight.now, "hot": json.dumps(sorted(sight.hot))}
    if f.namespace is not None:
        # '0' follows '/', so this range is every path that starts with the namespace and a slash.
        values |= {"below": f"{f.namespace}/", "beyond": f"{f.namespace}0"}
    if f.entity is not None:
        values["entity"] = fold(f.entity)
    return values


def one_of(
    column: ColumnElement[T], values: Iterable[T] | BindParameter[str]
) -> ColumnElement[bool]:
    """Whether the column's value is in a list, which travels as one parameter: a list of any
    length is the same statement to SQLAlchemy's cache and to SQLite."""
    given = values if isinstance(values, BindParameter) else json.dumps(list(values))
    listed = func.json_each(given).table_valued("value")
    return column.in_(select(listed.c.value))


def fold(label: str) -> str:
    """A tag or an entity's name as it is compared: case and outer space do not matter."""
    return " ".join(label.casefold().split())


@cache
def seen(shape: Shape, *, picked: bool = False) -> ColumnElement[bool]:
    """The condition on `memories` for what sights of a shape may see; `parameters` has its values.

    Where the seqs are picked already, it must not tempt SQLite to walk an index over the tenant's
    rows: adding 0 takes the column out of the planner's choice (sqlite.org/optoverview.html, 1).
    """
    return and_(
        (_m.tenant + 0 if picked else _m.tenant) == bindparam("tenant"),
        _m.deleted_at.is_(None),
        _recorded(shape),
        *_valid(shape),
        *_about(shape),
    )


def _recorded(shape: Shape) -> ColumnElement[bool]:
    if "known_at" not in shape.given:
        return _m.replaced_at.is_(None)
    known_at = _time("known_at")
    return and_(
        _m.recorded_at <= known_at, or_(_m.replaced_at.is_(None), _m.replaced_at > known_at)
    )


def _valid(shape: Shape) -> list[ColumnElement[bool]]:
    if "as_of" in shape.given:
        return [_m.valid_from <= _time("as_of"), _unexpired("as_of")]
    if shape.include_superseded:
        return []
    at = "known_at" if "known_at" in shape.given else "now"
    return [_m.superseded_by.is_(None), _unexpired(at)]


def _unexpired(at: str) -> ColumnElement[bool]:
    return or_(_m.valid_until.is_(None), _m.valid_until > _time(at))


def _time(name: str) -> BindParameter[datetime]:
    return bindparam(name, type_=Micros())


def _about(shape: Shape) -> list[ColumnElement[bool]]:
    conditions = {
        "kind": _m.kind == bindparam("kind"),
        "namespace": or_(
            _m.namespace == bindparam("namespace"),
            and_(_m.namespace >= bindparam("below"), _m.namespace < bindparam("beyond")),
        ),
        "entity": or_(_labelled("entity", "entity"), _named()),
        "session": _m.session == bindparam("session"),
        "since": _m.valid_from >= _time("since"),
        "until": _m.valid_from < _time("until"),
    }
    found = [condition for name, condition in conditions.items() if name in shape.given]
    found += [_labelled("tag", f"tag{place}") for place in range(shape.tags)]
    return [*found, *_tier(shape.tier)]


def _labelled(facet: str, name: str) -> ColumnElement[bool]:
    where = and_(
        labels.c.tenant == bindparam("tenant"),
        labels.c.facet == facet,
        labels.c.label == bindparam(name),
        labels.c.seq == _m.seq,
    )
    return exists().where(where).correlate(memories)


def _named() -> ColumnElement[bool]:
    """Whether the memory names the entity that bears the name, by whatever name."""
    bears, stands = entities.alias(), entities.alias()
    same = and_(bears.c.tenant == aliases.c.tenant, bears.c.id == aliases.c.entity)
    group = and_(stands.c.tenant == bears.c.tenant, stands.c.root == bears.c.root)
    said = and_(mentions.c.tenant == stands.c.tenant, mentions.c.entity == stands.c.id)
    joined = aliases.join(bears, same).join(stands, group).join(mentions, said)
    where = (aliases.c.tenant == bindparam("tenant"), aliases.c.folded == bindparam("entity"))
    return _m.id.in_(select(mentions.c.memory).select_from(joined).where(*where))


def _tier(tier: Tier | None) -> list[ColumnElement[bool]]:
    if tier is None:
        return []
    if tier is Tier.COLD:
        return [_m.tier == Tier.COLD]
    is_hot = one_of(_m.seq, bindparam("hot", type_=Text()))
    return [_m.tier == Tier.WARM, is_hot if tier is Tier.HOT else not_(is_hot)]
