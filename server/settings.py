"""Every setting, read once, by the composition root and the command and by nobody else.

    python -m loci.server.settings

prints the table of settings for the documentation.

A later source overrides an earlier one: the defaults, the profile's file (`configs/*.toml`),
`loci.toml` in the data directory, `LOCI_*` in the environment, flags. Each source is checked by
itself, so that a mistake is named where it was made even if another source overrides it.
"""

import difflib
import importlib.resources
import os
import sys
import tomllib
from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import platformdirs
from pydantic import AfterValidator, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from .errors import SettingsError

__all__ = ["FILE", "SENTENCE_TRANSFORMERS", "Settings", "load_settings", "settings_table"]

FILE = "loci.toml"
SENTENCE_TRANSFORMERS = "sentence-transformers:"
"""What the name of an embedder of that extra begins with."""

_PREFIX = "LOCI_"
_FLAGS = ("home", "profile", "tenant", "namespace", "tools")
_MODEL = ("device", "backend", "truncate_dim", "revision", "query_prompt", "document_prompt")
"""Settings of sentence-transformers alone."""


def _folder(path: Path) -> Path:
    return path.expanduser().absolute()


def _embedder(name: str) -> str:
    kind, colon, model = name.partition(":")
    if name in ("minilm", "hash"):
        return name
    if kind + colon == SENTENCE_TRANSFORMERS and model.strip() and not model.startswith("."):
        return kind + colon + str(Path(model).expanduser() if model.startswith("~") else model)
    path = Path(name).expanduser()
    if not path.is_absolute() or not name.isprintable():
        # Clients start servers in folders of their own choice: a relative path means nothing.
        raise ValueError(name)
    return str(path)


def _printable(text: str) -> str:
    if not text.isprintable() or text.startswith("~"):
        raise ValueError(text)
    return text


def _about(description: str, allowed: str, default: Any = ..., **rules: Any) -> Any:
    """A field: what the setting does, and what may be given, in words."""
    extra: dict[str, Any] = {"allowed": allowed}
    return Field(default, description=description, json_schema_extra=extra, **rules)


def _number(description: str, low: float, high: float, default: float | None) -> Any:
    kind = "number" if isinstance(default, float) else "whole number"
    return _about(description, f"a {kind} from {low:,} to {high:,}", default, ge=low, le=high)


