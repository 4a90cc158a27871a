"""The typed face of the `onnx` package and of `onnxruntime.quantization`: what a compile needs.

Both are imported at the call: a running server has no use for them.
"""

import importlib.metadata
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError

__all__ = [
    "Array",
    "Model",
    "Node",
    "Tensor",
    "check_installed",
    "make_model",
    "node",
    "quantize",
    "read_weights",
    "save",
    "tensor",
    "version",
]

Array = NDArray[Any]

_OPSET = 17
_IR_VERSION = 8
_INT64 = 7
_FLOAT = 1
MICROSOFT = "com.microsoft"


class Node(Protocol):
    """An `onnx.NodeProto`."""


class Tensor(Protocol):
    """An `onnx.TensorProto`."""


class Model(Protocol):
    """An `onnx.ModelProto`."""

    def SerializeToString(self, *, deterministic: bool) -> bytes: ...


def check_installed() -> None:
    """Raises:
    ModelError: the extra `compile` is not installed.
    """
    for package in ("onnx", "safetensors.numpy", "onnxruntime.quantization"):
        _import(package)


def _import(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise ModelError("Compiling a model needs an extra: pip install 'loci[compile]'") from error


def version(package: str) -> str:
    return importlib.metadata.version(package)


def read_weights(path: Path) -> dict[str, NDArray[np.float32]]:
    """The tensors of a safetensors file as float32, by name without the prefix `bert.`.

    Raises:
        ModelError: damaged, or of a type that NumPy does not know (bfloat16).
    """
    load = _import("safetensors.numpy").load_file
    failure = cast("type[Exception]", _import("safetensors").SafetensorError)
    try:
        tensors = cast("Mapping[str, Array]", load(path))
    except (failure, KeyError, TypeError, OSError) as error:
        raise ModelError(
            f"Cannot read {path}: {error}. Damaged, or not float32 or float16?"
        ) from error
    return {
        name.removeprefix("bert."): array.astype(np.float32)
        for name, array in tensors.items()
        if array.dtype.kind == "f"
    }


def node(
    op: str, inputs: Sequence[str], outputs: Sequence[str], *, domain: str, **attributes: object
) -> Node:
    return _import("onnx.helper").make_node(
        op, inputs, outputs, name=outputs[0], domain=domain, **attributes
    )


def tensor(name: str, array: Array) -> Tensor:
    return _import("onnx.numpy_helper").from_array(np.ascontiguousarray(array), name)


def make_model(nodes: Sequence[Node], weights: Sequence[Tensor], dimension: int) -> Model:
    """A model from `input_ids` and `attention_mask`, (batch, length) int64, to `embedding`."""
    helper = _import("onnx.helper")
    value = helper.make_tensor_value_info
    inputs = [value(name, _INT64, ["batch", "length"]) for name in ("input_ids", "attention_mask")]
    output = value("embedding", _FLOAT, ["batch", dimension])
    graph = helper.make_graph(nodes, "embedder", inputs, [output], weights)
    opsets = [helper.make_opsetid("", _OPSET), helper.make_opsetid(MICROSOFT, 1)]
    model = helper.make_model(graph, opset_imports=opsets, producer_name="loci")
    model.ir_version = _IR_VERSION
    # The quantizer would otherwise log advice to run its preprocessing, which has nothing to add.
    helper.set_model_props(model, {"onnx.quant.pre_process": "onnxruntime.quant"})
    return cast("Model", model)


def quantize(model: Model, scratch: Path) -> Model:
    """`model` with int8 weights, a scale for each channel; `scratch` is a file to work in."""
    quantization = _import("onnxruntime.quantization")
    # Full range: 7 bits (`reduce_range`) would save processors with AVX2 but without VNNI from
    # saturating sums (1 pair in 28,000, simulated; the error of a product 0.041 instead of 0.026),
    # at a cosine to float32 of .990 instead of .992 for everybody.
    quantization.quantize_dynamic(
        model,
        scratch,
        per_channel=True,
        weight_type=quantization.QuantType.QInt8,
        # What the fused operators give out: shape inference does not know them.
        extra_options={"DefaultTensorType": _FLOAT},
    )
    quantized = cast("Model", _import("onnx").load(scratch))
    scratch.unlink()
    return quantized


def save(model: Model, path: Path, properties: Mapping[str, str]) -> None:
    """Write `model` with `properties` as its metadata; the same model gives the same bytes."""
    del cast("Any", model).metadata_props[:]
    _import("onnx.helper").set_model_props(model, dict(properties))
    path.write_bytes(model.SerializeToString(deterministic=True))
