"""What can be known of a sentence-transformers folder without loading its model."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import cast

__all__ = ["digest", "dimension"]

_PROSE = (".md", ".png", ".jpg", ".gif")


def digest(folder: Path) -> str:
    """12 hex digits of sha256 over all files but prose and hidden ones: about 0.5 s a gigabyte."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.suffix not in _PROSE)
    names = {path.relative_to(folder).as_posix(): path for path in files}
    whole = hashlib.sha256()
    for name in sorted(name for name in names if not name.startswith(".") and "/." not in name):
        with names[name].open("rb") as file:
            whole.update(f"{name}\n{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return whole.hexdigest()[:12]


def dimension(folder: Path) -> int | None:
    """The length of the model's vectors, if its modules say it: the last Dense or Pooling does."""
    found = None
    for path in _module_folders(folder):
        config = _config(path / "config.json")
        modes = [key for key in config if key.startswith("pooling_mode_") and config[key] is True]
        named = cast("str | list[str]", config.get("pooling_mode", ""))
        width = config.get("word_embedding_dimension", config.get("embedding_dimension"))
        if isinstance(size := config.get("out_features"), int):
            found = size
        elif isinstance(width, int):
            found = width * max(1, len(named) if isinstance(named, list) else len(modes))
    return found


def _module_folders(folder: Path) -> list[Path]:
    modules = _config(folder / "modules.json")
    # The first module is the transformer, whose config.json is of another kind.
    paths = [cast("Mapping[str, str]", module)["path"] for module in modules][1:]
    return [folder / path for path in paths if path]


def _config(path: Path) -> Mapping[str, object]:
    try:
        return cast("Mapping[str, object]", json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError):  # absent or damaged: then loading the model will tell
        return {}