class Settings(BaseSettings):
    """What `load_settings` found. Made directly, it reads nothing: arguments and defaults."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix=_PREFIX, env_ignore_empty=True
    )

    home: Annotated[Path, AfterValidator(_folder)] = Field(
        default_factory=lambda: platformdirs.user_data_path("loci", appauthor=False),
        description="The data directory: everything that Loci keeps.",
        json_schema_extra={"allowed": "a folder"},
    )
    profile: Literal["embedded", "dev", "prod"] = _about(
        "A set of defaults: beside a client, while developing, as a service.",
        "embedded, dev or prod",
        "embedded",
    )
    tenant: Annotated[str, AfterValidator(_printable)] = _about(
        "Whose memories are served over stdio and at the shell.",
        "1 to 200 printable characters, no ~ at the start",
        "local",
        min_length=1,
        max_length=200,
    )
    namespace: str = _about(
        "Where a caller remembers and looks when it names no namespace.",
        "a path such as work/loci, of letters, digits and .-_@",
        "",
        max_length=200,
        pattern=r"^([\w.\-@ ]+(/[\w.\-@ ]+)*)?$",
    )
    tools: Literal["core", "full"] = _about(
        "Which tools a client is offered: the most needed, or all.", "core or full", "full"
    )
    embedder: Annotated[str, AfterValidator(_embedder)] = _about(
        "The embedding model. `hash` is for tests: it knows no meaning.",
        "minilm, hash, the absolute path of a compiled folder, or sentence-transformers:NAME "
        "or sentence-transformers:FOLDER",
        "minilm",
    )
    device: str | None = _about(
        "sentence-transformers: where the model runs; its own choice by default.",
        "a device of PyTorch, such as cpu, cuda or mps",
        None,
        min_length=1,
    )
    backend: Literal["torch", "onnx", "openvino"] = _about(
        "sentence-transformers: what runs the model.", "torch, onnx or openvino", "torch"
    )
    truncate_dim: int | None = _number(
        "sentence-transformers: keep only so many dimensions; all by default.", 8, 65_536, None
    )
    revision: str | None = _about(
        "sentence-transformers: the revision of a model on the hub.",
        "a branch, a tag or a commit",
        None,
        min_length=1,
    )
    query_prompt: str | None = _about(
        "sentence-transformers: put before each question; the model's own by default.",
        "a text",
        None,
    )
    document_prompt: str | None = _about(
        "sentence-transformers: put before each memory; the model's own by default.",
        "a text",
        None,
    )
    threads: int | None = _number(
        "Threads of the compiled embedder; as many as cores by default.", 1, 256, None
    )
    max_content: int = _number("Characters of one memory at the most.", 100, 1_000_000, 50_000)
    max_batch: int = _number("Memories in one call at the most.", 1, 100, 100)
    restore_days: int = _number("How long a deleted memory can be restored.", 1, 3650, 30)
    hot_tokens: int = _number("The hot tier's budget in tokens.", 100, 100_000, 1500)
    similar_from: float = _number(
        "Cosine from which an older memory is reported as similar.", 0, 1, 0.8
    )
    log_level: Literal["debug", "info", "warning", "error"] = _about(
        "What is logged to stderr; never what is remembered.",
        "debug, info, warning or error",
        "warning",
    )
    log_format: Literal["console", "json"] = _about(
        "How it is logged: lines for people, or one JSON object each.", "console or json", "console"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """`load_settings` reads the sources, to know what came from where."""
        return (init_settings,)


@dataclass(frozen=True, slots=True)
class _Layer:
    """What one source says."""

    values: Mapping[str, Any]
    source: Callable[[str], str]
    """Names the source of a setting."""
    barred: Mapping[str, str]
    """Settings that it cannot give, and why."""


def load_settings(flags: Mapping[str, object] | None = None) -> Settings:
    """Read all sources. `flags` are those that were given, by the setting's name; None is not given.

    Raises:
        SettingsError: a setting is wrong; the text names it, its source and what is allowed.
    """
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    top = [_Layer(given, lambda name: f"--{name}", {}), _environment()]
    home = _merged(top).home
    layers = [*top, _file(home / FILE, {"home": "the file lies in it"})]
    profile = _merged(layers).profile
    package = importlib.resources.files(__name__.partition(".")[0])
    layers.append(_file(package.joinpath("configs", f"{profile}.toml"), {}))
    settings = _merged(layers)
    _check_together(settings, layers)
    return settings


def _environment() -> _Layer:
    known = {_PREFIX + name.upper(): name for name in Settings.model_fields}
    for variable in sorted(os.environ):
        if variable.upper().startswith(_PREFIX) and variable.upper() not in known:
            raise SettingsError(_unknown(variable, "the environment", list(known)))
    values = EnvSettingsSource(Settings)()
    return _Layer(values, lambda name: f"{_PREFIX}{name.upper()} in the environment", {})


def _file(path: Traversable, barred: Mapping[str, str]) -> _Layer:
    try:
        values = tomllib.loads(path.read_bytes().decode("utf-8"))
    except (FileNotFoundError, NotADirectoryError):  # a home that is a file is refused later
        values = {}
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise SettingsError(f"{path} is not valid TOML in UTF-8: {error}.") from error
    return _Layer(values, lambda _: str(path), barred)


def _merged(layers: list[_Layer]) -> Settings:
    """The settings of some layers, the first above the others. Raises SettingsError."""
    for layer in layers:
        _check(layer)
    return Settings(**ChainMap(*(dict(layer.values) for layer in layers)))


def _check(layer: _Layer) -> None:
    for name in layer.values:
        if name not in Settings.model_fields:
            raise SettingsError(_unknown(name, layer.source(name), list(Settings.model_fields)))
        if why := layer.barred.get(name):
            raise SettingsError(
                f"{name} cannot be set in {layer.source(name)} ({why}): "
                f"use --{name} or {_PREFIX}{name.upper()}."
            )
    try:
        Settings(**layer.values)
    except ValidationError as error:
        name = str(error.errors(include_url=False)[0]["loc"][0])
        raise SettingsError(_refusal(name, layer)) from None


def _refusal(name: str, layer: _Layer) -> str:
    shown = repr(layer.values[name])
    shown = shown if len(shown) <= 60 else shown[:60] + "…"
    return f"{name}: {shown} (from {layer.source(name)}) is not allowed. Use {_allowed(name)}."


def _unknown(name: str, source: str, names: list[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1)
    advice = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(names)}."
    return f"{name}: there is no such setting (from {source}). {advice}"


def _check_together(settings: Settings, layers: list[_Layer]) -> None:
    if settings.embedder.startswith(SENTENCE_TRANSFORMERS):
        return
    for layer in layers:
        for name in filter(layer.values.__contains__, _MODEL):
            raise SettingsError(
                f"{name} (from {layer.source(name)}) has no effect on the embedder "
                f"{settings.embedder}. Leave it out, or set embedder to "
                f"{SENTENCE_TRANSFORMERS}NAME."
            )


def _allowed(name: str) -> str:
    extra = cast("Mapping[str, str]", Settings.model_fields[name].json_schema_extra)
    return extra["allowed"]


def settings_table() -> str:
    """All settings as a markdown table."""
    return "\n".join(_rows()) + "\n"


def _rows() -> Iterator[str]:
    yield "| setting | environment | flag | default | allowed | what it does |"
    yield "|---|---|---|---|---|---|"
    for name, field in Settings.model_fields.items():
        default = "the platform's user data directory" if name == "home" else f"`{field.default}`"
        default = "" if field.default in (None, "") else default
        flag = f"`--{name}`" if name in _FLAGS else ""
        cells = f"`{name}`", f"`{_PREFIX}{name.upper()}`", flag, default, _allowed(name)
        yield f"| {' | '.join([*cells, field.description or ''])} |"


if __name__ == "__main__":
    sys.stdout.write(settings_table())
