"""`loci models`: the embedding models that are there, and making another."""

from pathlib import Path

from rich.text import Text

from ..embedders import embedder_for
from ..embedding import Manifest, compile_model, shipped
from .ask import Flags
from .output import people, print_json, progress, table

__all__ = ["compile_folder", "list_models"]


def list_models(flags: Flags) -> None:
    """Print the shipped model and, where it is another, the one in use. Raises LociError."""
    settings = flags.settings()
    used = embedder_for(settings)
    rows = [("minilm", shipped().identity, shipped().dimension, settings.embedder == "minilm")]
    if settings.embedder != "minilm":
        rows.append((settings.embedder, used.identity, used.dimension, True))
    if flags.as_json:
        print_json([_row(*row) for row in rows])
        return
    listed = table("embedder", "dimensions", "in use", "identity")
    for name, identity, dimension, in_use in rows:
        listed.add_row(name, str(dimension), "yes" if in_use else "", Text(identity))
    people().print(listed)


def _row(name: str, identity: str, dimension: int, in_use: bool) -> dict[str, object]:
    return {"embedder": name, "identity": identity, "dimension": dimension, "in_use": in_use}


def compile_folder(
    folder: Path, to: Path, name: str | None, *, quantize: bool, as_json: bool
) -> None:
    """Compile a model, with its steps on stderr. Raises LociError."""
    with progress("Compiling", None) as bar:
        manifest = compile_model(
            folder,
            to,
            name=name,
            quantize=quantize,
            progress=lambda step: bar.update(bar.task_ids[0], description=step),
        )
    _report(manifest, to, as_json=as_json)


def _report(manifest: Manifest, to: Path, *, as_json: bool) -> None:
    if as_json:
        print_json({**_facts(manifest), "folder": str(to.absolute())})
        return
    people().print(
        f"Compiled {manifest.identity}, {manifest.dimension} dimensions.", soft_wrap=True
    )
    people().print(f'Use it: embedder = "{to.absolute()}" in loci.toml.', soft_wrap=True)


def _facts(manifest: Manifest) -> dict[str, object]:
    return {"identity": manifest.identity, "dimension": manifest.dimension}
