"""What may stand before a sandbox, in the same event loop: TLS, a proxy that forwards, a proxy that connects.

Everything happens in turns of one loop, so that a test can count them; and what passes may pass in small pieces, one a
turn, so that there are turns to count in a handshake, a request and an answer.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final, cast

WHOLE: Final = 1 << 20  # bytes in a piece: as they come
_TUNNEL: Final = b"HTTP/1.1 200 Connection established\r\n\r\n"
Address = tuple[str, int]


class _End(asyncio.Protocol):
    """One end of a relay: what it hears goes out at the other, as does its end."""

    def __init__(self, front: Front) -> None:
        self.transport: asyncio.Transport | None = None
        self.other: _End | None = None
        self._front = front
        self._unsent = b""
        self._is_pumping = False
        self._is_ending = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self._front.ends.add(self)
        self._pump()

    def data_received(self, data: bytes) -> None:
        if self.other is not None:
            self.other.write(data)

    def connection_lost(self, _error: Exception | None) -> None:
        self._front.ends.discard(self)
        if self.other is not None:
            self.other.end()

    def write(self, data: bytes) -> None:
        """Send something, as soon as the connection is there."""
        self._unsent += data
        if not self._is_pumping:
            self._pump()

    def end(self) -> None:
        """End the connection when all was sent."""
        self._is_ending = True
        if not self._is_pumping:
            self._pump()

    def _pump(self) -> None:
        self._is_pumping = False
        if self.transport is None:
            return
        if self._unsent:
            piece, self._unsent = self._unsent[: self._front.piece], self._unsent[self._front.piece :]
            self.transport.write(piece)
            self._is_pumping = True
            asyncio.get_running_loop().call_soon(self._pump)
        elif self._is_ending:
            self.transport.close()


class _Incoming(_End):
    """The end that a client has connected to."""

    def __init__(self, front: Front) -> None:
        super().__init__(front)
        self._head: bytes | None = b"" if front.answers_connect else None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.other = _End(self._front)
        self.other.other = self
        super().connection_made(transport)
        self._front.connect(self.other)

    def data_received(self, data: bytes) -> None:
        if self._head is None:
            super().data_received(data)
            return
        self._head += data  # nothing follows a CONNECT before its answer
        if self._head.endswith(b"\r\n\r\n"):
            self._head = None
            self.write(_TUNNEL)


class Front:
    """A port that stands before another.

    Args:
        target: what is behind it.
        piece: bytes that pass in one turn, each way, of each connection; may be changed at any time.
        answers_connect: whether each connection begins with a CONNECT, which is granted whatever it names.
    """

    def __init__(self, target: Address, *, piece: int, answers_connect: bool) -> None:
        self.piece = piece
        self.answers_connect = answers_connect
        self.ends: set[_End] = set()
        self._target = target
        self._connecting: set[asyncio.Task[object]] = set()

    def connect(self, outgoing: _End) -> None:
        """Connect the other end."""
        made = asyncio.get_running_loop().create_connection(lambda: outgoing, *self._target)
        task: asyncio.Task[object] = asyncio.ensure_future(made)
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    async def aclose(self) -> None:
        """End what is left."""
        while self._connecting:
            await asyncio.sleep(0)
        for end in self.ends:
            cast("asyncio.Transport", end.transport).abort()
        while self.ends:
            await asyncio.sleep(0)


def listening() -> socket.socket:
    """Return a socket that listens on loopback; what it accepts sends small pieces at once."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


@asynccontextmanager
async def front(
    target: Address,
    *,
    listener: socket.socket,
    tls: ssl.SSLContext | None = None,
    piece: int = WHOLE,
    answers_connect: bool = False,
) -> AsyncIterator[Front]:
    """Let a listening socket relay to another address; see `Front`. With a context it speaks TLS to its clients."""
    relay = Front(target, piece=piece, answers_connect=answers_connect)
    server = await asyncio.get_running_loop().create_server(lambda: _Incoming(relay), sock=listener, ssl=tls)
    try:
        yield relay
    finally:
        server.close()
        await relay.aclose()
        await server.wait_closed()
