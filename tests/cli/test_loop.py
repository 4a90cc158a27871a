"""The loop of commands: who presses Ctrl-C is heard, whenever that is."""

import subprocess
import sys

PRESSED = """
import signal, threading
import anyio
from loci.server.cli.loop import run_loop

def press(now):
    now.wait()
    # Heard by this thread alone: as if it came just before the main thread falls asleep.
    signal.pthread_kill(threading.get_ident(), signal.SIGINT)

async def main():
    now = threading.Event()
    threading.Thread(target=press, args=[now]).start()
    now.set()
    await anyio.sleep_forever()

try:
    run_loop(main)
except KeyboardInterrupt:
    print("heard")
"""


def test_a_signal_wakes_a_loop_that_sleeps() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PRESSED], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout == "heard\n"
