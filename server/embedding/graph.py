"""A BERT with pooling as one fused ONNX graph.

The operators of the domain com.microsoft (Attention, SkipLayerNormalization, BiasGelu) are those
that onnxruntime's own optimizer makes of a BERT; written directly, nothing has to be recognised.
Shapes: B texts, L tokens, H hidden.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelError
from .onnx_face import MICROSOFT, Array, Model, Node, Tensor, make_model, node, tensor
from .source import Source

__all__ = ["build"]

Weights = Mapping[str, NDArray[np.float32]]


def build(source: Source, weights: Weights) -> Model:
    """The graph in float32.

    Raises:
        ModelError: a weight is missing.
    """
    graph = _Graph(weights)
    state = _embeddings(graph, source)
    graph.add("Cast", ["attention_mask"], "mask", to=6)  # int32, as Attention wants it
    for layer in range(source.layers):
        state = _layer(graph, source, f"encoder.layer.{layer}", state)
    _pool(graph, source.pooling, state)
    return make_model(graph.nodes, graph.tensors, source.hidden)


class _Graph:
    """Nodes and tensors in the order of their making."""

    def __init__(self, weights: Weights) -> None:
        self.nodes: list[Node] = []
        self.tensors: list[Tensor] = []
        self._weights = weights

    def add(
        self, op: str, inputs: list[str], output: str, *, domain: str = "", **attributes: object
    ) -> str:
        self.nodes.append(node(op, inputs, [output], domain=domain, **attributes))
        return output

    def fused(self, op: str, inputs: list[str], output: str, **attributes: object) -> str:
        return self.add(op, inputs, output, domain=MICROSOFT, **attributes)

    def constant(self, name: str, array: Array) -> str:
        self.tensors.append(tensor(name, array))
        return name

    def read(self, name: str) -> NDArray[np.float32]:
        try:
            return self._weights[name]
        except KeyError as error:
            raise ModelError(f"model.safetensors is not a BERT's: it has no {name}.") from error

    def weight(self, name: str) -> str:
        return self.constant(name, self.read(name))

    def matrix(self, name: str) -> str:
        """PyTorch keeps a linear layer as (out, in); ONNX multiplies by (in, out)."""
        return self.constant(name, self.read(name).T)


def _embeddings(graph: _Graph, source: Source) -> str:
    """Words, and a table of position plus token type 0 (there is never a second sentence)."""
    words = graph.weight("embeddings.word_embeddings.weight")
    positions = graph.read("embeddings.position_embeddings.weight")[: source.window]
    kinds = graph.read("embeddings.token_type_embeddings.weight")[0]
    graph.constant("positions", positions + kinds)
    graph.add("Gather", [words, "input_ids"], "words")
    graph.add("Shape", ["input_ids"], "length", start=1, end=2)
    graph.constant("zero", np.array([0], np.int64))
    graph.add("Slice", ["positions", "zero", "length", "zero"], "places")
    graph.add("Add", ["words", "places"], "embedded")
    return graph.add(
        "LayerNormalization",
        ["embedded", *_norm(graph, "embeddings.LayerNorm")],
        "layer.0",
        epsilon=source.epsilon,
    )


def _norm(graph: _Graph, name: str) -> list[str]:
    return [graph.weight(f"{name}.weight"), graph.weight(f"{name}.bias")]


def _layer(graph: _Graph, source: Source, name: str, state: str) -> str:
    """(B, L, H) to (B, L, H): attention, then the feed-forward part."""
    heard = graph.fused(
        "Attention",
        [state, *_packed(graph, f"{name}.attention.self"), "mask"],
        f"{name}.heard",
        num_heads=source.heads,
    )
    state = _output(graph, source, f"{name}.attention.output", heard, state)
    wide = graph.matrix(f"{name}.intermediate.dense.weight")
    inner = graph.add("MatMul", [state, wide], f"{name}.wide")
    bias = graph.weight(f"{name}.intermediate.dense.bias")
    inner = _activation(graph, source.activation, [inner, bias], f"{name}.active")
    return _output(graph, source, f"{name}.output", inner, state)


def _packed(graph: _Graph, name: str) -> list[str]:
    """Query, key and value side by side: (H, 3H) and (3H,)."""
    parts = ("query", "key", "value")
    weights = [graph.read(f"{name}.{part}.weight").T for part in parts]
    biases = [graph.read(f"{name}.{part}.bias") for part in parts]
    return [
        graph.constant(f"{name}.qkv.weight", np.concatenate(weights, axis=1)),
        graph.constant(f"{name}.qkv.bias", np.concatenate(biases)),
    ]


def _output(graph: _Graph, source: Source, name: str, inner: str, skip: str) -> str:
    """norm(dense(inner) + skip)."""
    product = graph.add("MatMul", [inner, graph.matrix(f"{name}.dense.weight")], f"{name}.product")
    norm = _norm(graph, f"{name}.LayerNorm")
    bias = graph.weight(f"{name}.dense.bias")
    return graph.fused(
        "SkipLayerNormalization",
        [product, skip, *norm, bias],
        f"{name}.state",
        epsilon=source.epsilon,
    )


def _activation(graph: _Graph, name: str, inputs: list[str], output: str) -> str:
    if name == "relu":
        return graph.add("Relu", [graph.add("Add", inputs, f"{output}.sum")], output)
    # BiasGelu is exact (erf), FastGelu the tanh approximation.
    return graph.fused("BiasGelu" if name == "gelu" else "FastGelu", inputs, output)


def _pool(graph: _Graph, pooling: str, state: str) -> None:
    """(B, L, H) to (B, H), of length 1."""
    graph.constant("one", np.array([1], np.int64))
    if pooling == "cls":
        graph.constant("first", np.array(0, np.int64))
        graph.add("Gather", [state, "first"], "pooled", axis=1)
    else:
        graph.add("Cast", ["attention_mask"], "weight", to=1)
        graph.add("Unsqueeze", ["weight", graph.constant("last", np.array([2], np.int64))], "kept")
        graph.add("Mul", [state, "kept"], "masked")
        # The sum is enough: the length is divided out next.
        graph.add("ReduceSum", ["masked", "one"], "pooled", keepdims=0)
    graph.add("ReduceL2", ["pooled"], "norm", axes=[1], keepdims=1)
    graph.add("Max", ["norm", graph.constant("tiny", np.array([1e-12], np.float32))], "divisor")
    graph.add("Div", ["pooled", "divisor"], "embedding")
