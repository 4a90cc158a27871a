"""Contents of cold memories, compressed with Zstandard (RFC 8878).

Each by itself and without a dictionary: one that was trained on memories would hold pieces of them
after they are erased. What is short stays as it is, for a frame would make it longer.
"""

from collections.abc import Sequence
from typing import Any

import zstandard

__all__ = ["PACKED_FROM", "pack_texts", "plain", "unpack_text"]

PACKED_FROM = 200
"""Characters from which a content is compressed."""
_LEVEL = 9
"""Half a millisecond for the longest content, and nearly what the highest level gains."""


def pack_texts(texts: Sequence[str]) -> list[bytes]:
    """Each text as a frame. Takes its time: call it in a thread."""
    # Not shared: a compressor is no two threads' at once.
    packer = zstandard.ZstdCompressor(level=_LEVEL, write_checksum=True)
    return [packer.compress(text.encode()) for text in texts]


def unpack_text(packed: bytes) -> str:
    """The text in a frame. Raises zstandard.ZstdError for what is none, or is damaged."""
    return zstandard.ZstdDecompressor().decompress(packed).decode()


def plain(rows: Sequence[tuple[Any, ...]], content: int) -> list[tuple[Any, ...]]:
    """Rows whose last cell is the packed content or None, without it, and with the content in its
    place. Takes its time, where there is anything to unpack: call it in a thread."""
    return [
        row[:-1]
        if row[-1] is None
        else (*row[:content], unpack_text(row[-1]), *row[content + 1 : -1])
        for row in rows
    ]
