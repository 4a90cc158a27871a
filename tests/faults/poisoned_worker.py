"""The index worker, except that it dies over any collection beside which a file `poison` lies."""

import ctypes

from loci.server.index import process
from loci.server.index.collections import Collection
from loci.server.index.places import Address, Folder

healthy = process.opened


def opened(address: Address, create: bool) -> Collection:
    if isinstance(address.place, Folder) and (address.place.path / "poison").exists():
        ctypes.string_at(0)
    return healthy(address, create)


if __name__ == "__main__":
    process.opened = opened
    process.main()
