"""Turns a sentence-transformers folder into a compiled one, without PyTorch."""

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from ..errors import ModelError
from . import onnx_face
from .graph import build
from .manifest import LICENSE, MANIFEST, MODEL, TOKENIZER, Manifest
from .source import Source

__all__ = ["compile_model"]


def compile_model(
    source: Path,
    target: Path,
    *,
    name: str | None = None,
    quantize: bool = True,
    progress: Callable[[str], None] | None = None,
) -> Manifest:
    """Compile the BERT in the folder `source` to the folder `target`, replacing a compiled one.

    `name` is the model's in its identity, by default that of the folder. The same source, name and
    versions of onnx and onnxruntime give the same bytes. A licence in `source` is taken along; a
    licence and notes (`*.md`) in `target` stay. `progress` hears a line at each step. Blocks for
    seconds: call it in a worker thread.

    Raises:
        ModelError: not a model that can be compiled, the extra `compile` is missing, or the target
            is something else than a compiled folder.
    """
    tell = progress or _silent
    onnx_face.check_installed()
    model = Source.read(source)
    _check_target(target)
    with _replacing(target) as scratch:
        manifest = _write(model, name or source.resolve().name, scratch, quantize, tell)
        for path in [*source.glob(LICENSE), *_kept(target)]:
            shutil.copyfile(path, scratch / path.name)
    tell(f"Compiled {manifest.identity}")
    return manifest


def _silent(line: str) -> None:
    pass


def _write(
    source: Source, name: str, folder: Path, quantize: bool, tell: Callable[[str], None]
) -> Manifest:
    tell(f"Reading {source.weights.name}")
    graph = build(source, onnx_face.read_weights(source.weights))
    if quantize:
        tell("Quantizing to int8")
        graph = onnx_face.quantize(graph, folder / MODEL)
    tell(f"Writing {MODEL}")
    tokenizer = _tokenizer(source)
    (folder / TOKENIZER).write_bytes(tokenizer)
    digest = hashlib.sha256(tokenizer).hexdigest()
    onnx_face.save(graph, folder / MODEL, _properties(source, digest))
    manifest = Manifest(
        name=name,
        dimension=source.hidden,
        window=source.window,
        pooling=source.pooling,
        quantization="int8" if quantize else "fp32",
        query_prompt=source.query_prompt,
        document_prompt=source.document_prompt,
        source_sha256=_sha256(source.weights),
        model_sha256=_sha256(folder / MODEL),
        tokenizer_sha256=digest,
        onnx=onnx_face.version("onnx"),
        onnxruntime=onnx_face.version("onnxruntime"),
    )
    (folder / MANIFEST).write_text(manifest.to_json(), encoding="utf-8")
    return manifest


def _properties(source: Source, tokenizer: str) -> dict[str, str]:
    """All that changes a vector beside the graph, so that the graph's digest covers it."""
    return {
        "window": str(source.window),
        "query_prompt": source.query_prompt,
        "document_prompt": source.document_prompt,
        "tokenizer_sha256": tokenizer,
    }


def _tokenizer(source: Source) -> bytes:
    """`tokenizer.json` with no padding or truncation, and with the lower-casing of the folder."""
    try:
        content = cast("dict[str, Any]", json.loads(source.tokenizer.read_bytes()))
    except ValueError as error:
        raise ModelError(f"{source.tokenizer} is damaged: {error}") from error
    content["truncation"] = content["padding"] = None
    if source.lower_case:
        steps = [{"type": "Lowercase"}, *filter(None, [content.get("normalizer")])]
        content["normalizer"] = {"type": "Sequence", "normalizers": steps}
    return json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_target(target: Path) -> None:
    """Raises:
    ModelError: `target` is there and holds something that no compile has written.
    """
    ours = (MANIFEST, MODEL, TOKENIZER, *(path.name for path in _kept(target)))
    try:
        foreign = [path.name for path in target.iterdir() if path.name not in ours]
    except FileNotFoundError:
        return
    except NotADirectoryError as error:
        raise ModelError(f"{target} is a file: name a folder.") from error
    if foreign:
        raise ModelError(f"{target} holds other files, {min(foreign)}: name an empty folder.")


def _kept(target: Path) -> list[Path]:
    """What a person wrote beside a compiled model."""
    return [*target.glob(LICENSE), *sorted(target.glob("*.md"))]


@contextmanager
def _replacing(target: Path) -> Generator[Path]:
    """A sibling of `target` to write in, which takes its place when all is well."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as folder:
        scratch = Path(folder) / "new"
        scratch.mkdir()
        yield scratch
        if target.exists():
            target.rename(Path(folder) / "old")
        scratch.rename(target)
