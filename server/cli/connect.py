"""`loci connect`: writes a client's configuration, after showing what changes."""

import difflib
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, cast

from rich.text import Text

from ..errors import ConfirmationNeeded, InvalidInput, LociError
from ..model import utc_now
from .clients import Client, ClientName, client_named
from .exits import Exit
from .output import people

__all__ = ["connect", "connected", "server_command"]

_NAME = "loci"


def connect(
    name: ClientName, home: Path | None, *, project: bool, yes: bool, only_print: bool
) -> Exit:
    """Write Loci into the client's configuration. Raises LociError; then nothing was written."""
    if project and name != "claude-code":
        raise InvalidInput("--project is for claude-code; other clients have one configuration.")
    client = client_named(name, project=project)
    command = server_command(home)
    if only_print:
        sys.stdout.write(connected(client, "", command))
        return Exit.OK
    before = _read(client.path)
    after = connected(client, before, command)
    if _same(before, after):
        people().print(f"{client.path} has it already.", soft_wrap=True)
        return Exit.OK
    _show(client.path, before, after)
    if not yes and not _confirmed(client.path):
        people().print("Nothing was written.")
        return Exit.FAILED
    copy = _write(client.path, after)
    kept = f" The file as it was: {copy}." if copy else ""
    people().print(f"Written.{kept} {client.then}", soft_wrap=True)
    return Exit.OK


def server_command(home: Path | None) -> list[str]:
    """What a client starts: by absolute paths, for clients have a search path of their own."""
    serve = ["stdio", *(["--home", str(home.expanduser().absolute())] if home else [])]
    here = Path(sys.argv[0])
    beside = Path(sys.executable).parent / ("loci.exe" if sys.platform == "win32" else "loci")
    for script in (here, beside):
        if script.stem == "loci" and script.is_file():
            return [str(script.absolute()), *serve]
    if found := shutil.which("loci"):
        return [str(Path(found).absolute()), *serve]
    return [sys.executable, "-m", "loci.server", *serve]


def connected(client: Client, before: str, command: list[str]) -> str:
    """A configuration with Loci in it. Everything else stays, also what a user added to the entry.

    Raises:
        InvalidInput: it is not the JSON that the client's configuration should be.
    """
    content = _object(client.path, before)
    servers = content.setdefault(client.servers, {})
    if not isinstance(servers, dict):
        raise InvalidInput(f"{client.path}: {client.servers!r} is no object. Correct it by hand.")
    entries = cast("dict[str, Any]", servers)
    old = entries.get(_NAME)
    kept = cast("dict[str, Any]", old) if isinstance(old, dict) else {}
    entries[_NAME] = {**kept, **client.entry(command)}
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _object(path: Path, text: str) -> dict[str, Any]:
    try:
        content = json.loads(text.strip() or "{}", object_pairs_hook=_unique)
    except ValueError as error:
        raise InvalidInput(
            f"{path} is not valid JSON ({error}). Correct it, or add what --print shows by hand."
        ) from error
    if not isinstance(content, dict):
        raise InvalidInput(f"{path} is no JSON object. Correct it by hand.")
    return cast("dict[str, Any]", content)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Raises ValueError for a key that is there twice: writing would lose one of them."""
    content = dict(pairs)
    if len(content) != len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(n for n in names if names.count(n) > 1)!r} is there twice")
    return content


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{path} is not text in UTF-8.") from error
    except OSError as error:
        raise LociError(f"{path} cannot be read: {error.strerror}.") from error


def _same(before: str, after: str) -> bool:
    return bool(before.strip()) and json.loads(before) == json.loads(after)


def _show(path: Path, before: str, after: str) -> None:
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), str(path), str(path), lineterm=""
    )
    colours = {"+": "green", "-": "red", "@": "cyan"}
    for line in lines:
        people().print(Text(line, style=colours.get(line[:1], "")), soft_wrap=True)


def _confirmed(path: Path) -> bool:
    if not sys.stdin.isatty():
        raise ConfirmationNeeded("Repeat with --yes to write it, or with --print to only see it.")
    people().print(f"Write {path}? [y/N] ", end="", soft_wrap=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _write(path: Path, content: str) -> Path | None:
    """Replace the file in one step, and keep a copy of what was there."""
    path = path.resolve()  # a link stays a link
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        copy = _copy(path) if path.exists() else None
        descriptor, scratch = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(content)
        if copy is not None:
            shutil.copymode(copy, scratch)
        Path(scratch).replace(path)
    except OSError as error:
        raise LociError(f"{path} cannot be written: {error.strerror}.") from error
    return copy


def _copy(path: Path) -> Path:
    stamp = f"{utc_now():%Y%m%dT%H%M%S%f}"
    copy = path.with_name(f"{path.name}.before-loci-{stamp}")
    shutil.copy2(path, copy)
    return copy
