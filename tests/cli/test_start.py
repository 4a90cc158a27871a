"""What a start costs: the handshake waits for no library that it does not need."""

import json
import subprocess
import sys

from .conftest import INITIALIZE, Serving

LATE = "typer rich sqlalchemy alembic numpy onnxruntime tokenizers tiktoken structlog"

PROBE = """
import json, sys
import loci.server.app as app
start = app.App.start
def probe(self):
    sys.stderr.write("MODULES " + json.dumps(sorted(sys.modules)) + "\\n")
    start(self)
app.App.start = probe
sys.argv = ["loci", "stdio", "--in-process"]
from loci.server.cli import main
main()
"""


def test_the_handshake_waits_for_no_heavy_library(environment: dict[str, str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROBE],
        input=json.dumps(INITIALIZE) + "\n",
        capture_output=True,
        env=environment,
        encoding="utf-8",
        timeout=60,
        check=True,
    )
    answer = json.loads(done.stdout)
    assert answer["result"]["serverInfo"]["name"] == "loci"
    seen = next(line for line in done.stderr.splitlines() if line.startswith("MODULES "))
    modules = set(json.loads(seen.removeprefix("MODULES ")))
    assert modules & set(LATE.split()) == set()


def test_the_store_is_opened_behind_the_handshake(serving: Serving) -> None:
    call = {"name": "recall", "arguments": {"query": ""}}
    lines = [
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call},
    ]
    with serving("--in-process") as server:
        assert server.stdin is not None
        assert server.stdout is not None
        assert server.stderr is not None
        server.stdin.write("".join(json.dumps(line) + "\n" for line in lines).encode())
        server.stdin.flush()
        answer = json.loads(server.stdout.readline())
        assert answer["result"]["structuredContent"]["recollections"] == []
        server.stdin.close()
        assert server.stderr.read() == b""


def test_the_version_needs_no_library() -> None:
    code = "import sys; sys.argv = ['loci', '--version']\nfrom loci.server.cli import main\n"
    end = "try: main()\nexcept SystemExit: print(*sys.modules)"
    command = [sys.executable, "-c", code + end]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=True)
    assert not {"typer", "pydantic", "mcp", "anyio", *LATE.split()} & set(done.stdout.split())
