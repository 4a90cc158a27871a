"""Sealing a directory after its last clean close, and copying a sealed one while checking it.

The seal is a small file: what the directory is (identity), what it holds, and the size and CRC-32 of
every file. It is written last and synced; a directory without one was never finished. Sizes are
compared before anything is read, so that a file blown up to terabytes is found and not read.

Everything here blocks on files: call it in a thread.
"""

import json
import os
import shutil
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, cast

from ..errors import IndexDamaged, IndexFailed

__all__ = [
    "SEAL",
    "Seal",
    "Stamps",
    "copy_sealed",
    "read_seal",
    "stamps",
    "sync_folder",
    "verify",
    "write_seal",
]

SEAL = "seal.json"
_FORMAT = 1
_BLOCK = 1 << 20
_LARGEST = 1 << 22
"""Bytes of a seal at the most."""

Stamps = Mapping[str, int]
"""When each file was last written to, by path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """What a sealed directory is and holds."""

    identity: str
    """Of the index's parameters, the model and the tenant: files of another identity are foreign."""
    sequence: int
    """The ledger's sequence number up to which the index was fed."""
    count: int
    """Vectors in it."""
    dead: int
    """Vectors deleted or replaced since it was built: they still take room in the graph."""
    samples: tuple[tuple[int, tuple[float, ...]], ...]
    """Some ids with their vectors, to be sought when it is opened."""
    files: Mapping[str, tuple[int, int]]
    """Size and CRC-32 of each, by path."""


def write_seal(
    folder: Path,
    *,
    identity: str,
    sequence: int,
    count: int,
    dead: int,
    samples: tuple[tuple[int, tuple[float, ...]], ...],
) -> Seal:
    """Sync every file of a closed directory, and seal it. Raises OSError."""
    files = {name: _synced(folder / name) for name in _names(folder)}
    seal = Seal(
        identity=identity,
        sequence=sequence,
        count=count,
        dead=dead,
        samples=samples,
        files=files,
    )
    body = json.dumps({"format": _FORMAT, **asdict(seal)})
    with (folder / SEAL).open("w", encoding="utf-8") as file:
        file.write(f"{zlib.crc32(body.encode()):08x}\n{body}")
        file.flush()
        os.fsync(file.fileno())
    for parent in [folder, *(one for one in folder.rglob("*") if one.is_dir())]:
        sync_folder(parent)
    return seal


def read_seal(folder: Path) -> Seal:
    """The seal of a directory. Raises IndexDamaged: it has none, or a broken one."""
    try:
        if (folder / SEAL).stat().st_size > _LARGEST:
            raise IndexDamaged("the seal is no seal")
        head, _, body = (folder / SEAL).read_bytes().partition(b"\n")
        content = cast("dict[str, Any]", json.loads(body))
        if head != b"%08x" % zlib.crc32(body) or content.pop("format") != _FORMAT:
            raise IndexDamaged("the seal is broken")
    except FileNotFoundError as error:
        raise IndexDamaged("the index is missing or was never finished") from error
    except (OSError, ValueError) as error:
        raise IndexDamaged(f"the seal cannot be read: {error}") from error
    content["samples"] = tuple((one, tuple(vector)) for one, vector in content["samples"])
    content["files"] = {name: (size, crc) for name, (size, crc) in content["files"].items()}
    return Seal(**{field.name: content[field.name] for field in fields(Seal)})


def verify(folder: Path) -> Seal:
    """Read all of a sealed directory. Raises IndexDamaged: it is not as it was sealed."""
    seal = _expected(folder)
    for name, (_, crc) in seal.files.items():
        _compare(name, _sum(folder / name), crc)
    return seal


def stamps(folder: Path) -> Stamps:
    """The stamps of a directory: while they stay, so does what was checked. Raises IndexDamaged."""
    try:
        return {name: (folder / name).stat().st_mtime_ns for name in _names(folder)}
    except OSError as error:
        raise IndexDamaged(f"the index cannot be read: {error.strerror}") from error


def copy_sealed(
    source: Path,
    target: Path,
    *,
    trusted: bool = False,
    linked: Callable[[Seal], tuple[str, ...]] = lambda _: (),
) -> Seal:
    """Copy a sealed directory, without its seal, into a new one, checking each byte on the way. Of a
    trusted one, which has the stamps with which it was sealed or checked, only names and sizes are
    checked. Files whose names end as `linked` says are not to be written to: they become links, where
    the file system has those.

    Raises:
        IndexDamaged: it is not as it was sealed.
        IndexFailed: the copy cannot be written.
    """
    seal = _expected(source)
    ends = linked(seal)
    for name, (_, crc) in seal.files.items():
        try:
            (target / name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if name.endswith(ends) and _linked(source / name, target / name):
                found = crc if trusted else _sum(target / name)
            elif trusted:
                found = crc
                shutil.copyfile(source / name, target / name)
            else:
                found = _copy(source / name, target / name)
        except OSError as error:
            raise IndexFailed(f"the index cannot be copied: {error.strerror}") from error
        _compare(name, found, crc)
    return seal


def sync_folder(folder: Path) -> None:
    """Make the names in a directory durable. Raises OSError."""
    if os.name == "nt":  # directories cannot be opened there
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _expected(folder: Path) -> Seal:
    """The seal, when the files that it names are all there, with their sizes."""
    seal = read_seal(folder)
    try:
        if set(_names(folder)) != set(seal.files):
            raise IndexDamaged("files came or went after it was sealed")
        for name, (size, _) in seal.files.items():
            found = (folder / name).stat().st_size
            if found != size:
                raise IndexDamaged(f"{name} has {found:,} bytes, not the {size:,} that were sealed")
    except OSError as error:
        raise IndexDamaged(f"the index cannot be read: {error.strerror}") from error
    return seal


def _names(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path != folder / SEAL:
            yield path.relative_to(folder).as_posix()


def _blocks(path: Path) -> Iterator[bytes]:
    """What a file holds. Raises IndexDamaged: it cannot be read."""
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                yield block
    except OSError as error:
        raise IndexDamaged(f"{path.name} cannot be read: {error.strerror}") from error


def _sum(path: Path) -> int:
    crc = 0
    for block in _blocks(path):
        crc = zlib.crc32(block, crc)
    return crc


def _linked(source: Path, target: Path) -> bool:
    """Whether there is a link now. Why not, a copy will tell."""
    try:
        os.link(source, target)
    except OSError:
        return False
    return True


def _copy(source: Path, target: Path) -> int:
    crc = 0
    with target.open("xb") as file:
        for block in _blocks(source):
            file.write(block)
            crc = zlib.crc32(block, crc)
    return crc


def _synced(path: Path) -> tuple[int, int]:
    """Size and CRC-32 of a file, once it is on the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())
    return path.stat().st_size, _sum(path)


def _compare(name: str, found: int, sealed: int) -> None:
    if found != sealed:
        raise IndexDamaged(f"{name} was changed after it was sealed")
