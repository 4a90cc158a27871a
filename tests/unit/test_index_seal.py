"""A sealed directory is taken as it was sealed, or not at all."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loci.server.errors import IndexDamaged, IndexFailed
from loci.server.index.seal import SEAL, Seal, copy_sealed, read_seal, stamps, verify, write_seal

DATA = os.urandom(3_000_000)


@pytest.fixture
def sealed(tmp_path: Path) -> Path:
    """A directory with files at two levels, sealed."""
    folder = tmp_path / "generation"
    (folder / "segment").mkdir(parents=True)
    (folder / "segment" / "data.bin").write_bytes(DATA)
    (folder / "segment" / "empty.bin").touch()
    (folder / "base.db").write_bytes(b"abc")
    seal(folder)
    return folder


def seal(folder: Path) -> Seal:
    samples = ((7, (0.25, -1.0)),)
    return write_seal(folder, identity="mine", sequence=41, count=2, dead=1, samples=samples)


def test_a_sealed_directory_is_copied_whole_without_its_seal(sealed: Path, tmp_path: Path) -> None:
    told = copy_sealed(sealed, tmp_path / "copy")
    assert told == read_seal(sealed) == verify(sealed)
    assert (told.identity, told.sequence, told.count, told.dead) == ("mine", 41, 2, 1)
    assert told.samples == ((7, (0.25, -1.0)),)
    assert (tmp_path / "copy" / "segment" / "data.bin").read_bytes() == DATA
    assert (tmp_path / "copy" / "segment" / "empty.bin").read_bytes() == b""
    assert not (tmp_path / "copy" / SEAL).exists()


def truncate(folder: Path) -> None:
    os.truncate(folder / "segment" / "data.bin", 2_999_999)


def blow_up(folder: Path) -> None:
    os.truncate(folder / "segment" / "data.bin", 100 << 30)


def remove(folder: Path) -> None:
    (folder / "base.db").unlink()


def add(folder: Path) -> None:
    (folder / "segment" / "more.bin").write_bytes(b"x")


def lose_the_seal(folder: Path) -> None:
    (folder / SEAL).unlink()


def empty_the_seal(folder: Path) -> None:
    (folder / SEAL).write_bytes(b"")


def blow_up_the_seal(folder: Path) -> None:
    os.truncate(folder / SEAL, 100 << 30)


def forge_the_seal(folder: Path) -> None:
    told = (folder / SEAL).read_text(encoding="utf-8")
    (folder / SEAL).write_text(told.replace('"sequence": 41', '"sequence": 42'), encoding="utf-8")


def make_a_file_a_folder(folder: Path) -> None:
    (folder / "base.db").unlink()
    (folder / "base.db").mkdir()


def lose_everything(folder: Path) -> None:
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    "damage",
    [
        truncate,
        blow_up,
        remove,
        add,
        lose_the_seal,
        empty_the_seal,
        blow_up_the_seal,
        forge_the_seal,
        make_a_file_a_folder,
        lose_everything,
    ],
)
def test_a_changed_directory_is_refused(
    sealed: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    damage(sealed)
    with pytest.raises(IndexDamaged):
        verify(sealed)
    with pytest.raises(IndexDamaged):
        copy_sealed(sealed, tmp_path / "copy")


@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(place=st.integers(0, len(DATA) * 8 - 1))
def test_one_flipped_bit_anywhere_is_noticed(sealed: Path, place: int) -> None:
    def flip() -> None:
        with (sealed / "segment" / "data.bin").open("rb+") as file:
            file.seek(place // 8)
            (byte,) = file.read(1)
            file.seek(place // 8)
            file.write(bytes([byte ^ 1 << place % 8]))

    flip()
    with pytest.raises(IndexDamaged, match=r"data\.bin"):
        verify(sealed)
    flip()
    verify(sealed)


@pytest.mark.parametrize("links", [True, False])
def test_files_that_are_not_written_to_are_shared_where_that_can_be_done(
    sealed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, links: bool
) -> None:
    if not links:
        monkeypatch.setattr(os, "link", refused)
    copy = tmp_path / "copy"
    copy_sealed(sealed, copy, linked=lambda _: (".bin",))
    assert (copy / "segment" / "data.bin").samefile(sealed / "segment" / "data.bin") is links
    assert not (copy / "base.db").samefile(sealed / "base.db")
    assert (copy / "segment" / "data.bin").read_bytes() == DATA


def refused(*_: object) -> None:
    raise PermissionError


def test_a_shared_file_is_checked_like_a_copied_one(sealed: Path, tmp_path: Path) -> None:
    with (sealed / "segment" / "data.bin").open("rb+") as file:
        file.write(bytes([DATA[0] ^ 1]))
    with pytest.raises(IndexDamaged, match=r"data\.bin"):
        copy_sealed(sealed, tmp_path / "copy", linked=lambda _: (".bin",))


def test_stamps_tell_that_a_file_was_written_to(sealed: Path) -> None:
    before = stamps(sealed)
    assert stamps(sealed) == before
    os.utime(sealed / "base.db", ns=(0, before["base.db"] + 1))
    assert stamps(sealed) != before


def test_a_copy_that_cannot_be_written_is_no_fault_of_the_original(
    sealed: Path, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_bytes(b"a file")
    with pytest.raises(IndexFailed) as failure:
        copy_sealed(sealed, tmp_path / "taken")
    assert not isinstance(failure.value, IndexDamaged)
    verify(sealed)


def test_sealing_again_tells_what_is_there_now(sealed: Path) -> None:
    add(sealed)
    seal(sealed)
    assert set(verify(sealed).files) == {
        "base.db",
        "segment/data.bin",
        "segment/empty.bin",
        "segment/more.bin",
    }
