"""A server that is killed: it feeds an index until then. Usage: index_parent.py FOLDER. It says the
process id of its worker."""

import os
import sys
from pathlib import Path

import anyio
import numpy as np
import psutil

from loci.server.index import ChromaIndex, Folder, Worker


async def main(folder: Path) -> None:
    async with anyio.create_task_group() as tasks:
        worker = Worker()
        tasks.start_soon(worker.run)
        index = await ChromaIndex.open(worker, Folder(folder), 256, create=True)
        (child,) = psutil.Process().children()
        os.write(1, b"%d\n" % child.pid)
        vectors = np.random.default_rng(1).normal(size=(256, 256)).astype(np.float32)
        for start in range(0, 1 << 30, 256):
            await index.upsert(np.arange(start, start + 256), vectors)


if __name__ == "__main__":
    anyio.run(main, Path(sys.argv[1]))
