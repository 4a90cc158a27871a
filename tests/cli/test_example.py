"""The example of the README: two agents' processes share work out over a blackboard."""

import os
import re
import subprocess
import sys
from pathlib import Path

from support.daemons import PATIENCE, a_home

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def example(name: str) -> str:
    return README.partition(f"<!-- example: {name} -->\n```python\n")[2].partition("\n```")[0]


def test_two_agents_share_the_work_out(tmp_path: Path) -> None:
    script = tmp_path / "agent.py"
    script.write_text(example("agent.py"), encoding="utf-8")
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path),
    }
    # Where the data directory is by default: hosts pass no other variables on.
    data = "Library/Application Support" if sys.platform == "darwin" else ".local/share"
    with a_home(tmp_path / data / "loci"):
        agents = [
            subprocess.Popen(
                [sys.executable, str(script), name],
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
            )
            for name in ("ann", "bob")
        ]
        said = [agent.communicate(timeout=PATIENCE) for agent in agents]
    assert [agent.returncode for agent in agents] == [0, 0], said
    done = [line for out, _ in said for line in out.splitlines()]
    # Each task once, whoever did it.
    assert sorted(re.sub(r"^(ann|bob) does ", "", line) for line in done) == [
        f"task/{number}" for number in range(6)
    ]
