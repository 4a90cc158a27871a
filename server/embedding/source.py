"""What a sentence-transformers folder says of its model, and whether Loci can compile it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from ..errors import ModelError

__all__ = ["Source", "choose_prompts"]

_ACTIVATIONS = ("gelu", "gelu_new", "gelu_pytorch_tanh", "relu")
_MODES = {"pooling_mode_mean_tokens": "mean", "pooling_mode_cls_token": "cls"}
_DOCUMENT_PROMPTS = ("document", "passage", "corpus")

Fields = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Source:
    """A BERT with pooling, ready to be compiled."""

    weights: Path
    tokenizer: Path
    layers: int
    heads: int
    hidden: int
    activation: str
    epsilon: float
    window: int
    """The most tokens of one run, special tokens counted."""
    pooling: str
    lower_case: bool
    """Whether texts are lower-cased before the tokenizer sees them."""
    query_prompt: str
    document_prompt: str

    @classmethod
    def read(cls, folder: Path) -> "Source":
        """Look at everything but the weights.

        Raises:
            ModelError: not a sentence-transformers folder, or one that cannot be compiled.
        """
        transformer, pooling = _modules(folder)
        config = _json(transformer / "config.json")
        _check_architecture(config)
        limits = _json(transformer / "sentence_bert_config.json", optional=True)
        prompts = _prompts(_json(folder / "config_sentence_transformers.json", optional=True))
        pools = _json(pooling / "config.json")
        if any(prompts) and pools.get("include_prompt") is False:
            raise ModelError("Cannot compile: the pooling leaves the prompt out (include_prompt).")
        return cls(
            weights=_file(transformer / "model.safetensors"),
            tokenizer=_file(transformer / "tokenizer.json"),
            layers=_int(config, "num_hidden_layers"),
            heads=_int(config, "num_attention_heads"),
            hidden=_int(config, "hidden_size"),
            activation=cast("str", config.get("hidden_act", "gelu")),
            epsilon=cast("float", config.get("layer_norm_eps", 1e-12)),
            window=_window(transformer, config, limits),
            pooling=_pooling(pools),
            lower_case=limits.get("do_lower_case") is True,
            query_prompt=prompts[0],
            document_prompt=prompts[1],
        )


def _modules(folder: Path) -> tuple[Path, Path]:
    """The folders of the transformer and of the pooling."""
    try:
        content = json.loads((folder / "modules.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{folder} is not a sentence-transformers model: it has no readable modules.json."
        ) from error
    modules = cast("list[dict[str, str]]", content)
    kinds = [module["type"].rpartition(".")[2] for module in modules]
    if kinds not in (["Transformer", "Pooling"], ["Transformer", "Pooling", "Normalize"]):
        raise ModelError(
            f"Cannot compile the modules {', '.join(kinds)}: only Transformer, Pooling and"
            " Normalize are supported. Use the sentence-transformers extra instead."
        )
    return folder / modules[0]["path"], folder / modules[1]["path"]


def _json(path: Path, *, optional: bool = False) -> Fields:
    if optional and not path.exists():
        return {}
    try:
        return cast("Fields", json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError) as error:
        raise ModelError(f"Cannot read {path}: {error}") from error


def _file(path: Path) -> Path:
    if not path.is_file():
        raise ModelError(
            f"{path} is missing: compiling needs {path.name}"
            " (save the model with a current sentence-transformers to get it)."
        )
    return path


def _int(config: Fields, key: str) -> int:
    value = config.get(key)
    if not isinstance(value, int) or value < 1:
        raise ModelError(f"config.json has no usable {key}.")
    return value


def _check_architecture(config: Fields) -> None:
    wanted = {
        "model_type": ("bert",),
        "position_embedding_type": ("absolute", None),
        "is_decoder": (False, None),
        "add_cross_attention": (False, None),
        "quantization_config": (None,),
        "hidden_act": (*_ACTIVATIONS, None),
    }
    for key, allowed in wanted.items():
        if (value := config.get(key)) not in allowed:
            raise ModelError(
                f"Cannot compile {key} {value!r}: only"
                f" {', '.join(str(name) for name in allowed if name is not None) or 'none'} is"
                " supported. Use the sentence-transformers extra instead."
            )
    if _int(config, "hidden_size") % _int(config, "num_attention_heads"):
        raise ModelError("config.json is damaged: the heads do not divide the hidden size.")


def _window(transformer: Path, config: Fields, limits: Fields) -> int:
    """As sentence-transformers: its own limit, else the tokenizer's, never beyond the positions."""
    positions = _int(config, "max_position_embeddings")
    tokenizer = _json(transformer / "tokenizer_config.json", optional=True)
    for limit in (limits.get("max_seq_length"), tokenizer.get("model_max_length")):
        if isinstance(limit, int | float) and limit > 0:
            return int(min(limit, positions))
    return positions


def _pooling(config: Fields) -> str:
    named = cast("str | list[str]", config.get("pooling_mode") or [])
    on = [key for key, value in config.items() if key.startswith("pooling_mode_") and value is True]
    modes = [named] if isinstance(named, str) else named or [_MODES.get(key, key) for key in on]
    if modes not in (["mean"], ["cls"]):
        raise ModelError(
            f"Cannot compile the pooling {', '.join(modes) or 'none'}: only mean or cls"
            " is supported. Use the sentence-transformers extra instead."
        )
    return modes[0]


def _prompts(config: Fields) -> tuple[str, str]:
    return choose_prompts(
        cast("Mapping[str, str]", config.get("prompts") or {}),
        cast("str | None", config.get("default_prompt_name")),
    )


def choose_prompts(prompts: Mapping[str, str], default_name: str | None) -> tuple[str, str]:
    """The prompts of queries and of documents, as encode_query and encode_document choose them."""
    default = prompts.get(default_name or "", "")
    document = next((prompts[name] for name in _DOCUMENT_PROMPTS if name in prompts), default)
    return prompts.get("query", default), document
