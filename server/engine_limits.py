"""The settings as what the engine is bound by. A part of the composition root: `app` asks for it when the
store is opened, for it imports the engine.
"""

from datetime import timedelta

from .engine import Limits
from .model import Policy
from .setting_rules import weights_of
from .settings import Settings
from .tiers import Budget, Warmth, eviction_of, retention_of
from .workspace import BoardLimits
from .workspace.scratchpads import PadLimits

__all__ = ["engine_limits"]


def engine_limits(settings: Settings) -> Limits:
    """What is allowed, and what counts as near."""
    hours = settings.reflect_hours
    return Limits(
        max_content=settings.max_content,
        max_batch=settings.max_batch,
        restore_days=settings.restore_days,
        hot=Budget(tokens=settings.hot_tokens, count=settings.hot_count, bytes=settings.hot_bytes),
        warmth=_warmth(settings),
        retention=retention_of(settings.retention),
        reflect_every=None if hours is None else timedelta(hours=hours),
        reflect_most=settings.reflect_most,
        similar_from=settings.similar_from,
        exact_up_to=settings.exact_up_to,
        matrices=settings.vectors_mb << 20,
        signals=settings.signals,
        boards=BoardLimits(
            value=settings.board_value,
            history=settings.board_history,
            wait=settings.board_wait,
        ),
        pads=PadLimits(
            characters=settings.pad_chars,
            days=settings.pad_days,
            idle=timedelta(minutes=settings.session_minutes),
        ),
        policy=Policy(
            weights=weights_of(settings.promotion_weights), threshold=settings.promotion_from
        ),
    )


def _warmth(settings: Settings) -> Warmth:
    days = settings.cold_after_days
    return Warmth(
        budget=Budget(
            count=settings.warm_count, bytes=settings.warm_bytes, tokens=settings.warm_tokens
        ),
        eviction=eviction_of(settings.eviction),
        cold_after=None if days is None else timedelta(days=days),
        young=timedelta(days=settings.young_days),
    )
