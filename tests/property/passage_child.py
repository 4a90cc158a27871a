"""Runs one passage after another, whose ends are given to it by a test.

Usage: passage_child.py DESCRIPTOR, of a socket. For each passage it is sent three descriptors: what
stands for standard input and output, and the connection to a daemon. It answers `done` or `lost`, and
`more` and how much of the opening is told again when the passage asks for another connection.
"""

import _socket
import os
import socket
import sys

from loci.server.shim.client import Client
from loci.server.shim.passing import Lost, Passage

LENGTH = 12


def say(control: socket.socket, text: str) -> None:
    control.sendall(text.ljust(LENGTH).encode())


class Scripted(Client):
    """Has connections from the test."""

    def __init__(self, control: socket.socket) -> None:
        super().__init__("/", {}, {})
        self._control = control

    def greeted(self, resumed: int = 0) -> _socket.socket:
        say(self._control, f"more {resumed}")
        _, (descriptor,), _, _ = socket.recv_fds(self._control, 1, 1)
        return _socket.socket(fileno=descriptor)


def main(control: socket.socket) -> None:
    nothing = os.open(os.devnull, os.O_RDWR)
    while True:
        word, given, _, _ = socket.recv_fds(control, 1, 3)
        if not word:
            return
        for standard, descriptor in enumerate(given[:2]):
            os.dup2(descriptor, standard)
            os.close(descriptor)
        connection = _socket.socket(fileno=given[2])
        try:
            Passage(connection, Scripted(control)).run()
        except Lost:
            end = "lost"
        else:
            end = "done"
        connection.close()
        os.dup2(nothing, 0)
        os.dup2(nothing, 1)
        say(control, end)


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as given_control:
        main(given_control)
