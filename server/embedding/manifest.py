"""What a compiled folder says of itself."""

import json
from dataclasses import asdict, dataclass
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, cast

from ..errors import ModelError

__all__ = ["LICENSE", "MANIFEST", "MODEL", "TOKENIZER", "Manifest"]

MANIFEST = "manifest.json"
MODEL = "model.onnx"
TOKENIZER = "tokenizer.json"
LICENSE = "LICENSE"

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Manifest:
    """`manifest.json` of a compiled folder. Digests are sha256 in hex."""

    name: str
    dimension: int
    window: int
    """The most tokens of one run, special tokens counted."""
    pooling: str
    """`mean` or `cls`; a vector is L2-normalised in any case."""
    quantization: str
    """`int8` or `fp32`."""
    query_prompt: str
    document_prompt: str
    source_sha256: str
    """Of the weights that were compiled, `model.safetensors`."""
    model_sha256: str
    tokenizer_sha256: str
    onnx: str
    """The version of the `onnx` package that wrote the graph."""
    onnxruntime: str
    """The version of `onnxruntime` that quantized it."""

    @property
    def identity(self) -> str:
        """`name/quantization/digest`. The graph's metadata repeats all that changes a vector."""
        return f"{self.name}/{self.quantization}/{self.model_sha256[:12]}"

    def to_json(self) -> str:
        return json.dumps({"format": _FORMAT, **asdict(self)}, indent=2, ensure_ascii=False) + "\n"

    @classmethod
    def read(cls, folder: Traversable | Path) -> "Manifest":
        """The manifest of a compiled folder.

        Raises:
            ModelError: there is none, or it is damaged or of another format.
        """
        try:
            content = folder.joinpath(MANIFEST).read_text(encoding="utf-8")
        except OSError as error:
            raise ModelError(
                f"{folder} is not a compiled model: it has no readable {MANIFEST}."
                " Make one with `loci models compile`."
            ) from error
        try:
            fields = cast("dict[str, object]", json.loads(content))
            if fields.pop("format") != _FORMAT:
                raise ModelError(f"{folder} was compiled by another Loci: compile the model again.")
            return cls._of(fields)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ModelError(
                f"{folder.joinpath(MANIFEST)} is damaged: compile the model again."
            ) from error

    @classmethod
    def _of(cls, fields: dict[str, object]) -> "Manifest":
        for name, value in fields.items():
            if not isinstance(value, int if name in ("dimension", "window") else str):
                raise TypeError(name)
        return cls(**cast("dict[str, Any]", fields))
