"""The settings of what comes back. `settings` reads them with all others."""

from typing import Literal

from pydantic_settings import BaseSettings

from .model import PLAIN
from .setting_rules import about, number

__all__ = ["RecallSettings"]


class RecallSettings(BaseSettings):
    """A part of `Settings`; alone it reads nothing. One setting of the ranking serves all data: these are for
    those who want shorter answers, or other ones."""

    similar_from: float = number(
        "Cosine from which an older memory is reported as similar.", 0, 1, 0.8
    )
    least_relevance: float = number(
        "Relevance below which nothing is recalled: .15 for shorter answers, with fewer wrong memories and fewer right ones. "
        f"A limit above {PLAIN} brings what has a fifth of it.",
        0,
        1,
        0.08,
    )
    diversity: float = number(
        "How much a recalled memory loses for being like one before it (maximal marginal relevance).",
        0,
        1,
        0.0,
    )
    reranker: str | None = about(
        "Orders the best candidates anew: a cross-encoder of sentence-transformers; none by default.",
        "NAME or FOLDER of a cross-encoder",
        None,
        min_length=1,
    )
    signals: Literal["all", "words", "meaning"] = about(
        "What orders a recall: all signals, or one list alone (for `loci eval`).",
        "all, words or meaning",
        "all",
    )
