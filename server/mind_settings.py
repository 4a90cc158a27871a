"""The settings of what happens behind the answers: tiers, consolidation, retention. `settings` reads them
with all others."""

from typing import Annotated, Literal

from pydantic import AfterValidator
from pydantic_settings import BaseSettings

from .setting_rules import about, eviction_policy, number, retention_rules

__all__ = ["MindSettings"]


class MindSettings(BaseSettings):
    """A part of `Settings`; alone it reads nothing. None of them moves, merges or deletes anything unless
    it is set."""

    restore_days: int = number("How long a deleted memory can be restored.", 1, 3650, 30)
    hot_tokens: int = number("The hot tier's budget in tokens.", 100, 100_000, 1500)
    updates: Literal["report", "supersede"] = about(
        "What a new memory does to an older one that says otherwise of an entity's attribute and no more.",
        "report or supersede",
        "report",
    )
    hot_count: int | None = number(
        "The hot tier's budget in memories; none by default.", 1, 10_000, None
    )
    hot_bytes: int | None = number(
        "The hot tier's budget in bytes; none by default.", 500, 1_000_000, None
    )
    warm_count: int | None = number(
        "The warm tier's budget in memories, the hot ones included; beyond it the rest is archived. "
        "None by default.",
        1,
        100_000_000,
        None,
    )
    warm_bytes: int | None = number("In bytes of their contents; none by default.", 1, 10**12, None)
    warm_tokens: int | None = number(
        "In tokens of their contents; none by default.", 1, 10**12, None
    )
    eviction: Annotated[str, AfterValidator(eviction_policy)] = about(
        "Who leaves the warm tier first when it is beyond its budget.",
        "activation, lru, lfu, fifo, ttl:90d, reservoir, or several with commas between",
        "activation",
    )
    cold_after_days: int | None = number(
        "Unused for so long, a memory is archived even where there is room; never by default.",
        1,
        36_500,
        None,
    )
    young_days: int = number(
        "Remembered or used within so many days, a memory is never archived by a rule.",
        0,
        36_500,
        7,
    )
    reflect_hours: int | None = number(
        "Consolidate in the background, every so many hours; only when asked by default.",
        1,
        8760,
        None,
    )
    reflect_most: int = number("Changes of one consolidation at the most.", 1, 10_000, 100)
    retention: Annotated[str, AfterValidator(retention_rules)] = about(
        "Rules by which memories are archived or deleted, by namespace. Without one none is.",
        "rules such as `scratch: delete after 30d; work/log: archive after 1y; *: delete expired "
        "after 90d; legal: keep`",
        "",
    )
