"""How long memories are kept: rules by namespace. Without a rule nothing is ever deleted.

    scratch: delete after 30d; work/log: archive after 1y; *: delete expired after 90d; legal: keep

A rule is for a namespace and all below it, `*` for all. The rules of the nearest namespace alone
count: `legal: keep` takes `legal` out of what is said of `*`. `archive` counts from the last use,
`delete` from the remembering, `expired` from when a memory ceased to hold. What is pinned is kept.
What is deleted can be restored for a time, as if `forget` had done it.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple, cast

__all__ = ["Kept", "Retention", "Rule", "retention_of"]

Action = Literal["archive", "delete", "keep"]

_RULE = re.compile(
    r"(?P<namespace>\*|[\w.\-@ ]+(?:/[\w.\-@ ]+)*): *(?P<action>archive|delete|keep)"
    r"(?P<expired> expired)?(?: after (?P<number>\d{1,5})(?P<unit>[dwmy]))?"
)
_DAYS = {"d": 1, "w": 7, "m": 30, "y": 365}
_LONGEST = 36_500


class Kept(NamedTuple):
    """A memory as far as retention is concerned."""

    seq: int
    id: str
    namespace: str
    cold: bool
    remembered_at: datetime
    used_at: datetime
    ended_at: datetime | None
    """When it ceased to hold: it expired, or another took its place."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What happens to the memories of a namespace, and after how long."""

    namespace: str
    """Empty for all."""
    action: Action
    expired: bool
    after: timedelta
    text: str
    """As it was written."""

    def is_for(self, namespace: str) -> bool:
        """Whether it speaks of a namespace."""
        own = self.namespace
        return not own or namespace == own or namespace.startswith(f"{own}/")

    def is_due(self, one: Kept, now: datetime) -> bool:
        """Whether its time has come for a memory."""
        if self.action == "keep" or (self.action == "archive" and one.cold):
            return False
        since = one.used_at if self.action == "archive" else one.remembered_at
        if self.expired:
            since = one.ended_at or now
        return now - since > self.after


@dataclass(frozen=True, slots=True)
class Retention:
    """All rules. Without any, nothing is due."""

    rules: tuple[Rule, ...] = ()

    def due(self, kept: Iterable[Kept], now: datetime) -> list[tuple[Kept, Rule]]:
        """Whose time has come, and by which rule: one that deletes before one that archives."""
        found: list[tuple[Kept, Rule]] = []
        for one in kept:
            due = [rule for rule in self._for(one.namespace) if rule.is_due(one, now)]
            if due:
                found.append((one, max(due, key=lambda rule: rule.action == "delete")))
        return found

    def _for(self, namespace: str) -> Sequence[Rule]:
        """The rules of the nearest namespace that has any."""
        mine = [rule for rule in self.rules if rule.is_for(namespace)]
        nearest = max((len(rule.namespace) for rule in mine), default=0)
        return [rule for rule in mine if len(rule.namespace) == nearest]


def retention_of(text: str) -> Retention:
    """The rules in a text, separated by semicolons or lines.

    Raises:
        ValueError: one is none.
    """
    parts = [" ".join(part.split()) for part in re.split(r"[;\n]", text)]
    return Retention(tuple(_rule(part) for part in parts if part))


def _rule(text: str) -> Rule:
    found = _RULE.fullmatch(text)
    if found is None:
        raise ValueError(text)
    action = cast("Action", found["action"])
    timed = found["number"] is not None
    if timed == (action == "keep") or (found["expired"] and action == "keep"):
        raise ValueError(text)
    days = int(found["number"]) * _DAYS[found["unit"]] if timed else 0
    if days > _LONGEST or (timed and days < 1):
        raise ValueError(text)
    namespace = "" if found["namespace"] == "*" else found["namespace"]
    return Rule(namespace, action, bool(found["expired"]), timedelta(days=days), text)
