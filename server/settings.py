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
from .mind_settings import MindSettings
from .recall_settings import RecallSettings
from .serving_settings import ServingSettings
from .setting_rules import (
    SENTENCE_TRANSFORMERS,
    about,
    embedder_name,
    folder,
    index_place,
    number,
    printable,
)
from .workspace_settings import WorkspaceSettings

__all__ = [
    "FILE",
    "PREFIX",
    "SENTENCE_TRANSFORMERS",
    "Layer",
    "Settings",
    "check",
    "load_settings",
    "settings_table",
    "unknown",
]

FILE = "loci.toml"

PREFIX = "LOCI_"
_FLAGS = ("home", "profile", "tenant", "namespace", "tools", "agent", "host", "port")
_MODEL = ("device", "backend", "truncate_dim", "revision", "query_prompt", "document_prompt")
"""Settings of sentence-transformers alone."""


class Settings(WorkspaceSettings, MindSettings, RecallSettings, ServingSettings):
    """What `load_settings` found. Made directly, it reads nothing: arguments and defaults."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix=PREFIX, env_ignore_empty=True
    )

    home: Annotated[Path, AfterValidator(folder)] = Field(
        default_factory=lambda: platformdirs.user_data_path("loci", appauthor=False),
        description="The data directory: everything that Loci keeps.",
        json_schema_extra={"allowed": "a folder"},
    )
    profile: Literal["embedded", "dev", "prod"] = about(
        "A set of defaults: beside a client, while developing, as a service.",
        "embedded, dev or prod",
        "embedded",
    )
    tenant: Annotated[str, AfterValidator(printable)] = about(
        "Whose memories are served over stdio and at the shell.",
        "1 to 200 printable characters, no ~ at the start",
        "local",
        min_length=1,
        max_length=200,
    )
    namespace: str = about(
        "Where a caller remembers and looks when it names no namespace.",
        "a path such as work/loci, of letters, digits and .-_@",
        "",
        max_length=200,
        pattern=r"^([\w.\-@ ]+(/[\w.\-@ ]+)*)?$",
    )
    tools: Literal["core", "full"] = about(
        "Which tools a client is offered: the most needed, or all.", "core or full", "full"
    )
    agent: Annotated[str, AfterValidator(printable)] | None = about(
        "Who remembers, in the provenance of memories; the client's own name by default.",
        "1 to 100 printable characters, no ~ at the start",
        None,
        min_length=1,
        max_length=100,
    )
    embedder: Annotated[str, AfterValidator(embedder_name)] = about(
        "The embedding model. `hash` is for tests: it knows no meaning.",
        "minilm, hash, the absolute path of a compiled folder, or sentence-transformers:NAME "
        "or sentence-transformers:FOLDER",
        "minilm",
    )
    device: str | None = about(
        "sentence-transformers: where the model runs; its own choice by default.",
        "a device of PyTorch, such as cpu, cuda or mps",
        None,
        min_length=1,
    )
    backend: Literal["torch", "onnx", "openvino"] = about(
        "sentence-transformers: what runs the model.", "torch, onnx or openvino", "torch"
    )
    truncate_dim: int | None = number(
        "sentence-transformers: keep only so many dimensions; all by default.", 8, 65_536, None
    )
    revision: str | None = about(
        "sentence-transformers: the revision of a model on the hub.",
        "a branch, a tag or a commit",
        None,
        min_length=1,
    )
    query_prompt: str | None = about(
        "sentence-transformers: put before each question; the model's own by default.",
        "a text",
        None,
    )
    document_prompt: str | None = about(
        "sentence-transformers: put before each memory; the model's own by default.",
        "a text",
        None,
    )
    threads: int | None = number(
        "Threads of the compiled embedder; as many as cores by default.", 1, 256, None
    )
    index: Annotated[str, AfterValidator(index_place)] = about(
        "The vector index: kept in the data directory, on a Chroma server, or none.",
        "chroma, none, or the address of a Chroma server such as http://127.0.0.1:8000",
        "chroma",
    )
    exact_up_to: int = number(
        "Vectors of a tenant that are searched in memory; more are sought in the index.",
        0,
        1_000_000,
        200_000,
    )
    vectors_mb: int = number(
        "Megabytes of vectors held in memory for that, of all tenants; half for those with more than 20,000"
        " (two with 100,000), which keep their place until the server ends.",
        1,
        65_536,
        512,
    )
    max_content: int = number("Characters of one memory at the most.", 100, 1_000_000, 50_000)
    max_batch: int = number("Memories in one call at the most.", 1, 100, 100)
    idle_seconds: int = number(
        "How long the daemon stays when no client is connected.", 1, 1_000_000, 600
    )
    secrets: Literal["mask", "refuse", "allow"] = about(
        "What is done with credentials in memories, notes of scratchpads and cells of blackboards.",
        "mask, refuse or allow",
        "mask",
    )
    max_memories: int | None = number(
        "Memories of one tenant, all versions counted.", 1, 1_000_000_000, None
    )
    max_megabytes: int | None = number("Megabytes of one tenant's memories.", 1, 1_000_000, None)
    audit: bool = about(
        "Keep who did what to which memories, without content.", "true or false", False
    )
    log_level: Literal["debug", "info", "warning", "error"] = about(
        "What is logged to stderr; never what is remembered.",
        "debug, info, warning or error",
        "warning",
    )
    log_format: Literal["console", "json"] = about(
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
class Layer:
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
    top = [Layer(given, lambda name: f"--{name}", {}), _environment()]
    home = _merged(top).home
    layers = [*top, _file(home / FILE, {"home": "the file lies in it"})]
    profile = _merged(layers).profile
    package = importlib.resources.files(__name__.partition(".")[0])
    layers.append(_file(package.joinpath("configs", f"{profile}.toml"), {}))
    settings = _merged(layers)
    _check_together(settings, layers)
    return settings


def _environment() -> Layer:
    known = {PREFIX + name.upper(): name for name in Settings.model_fields}
    for variable in sorted(os.environ):
        if variable.upper().startswith(PREFIX) and variable.upper() not in known:
            raise SettingsError(unknown(variable, "the environment", list(known)))
    values = EnvSettingsSource(Settings)()
    return Layer(values, lambda name: f"{PREFIX}{name.upper()} in the environment", {})


def _file(path: Traversable, barred: Mapping[str, str]) -> Layer:
    try:
        values = tomllib.loads(path.read_bytes().decode("utf-8"))
    except (FileNotFoundError, NotADirectoryError):  # a home that is a file is refused later
        values = {}
    except OSError as error:
        raise SettingsError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise SettingsError(f"{path} is not valid TOML in UTF-8: {error}.") from error
    return Layer(values, lambda _: str(path), barred)


def _merged(layers: list[Layer]) -> Settings:
    """The settings of some layers, the first above the others. Raises SettingsError."""
    for layer in layers:
        check(layer)
    return Settings(**ChainMap(*(dict(layer.values) for layer in layers)))


def check(layer: Layer) -> None:
    """Raises SettingsError: a setting of this source is wrong."""
    for name in layer.values:
        if name not in Settings.model_fields:
            raise SettingsError(unknown(name, layer.source(name), list(Settings.model_fields)))
        if why := layer.barred.get(name):
            raise SettingsError(
                f"{name} cannot be set in {layer.source(name)} ({why}): "
                f"use --{name} or {PREFIX}{name.upper()}."
            )
    try:
        Settings(**layer.values)
    except ValidationError as error:
        name = str(error.errors(include_url=False)[0]["loc"][0])
        raise SettingsError(_refusal(name, layer)) from None


def _refusal(name: str, layer: Layer) -> str:
    shown = repr(layer.values[name])
    shown = shown if len(shown) <= 60 else shown[:60] + "…"
    return f"{name}: {shown} (from {layer.source(name)}) is not allowed. Use {_allowed(name)}."


def unknown(name: str, source: str, names: list[str]) -> str:
    """What is said of a setting that does not exist."""
    near = difflib.get_close_matches(name, names, n=1)
    advice = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(names)}."
    return f"{name}: there is no such setting (from {source}). {advice}"


def _check_together(settings: Settings, layers: list[Layer]) -> None:
    if settings.embedder.startswith(SENTENCE_TRANSFORMERS):
        return
    # The reranker runs on a device as well.
    idle = [name for name in _MODEL if name != "device" or settings.reranker is None]
    for layer in layers:
        for name in filter(layer.values.__contains__, idle):
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
    own = Settings.__annotations__.keys()
    for name in sorted(Settings.model_fields, key=lambda name: name not in own):
        field = Settings.model_fields[name]
        default = "the platform's user data directory" if name == "home" else f"`{field.default}`"
        default = "" if field.default in (None, "") else default
        flag = f"`--{name}`" if name in _FLAGS else ""
        cells = f"`{name}`", f"`{PREFIX}{name.upper()}`", flag, default, _allowed(name)
        yield f"| {' | '.join([*cells, field.description or ''])} |"


if __name__ == "__main__":
    sys.stdout.write(settings_table())
