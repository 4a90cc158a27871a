"""A Chroma server for those suites that need one."""

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real `chroma run`."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    program = [Path(sys.executable).with_name("chroma"), "run", "--host", "127.0.0.1"]
    where = tmp_path_factory.mktemp("server")
    command = [*program, "--port", str(port), "--path", where]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, cwd=where) as process:
        while not listens(port):
            assert process.poll() is None
            time.sleep(0.02)
        yield f"http://127.0.0.1:{port}"
        process.terminate()


def listens(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0
