"""Starting the daemon: one for each data directory, however many start it, wherever that is."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Generator
from pathlib import Path

import anyio
import pytest
from support.daemons import SHIM, Home, a_home, ending, environment, until

from loci.server.shim.where import SOCKET

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

CLIENTS = 20
NOBODY = 65534
# Who may not even read what Python is made of: all that is needed is imported before.
AS_NOBODY = f"""
import os
import loci.server.cli, loci.server.shim.command
os.setgid({NOBODY})
os.setuid({NOBODY})
loci.server.cli.main()
"""


@pytest.fixture
def home(tmp_path: Path) -> Generator[Home]:
    with a_home(tmp_path / "home") as home:
        yield home


async def test_of_20_cold_starts_at_once_one_starts_the_daemon_and_all_are_served(
    home: Home,
) -> None:
    served = [anyio.Event() for _ in range(CLIENTS)]
    seen: list[int] = []
    finish = anyio.Event()

    async def start(number: int) -> None:
        era = "modern" if number % 2 else "legacy"
        async with home.client(era=era) as wire:
            await wire.result(1, "remember", content=f"I am number {number}.")
            seen.append(home.pid())
            served[number].set()
            await finish.wait()
            await wire.end()
            assert await wire.ended() == (0, "")

    async with anyio.create_task_group() as tasks:
        for number in range(CLIENTS):
            tasks.start_soon(start, number)
        for one in served:
            await one.wait()
        (daemon,) = home.daemons()
        assert set(seen) == {daemon.pid}
        status = home.status()
        assert (status["pid"], len(status["clients"])) == (daemon.pid, CLIENTS)
        async with home.client() as wire:
            found = Counter(await wire.contents())
        assert found == Counter(f"I am number {number}." for number in range(CLIENTS))
        finish.set()


async def test_the_daemon_is_nobodys_child_and_outlives_who_started_it(home: Home) -> None:
    async with home.client() as wire:
        (daemon,) = home.daemons()
        assert os.getsid(daemon.pid) != os.getsid(0)
        assert wire.process.pid not in {one.pid for one in daemon.parents()}
        wire.process.kill()
        await wire.process.wait()
    async with home.client():
        assert home.pid() == daemon.pid


async def test_directory_and_socket_are_the_users_alone(tmp_path: Path) -> None:
    with a_home(tmp_path / "home") as home:
        home.path.joinpath("loci.toml").unlink()
        home.path.rmdir()
        async with home.client():
            assert home.path.stat().st_mode & 0o777 == 0o700
            for one in home.path.iterdir():
                assert one.stat().st_mode & 0o077 == 0, one


async def test_two_data_directories_have_two_daemons_and_share_nothing(tmp_path: Path) -> None:
    with a_home(tmp_path / "a") as one, a_home(tmp_path / "b") as other:
        async with one.client() as ada, other.client() as bob:
            await ada.result(1, "remember", content="Ada's.")
            assert await bob.contents() == []
            await bob.result(1, "remember", content="Bob's.")
            assert (await ada.contents(), await bob.contents()) == (["Ada's."], ["Bob's."])
            assert one.pid() != other.pid()
            await one.kill()
            assert await bob.contents(1001) == ["Bob's."]


async def test_a_socket_may_lie_deeper_than_its_name_may_be_long(tmp_path: Path) -> None:
    with a_home(tmp_path / ("deep" * 30) / ("deeper" * 20)) as home:
        assert len(str(home.path / SOCKET)) > 200
        async with home.client() as wire, home.client() as other:
            await wire.result(1, "remember", content="Far down.")
            assert await other.contents() == ["Far down."]
            await home.kill()
            assert await other.contents(1001) == ["Far down."]


def refused(home: Path, command: tuple[str, ...] = SHIM) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*command, "--home", str(home)],
        input='{"jsonrpc":"2.0","id":1,"method":"ping"}\n',
        capture_output=True,
        env=environment({}),
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def said(done: subprocess.CompletedProcess[str]) -> str:
    """The one line that a shim fails with."""
    assert (done.returncode, done.stdout) == (1, ""), done
    (line,) = done.stderr.splitlines()
    assert line.startswith("loci: ")
    return line


def test_a_home_that_is_a_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("here", encoding="utf-8")
    line = said(refused(file))
    assert str(file) in line
    assert line.endswith("or choose another --home.")
    assert file.read_text(encoding="utf-8") == "here"
    assert str(file) in said(refused(file / "below"))


@pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")
def test_a_file_system_that_takes_nothing_is_refused() -> None:
    assert "/proc/loci" in said(refused(Path("/proc/loci")))
    assert "/proc/self" in said(refused(Path("/proc/self")))


def test_a_directory_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o500)
    command = SHIM
    if os.getuid() == 0:  # whom no mode keeps out
        if not reachable(tmp_path):
            pytest.skip("nobody else can come to the temporary folder")
        os.chown(home, NOBODY, NOBODY)
        command = (sys.executable, "-c", AS_NOBODY, "stdio")
    line = said(refused(home, command))
    assert "(Permission denied)" in line
    assert str(home) in line


def reachable(folder: Path) -> bool:
    """Open the way to a folder to others, as far as it is the test's own."""
    for one in (folder, *folder.parents):
        if one.stat().st_mode & 0o001:
            return True
        one.chmod(one.stat().st_mode | 0o011)
    return False


def test_what_the_daemon_refuses_is_said_by_the_shim(tmp_path: Path) -> None:
    with a_home(tmp_path / "home", namepace="work") as home:
        line = said(refused(home.path))
        assert "namepace: there is no such setting" in line
        assert line.endswith("Did you mean namespace?")
        home.path.joinpath("loci.toml").write_text('embedder = "hash"\n', encoding="utf-8")
        assert refused(home.path).returncode == 0


async def test_a_server_in_process_keeps_the_daemon_out_and_is_named(home: Home) -> None:
    async with home.client("--in-process") as wire:
        line = said(refused(home.path))
        assert f"in use by `loci stdio --in-process` (process {wire.process.pid}, " in line
        await until(lambda: home.daemons() == [])
    assert refused(home.path).returncode == 0


async def test_a_daemon_leaves_after_its_idle_time_and_takes_its_socket_along(
    tmp_path: Path,
) -> None:
    with a_home(tmp_path / "home", idle_seconds=1) as home:
        async with ending(await served_by(home)):
            pass
        assert not (home.path / SOCKET).exists()
        await served_by(home)


async def served_by(home: Home) -> int:
    """A client comes and goes. The daemon's id."""
    async with home.client():
        return home.pid()


async def test_no_client_that_comes_while_the_daemon_leaves_is_lost(tmp_path: Path) -> None:
    """Clients come around the moment, on several directories at once."""

    async def come_and_go(home: Home, place: int) -> None:
        for offset in (-0.04, -0.02, 0.0, 0.02):
            async with home.client() as wire:
                await wire.end()
                assert await wire.ended() == (0, "")
            # Not to wait for anything: to hit the moment.
            await anyio.sleep(1 + offset + place * 0.005)
            async with home.client() as wire:
                await wire.ask(1, "ping", {})
                assert await wire.hear() == {"jsonrpc": "2.0", "id": 1, "result": {}}

    with (
        a_home(tmp_path / "a", idle_seconds=1) as a,
        a_home(tmp_path / "b", idle_seconds=1) as b,
        a_home(tmp_path / "c", idle_seconds=1) as c,
    ):
        async with anyio.create_task_group() as tasks:
            for place, home in enumerate((a, b, c)):
                tasks.start_soon(come_and_go, home, place)
