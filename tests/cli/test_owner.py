"""One process owns a data directory; the others are told which."""

import errno
import json
import os
import signal
from pathlib import Path

import pytest

from loci.server.errors import StoreBusy, StoreError, StoreFull, StoreReadOnly
from loci.server.home import LOCK, current_owner, owned

from .conftest import Loci, Serving


def test_a_second_process_is_refused_and_told_who_owns_it(
    loci: Loci, serving: Serving, home: Path
) -> None:
    command = "loci stdio --in-process"
    with serving("--in-process") as server:
        for verb, code in ((["ls"], 4), (["stdio"], 1), (["stdio", "--in-process"], 4)):
            said = loci(*verb, code=code).stderr
            assert said.startswith(f"loci: {home} is in use by `{command}` (process {server.pid}, ")
            assert said.endswith("). Close it, or use another --home.\n")
        owner = json.loads((home / LOCK).read_text(encoding="utf-8"))
        assert owner["pid"] == server.pid
        assert owner["command"] == command


def test_a_daemon_serves_another_client_and_lets_nobody_else_own_the_directory(
    loci: Loci, serving: Serving, home: Path
) -> None:
    with serving(), serving() as second:
        owner = current_owner(home)
        assert owner is not None
        assert owner.command == "loci daemon"
        said = loci("stdio", "--in-process", code=4).stderr
        assert said.startswith(f"loci: {home} is in use by `loci daemon` (process {owner.pid}, ")
        assert current_owner(home) == owner
        assert second.poll() is None


def test_a_killed_owner_leaves_the_directory_free(loci: Loci, serving: Serving, home: Path) -> None:
    with serving("--in-process") as server:
        os.kill(server.pid, signal.SIGKILL)
        server.wait()
        assert str(server.pid) in (home / LOCK).read_text(encoding="utf-8")
        loci("remember", "after the crash")
    assert (home / LOCK).read_text(encoding="utf-8") == ""


def test_sigterm_ends_the_server_in_order(serving: Serving, home: Path) -> None:
    with serving("--in-process") as server:
        server.send_signal(signal.SIGTERM)
        assert server.wait(10) == 0
        assert server.stderr is not None
        assert server.stderr.read() == b""
    assert (home / LOCK).read_text(encoding="utf-8") == ""


def test_the_directory_is_the_users_alone(loci: Loci, home: Path) -> None:
    loci("remember", "private")
    assert home.stat().st_mode & 0o777 == 0o700
    for file in home.iterdir():
        assert file.stat().st_mode & 0o077 == 0, file


def test_the_lock_is_given_back(tmp_path: Path) -> None:
    with owned(tmp_path, "loci one"):
        owner = current_owner(tmp_path)
        assert owner is not None
        assert (owner.pid, owner.command) == (os.getpid(), "loci one")
        with pytest.raises(StoreBusy, match="in use by `loci one`"), owned(tmp_path, "loci two"):
            pass
    assert current_owner(tmp_path) is None
    with owned(tmp_path, "loci two"):
        pass


def test_a_lock_file_left_behind_stands_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / LOCK).write_text("{damaged", encoding="utf-8")
    with owned(tmp_path, "loci"):
        pass


def test_an_owner_that_has_not_written_yet_is_another_process(tmp_path: Path) -> None:
    with owned(tmp_path, "loci"):
        os.truncate(tmp_path / LOCK, 0)
        with pytest.raises(StoreBusy, match="in use by another process"), owned(tmp_path, "loci"):
            pass


@pytest.mark.parametrize(
    ("number", "kind", "said"),
    [
        (errno.EROFS, StoreReadOnly, "cannot be written"),
        (errno.EACCES, StoreReadOnly, "cannot be written"),
        (errno.ENOSPC, StoreFull, "The disk is full"),
        (errno.EDQUOT, StoreFull, "The disk is full"),
    ],
)
def test_a_directory_that_cannot_be_written_says_so(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    kind: type[StoreError],
    said: str,
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        with pytest.raises(kind, match=said), owned(tmp_path, "loci"):
            pass
        patch.undo()
        patch.setattr(os, "write", refuse)
        with pytest.raises(kind, match=said), owned(tmp_path, "loci"):
            pass
    assert current_owner(tmp_path) is None


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="needs a file system nobody may write")
def test_a_read_only_directory_is_refused_at_the_shell(loci: Loci) -> None:
    for verb in (["remember", "x"], ["stdio", "--in-process"], ["stdio"]):
        said = loci(*verb, "--home", "/proc/self/loci", code=1).stderr
        assert "he data directory cannot be " in said
        assert said.count("\n") == 1


def test_a_file_is_no_directory(loci: Loci, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    said = loci("ls", "--home", "file", code=1).stderr
    assert "The data directory is a file" in said
    assert "The data directory is a file" in loci("ls", "--home", "file/below", code=1).stderr
