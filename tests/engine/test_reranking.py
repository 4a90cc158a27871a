"""A reranker orders the best candidates anew, and says when it cannot."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from support.engines import ask, keep, opened

from loci.server.embedding import CrossEncoderReranker, Reranker
from loci.server.errors import ModelError
from loci.server.model import Query

pytestmark = pytest.mark.anyio

TEXTS = ["The harbour is deep.", "A harbour, long and deep and wide.", "Ships like a harbour."]


class Longest:
    """The longer the better."""

    async def scores(self, question: str, texts: Sequence[str]) -> NDArray[np.float64]:
        return np.array([len(text) for text in texts], np.float64)

    async def aclose(self) -> None:
        """Nothing to give back."""


async def asked(home: Path, reranker: Reranker | None) -> list[str]:
    async with opened(home, reranker=reranker) as engine:
        memories = await engine.for_tenant("somebody")
        await keep(memories, *TEXTS)
        return await ask(memories, "a deep harbour")


async def test_the_order_is_the_rerankers_and_relevance_falls_in_it(tmp_path: Path) -> None:
    plain = await asked(tmp_path / "plain", None)
    ordered = await asked(tmp_path / "ordered", Longest())
    assert ordered == sorted(TEXTS, key=len, reverse=True) != plain
    async with opened(tmp_path / "ordered", reranker=Longest()) as engine:
        memories = await engine.for_tenant("somebody")
        answer = await memories.recall(Query(text="a deep harbour"))
        falling = [one.relevance for one in answer.recollections]
        assert falling == sorted(falling, reverse=True)


async def test_a_reranker_that_cannot_be_loaded_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(ModelError, match=r"pip install 'loci\[sentence-transformers\]'"):
        await CrossEncoderReranker("some/model").scores("a", ["b"])


@pytest.mark.reference
async def test_a_cross_encoder_scores_pairs(tmp_path: Path) -> None:
    reranker = CrossEncoderReranker(str(small_cross_encoder(tmp_path)), device="cpu")
    scores = await reranker.scores("a b", ["b a", "c c c", "b a"])
    assert scores.shape == (3,)
    assert scores[0] == pytest.approx(scores[2], abs=1e-6)
    assert scores[0] != pytest.approx(scores[1], abs=1e-9)
    assert (await reranker.scores("a b", [])).shape == (0,)
    await reranker.aclose()
    with pytest.raises(ModelError, match="Cannot load the reranker"):
        await CrossEncoderReranker(str(tmp_path / "nothing")).scores("a", ["b"])


def small_cross_encoder(folder: Path) -> Path:
    """A tiny one with weights drawn at random."""
    import importlib

    torch: Any = importlib.import_module("torch")
    transformers: Any = importlib.import_module("transformers")
    torch.manual_seed(1)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "c"]
    (folder / "vocab.txt").write_text("\n".join(words), encoding="utf-8")
    tokenizer = transformers.BertTokenizerFast(str(folder / "vocab.txt"))
    shape = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = transformers.BertConfig(
        vocab_size=len(words), intermediate_size=16, num_labels=1, **shape
    )
    target = folder / "model"
    transformers.BertForSequenceClassification(config).save_pretrained(target)
    tokenizer.save_pretrained(target)
    return target
