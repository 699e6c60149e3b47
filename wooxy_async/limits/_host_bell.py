"""Datagrams between the processes of one machine: hints that a slot may be free."""

from __future__ import annotations

import socket
from contextlib import suppress
from pathlib import Path


class Bell:
    """This process's socket, whose name the kernel has chosen, and forgets with the process.

    Where there are no such sockets, nobody is woken, and everybody looks by himself.
    """

    def __init__(self) -> None:
        self._socket = _open()
        self.network = _network()

    @property
    def address(self) -> bytes:
        """Where this process is woken, b"" if it cannot be."""
        name: bytes = b"" if self._socket is None else self._socket.getsockname()
        return name

    def fileno(self) -> int | None:
        """Return what becomes readable when this process is woken, None if nothing does."""
        return None if self._socket is None else self._socket.fileno()

    def wake(self, network: int, address: bytes) -> None:
        """Wake another process, if it is of the same network namespace: each has names of its own."""
        if self._socket is not None and network == self.network:
            with suppress(OSError):  # it is gone, or has enough to read already
                self._socket.sendto(b"", address)

    def drain(self) -> None:
        """Read what has woken this process."""
        with suppress(OSError):  # nothing is left
            while self._socket is not None:
                self._socket.recv(1)

    def close(self) -> None:
        """Be woken no more."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _open() -> socket.socket | None:
    try:
        made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
    except (AttributeError, OSError):  # no Linux
        return None
    try:
        made.bind("")
    except OSError:
        made.close()
        return None
    return made


def _network() -> int:
    try:
        return Path("/proc/self/ns/net").stat().st_ino
    except OSError:
        return 0
