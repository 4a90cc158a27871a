"""A compiled model is checked before it is used, and its runners share their work fairly."""

import hashlib
import importlib.resources
import json
import shutil
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import anyio
import pytest

from loci.server.embedding import CompiledEmbedder, Manifest, shipped
from loci.server.embedding.runners import Runners
from loci.server.errors import ModelError

pytestmark = pytest.mark.anyio

SHIPPED = Path(str(importlib.resources.files("loci.server.embedding"))) / "minilm"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the shipped model, to damage."""
    return Path(shutil.copytree(SHIPPED, tmp_path / "model"))


def test_the_identity_is_known_without_a_model_library() -> None:
    asked = (
        "import sys; from loci.server.embedding import shipped;"
        " e = shipped(); assert e.dimension == 384;"
        " assert not {'onnxruntime', 'tokenizers', 'onnx', 'torch'} & set(sys.modules);"
        " sys.stdout.write(e.identity)"
    )
    found = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, encoding="utf-8", check=True, timeout=30
    )
    assert found.stdout == shipped().identity
    assert found.stdout.startswith("all-MiniLM-L6-v2/int8/")


def test_the_shipped_folder_says_where_it_is_from() -> None:
    assert "Apache License" in (SHIPPED / "LICENSE").read_text(encoding="utf-8")
    assert "sentence-transformers/all-MiniLM-L6-v2" in (SHIPPED / "README.md").read_text(
        encoding="utf-8"
    )
    manifest = Manifest.read(SHIPPED)
    assert manifest.source_sha256.startswith("53aa51172d142c89")
    assert (manifest.window, manifest.pooling, manifest.quantization) == (256, "mean", "int8")


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
async def test_a_damaged_file_is_refused(folder: Path, name: str) -> None:
    content = bytearray((folder / name).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(ModelError, match=rf"{name} is damaged"):
        await CompiledEmbedder(folder).load()


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json"])
async def test_a_missing_file_is_refused(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(ModelError, match=rf"{name} .* cannot be read"):
        await CompiledEmbedder(folder).load()


async def test_a_graph_that_onnxruntime_cannot_use_is_refused(folder: Path) -> None:
    (folder / "model.onnx").write_bytes(b"not a graph")
    fields = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    fields["model_sha256"] = hashlib.sha256(b"not a graph").hexdigest()
    (folder / "manifest.json").write_text(json.dumps(fields), encoding="utf-8")
    with pytest.raises(ModelError, match="onnxruntime cannot use"):
        await CompiledEmbedder(folder).load()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("not json", "damaged"),
        ("[]", "damaged"),
        ("{}", "damaged"),
        ('{"format": 1, "name": "x"}', "damaged"),
        ('{"format": 1, "dimension": "x"}', "damaged"),
        ('{"format": 99}', "another Loci"),
    ],
)
def test_a_damaged_manifest_is_refused(folder: Path, content: str, told: str) -> None:
    (folder / "manifest.json").write_text(content, encoding="utf-8")
    with pytest.raises(ModelError, match=told):
        CompiledEmbedder(folder)


def test_a_folder_without_a_manifest_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="loci models compile"):
        CompiledEmbedder(tmp_path)


async def test_a_model_can_be_read_out_of_an_archive(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "model.zip", "w") as archive:
        for path in SHIPPED.iterdir():
            archive.write(path, f"model/{path.name}")
    with zipfile.ZipFile(tmp_path / "model.zip") as archive:
        embedder = CompiledEmbedder(zipfile.Path(archive, "model/"))
        found = await embedder.embed_query("hello")
    assert found.shape == (1, 384)
    await embedder.aclose()


async def test_near_texts_are_near() -> None:
    embedder = shipped()
    near, far = await embedder.embed_documents(
        ["We ship the release on Friday.", "My cat prefers tuna to chicken."]
    )
    [query] = await embedder.embed_query("When is the release?")
    assert query @ near > 0.5
    assert query @ far < 0.2
    await embedder.aclose()


async def test_work_is_spread_and_its_order_kept() -> None:
    both = threading.Barrier(2, timeout=5)

    def work(item: int) -> int:
        if item < 2:
            both.wait()  # passes only when two threads are in here
        return item * item

    with anyio.fail_after(10):
        assert await Runners(2).each(work, range(100)) == [item * item for item in range(100)]
        assert await Runners(2).each(work, []) == []


async def test_the_first_failure_is_raised_as_it_is() -> None:
    def work(item: int) -> int:
        if item == 3:
            raise ModelError("three")
        return item

    with pytest.raises(ModelError, match="three"):
        await Runners(2).each(work, range(10))


async def test_urgent_work_does_not_wait_for_a_batch() -> None:
    release = threading.Event()
    runners = Runners(1)

    def wait(item: int) -> bool:
        return release.wait(5)

    async def batch() -> None:
        assert await runners.each(wait, range(3)) == [True] * 3

    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            group.start_soon(batch)
            await anyio.wait_all_tasks_blocked()
            await runners.one(release.set)


async def test_a_closed_embedder_says_so() -> None:
    embedder = shipped()
    await embedder.aclose()
    with pytest.raises(ModelError, match="closed"):
        await embedder.embed_query("hello")
