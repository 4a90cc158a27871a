"""The command as a real process, on a directory of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

import pytest
from support.daemons import Home

from loci.server.home import DAEMON, current_owner
from loci.server.settings import FILE
from loci.server.shim.where import STARTING

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}


class Loci(Protocol):
    """Runs `loci` with arguments. Its embedder is the hash unless `env` says otherwise."""

    def __call__(
        self,
        *arguments: str,
        stdin: bytes | str = b"",
        code: int = 0,
        env: Mapping[str, str] = MappingProxyType({}),
    ) -> subprocess.CompletedProcess[str]: ...


class Serving(Protocol):
    """Runs `loci stdio` until the block ends. It has answered its handshake."""

    def __call__(self, *arguments: str) -> AbstractContextManager["subprocess.Popen[bytes]"]: ...


@pytest.fixture
def home(tmp_path: Path) -> Generator[Path]:
    """The data directory. Not made yet. No daemon of the test's directories outlives it, and none may
    have failed in a way that it only logs."""
    yield tmp_path / "memory"
    for lock in tmp_path.rglob(STARTING):
        home = Home(lock.parent)
        home.end()
        assert "Traceback" not in home.log(), home.log()


def configured(home: Path, settings: str = 'embedder = "hash"') -> None:
    """Write a directory's settings, which are a daemon's only ones."""
    home.mkdir(mode=0o700, exist_ok=True)
    (home / FILE).write_text(f"{settings}\n", encoding="utf-8")


@pytest.fixture
def environment(tmp_path: Path, home: Path) -> dict[str, str]:
    """What the command finds: nothing of this machine's user."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "LOCI_HOME": str(home),
        "LOCI_EMBEDDER": "hash",
        "PYTHONWARNINGS": "error",
    }


@pytest.fixture
def loci(environment: dict[str, str], tmp_path: Path) -> Loci:
    def run(
        *arguments: str,
        stdin: bytes | str = b"",
        code: int = 0,
        env: Mapping[str, str] = MappingProxyType({}),
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-m", "loci.server", *arguments],
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            capture_output=True,
            env={**environment, **env},
            cwd=tmp_path,
            timeout=120,
            check=False,
        )
        out, err = done.stdout.decode("utf-8"), done.stderr.decode("utf-8")
        assert done.returncode == code, f"{done.returncode}: {out}\n{err}"
        assert "Traceback" not in err
        return subprocess.CompletedProcess(arguments, done.returncode, out, err)

    return run


@pytest.fixture
def answer(loci: Loci) -> Callable[..., Any]:
    """What a verb answers in JSON."""

    def ask(*arguments: str, **options: Any) -> Any:
        return json.loads(loci(*arguments, "--json", **options).stdout)

    return ask


@pytest.fixture
def daemon(loci: Loci, home: Path) -> int:
    """The process of a daemon that serves the directory, with the hash embedder, and nobody yet."""
    configured(home)
    loci("stdio")
    owner = current_owner(home)
    assert owner is not None
    assert owner.command == DAEMON
    return owner.pid


@pytest.fixture
def serving(environment: dict[str, str], home: Path) -> Serving:
    @contextmanager
    def serve(*arguments: str) -> Generator[subprocess.Popen[bytes]]:
        configured(home)
        command = [sys.executable, "-m", "loci.server", "stdio", *arguments]
        pipe = subprocess.PIPE
        server = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, env=environment)
        with server:
            assert server.stdin is not None
            assert server.stdout is not None
            server.stdin.write(json.dumps(INITIALIZE).encode() + b"\n")
            server.stdin.flush()
            assert b'"result"' in server.stdout.readline()
            yield server
            server.kill()

    return serve
