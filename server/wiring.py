"""What each setting means: the engine and its parts, made from settings. The composition root's other
half; libraries are imported when something is made, and not before."""

from __future__ import annotations

import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from anyio import to_thread

from .errors import StoreError
from .home import DATABASE, INDEX
from .setting_rules import weights_of
from .settings import SENTENCE_TRANSFORMERS

if TYPE_CHECKING:
    from .embedding import Embedder, Reranker
    from .engine import Engine
    from .index import Shelves
    from .settings import Settings
    from .tiers import Warmth

__all__ = ["embedder_for", "engine_for", "reranker_for"]


@asynccontextmanager
async def engine_for(settings: Settings) -> AsyncGenerator[Engine]:
    from .engine import Limits, open_engine
    from .ledger import open_ledger
    from .model import Policy
    from .retrieval import Choice
    from .tiers import Budget, retention_of
    from .tokens import TokenCounter
    from .workspace import BoardLimits
    from .workspace.scratchpads import PadLimits

    limits = Limits(
        max_content=settings.max_content,
        max_batch=settings.max_batch,
        restore_days=settings.restore_days,
        hot=Budget(tokens=settings.hot_tokens, count=settings.hot_count, bytes=settings.hot_bytes),
        warmth=_warmth(settings),
        retention=retention_of(settings.retention),
        reflect_every=_hours(settings.reflect_hours),
        reflect_most=settings.reflect_most,
        similar_from=settings.similar_from,
        updates=settings.updates,
        exact_up_to=settings.exact_up_to,
        matrices=settings.vectors_mb << 20,
        choice=Choice(
            signals=settings.signals,
            least=settings.least_relevance,
            diversity=settings.diversity,
        ),
        boards=BoardLimits(
            value=settings.board_value,
            history=settings.board_history,
            wait=settings.board_wait,
            cells=settings.board_cells,
        ),
        pads=PadLimits(
            characters=settings.pad_chars,
            days=settings.pad_days,
            idle=timedelta(minutes=settings.session_minutes),
        ),
        policy=Policy(
            weights=weights_of(settings.promotion_weights), threshold=settings.promotion_from
        ),
        secrets=settings.secrets,
        max_memories=settings.max_memories,
        max_bytes=settings.max_megabytes and settings.max_megabytes * 1_000_000,
    )
    embedder = await to_thread.run_sync(embedder_for, settings)
    reranker = reranker_for(settings)
    try:
        async with (
            open_ledger(settings.home / DATABASE, audited=settings.audit) as ledger,
            _open_shelves(settings) as shelves,
            open_engine(
                ledger,
                embedder,
                TokenCounter(),
                limits=limits,
                shelves=shelves,
                reranker=reranker,
            ) as engine,
        ):
            yield engine
    finally:
        await embedder.aclose()
        if reranker is not None:
            await reranker.aclose()


def _hours(hours: int | None) -> timedelta | None:
    return None if hours is None else timedelta(hours=hours)


def _warmth(settings: Settings) -> Warmth:
    from .tiers import Budget, Warmth, eviction_of

    days = settings.cold_after_days
    return Warmth(
        budget=Budget(
            count=settings.warm_count, bytes=settings.warm_bytes, tokens=settings.warm_tokens
        ),
        eviction=eviction_of(settings.eviction),
        cold_after=None if days is None else timedelta(days=days),
        young=timedelta(days=settings.young_days),
    )


@asynccontextmanager
async def _open_shelves(settings: Settings) -> AsyncGenerator[Shelves | None]:
    """The home of the indexes, if any are kept."""
    if settings.index != "chroma":
        # What was kept there would be found by no erasure from now on.
        await to_thread.run_sync(_remove_folder, settings.home / INDEX)
    if settings.index == "none":
        yield None
        return
    from .index.running import open_shelves

    url = None if settings.index == "chroma" else settings.index
    async with open_shelves(settings.home / INDEX, url) as shelves:
        yield shelves


def _remove_folder(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreError(f"{folder} cannot be removed ({error.strerror}). Remove it.") from error


def embedder_for(settings: Settings) -> Embedder:
    """The embedder that the settings name, not loaded yet. Reads files: call it in a thread.

    Raises:
        ModelError: there is no such model.
    """
    from .embedding import CompiledEmbedder, HashEmbedder, shipped

    name = settings.embedder
    if name == "minilm":
        return shipped(threads=settings.threads)
    if name == "hash":
        return HashEmbedder()
    if name.startswith(SENTENCE_TRANSFORMERS):
        return _sentence_transformers(settings)
    return CompiledEmbedder(Path(name), threads=settings.threads)


def reranker_for(settings: Settings) -> Reranker | None:
    """The reranker that the settings name, not loaded yet."""
    from .embedding import CrossEncoderReranker

    if settings.reranker is None:
        return None
    return CrossEncoderReranker(settings.reranker, device=settings.device)


def _sentence_transformers(settings: Settings) -> Embedder:
    from .embedding import SentenceTransformersEmbedder

    embedder = SentenceTransformersEmbedder(
        settings.embedder.removeprefix(SENTENCE_TRANSFORMERS),
        device=settings.device,
        backend=settings.backend,
        truncate_dim=settings.truncate_dim,
        revision=settings.revision,
        query_prompt=settings.query_prompt,
        document_prompt=settings.document_prompt,
    )
    # Both read or load the model at their first use, which here blocks nobody.
    _ = embedder.identity, embedder.dimension
    return embedder
