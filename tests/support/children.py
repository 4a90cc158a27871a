"""Processes that tests start in order to end them."""

import os
import subprocess
import sys
from pathlib import Path

__all__ = ["started"]

TESTS = str(Path(__file__).parents[1])


def started(script: Path, *arguments: object) -> subprocess.Popen[bytes]:
    """A script that says something on its standard output, with what tests share at hand."""
    command = [sys.executable, str(script), *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": TESTS}
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, env=environment
    )
